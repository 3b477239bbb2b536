// c[rows, columns] = a[rows, depth] b[depth, columns] on tensor cores, fed by asynchronous copies into two buffers; and
// the same with one line left out. Any rows, columns % 8 == 0, depth % 8 == 0.
#include "easel/device.cuh"

constexpr int ROWS = 64, COLUMNS = 64, DEPTH = 32, THREADS = 128;
constexpr int A_PITCH = DEPTH + 8, B_PITCH = COLUMNS + 8;

enum class Fault { none, no_copy_wait, no_barrier_after_wait, no_barrier_after_use, misaligned };

template <Fault fault, typename T>
__device__ __forceinline__ void product(const T* a, const T* b, float* c, int rows, int columns, int depth) {
    BLOCK_SHARED(T[2][ROWS * A_PITCH], a_tiles);
    BLOCK_SHARED(T[2][DEPTH * B_PITCH], b_tiles);
    const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
    const int first_row = blockIdx.y * ROWS, first_column = blockIdx.x * COLUMNS;
    const auto load = [&](int buffer, int begin) {
        for (int i = thread; i < ROWS * DEPTH / 8; i += THREADS) {
            const int row = i / (DEPTH / 8), k = i % (DEPTH / 8) * 8;
            const bool inside = first_row + row < rows && begin + k < depth;
            const size_t at = inside ? static_cast<size_t>(first_row + row) * depth + begin + k : 0;
            copy_async<16>(&a_tiles[buffer][row * A_PITCH + k], a + at, inside ? 16 : 0);
        }
        for (int i = thread; i < DEPTH * COLUMNS / 8; i += THREADS) {
            const int k = i / (COLUMNS / 8), column = i % (COLUMNS / 8) * 8;
            const bool inside = first_column + column < columns && begin + k < depth;
            const size_t at = inside ? static_cast<size_t>(begin + k) * columns + first_column + column : 0;
            copy_async<16>(&b_tiles[buffer][k * B_PITCH + column], b + at, inside ? 16 : 0);
        }
        copy_async_commit();
    };
    float sums[COLUMNS / 8][4] = {};
    load(0, 0);
    const int steps = (depth + DEPTH - 1) / DEPTH;
    for (int step = 0; step < steps; step++) {
        if (step + 1 < steps) {
            load((step + 1) % 2, (step + 1) * DEPTH);
        } else {
            copy_async_commit();
        }
        if (fault != Fault::no_copy_wait) copy_async_wait<1>();
        if (fault != Fault::no_barrier_after_wait) __syncthreads();
        for (int k = 0; k < DEPTH; k += 16) {
            u32 left[4];
            const int shift = fault == Fault::misaligned ? 1 : 0;
            load_matrix_x4(left, &a_tiles[step % 2][(warp * 16 + lane % 16) * A_PITCH + k + lane / 16 * 8 + shift]);
            for (int j = 0; j < COLUMNS / 8; j++) {
                u32 right[2];
                load_matrix_x2_transposed(right, &b_tiles[step % 2][(k + lane % 16) * B_PITCH + j * 8]);
                mma_m16n8k16(sums[j], left, right, T{});
            }
        }
        if (fault != Fault::no_barrier_after_use) __syncthreads();
    }
    for (int j = 0; j < COLUMNS / 8; j++) {
        for (int i = 0; i < 4; i++) {
            const int row = first_row + warp * 16 + lane / 4 + i / 2 * 8,
                      column = first_column + j * 8 + lane % 4 * 2 + i % 2;
            if (row < rows && column < columns) c[static_cast<size_t>(row) * columns + column] = sums[j][i];
        }
    }
}

#define PRODUCT(name, T, fault)                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
        name(const T* a, const T* b, float* c, int rows, int columns, int depth) {                                     \
        product<fault>(a, b, c, rows, columns, depth);                                                                 \
    }                                                                                                                  \
    EXPORT_KERNEL(name)

PRODUCT(test_mma_f16, half, Fault::none)
PRODUCT(test_mma_bf16, bfloat16, Fault::none)
PRODUCT(test_mma_no_copy_wait, half, Fault::no_copy_wait)
PRODUCT(test_mma_no_barrier_after_wait, half, Fault::no_barrier_after_wait)
PRODUCT(test_mma_no_barrier_after_use, half, Fault::no_barrier_after_use)
PRODUCT(test_mma_misaligned, half, Fault::misaligned)
