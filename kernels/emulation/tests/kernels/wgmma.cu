// c[rows, columns] = a[rows, depth] b[columns, depth]^T on Hopper: a producer warp feeds a ring of stages by tensor
// loads, a warpgroup multiplies; and the same with one line left out. Tiles of 64 rows; the maps' boxes are 64 along K
// by as many rows. Dynamic shared memory: STAGES * (64 + N) * 128 bytes.
#include "easel/device.cuh"

#if EASEL_HOPPER
constexpr int STAGES = 3, DEPTH = 64, ROWS = 64, ROW_BYTES = 128;

enum class Fault { none, no_full_wait, no_empty_wait, no_product_wait, leaves_early, no_fence, too_few_bytes };

template <Fault fault, int N, typename T>
__device__ __forceinline__ void product(const TensorMap& a, const TensorMap& b, float* c, int rows, int columns,
                                        int depth) {
    DYNAMIC_SHARED(unsigned char, stages);
    BLOCK_SHARED(u64[STAGES], full);
    BLOCK_SHARED(u64[STAGES], empty);
    constexpr int STAGE_BYTES = (ROWS + N) * ROW_BYTES;
    const int thread = threadIdx.x, steps = (depth + DEPTH - 1) / DEPTH;
    const int first_row = blockIdx.y * ROWS, first_column = blockIdx.x * N;
    if (thread == 0) {
        for (int stage = 0; stage < STAGES; stage++) {
            transaction_barrier_init(&full[stage], 1);
            transaction_barrier_init(&empty[stage], 4);
        }
        if (fault != Fault::no_fence) fence_barrier_init();
    }
    __syncthreads();
    if (thread >= 128) {
        if (thread != 128) return;
        for (int step = 0; step < steps; step++) {
            const int stage = step % STAGES;
            if (fault != Fault::no_empty_wait) transaction_barrier_wait(&empty[stage], (step / STAGES & 1) ^ 1);
            transaction_barrier_arrive_expect(&full[stage],
                                              fault == Fault::too_few_bytes ? STAGE_BYTES / 2 : STAGE_BYTES);
            tensor_load_2d(stages + stage * STAGE_BYTES, &a, &full[stage], step * DEPTH, first_row);
            tensor_load_2d(stages + stage * STAGE_BYTES + ROWS * ROW_BYTES, &b, &full[stage], step * DEPTH,
                           first_column);
        }
        return;
    }
    float sums[N / 2];
    for (int i = 0; i < N / 2; i++) sums[i] = 0.0f;
    for (int step = 0; step < steps; step++) {
        const int stage = step % STAGES;
        if (fault != Fault::no_full_wait) transaction_barrier_wait(&full[stage], step / STAGES & 1);
        const unsigned char* left = stages + stage * STAGE_BYTES;
        wgmma_fence();
        for (int k = 0; k < DEPTH / 16; k++)
            wgmma_m64k16<N, T>(sums, shared_descriptor_swizzle128(left) + 2 * k,
                               shared_descriptor_swizzle128(left + ROWS * ROW_BYTES) + 2 * k, true);
        wgmma_commit();
        if (fault == Fault::leaves_early) {
            __syncwarp();
            if (thread % 32 == 0) transaction_barrier_arrive(&empty[stage]);
        }
        if (fault != Fault::no_product_wait || step + 1 < steps) wgmma_wait<0>();
        if (fault != Fault::leaves_early) {
            __syncwarp();
            if (thread % 32 == 0) transaction_barrier_arrive(&empty[stage]);
        }
    }
    for (int i = 0; i < N / 2; i++) {
        const int row = first_row + thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8,
                  column = first_column + i / 4 * 8 + thread % 4 * 2 + i % 2;
        if (row < rows && column < columns) c[static_cast<size_t>(row) * columns + column] = sums[i];
    }
    if (fault == Fault::no_product_wait) wgmma_wait<0>();
}

#define PRODUCT(name, N, T, fault)                                                                                     \
    extern "C" __global__ void __launch_bounds__(160)                                                                  \
        name(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, float* c, int rows,             \
             int columns, int depth) {                                                                                 \
        product<fault, N, T>(a, b, c, rows, columns, depth);                                                           \
    }                                                                                                                  \
    EXPORT_HOPPER_KERNEL(name)

PRODUCT(test_wgmma_64_f16, 64, half, Fault::none)
PRODUCT(test_wgmma_160_bf16, 160, bfloat16, Fault::none)
PRODUCT(test_wgmma_8_f16, 8, half, Fault::none)
PRODUCT(test_wgmma_256_f16, 256, half, Fault::none)
PRODUCT(test_wgmma_no_full_wait, 64, half, Fault::no_full_wait)
PRODUCT(test_wgmma_no_empty_wait, 64, half, Fault::no_empty_wait)
PRODUCT(test_wgmma_no_product_wait, 64, half, Fault::no_product_wait)
PRODUCT(test_wgmma_leaves_early, 64, half, Fault::leaves_early)
PRODUCT(test_wgmma_no_fence, 64, half, Fault::no_fence)
PRODUCT(test_wgmma_too_few_bytes, 64, half, Fault::too_few_bytes)

// Loads one box and stores it as it lies in shared memory. Dynamic shared memory: the box.
template <int rank>
__device__ __forceinline__ void load_box(const TensorMap& map, u32* out, int bytes, int x, int y, int z, int u, int v) {
    DYNAMIC_SHARED(u32, box);
    BLOCK_SHARED(u64, full);
    if (threadIdx.x == 0) {
        transaction_barrier_init(&full, 1);
        fence_barrier_init();
        transaction_barrier_arrive_expect(&full, bytes);
        if (rank == 2) tensor_load_2d(box, &map, &full, x, y);
        if (rank == 3) tensor_load_3d(box, &map, &full, x, y, z);
        if (rank == 4) tensor_load_4d(box, &map, &full, x, y, z, u);
        if (rank == 5) tensor_load_5d(box, &map, &full, x, y, z, u, v);
    }
    __syncthreads();
    transaction_barrier_wait(&full, 0);
    for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) out[i] = box[i];
}

#define LOAD_BOX(rank)                                                                                                 \
    extern "C" __global__ void test_load_box_##rank##d(const __grid_constant__ TensorMap map, u32* out, int bytes,     \
                                                       int x, int y, int z, int u, int v) {                            \
        load_box<rank>(map, out, bytes, x, y, z, u, v);                                                                \
    }                                                                                                                  \
    EXPORT_HOPPER_KERNEL(test_load_box_##rank##d)
LOAD_BOX(2)
LOAD_BOX(3)
LOAD_BOX(4)
LOAD_BOX(5)
#endif
