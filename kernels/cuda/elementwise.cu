// Operations on every element, one version each: 16 bytes an access where addresses and sizes allow it, and the elements
// one by one otherwise. Every element is read once and written once.
//
// Tensors are `[rows, columns]` here; `rows` only keeps sizes within an int. Grid: (blocks, rows): the y blocks share the
// rows, the x blocks the columns; a thread takes one vector of a row.
//
// - add_T: a + b, where b is one row for all of a, or a tensor of the same shape.
// - activate_T: silu, gelu or quick_gelu.
// - prelu_T: x, or where that is negative x · slope of its channel (He et al. 2015). Rows are whole pixels here, not channels,
//   of which there may be too few for a block.
// - affine_T: x · scale + shift, each of them one number for every column or one for all.
// - clamp_T: into low..high.
// - fill_T: one value everywhere.
// - count_not_finite_T: how many elements are NaN or infinite. One block: it is asked once for a picture, and an order of
//   blocks would have to be made up for.

#include "easel/device.cuh"
#include "easel/activation.cuh"
#include "easel/clamp.cuh"
#include "easel/floats.cuh"
#include "easel/reduce.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 256;

// Calls `visit(offset, column, count)` for this thread's vectors: where they stand in the tensor and in the row.
template <int N, typename Visit>
__device__ __forceinline__ void for_each_vector(int rows, int columns, Visit visit) {
    // Unsigned, because the last vectors of the last block may lie beyond the largest int.
    const u32 column = (blockIdx.x * THREADS + threadIdx.x) * N;
    if (column >= static_cast<u32>(columns)) return;
    const int count = static_cast<int>(min(columns - column, static_cast<u32>(N)));
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        visit(static_cast<size_t>(row) * columns + column, static_cast<int>(column), count);
    }
}

// Whether rows of `columns` elements of T that start at `pointer` are all aligned.
template <typename T>
__device__ __forceinline__ bool are_whole(const T* pointer, int columns) {
    return columns % VECTOR<T> == 0 && is_aligned(pointer);
}

// out[i] = function(x[i], column of i)
template <bool WHOLE, typename T, typename Function>
__device__ __forceinline__ void map(const T* x, T* out, int rows, int columns, Function function) {
    constexpr int N = VECTOR<T>;
    for_each_vector<N>(rows, columns, [&](size_t offset, int column, int count) {
        float values[N];
        load_floats<WHOLE>(values, x + offset, count);
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (WHOLE || i < count) values[i] = function(values[i], column + i);
        }
        store_floats<WHOLE>(out + offset, values, count);
    });
}

