// Softmax of rows: e^xᵢ / Σ e^xⱼ, in float32.
//
// Versions, one block for a row in each:
// - softmax_naive_T: three passes over the row. For any length.
// - softmax_T: the row stays in registers, one read and one write. For up to ROW_LIMIT numbers (row.cuh).
//
// The row's maximum is subtracted first, or the exponentials overflow.

#include "easel/device.cuh"
#include "easel/row.cuh"

using namespace easel;

namespace {

template <typename T>
__device__ __forceinline__ void softmax_row_naive(const T* x, T* out, int length, WarpResults<ROW_THREADS>& warps) {
    x += static_cast<size_t>(blockIdx.x) * length;
    out += static_cast<size_t>(blockIdx.x) * length;
    float largest = -float_infinity(), sum = 0.0f;
    for (int i = threadIdx.x; i < length; i += ROW_THREADS) largest = fmaxf(largest, to_float(x[i]));
    largest = block_max(largest, warps);
    for (int i = threadIdx.x; i < length; i += ROW_THREADS) sum += expf(to_float(x[i]) - largest);
    const float share = 1.0f / block_sum(sum, warps);
    for (int i = threadIdx.x; i < length; i += ROW_THREADS) {
        out[i] = from_float<T>(expf(to_float(x[i]) - largest) * share);
    }
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void softmax_row(const T* x, T* out, int length, WarpResults<ROW_THREADS>& warps) {
    Row<T> row;
    row.template load<WHOLE>(x + static_cast<size_t>(blockIdx.x) * length, length);
    float largest = -float_infinity();
    row.for_each(length, [&](float value, int) { largest = fmaxf(largest, value); });
    largest = block_max(largest, warps);
    float sum = 0.0f;
    row.for_each(length, [&](float& value, int) {
        value = expf(value - largest);
        sum += value;
    });
    const float share = 1.0f / block_sum(sum, warps);
    row.template store<WHOLE>(
        out + static_cast<size_t>(blockIdx.x) * length, length, [&](float (&values)[VECTOR<T>], int, int) {
#pragma unroll
            for (int i = 0; i < VECTOR<T>; i++) values[i] *= share;
        });
}

}  // namespace

// Grid: rows, ROW_THREADS threads.
#define SOFTMAX(SUFFIX, T)                                                                                              \
    extern "C" __global__ void __launch_bounds__(ROW_THREADS) softmax_naive_##SUFFIX(const T* x, T* out, int length) { \
        BLOCK_SHARED(WarpResults<ROW_THREADS>, warps);                                                                 \
        softmax_row_naive(x, out, length, warps);                                                                      \
    }                                                                                                                  \
    EXPORT_KERNEL(softmax_naive_##SUFFIX)                                                                              \
    extern "C" __global__ void __launch_bounds__(ROW_THREADS) softmax_##SUFFIX(const T* x, T* out, int length) {       \
        BLOCK_SHARED(WarpResults<ROW_THREADS>, warps);                                                                 \
        if (length % VECTOR<T> == 0 && is_aligned(x) && is_aligned(out)) {                                             \
            softmax_row<true>(x, out, length, warps);                                                                  \
        } else {                                                                                                       \
            softmax_row<false>(x, out, length, warps);                                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(softmax_##SUFFIX)
SOFTMAX(f32, float)
SOFTMAX(f16, half)
SOFTMAX(bf16, bfloat16)
