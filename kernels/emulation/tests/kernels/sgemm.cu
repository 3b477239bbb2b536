// c[rows, columns] = a[rows, depth] b[depth, columns] by tiles in shared memory, and the same with one line left out.
#include "easel/device.cuh"

constexpr int TILE = 16;

enum class Fault { none, no_barrier_after_load, no_barrier_after_use, no_bounds_check };

template <Fault fault>
__device__ __forceinline__ void sgemm(const float* a, const float* b, float* c, int rows, int columns, int depth) {
    BLOCK_SHARED(float[TILE][TILE], a_tile);
    BLOCK_SHARED(float[TILE][TILE + 1], b_tile);
    const int x = threadIdx.x, y = threadIdx.y, row = blockIdx.y * TILE + y, column = blockIdx.x * TILE + x;
    float sum = 0.0f;
    for (int begin = 0; begin < depth; begin += TILE) {
        a_tile[y][x] = row < rows && begin + x < depth ? a[row * depth + begin + x] : 0.0f;
        b_tile[y][x] = column < columns && begin + y < depth ? b[(begin + y) * columns + column] : 0.0f;
        if (fault != Fault::no_barrier_after_load) __syncthreads();
        for (int k = 0; k < TILE; k++) sum = fmaf(a_tile[y][k], b_tile[k][x], sum);
        if (fault != Fault::no_barrier_after_use) __syncthreads();
    }
    if (fault == Fault::no_bounds_check || (row < rows && column < columns)) c[row * columns + column] = sum;
}

#define SGEMM(name, fault)                                                                                             \
    extern "C" __global__ void name(const float* a, const float* b, float* c, int rows, int columns, int depth) {      \
        sgemm<fault>(a, b, c, rows, columns, depth);                                                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(name)

SGEMM(test_sgemm, Fault::none)
SGEMM(test_sgemm_no_barrier_after_load, Fault::no_barrier_after_load)
SGEMM(test_sgemm_no_barrier_after_use, Fault::no_barrier_after_use)
SGEMM(test_sgemm_no_bounds_check, Fault::no_bounds_check)