template <typename T, typename Function>
__device__ __forceinline__ void map(const T* x, T* out, int rows, int columns, Function function) {
    if (are_whole(x, columns) && are_whole(out, columns)) {
        map<true>(x, out, rows, columns, function);
    } else {
        map<false>(x, out, rows, columns, function);
    }
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void add(const T* a, const T* b, T* out, int rows, int columns, int b_rows) {
    constexpr int N = VECTOR<T>;
    for_each_vector<N>(rows, columns, [&](size_t offset, int column, int count) {
        float left[N], right[N];
        load_floats<WHOLE>(left, a + offset, count);
        load_floats<WHOLE>(right, b + (b_rows == 1 ? column : offset), count);
#pragma unroll
        for (int i = 0; i < N; i++) left[i] += right[i];
        store_floats<WHOLE>(out + offset, left, count);
    });
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void prelu(const T* x, const float* slope, T* out, int rows, int columns, int channels) {
    constexpr int N = VECTOR<T>;
    for_each_vector<N>(rows, columns, [&](size_t offset, int column, int count) {
        float values[N];
        load_floats<WHOLE>(values, x + offset, count);
        int channel = column % channels;
#pragma unroll
        for (int i = 0; i < N; i++) {
            // What is no number is not greater either: it takes the product, which is none.
            if (!(values[i] > 0.0f)) values[i] *= slope[channel];
            channel = channel + 1 == channels ? 0 : channel + 1;
        }
        store_floats<WHOLE>(out + offset, values, count);
    });
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void fill(T* out, int rows, int columns, float value) {
    constexpr int N = VECTOR<T>;
    float values[N];
#pragma unroll
    for (int i = 0; i < N; i++) values[i] = value;
    for_each_vector<N>(rows, columns, [&](size_t offset, int, int count) {
        store_floats<WHOLE>(out + offset, values, count);
    });
}

// This thread's share of the count.
template <bool WHOLE, typename T, int COUNTERS>
__device__ __forceinline__ u32 share_of_not_finite(const T* x, size_t length) {
    constexpr int N = VECTOR<T>;
    u32 count = 0;
    for (size_t at = static_cast<size_t>(threadIdx.x) * N; at < length; at += COUNTERS * N) {
        float values[N];
        load_floats<WHOLE>(values, x + at, length - at < N ? static_cast<int>(length - at) : N);
#pragma unroll
        for (int i = 0; i < N; i++) {
            // Not a comparison, which a compiler that may assume finite numbers could drop.
            count += (__float_as_uint(values[i]) & 0x7f800000u) == 0x7f800000u;
        }
    }
    return count;
}

constexpr int COUNTING_THREADS = 1024;

// Writes the sum over the block.
__device__ __forceinline__ void add_up_counts(u32 share, u32 (&warps)[COUNTING_THREADS / 32], u32* out) {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) share += __shfl_xor_sync(FULL_MASK, share, distance);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = share;
    __syncthreads();
    if (threadIdx.x != 0) return;
    u32 total = 0;
    for (int warp = 0; warp < COUNTING_THREADS / 32; warp++) total += warps[warp];
    *out = total;
}

}  // namespace

// b_rows is 1 or `rows`.
#define ELEMENTWISE(SUFFIX, T)                                                                                          \
    extern "C" __global__ void __launch_bounds__(THREADS) add_##SUFFIX(                                                \
        const T* a, const T* b, T* out, int rows, int columns, int b_rows) {                                           \
        if (are_whole(a, columns) && is_aligned(b) && is_aligned(out)) {                                               \
            add<true>(a, b, out, rows, columns, b_rows);                                                               \
        } else {                                                                                                       \
            add<false>(a, b, out, rows, columns, b_rows);                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(add_##SUFFIX)                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) activate_##SUFFIX(                                           \
        const T* x, T* out, int rows, int columns, int activation) {                                                   \
        map(x, out, rows, columns, [=](float value, int) { return activate(value, activation); });                     \
    }                                                                                                                  \
    EXPORT_KERNEL(activate_##SUFFIX)                                                                                   \
    extern "C" __global__ void __launch_bounds__(THREADS) prelu_##SUFFIX(                                              \
        const T* x, const float* slope, T* out, int rows, int columns, int channels) {                                 \
        if (are_whole(x, columns) && are_whole(out, columns)) {                                                        \
            prelu<true>(x, slope, out, rows, columns, channels);                                                       \
        } else {                                                                                                       \
            prelu<false>(x, slope, out, rows, columns, channels);                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(prelu_##SUFFIX)                                                                                      \
    extern "C" __global__ void __launch_bounds__(THREADS) affine_##SUFFIX(                                             \
        const T* x, const float* column_scale, const float* column_shift, T* out, int rows, int columns, float scale,  \
        float shift) {                                                                                                 \
        map(x, out, rows, columns, [=](float value, int column) {                                                      \
            const float factor = column_scale == nullptr ? scale : column_scale[column];                               \
            return __fadd_rn(__fmul_rn(value, factor), column_shift == nullptr ? shift : column_shift[column]);        \
        });                                                                                                            \
    }                                                                                                                  \
    EXPORT_KERNEL(affine_##SUFFIX)                                                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS) clamp_##SUFFIX(                                              \
        const T* x, T* out, int rows, int columns, float low, float high) {                                            \
        map(x, out, rows, columns, [=](float value, int) { return clamped(value, low, high); });                       \
    }                                                                                                                  \
    EXPORT_KERNEL(clamp_##SUFFIX)                                                                                      \
    extern "C" __global__ void __launch_bounds__(THREADS) fill_##SUFFIX(T* out, int rows, int columns, float value) {  \
        if (are_whole(out, columns)) {                                                                                 \
            fill<true>(out, rows, columns, value);                                                                     \
        } else {                                                                                                       \
            fill<false>(out, rows, columns, value);                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(fill_##SUFFIX)                                                                                       \
    extern "C" __global__ void __launch_bounds__(COUNTING_THREADS) count_not_finite_##SUFFIX(                          \
        const T* x, u32* out, int rows, int columns) {                                                                 \
        BLOCK_SHARED(u32[COUNTING_THREADS / 32], warps);                                                               \
        const size_t length = static_cast<size_t>(rows) * columns;                                                     \
        const bool whole = length % VECTOR<T> == 0 && is_aligned(x);                                                   \
        const u32 share = whole ? share_of_not_finite<true, T, COUNTING_THREADS>(x, length)                            \
                                : share_of_not_finite<false, T, COUNTING_THREADS>(x, length);                          \
        add_up_counts(share, warps, out);                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(count_not_finite_##SUFFIX)
ELEMENTWISE(f32, float)
ELEMENTWISE(f16, half)
ELEMENTWISE(bf16, bfloat16)
