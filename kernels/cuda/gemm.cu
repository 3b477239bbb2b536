// Linear layers: out[m, n] = (activation(sum_k x[m, k] weight[n, k] + bias[n] + sample_bias[item][n]) + residual[m, n])
// scale.
//
// Versions, slowest first (which one runs: kernels/src/cuda/ops/linear.rs):
//   linear_naive_{f32,f16,bf16}, here
//       One thread an output; any sizes, any alignment. The reference for the others.
//   linear_tiled_{f32,f16,bf16}, here
//       128x128 tiles of 256 threads on the ordinary cores, 33 KB of shared memory; any sizes, 16-byte aligned
//       operands. The float32 path, and depths that are no multiple of 8.
//   linear_*_mma_{f16,bf16}, gemm_mma.cu
//       Tensor cores, sm_80 and later; depth a multiple of 8.
//   linear_*_wgmma_{f16,bf16}, gemm_wgmma.cu
//       Tensor cores of sm_90a, fed by TMA; depth a multiple of 8.
// and linear_reduce_{f16,bf16}, which adds what the parts of a product that is split along K have left.
//
// All sum in float32. naive and tiled add along K in order, so they give the same bits.
#include "easel/device.cuh"
#include "easel/epilogue.cuh"
#include "easel/simt_tile.cuh"

using namespace easel;

/// Grid: rows * columns threads in blocks of any size.
template <typename T>
__device__ __forceinline__ void linear_naive(const T* x, const T* weight, const Epilogue<T>& epilogue, T* out, int rows,
                                             int columns, int depth) {
    const i64 index = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= i64(rows) * columns) return;
    const int row = int(index / columns), column = int(index % columns);
    const T* left = x + size_t(row) * depth;
    const T* right = weight + size_t(column) * depth;
    float sum = 0.0f;
    for (int k = 0; k < depth; k++) sum = fmaf(to_float(left[k]), to_float(right[k]), sum);
    out[index] = from_float<T>(epilogue.apply(sum, row, column));
}

/// Grid: tiles along the columns run fastest; SimtTile::THREADS threads.
template <typename T>
__device__ __forceinline__ void linear_tiled(const T* x, const T* weight, const Epilogue<T>& epilogue, T* out, int rows,
                                             int columns, int depth) {
    BLOCK_SHARED(SimtTile::Buffers, buffers);
    const int column_tiles = (columns + SimtTile::SIDE - 1) / SimtTile::SIDE;
    const int first_row = blockIdx.x / column_tiles * SimtTile::SIDE;
    const int first_column = blockIdx.x % column_tiles * SimtTile::SIDE;
    auto rows_of = [depth](const T* matrix, int first, int count) {
        return [=](int i, int k) {
            const int row = first + SimtTile::fetched_row() + i * SimtTile::ROW_STEP;
            return load_four(matrix + size_t(row < count ? row : 0) * depth, k, row < count ? depth : 0);
        };
    };
    float sums[8][8];
    SimtTile::multiply(sums, buffers, rows_of(x, first_row, rows), rows_of(weight, first_column, columns), depth);
    SimtTile::finish(sums, buffers, [&](const float* staged, int row, int column) {
        if (first_row + row < rows) epilogue.store(out, staged, first_row + row, first_column + column);
    });
}

/// Adds `partial: [splits, rows, columns]` in order and applies the epilogue. Grid: one thread for N columns of a row.
template <int N, typename T>
__device__ __forceinline__ void linear_reduce(const float* partial, const Epilogue<T>& epilogue, T* out, int rows,
                                              int columns, int splits) {
    const int groups = columns / N;
    const i64 index = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= i64(rows) * groups) return;
    const int row = int(index / groups), column = int(index % groups) * N;
    const size_t at = size_t(row) * columns + column;
    float sums[N];
#pragma unroll
    for (int i = 0; i < N; i++) sums[i] = 0.0f;
#pragma unroll 4
    for (int split = 0; split < splits; split++) {
        const Vector<float, N> part = load_vector<float, N>(partial + size_t(split) * rows * columns + at);
#pragma unroll
        for (int i = 0; i < N; i++) sums[i] += part[i];
    }
    epilogue.apply(sums, row, column);
    Vector<T, N> values;
#pragma unroll
    for (int i = 0; i < N; i++) values[i] = from_float<T>(sums[i]);
    store_vector(out + at, values);
}

#define LINEAR_KERNELS(SUFFIX, T)                                                                                      \
    extern "C" __global__ void linear_naive_##SUFFIX(                                                                  \
        const T* x, const T* weight, const float* bias, const float* sample_bias, const T* residual, T* out, int rows, \
        int columns, int depth, int rows_per_sample, int activation, float scale) {                                    \
        const Epilogue<T> epilogue{bias, sample_bias, residual, columns, rows_per_sample, activation, scale};          \
        linear_naive(x, weight, epilogue, out, rows, columns, depth);                                                  \
    }                                                                                                                  \
    EXPORT_KERNEL(linear_naive_##SUFFIX)                                                                               \
    extern "C" __global__ void __launch_bounds__(SimtTile::THREADS, 2) linear_tiled_##SUFFIX(                          \
        const T* x, const T* weight, const float* bias, const float* sample_bias, const T* residual, T* out, int rows, \
        int columns, int depth, int rows_per_sample, int activation, float scale) {                                    \
        const Epilogue<T> epilogue{bias, sample_bias, residual, columns, rows_per_sample, activation, scale};          \
        linear_tiled(x, weight, epilogue, out, rows, columns, depth);                                                  \
    }                                                                                                                  \
    EXPORT_KERNEL(linear_tiled_##SUFFIX)

LINEAR_KERNELS(f32, float)
LINEAR_KERNELS(f16, half)
LINEAR_KERNELS(bf16, bfloat16)

#define REDUCE_KERNEL(SUFFIX, T)                                                                                       \
    extern "C" __global__ void linear_reduce_##SUFFIX(                                                                 \
        const float* partial, const float* bias, const float* sample_bias, const T* residual, T* out, int rows,        \
        int columns, int splits, int rows_per_sample, int activation, float scale) {                                   \
        const Epilogue<T> epilogue{bias, sample_bias, residual, columns, rows_per_sample, activation, scale};          \
        if (columns % 4 == 0) {                                                                                        \
            linear_reduce<4>(partial, epilogue, out, rows, columns, splits);                                           \
        } else {                                                                                                       \
            linear_reduce<1>(partial, epilogue, out, rows, columns, splits);                                           \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(linear_reduce_##SUFFIX)

REDUCE_KERNEL(f16, half)
REDUCE_KERNEL(bf16, bfloat16)
