// Layer normalisation (Ba, Kiros & Hinton 2016) of rows: (x − mean) / √(variance + eps) · weight + bias.
//
// Versions, one block for a row in each:
// - layer_norm_naive_T: three passes over the row. For any length.
// - layer_norm_T: the row stays in registers, one read and one write. For up to ROW_LIMIT numbers (row.cuh).
//
// Variance is the mean of squared deviations in a second pass; the difference of mean square and squared mean cancels.

#include "easel/device.cuh"
#include "easel/row.cuh"

using namespace easel;

namespace {

template <typename T>
__device__ __forceinline__ void normalise_row_naive(
    const T* x, const float* weight, const float* bias, T* out, int length, float eps, WarpResults<ROW_THREADS>& warps) {
    x += static_cast<size_t>(blockIdx.x) * length;
    out += static_cast<size_t>(blockIdx.x) * length;
    float sum = 0.0f, squares = 0.0f;
    for (int i = threadIdx.x; i < length; i += ROW_THREADS) sum += to_float(x[i]);
    const float mean = block_sum(sum, warps) / static_cast<float>(length);
    for (int i = threadIdx.x; i < length; i += ROW_THREADS) {
        const float deviation = to_float(x[i]) - mean;
        squares = fmaf(deviation, deviation, squares);
    }
    const float scale = 1.0f / sqrtf(block_sum(squares, warps) / static_cast<float>(length) + eps);
    for (int i = threadIdx.x; i < length; i += ROW_THREADS) {
        out[i] = from_float<T>(fmaf((to_float(x[i]) - mean) * scale, weight[i], bias[i]));
    }
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void normalise_row(
    const T* x, const float* weight, const float* bias, T* out, int length, float eps, WarpResults<ROW_THREADS>& warps) {
    Row<T> row;
    row.template load<WHOLE>(x + static_cast<size_t>(blockIdx.x) * length, length);
    float sum = 0.0f;
    row.for_each(length, [&](float value, int) { sum += value; });
    const float mean = block_sum(sum, warps) / static_cast<float>(length);
    float squares = 0.0f;
    row.for_each(length, [&](float value, int) { squares = fmaf(value - mean, value - mean, squares); });
    const float scale = 1.0f / sqrtf(block_sum(squares, warps) / static_cast<float>(length) + eps);
    row.template store<WHOLE>(
        out + static_cast<size_t>(blockIdx.x) * length, length, [&](float (&values)[VECTOR<T>], int at, int count) {
            float weights[VECTOR<T>], biases[VECTOR<T>];
            load_floats<WHOLE>(weights, weight + at, count);
            load_floats<WHOLE>(biases, bias + at, count);
#pragma unroll
            for (int i = 0; i < VECTOR<T>; i++) values[i] = fmaf((values[i] - mean) * scale, weights[i], biases[i]);
        });
}

}  // namespace

// Grid: rows, ROW_THREADS threads.
#define LAYER_NORM(SUFFIX, T)                                                                                           \
    extern "C" __global__ void __launch_bounds__(ROW_THREADS) layer_norm_naive_##SUFFIX(                               \
        const T* x, const float* weight, const float* bias, T* out, int length, float eps) {                           \
        BLOCK_SHARED(WarpResults<ROW_THREADS>, warps);                                                                 \
        normalise_row_naive(x, weight, bias, out, length, eps, warps);                                                 \
    }                                                                                                                  \
    EXPORT_KERNEL(layer_norm_naive_##SUFFIX)                                                                           \
    extern "C" __global__ void __launch_bounds__(ROW_THREADS) layer_norm_##SUFFIX(                                     \
        const T* x, const float* weight, const float* bias, T* out, int length, float eps) {                           \
        BLOCK_SHARED(WarpResults<ROW_THREADS>, warps);                                                                 \
        if (length % VECTOR<T> == 0 && is_aligned(x) && is_aligned(weight) && is_aligned(bias) && is_aligned(out)) {   \
            normalise_row<true>(x, weight, bias, out, length, eps, warps);                                             \
        } else {                                                                                                       \
            normalise_row<false>(x, weight, bias, out, length, eps, warps);                                            \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(layer_norm_##SUFFIX)
LAYER_NORM(f32, float)
LAYER_NORM(f16, half)
LAYER_NORM(bf16, bfloat16)
