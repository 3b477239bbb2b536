// Linear layers on the tensor cores of sm_80 and later (mma.m16n8k16 fed by cp.async): see gemm.cu for what they
// compute.
//
// Versions; all want depth % 8 == 0 and 16-byte aligned operands, and take any rows and columns:
//   linear_128x128_mma_{f16,bf16}
//       4 warps of 64x64, 3 stages of 32 along K: 48 KB of shared memory. Large products.
//   linear_128x160_mma_{f16,bf16}
//       8 warps of 64x40, 3 stages: 54 KB. Widths that 160 divides and 128 does not (320, 960).
//   linear_64x64_mma_{f16,bf16}
//       4 warps of 32x32, 4 stages: 32 KB. Few rows or columns.
// A launch with several layers of blocks along y splits K between them: each writes its sums to `partial: [layers,
// rows, columns]`, and linear_reduce (gemm.cu) does the rest.
#include "easel/device.cuh"
#include "easel/epilogue.cuh"
#include "easel/moments.cuh"
#include "easel/staging.cuh"
#include "easel/mma_tile.cuh"

using namespace easel;

/// The rows of x and of the weight that a thread copies, and how far it has come along K.
template <typename Tile, typename T>
struct LinearOperands {
    const T* x;
    const T* weight;
    int rows, columns, depth;
    /// The first rows that this thread copies.
    int row, column;
    int k;

    __device__ __forceinline__ typename Tile::Piece left(int i) const {
        return piece(x, row + i * Tile::ROW_STEP, rows);
    }
    __device__ __forceinline__ typename Tile::Piece right(int i) const {
        return piece(weight, column + i * Tile::ROW_STEP, columns);
    }
    __device__ __forceinline__ void advance() { k += Tile::DEPTH; }

  private:
    __device__ __forceinline__ typename Tile::Piece piece(const T* matrix, int row, int count) const {
        const bool inside = row < count && k < depth;
        return {inside ? matrix + size_t(row) * depth + k : matrix, inside};
    }
};

/// Grid: x: tiles, along the columns first; y: parts of K.
template <typename Tile, typename T>
__device__ __forceinline__ void linear_mma(const T* x, const T* weight, const Epilogue<T>& epilogue, T* out,
                                           float* partial, int rows, int columns, int depth) {
    DYNAMIC_SHARED(unsigned char, shared);
    const int column_tiles = (columns + Tile::COLUMNS - 1) / Tile::COLUMNS;
    const int first_row = blockIdx.x / column_tiles * Tile::ROWS;
    const int first_column = blockIdx.x % column_tiles * Tile::COLUMNS;
    const StepRange steps = part_of_steps((depth + Tile::DEPTH - 1) / Tile::DEPTH, blockIdx.y, gridDim.y);
    LinearOperands<Tile, T> operands{x,
                                     weight,
                                     rows,
                                     columns,
                                     depth,
                                     first_row + Tile::copied_row(),
                                     first_column + Tile::copied_row(),
                                     steps.first * Tile::DEPTH + Tile::piece() * Tile::PIECE};
    Tile tile;
    tile.multiply(shared, operands, steps.count);
    tile.finish(shared, [&](const float* staged, int row, int column) {
        if (first_row + row >= rows) return;
        if (gridDim.y > 1) {
            float* part = partial + size_t(blockIdx.y) * rows * columns;
            epilogue.store_partial(part, staged, first_row + row, first_column + column);
        } else {
            epilogue.store(out, staged, first_row + row, first_column + column);
        }
    });
}

#define LINEAR_MMA_KERNEL(NAME, T, ROWS, COLUMNS, WARPS_M, WARPS_N, STAGES, BLOCKS)                                    \
    extern "C" __global__ void __launch_bounds__(WARPS_M * WARPS_N * 32, BLOCKS)                                       \
        NAME(const T* x, const T* weight, const float* bias, const float* sample_bias, const T* residual, T* out,      \
             float* partial, int rows, int columns, int depth, int rows_per_sample, int activation, float scale) {     \
        const Epilogue<T> epilogue{bias, sample_bias, residual, columns, rows_per_sample, activation, scale};          \
        using Tile = MmaTile<T, ROWS, COLUMNS, WARPS_M, WARPS_N, STAGES>;                                              \
        linear_mma<Tile>(x, weight, epilogue, out, partial, rows, columns, depth);                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)

#define LINEAR_MMA_KERNELS(SUFFIX, T)                                                                                  \
    LINEAR_MMA_KERNEL(linear_128x128_mma_##SUFFIX, T, 128, 128, 2, 2, 3, 2)                                            \
    LINEAR_MMA_KERNEL(linear_128x160_mma_##SUFFIX, T, 128, 160, 2, 4, 3, 1)                                            \
    LINEAR_MMA_KERNEL(linear_64x64_mma_##SUFFIX, T, 64, 64, 2, 2, 4, 3)

LINEAR_MMA_KERNELS(f16, half)
LINEAR_MMA_KERNELS(bf16, bfloat16)
