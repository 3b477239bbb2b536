// Linear layers on the tensor cores of sm_90a (wgmma fed by TMA): see gemm.cu for what they compute.
//
// Versions; a stage is 64 deep along K:
//   linear_256x160_wgmma_{f16,bf16}
//       A consumer warpgroup has 128 rows; 3 stages, 177 KB of shared memory. Large products: it needs the
//       fewest bytes for a multiplication.
//   linear_128x160_wgmma_{f16,bf16}
//       A consumer warpgroup has 64 rows; 5 stages, 200 KB. Widths that 160 divides.
//   linear_128x128_wgmma_{f16,bf16}
//       A consumer warpgroup has 64 rows; 6 stages, 212 KB. Other products.
// Rows may come from two matrices, read as if side by side (1x1 convolutions of two sources): depth0 % 64 == 0 then.
// Depths are multiples of 8 and operands 16-byte aligned; any rows and columns. Tensor maps have a 128-byte swizzle,
// zeros outside, and boxes of 64 along K by as many rows of x as a tile has, or by as many rows of the weight as a tile
// has columns; without a second matrix its map is the first's.
//
// Blocks, as many as there are multiprocessors or fewer, take tile blockIdx.x, then every gridDim.x-th. `parts` > 1
// splits K: sums go to `partial: [parts, rows, columns]`, and linear_reduce (gemm.cu) does the rest.
#include "easel/device.cuh"

#if EASEL_HOPPER
#include "easel/epilogue.cuh"
#include "easel/moments.cuh"
#include "easel/staging.cuh"
#include "easel/wgmma_tile.cuh"

using namespace easel;

/// TILES tiles of 64 rows for each consumer.
template <typename T, int TILES, int TILE_N, int STAGES>
struct WgmmaLinear {
    static constexpr int TILE_M = 64 * TILES * CONSUMERS;
    static constexpr int LEFT_BYTES = TILE_M * STAGE_ROW_BYTES;
    static constexpr int STAGE_BYTES = LEFT_BYTES + TILE_N * STAGE_ROW_BYTES;
    static constexpr int SHARED_BYTES = STAGES * STAGE_BYTES + WGMMA_STAGING_BYTES + int(sizeof(Ring<STAGES>));
    /// Tiles are taken in bands of so many rows of tiles, down the columns of a band: what is at work at the same time
    /// shares rows of both operands, which then come from the second-level cache.
    static constexpr int BAND = 8;

    int rows, columns, depth0, depth1, parts;

    /// Tile number `index` of the product, or of one of its parts.
    struct Place {
        int part, row, column;
    };

    static __device__ __forceinline__ int tiles_along(int size, int tile) { return (size + tile - 1) / tile; }

    __device__ __forceinline__ int tiles() const {
        return parts * tiles_along(rows, TILE_M) * tiles_along(columns, TILE_N);
    }

    __device__ __forceinline__ Place place(int index) const {
        const int row_tiles = tiles_along(rows, TILE_M), column_tiles = tiles_along(columns, TILE_N);
        const int part = index / (row_tiles * column_tiles), tile = index % (row_tiles * column_tiles);
        const int first = tile / (BAND * column_tiles) * BAND, height = min(BAND, row_tiles - first);
        const int within = tile % (BAND * column_tiles);
        return {part, (first + within % height) * TILE_M, within / height * TILE_N};
    }

    __device__ __forceinline__ StepRange steps(int part) const {
        return part_of_steps(tiles_along(depth0, STAGE_DEPTH) + tiles_along(depth1, STAGE_DEPTH), part, parts);
    }

    __device__ __forceinline__ void produce(const TensorMap& x0, const TensorMap& x1, const TensorMap& weight,
                                            unsigned char* stages, Ring<STAGES>& ring) const {
        RingPosition<STAGES> at;
        for (int tile = blockIdx.x; tile < tiles(); tile += gridDim.x) {
            const Place to = place(tile);
            const StepRange range = steps(to.part);
            for (int step = range.first; step < range.first + range.count; step++) {
                u64* barrier = ring.begin_fill(at, STAGE_BYTES);
                unsigned char* stage = stages + at.stage * STAGE_BYTES;
                const int k = step * STAGE_DEPTH;
                const bool second = k >= depth0;
                tensor_load_2d(stage, second ? &x1 : &x0, barrier, second ? k - depth0 : k, to.row);
                tensor_load_2d(stage + LEFT_BYTES, &weight, barrier, k, to.column);
                at.advance();
            }
        }
    }

