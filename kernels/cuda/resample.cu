// Changing the resolution of `[batch, height, width, channels]`, one version each.
//
// - upsample_nearest2x_T: every pixel twice in both directions; one read, four writes.
// - average_pool2x_T: means of 2 × 2 blocks, an odd last row or column is dropped; four reads, one write.
// - pixel_shuffle_T: `factor`² numbers for each channel of a pixel become as many pixels, and those of `base`, made as large by
//   repeating its pixels, are added; base and result are float32. One thread an output of a row: neighbours read within
//   the few lines that hold a pixel's numbers.
// - resample_to_f32_T, resample_from_f32_T: one direction of a separable resize; the host has computed which positions
//   weigh how much. The result of the first direction stays in float32. These are of small pictures: one thread an output.

#include "easel/device.cuh"
#include "easel/floats.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 256;

// Calls `visit(item, y, x, channel, count)` for this thread's vector of channels of the pixels of `height` × `width`.
// Blocks x: the vectors of a row of pixels; y: rows, shared; z: items.
template <int N, typename Visit>
__device__ __forceinline__ void for_each_vector(int height, int width, int channels, Visit visit) {
    const int vectors = (channels + N - 1) / N;
    const i64 index = static_cast<i64>(blockIdx.x) * THREADS + threadIdx.x;
    if (index >= static_cast<i64>(width) * vectors) return;
    const int x = static_cast<int>(index / vectors), channel = static_cast<int>(index % vectors) * N;
    for (int y = blockIdx.y; y < height; y += gridDim.y) visit(y, x, channel, min(N, channels - channel));
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void upsample_nearest2x(const T* x, T* out, int height, int width, int channels) {
    constexpr int N = VECTOR<T>;
    const size_t item = static_cast<size_t>(blockIdx.z) * height;
    const size_t out_row = 2 * static_cast<size_t>(width) * channels;
    for_each_vector<N>(height, width, channels, [&](int row, int column, int channel, int count) {
        const T* from = x + ((item + row) * width + column) * channels + channel;
        const Vector<T, N> run = load_run<WHOLE, N>(from, count);
        T* to = out + 2 * (item + row) * out_row + 2 * static_cast<size_t>(column) * channels + channel;
        store_run<WHOLE>(to, run, count);
        store_run<WHOLE>(to + channels, run, count);
        store_run<WHOLE>(to + out_row, run, count);
        store_run<WHOLE>(to + out_row + channels, run, count);
    });
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void average_pool2x(const T* x, T* out, int height, int width, int channels) {
    constexpr int N = VECTOR<T>;
    const size_t row_length = static_cast<size_t>(width) * channels;
    const int out_height = height / 2, out_width = width / 2;
    for_each_vector<N>(out_height, out_width, channels, [&](int row, int column, int channel, int count) {
        const T* upper = x + (static_cast<size_t>(blockIdx.z) * height + 2 * row) * row_length +
                         2 * static_cast<size_t>(column) * channels + channel;
        const T* lower = upper + row_length;
        const Vector<T, N> upper_left = load_run<WHOLE, N>(upper, count);
        const Vector<T, N> upper_right = load_run<WHOLE, N>(upper + channels, count);
        const Vector<T, N> lower_left = load_run<WHOLE, N>(lower, count);
        const Vector<T, N> lower_right = load_run<WHOLE, N>(lower + channels, count);
        float means[N];
#pragma unroll
        for (int i = 0; i < N; i++) {
            const float above = to_float(upper_left[i]) + to_float(upper_right[i]);
            means[i] = 0.25f * (above + (to_float(lower_left[i]) + to_float(lower_right[i])));
        }
        const size_t pixel = (static_cast<size_t>(blockIdx.z) * out_height + row) * out_width + column;
        store_floats<WHOLE>(out + pixel * channels + channel, means, count);
    });
}

// Blocks x: the numbers of a row of the result; y: its rows, shared; z: items.
template <typename T>
__device__ __forceinline__ void pixel_shuffle(
    const T* x, const float* base, float* out, int height, int width, int channels, int factor) {
    const i64 length = static_cast<i64>(width) * factor * channels;
    const i64 index = static_cast<i64>(blockIdx.x) * THREADS + threadIdx.x;
    if (index >= length) return;
    const int channel = static_cast<int>(index % channels), column = static_cast<int>(index / channels);
    for (int row = blockIdx.y; row < height * factor; row += gridDim.y) {
        const size_t pixel = (static_cast<size_t>(blockIdx.z) * height + row / factor) * width + column / factor;
        const int tap = (channel * factor + row % factor) * factor + column % factor;
        const float difference = to_float(x[pixel * channels * factor * factor + tap]);
        const size_t out_row = static_cast<size_t>(blockIdx.z) * height * factor + row;
        out[out_row * length + index] = difference + base[pixel * channels + channel];
    }
}

// The second dimension of `[outer, from, inner]` becomes `to` positions: position i is the sum of `counts[i]` positions
// from `starts[i]`, weighted by the row `weights[i]` of `taps` numbers. Added one by one, as the CPU does.
template <typename From, typename To>
__device__ __forceinline__ void resample(
    const From* x, const int* starts, const int* counts, const float* weights, To* out, int outer, int from, int to,
    int inner, int taps) {
    const size_t length = static_cast<size_t>(outer) * to * inner;
    const size_t step = static_cast<size_t>(gridDim.x) * THREADS;
    for (size_t index = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; index < length; index += step) {
        const int column = static_cast<int>(index % inner);
        const size_t row = index / inner;
        const int position = static_cast<int>(row % to);
        const From* values = x + (row / to * from + starts[position]) * inner + column;
        const float* weight = weights + static_cast<size_t>(position) * taps;
        float sum = 0.0f;
        for (int tap = 0; tap < counts[position]; tap++) {
            sum = __fadd_rn(sum, __fmul_rn(weight[tap], to_float(values[static_cast<size_t>(tap) * inner])));
        }
        out[index] = from_float<To>(sum);
    }
}

}  // namespace

// Grids: as for_each_vector says, over the pixels of the input for upsampling and of the result for pooling; any number
// of blocks for the resamples.
#define RESAMPLE(SUFFIX, T)                                                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS) upsample_nearest2x_##SUFFIX(                                 \
        const T* x, T* out, int height, int width, int channels) {                                                     \
        if (channels % VECTOR<T> == 0 && is_aligned(x) && is_aligned(out)) {                                           \
            upsample_nearest2x<true>(x, out, height, width, channels);                                                 \
        } else {                                                                                                       \
            upsample_nearest2x<false>(x, out, height, width, channels);                                                \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(upsample_nearest2x_##SUFFIX)                                                                         \
    extern "C" __global__ void __launch_bounds__(THREADS) average_pool2x_##SUFFIX(                                     \
        const T* x, T* out, int height, int width, int channels) {                                                     \
        if (channels % VECTOR<T> == 0 && is_aligned(x) && is_aligned(out)) {                                           \
            average_pool2x<true>(x, out, height, width, channels);                                                     \
        } else {                                                                                                       \
            average_pool2x<false>(x, out, height, width, channels);                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(average_pool2x_##SUFFIX)                                                                             \
    extern "C" __global__ void __launch_bounds__(THREADS) pixel_shuffle_##SUFFIX(                                      \
        const T* x, const float* base, float* out, int height, int width, int channels, int factor) {                  \
        pixel_shuffle(x, base, out, height, width, channels, factor);                                                  \
    }                                                                                                                  \
    EXPORT_KERNEL(pixel_shuffle_##SUFFIX)                                                                              \
    extern "C" __global__ void __launch_bounds__(THREADS) resample_to_f32_##SUFFIX(                                    \
        const T* x, const int* starts, const int* counts, const float* weights, float* out, int outer, int from,       \
        int to, int inner, int taps) {                                                                                 \
        resample(x, starts, counts, weights, out, outer, from, to, inner, taps);                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(resample_to_f32_##SUFFIX)                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) resample_from_f32_##SUFFIX(                                  \
        const float* x, const int* starts, const int* counts, const float* weights, T* out, int outer, int from,       \
        int to, int inner, int taps) {                                                                                 \
        resample(x, starts, counts, weights, out, outer, from, to, inner, taps);                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(resample_from_f32_##SUFFIX)
RESAMPLE(f32, float)
RESAMPLE(f16, half)
RESAMPLE(bf16, bfloat16)