    __device__ __forceinline__ void consume(const unsigned char* stages, Ring<STAGES>& ring, float* staging,
                                            const Epilogue<T>& epilogue, T* out, float* partial) const {
        const int first_row = consumer_index() * 64 * TILES;
        RingPosition<STAGES> at, previous;
        for (int tile = blockIdx.x; tile < tiles(); tile += gridDim.x) {
            const Place from = place(tile);
            const int count = steps(from.part).count;
            float sums[TILES][TILE_N / 2];
            clear(sums);
            hold(sums);
#pragma unroll 1
            for (int step = 0; step < count; step++) {
                ring.wait_full(at);
                const unsigned char* stage = stages + at.stage * STAGE_BYTES;
                wgmma_stage<TILES, TILE_N>(sums, stage + first_row * STAGE_ROW_BYTES, 64 * STAGE_ROW_BYTES,
                                           stage + LEFT_BYTES, T());
                // The stage before is left only now, so that the tensor cores always have work.
                wgmma_wait<1>();
                if (step > 0) ring.leave(previous);
                previous = at;
                at.advance();
            }
            wgmma_wait<0>();
            hold(sums);
            if (count > 0) ring.leave(previous);
            float* part = parts > 1 ? partial + size_t(from.part) * rows * columns : nullptr;
            NoMoments moments;
            wgmma_finish<TILES, TILE_N>(sums, staging, epilogue, out, part, from.column, [&](int m, int row) {
                const int of_result = from.row + first_row + m * 64 + row;
                return of_result < rows ? of_result : -1;
            }, moments);
        }
    }
};

template <typename Linear, int STAGES, typename T>
__device__ __forceinline__ void linear_wgmma(const TensorMap& x0, const TensorMap& x1, const TensorMap& weight,
                                             const Linear& linear, const Epilogue<T>& epilogue, T* out,
                                             float* partial) {
    DYNAMIC_SHARED(unsigned char, shared);
    float* staging = reinterpret_cast<float*>(shared + STAGES * Linear::STAGE_BYTES);
    Ring<STAGES>& ring = *reinterpret_cast<Ring<STAGES>*>(shared + STAGES * Linear::STAGE_BYTES + WGMMA_STAGING_BYTES);
    if (threadIdx.x == 0) {
        ring.init();
        fence_barrier_init();
    }
    __syncthreads();
    if (threadIdx.x < 128) {
        register_budget_decrease<PRODUCER_REGISTERS>();
        if (threadIdx.x == 0) linear.produce(x0, x1, weight, shared, ring);
    } else {
        register_budget_increase<CONSUMER_REGISTERS>();
        linear.consume(shared, ring, staging, epilogue, out, partial);
    }
}

#define LINEAR_WGMMA_KERNEL(NAME, T, TILES, COLUMNS, STAGES)                                                           \
    extern "C" __global__ void __launch_bounds__(WGMMA_THREADS, 1)                                                     \
        NAME(const __grid_constant__ TensorMap x0, const __grid_constant__ TensorMap x1,                               \
             const __grid_constant__ TensorMap weight, const float* bias, const float* sample_bias, const T* residual, \
             T* out, float* partial, int rows, int columns, int depth0, int depth1, int parts, int rows_per_sample,    \
             int activation, float scale) {                                                                            \
        const Epilogue<T> epilogue{bias, sample_bias, residual, columns, rows_per_sample, activation, scale};          \
        const WgmmaLinear<T, TILES, COLUMNS, STAGES> linear{rows, columns, depth0, depth1, parts};                     \
        linear_wgmma<WgmmaLinear<T, TILES, COLUMNS, STAGES>, STAGES>(x0, x1, weight, linear, epilogue, out, partial);  \
    }                                                                                                                  \
    EXPORT_HOPPER_KERNEL(NAME)

#define LINEAR_WGMMA_KERNELS(SUFFIX, T)                                                                                \
    LINEAR_WGMMA_KERNEL(linear_256x160_wgmma_##SUFFIX, T, 2, 160, 3)                                                   \
    LINEAR_WGMMA_KERNEL(linear_128x160_wgmma_##SUFFIX, T, 1, 160, 5)                                                   \
    LINEAR_WGMMA_KERNEL(linear_128x128_wgmma_##SUFFIX, T, 1, 128, 6)

LINEAR_WGMMA_KERNELS(f16, half)
LINEAR_WGMMA_KERNELS(bf16, bfloat16)
#endif
