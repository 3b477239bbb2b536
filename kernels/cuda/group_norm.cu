// Group normalisation (Wu & He 2018) with what follows it in a UNet: y = activation(norm(x) · (1 + scale) + shift).
//
// Versions:
// - group_norm_naive_T: one block for each group of each item, three passes over the group's numbers. For any shape.
// - group_norm_small_T: the same, but the group stays in registers: one read, one write, one launch. For groups of up to
//   SMALL_GROUP numbers, with even numbers of channels in a group and in x0.
// - group_norm_moments_T for each source, group_norm_finish, group_norm_apply_T: every number is read once for the
//   statistics and once for the result, and written once. A kernel that makes the normalised tensor can give the moments
//   in its epilogue instead, which saves the first of the two reads.
//
// Sources: x0 and x1 are `[batch, pixels, channels0]` and `[batch, pixels, channels1]`, read as if side by side along the
// channels; x1 may be NULL, then channels1 is 0. A group may have channels of both.
//
// Moments: `[batch, chunks, 2, channels]` in float32, for each source its own. A chunk stands for `chunk_pixels` pixels
// of one item (the last one for what remains); which pixels these are does not matter, their number does. First come the
// means of the channels over the chunk, then the sums of squared deviations from those means. Not sums and sums of
// squares, whose difference has no digits left where the mean is large.
//
// Affine: `[batch, 3, channels]` in float32, of all sources together: y = activation((x − mean) · scale + shift).
//
// Chunks, and so the order of all sums, must depend on an item's shape only.

#include "easel/device.cuh"
#include "easel/activation.cuh"
#include "easel/floats.cuh"
#include "easel/reduce.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 256, SMALL_GROUP = 1 << 14;

// What a channel goes through after `(x − mean) / deviation`, as a gain and an offset.
struct Gain {
    float gain;
    float offset;
};

__device__ __forceinline__ Gain channel_gain(
    const float* weight, const float* bias, const float* scale_shift, int item, int channel, int channels) {
    if (scale_shift == nullptr) return {weight[channel], bias[channel]};
    const float* values = scale_shift + static_cast<size_t>(item) * 2 * channels;
    const float scale = 1.0f + values[channel];
    return {weight[channel] * scale, fmaf(bias[channel], scale, values[channels + channel])};
}

// The numbers of one group of one item, from two sources.
template <typename T>
struct Group {
    const T* x0;
    const T* x1;
    int channels0;
    int channels1;
    int first_channel;

    __device__ __forceinline__ const T* address(int pixel, int member) const {
        const int channel = first_channel + member;
        if (channel < channels0) return x0 + static_cast<size_t>(pixel) * channels0 + channel;
        return x1 + static_cast<size_t>(pixel) * channels1 + channel - channels0;
    }

    __device__ __forceinline__ float at(int pixel, int member) const { return to_float(*address(pixel, member)); }
};

// The group that this block normalises.
template <typename T>
__device__ __forceinline__ Group<T> block_group(
    const T* x0, const T* x1, int pixels, int channels0, int channels1, int members) {
    const size_t first_pixel = static_cast<size_t>(blockIdx.y) * pixels;
    return {x0 + first_pixel * channels0, x1 + first_pixel * channels1, channels0, channels1,
            static_cast<int>(blockIdx.x) * members};
}

// Calls `visit(pixel, member)` for this thread's share of a group's numbers, in order. The division is done once.
template <typename Visit>
__device__ __forceinline__ void for_share_of_group(int pixels, int members, Visit visit) {
    const int pixel_step = THREADS / members, member_step = THREADS % members;
    int pixel = threadIdx.x / members, member = threadIdx.x % members;
    while (pixel < pixels) {
        visit(pixel, member);
        pixel += pixel_step;
        member += member_step;
        if (member >= members) {
            member -= members;
            pixel++;
        }
    }
}

template <typename T>
__device__ void normalise_group(
    const T* x0, const T* x1, const float* weight, const float* bias, const float* scale_shift, T* out, int pixels,
    int channels0, int channels1, int groups, int activation, float eps, WarpResults<THREADS>& warps) {
    const int channels = channels0 + channels1, members = channels / groups, item = blockIdx.y;
    const size_t first_pixel = static_cast<size_t>(item) * pixels;
    const Group<T> group = block_group(x0, x1, pixels, channels0, channels1, members);
    const float count = static_cast<float>(pixels) * static_cast<float>(members);

    // Deviations from any number of the group are small where the mean is large.
    const float origin = group.at(0, 0);
    float sum = 0.0f;
    for_share_of_group(pixels, members, [&](int pixel, int member) { sum += group.at(pixel, member) - origin; });
    const float mean = origin + block_sum(sum, warps) / count;

    float squares = 0.0f;
    for_share_of_group(pixels, members, [&](int pixel, int member) {
        const float deviation = group.at(pixel, member) - mean;
        squares = fmaf(deviation, deviation, squares);
    });
    const float inverse_deviation = 1.0f / sqrtf(block_sum(squares, warps) / count + eps);

    for_share_of_group(pixels, members, [&](int pixel, int member) {
        const int channel = group.first_channel + member;
        const Gain gain = channel_gain(weight, bias, scale_shift, item, channel, channels);
        const float normal = (group.at(pixel, member) - mean) * inverse_deviation;
        const float y = activate(fmaf(normal, gain.gain, gain.offset), activation);
        out[(first_pixel + pixel) * channels + channel] = from_float<T>(y);
    });
}

// Threads of group_norm_small, and pairs of a group's numbers that each of them holds.
constexpr int SMALL_THREADS = 512, SMALL_PAIRS = SMALL_GROUP / (2 * SMALL_THREADS);

// Calls `visit(index, pixel, member)` for this thread's pairs of a group's numbers, `member` being the first of the two.
template <typename Visit>
__device__ __forceinline__ void for_each_pair(int pixels, int members, Visit visit) {
    const int pairs = members / 2, pixel_step = SMALL_THREADS / pairs, pair_step = SMALL_THREADS % pairs;
    int pixel = threadIdx.x / pairs, pair = threadIdx.x % pairs;
#pragma unroll
    for (int index = 0; index < SMALL_PAIRS; index++) {
        if (pixel < pixels) visit(index, pixel, 2 * pair);
        pixel += pixel_step;
        pair += pair_step;
        if (pair >= pairs) {
            pair -= pairs;
            pixel++;
        }
    }
}

template <bool WHOLE, typename T>
__device__ __forceinline__ void normalise_small_group(
    const Group<T>& group, const float* weight, const float* bias, const float* scale_shift, T* out, int item, int pixels,
    int members, int channels, int activation, float eps, WarpResults<SMALL_THREADS>& warps) {
    Vector<T, 2> pairs[SMALL_PAIRS];
    for_each_pair(pixels, members, [&](int index, int pixel, int member) {
        pairs[index] = load_run<WHOLE, 2>(group.address(pixel, member));
    });
    const float count = static_cast<float>(pixels * members), origin = group.at(0, 0);
    float sum = 0.0f;
    for_each_pair(pixels, members, [&](int index, int, int) {
        sum += (to_float(pairs[index][0]) - origin) + (to_float(pairs[index][1]) - origin);
    });
    const float mean = origin + block_sum(sum, warps) / count;
    float squares = 0.0f;
    for_each_pair(pixels, members, [&](int index, int, int) {
        const float first = to_float(pairs[index][0]) - mean, second = to_float(pairs[index][1]) - mean;
        squares += fmaf(first, first, second * second);
    });
    const float inverse_deviation = 1.0f / sqrtf(block_sum(squares, warps) / count + eps);
    for_each_pair(pixels, members, [&](int index, int pixel, int member) {
        const int channel = group.first_channel + member;
        float values[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const Gain gain = channel_gain(weight, bias, scale_shift, item, channel + i, channels);
            const float normal = (to_float(pairs[index][i]) - mean) * inverse_deviation;
            values[i] = activate(fmaf(normal, gain.gain, gain.offset), activation);
        }
        store_floats<WHOLE>(out + static_cast<size_t>(pixel) * channels + channel, values);
    });
}

// Moments of the channels of a tile, by row of the block.
template <typename T>
struct RowMoments {
    float means[THREADS * VECTOR<T>];
    float squares[THREADS * VECTOR<T>];
};

// Pixels that row `row` of `rows` gets of a chunk of `chunk`.
__device__ __forceinline__ int pixels_of_row(int chunk, int row, int rows) {
    return chunk > row ? (chunk - row - 1) / rows + 1 : 0;
}

// Sums of deviations from an origin, and of their squares, for one vector of channels.
template <int N>
struct DeviationSums {
    float origin[N];
    float sums[N] = {};
    float squares[N] = {};

    template <typename T>
    __device__ __forceinline__ void add(const Vector<T, N>& run) {
#pragma unroll
        for (int i = 0; i < N; i++) {
            const float deviation = to_float(run[i]) - origin[i];
            sums[i] += deviation;
            squares[i] = fmaf(deviation, deviation, squares[i]);
        }
    }
};

// Means and squared deviations of one vector of channels over every `step`-th number, in one pass: deviations from the
// first pixel are summed, which keeps their sums small whatever the mean.
template <bool WHOLE, typename T>
__device__ __forceinline__ void column_moments(
    const T* from, size_t step, int count, int channels, float (&means)[VECTOR<T>], float (&squares)[VECTOR<T>]) {
    // Reads in flight; what is not aligned is not made fast.
    constexpr int N = VECTOR<T>, UNROLL = WHOLE ? 4 : 1;
    DeviationSums<N> deviations;
    load_floats<WHOLE>(deviations.origin, from, channels);
    int pixel = 0;
    for (; pixel + UNROLL <= count; pixel += UNROLL, from += UNROLL * step) {
        Vector<T, N> runs[UNROLL];
#pragma unroll
        for (int i = 0; i < UNROLL; i++) runs[i] = load_run<WHOLE, N>(from + i * step, channels);
#pragma unroll
        for (int i = 0; i < UNROLL; i++) deviations.add(runs[i]);
    }
#pragma unroll 1
    for (; pixel < count; pixel++, from += step) deviations.add(load_run<WHOLE, N>(from, channels));

    const float share = 1.0f / static_cast<float>(count);
#pragma unroll
    for (int i = 0; i < N; i++) {
        const float mean = deviations.sums[i] * share;
        means[i] = deviations.origin[i] + mean;
        squares[i] = fmaxf(fmaf(-mean, deviations.sums[i], deviations.squares[i]), 0.0f);
    }
}

// Merges the rows' moments of one channel (Chan, Golub & LeVeque 1979) and stores them.
template <typename T>
__device__ __forceinline__ void merge_rows(
    const RowMoments<T>& scratch, int channel, int tile_channels, int chunk, int rows, float* mean, float* squares) {
    const float origin = scratch.means[channel];
    float sum = 0.0f;
    for (int row = 1; row < rows; row++) {
        const int count = pixels_of_row(chunk, row, rows);
        if (count > 0) sum = fmaf(count, scratch.means[row * tile_channels + channel] - origin, sum);
    }
    const float offset = sum / static_cast<float>(chunk);
    float total = 0.0f;
    for (int row = 0; row < rows; row++) {
        const int count = pixels_of_row(chunk, row, rows);
        if (count > 0) {
            const float deviation = scratch.means[row * tile_channels + channel] - origin - offset;
            total += fmaf(count * deviation, deviation, scratch.squares[row * tile_channels + channel]);
        }
    }
    *mean = origin + offset;
    *squares = total;
}

// Block x: a chunk of pixels; y: a tile of `tile_columns` vectors of channels; z: an item. A thread keeps its channels.
template <typename T>
__device__ void chunk_moments(
    const T* x, float* moments, int pixels, int channels, int chunk_pixels, int tile_columns, RowMoments<T>& scratch) {
    constexpr int N = VECTOR<T>;
    const int tile_channels = tile_columns * N, first_channel = blockIdx.y * tile_channels;
    const int rows = THREADS / tile_columns, row = threadIdx.x / tile_columns;
    const int column = threadIdx.x % tile_columns, channel = first_channel + column * N;
    const int first_pixel = blockIdx.x * chunk_pixels, chunk = min(chunk_pixels, pixels - first_pixel);
    const int count = pixels_of_row(chunk, row, rows), present = min(N, channels - channel);

    if (row < rows && present > 0 && count > 0) {
        const size_t pixel = static_cast<size_t>(blockIdx.z) * pixels + first_pixel + row;
        const T* from = x + pixel * channels + channel;
        const size_t step = static_cast<size_t>(rows) * channels;
        float means[N], squares[N];
        if (channels % N == 0 && is_aligned(x)) {
            column_moments<true>(from, step, count, N, means, squares);
        } else {
            column_moments<false>(from, step, count, present, means, squares);
        }
        const int at = row * tile_channels + column * N;
        store_floats<true>(scratch.means + at, means);
        store_floats<true>(scratch.squares + at, squares);
    }
    __syncthreads();

    float* out = moments + (static_cast<size_t>(blockIdx.z) * gridDim.x + blockIdx.x) * 2 * channels + first_channel;
    for (int i = threadIdx.x; i < min(tile_channels, channels - first_channel); i += THREADS) {
        merge_rows(scratch, i, tile_channels, chunk, rows, out + i, out + channels + i);
    }
}

// The moments of one source.
struct Moments {
    const float* values;
    int channels;
    int chunks;
    int chunk_pixels;
};

__device__ __forceinline__ Moments source(const float* values, int channels, int pixels, int chunk_pixels) {
    return {values, channels, channels > 0 ? (pixels + chunk_pixels - 1) / chunk_pixels : 0, chunk_pixels};
}

// This thread's share of the sum of `term(count, mean, squares)` over the chunks and over the channels `first..end`.
template <typename Term>
__device__ __forceinline__ double share_of_sum(const Moments& moments, int item, int pixels, int first, int end, Term term) {
    double sum = 0.0;
    if (first >= end) return sum;
    for_share_of_group(moments.chunks, end - first, [&](int chunk, int member) {
        const size_t index = static_cast<size_t>(item) * moments.chunks + chunk;
        const float* values = moments.values + index * 2 * moments.channels + first + member;
        const int count = min(moments.chunk_pixels, pixels - chunk * moments.chunk_pixels);
        sum += term(static_cast<double>(count), values[0], values[moments.channels]);
    });
    return sum;
}

// The sum over the block, in every thread; in float64, of which there are few.
__device__ __forceinline__ double block_sum_wide(double value, double (&sums)[THREADS]) {
    __syncthreads();
    sums[threadIdx.x] = value;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < static_cast<u32>(half)) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    __syncthreads();
    return sums[0];
}

// Mean and deviation of a group, then what they make of each of its channels.
__device__ __forceinline__ void finish(
    const Moments& moments0, const Moments& moments1, const float* weight, const float* bias, const float* scale_shift,
    float* affine, int pixels, int groups, float eps, double (&sums)[THREADS]) {
    const int channels = moments0.channels + moments1.channels, members = channels / groups;
    const int item = blockIdx.y, first = blockIdx.x * members;
    const int first0 = min(first, moments0.channels), end0 = min(first + members, moments0.channels);
    const int first1 = first + end0 - first0 - moments0.channels, end1 = first + members - moments0.channels;
    auto sum_of = [&](auto term) {
        const double share0 = share_of_sum(moments0, item, pixels, first0, end0, term);
        return block_sum_wide(share0 + share_of_sum(moments1, item, pixels, max(first1, 0), end1, term), sums);
    };
    const double count = static_cast<double>(pixels) * members;
    const double mean = sum_of([](double pixels, double mean, double) { return pixels * mean; }) / count;
    const double squares = sum_of([mean](double pixels, double part_mean, double squares) {
        const double deviation = part_mean - mean;
        return squares + pixels * deviation * deviation;
    });
    const float inverse_deviation = static_cast<float>(1.0 / sqrt(squares / count + static_cast<double>(eps)));

    affine += static_cast<size_t>(item) * 3 * channels;
    for (int channel = first + threadIdx.x; channel < first + members; channel += THREADS) {
        const Gain gain = channel_gain(weight, bias, scale_shift, item, channel, channels);
        affine[channel] = static_cast<float>(mean);
        affine[channels + channel] = inverse_deviation * gain.gain;
        affine[2 * channels + channel] = gain.offset;
    }
}

// What one vector of channels goes through.
template <int N>
struct Affine {
    float mean[N];
    float scale[N];
    float shift[N];

    template <typename T>
    __device__ __forceinline__ Vector<T, N> operator()(const Vector<T, N>& run, int activation) const {
        float values[N];
#pragma unroll
        for (int i = 0; i < N; i++) {
            values[i] = activate(fmaf(to_float(run[i]) - mean[i], scale[i], shift[i]), activation);
        }
        return narrow<T, N>(values);
    }
};

// One vector of channels of every `from_step`-th number. Which pixels a thread has does not matter to the result.
template <bool WHOLE, typename T>
__device__ __forceinline__ void normalise_column(
    const T* from, size_t from_step, const float* coefficients, int channels, T* to, size_t to_step, int count,
    int present, int activation) {
    constexpr int N = VECTOR<T>, UNROLL = WHOLE ? 4 : 1;
    Affine<N> affine;
    load_floats<WHOLE>(affine.mean, coefficients, present);
    load_floats<WHOLE>(affine.scale, coefficients + channels, present);
    load_floats<WHOLE>(affine.shift, coefficients + 2 * channels, present);
    int pixel = 0;
    for (; pixel + UNROLL <= count; pixel += UNROLL, from += UNROLL * from_step, to += UNROLL * to_step) {
        Vector<T, N> runs[UNROLL];
#pragma unroll
        for (int i = 0; i < UNROLL; i++) runs[i] = load_run<WHOLE, N>(from + i * from_step, present);
#pragma unroll
        for (int i = 0; i < UNROLL; i++) store_run<WHOLE>(to + i * to_step, affine(runs[i], activation), present);
    }
#pragma unroll 1
    for (; pixel < count; pixel++, from += from_step, to += to_step) {
        store_run<WHOLE>(to, affine(load_run<WHOLE, N>(from, present), activation), present);
    }
}

// Block x: a chunk of pixels; y: a tile of `tile_columns` vectors of channels, those of x0 first; z: an item.
template <typename T>
__device__ __forceinline__ void apply(
    const T* x0, const T* x1, const float* affine, T* out, int pixels, int channels0, int channels1, int chunk_pixels,
    int tile_columns, int activation) {
    constexpr int N = VECTOR<T>;
    const int rows = THREADS / tile_columns, row = threadIdx.x / tile_columns;
    const int column = blockIdx.y * tile_columns + threadIdx.x % tile_columns;
    const int columns0 = (channels0 + N - 1) / N, all_channels = channels0 + channels1;
    const bool second = column >= columns0;
    const int channels = second ? channels1 : channels0, channel = (second ? column - columns0 : column) * N;
    const int out_channel = second ? channels0 + channel : channel;
    const int first_pixel = blockIdx.x * chunk_pixels, chunk = min(chunk_pixels, pixels - first_pixel);
    const int count = pixels_of_row(chunk, row, rows), present = min(N, channels - channel);
    if (row >= rows || present <= 0 || count == 0) return;

    const size_t pixel = static_cast<size_t>(blockIdx.z) * pixels + first_pixel + row;
    const T* from = (second ? x1 : x0) + pixel * channels + channel;
    T* to = out + pixel * all_channels + out_channel;
    const size_t from_step = static_cast<size_t>(rows) * channels, to_step = static_cast<size_t>(rows) * all_channels;
    affine += static_cast<size_t>(blockIdx.z) * 3 * all_channels + out_channel;
    const bool whole = channels0 % N == 0 && channels1 % N == 0 && is_aligned(x0) && is_aligned(x1) && is_aligned(out);
    if (whole && activation == ACTIVATION_SILU) {
        normalise_column<true>(from, from_step, affine, all_channels, to, to_step, count, N, ACTIVATION_SILU);
    } else if (whole) {
        normalise_column<true>(from, from_step, affine, all_channels, to, to_step, count, N, activation);
    } else {
        normalise_column<false>(from, from_step, affine, all_channels, to, to_step, count, present, activation);
    }
}

}  // namespace

// Grid: (groups, batch), 256 threads, or SMALL_THREADS.
#define GROUP_NORM_GROUP(SUFFIX, T)                                                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS) group_norm_naive_##SUFFIX(                                   \
        const T* x0, const T* x1, const float* weight, const float* bias, const float* scale_shift, T* out,            \
        int pixels, int channels0, int channels1, int groups, int activation, float eps) {                             \
        BLOCK_SHARED(WarpResults<THREADS>, warps);                                                                     \
        normalise_group(x0, x1, weight, bias, scale_shift, out, pixels, channels0, channels1, groups, activation, eps, \
                        warps);                                                                                        \
    }                                                                                                                  \
    EXPORT_KERNEL(group_norm_naive_##SUFFIX)                                                                           \
    extern "C" __global__ void __launch_bounds__(SMALL_THREADS) group_norm_small_##SUFFIX(                             \
        const T* x0, const T* x1, const float* weight, const float* bias, const float* scale_shift, T* out,            \
        int pixels, int channels0, int channels1, int groups, int activation, float eps) {                             \
        BLOCK_SHARED(WarpResults<SMALL_THREADS>, warps);                                                               \
        const int channels = channels0 + channels1, members = channels / groups, item = blockIdx.y;                    \
        const Group<T> group = block_group(x0, x1, pixels, channels0, channels1, members);                             \
        out += static_cast<size_t>(item) * pixels * channels;                                                          \
        if (is_aligned<2 * sizeof(T)>(x0) && is_aligned<2 * sizeof(T)>(x1) && is_aligned<2 * sizeof(T)>(out)) {        \
            normalise_small_group<true>(group, weight, bias, scale_shift, out, item, pixels, members, channels,        \
                                        activation, eps, warps);                                                       \
        } else {                                                                                                       \
            normalise_small_group<false>(group, weight, bias, scale_shift, out, item, pixels, members, channels,       \
                                         activation, eps, warps);                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(group_norm_small_##SUFFIX)
GROUP_NORM_GROUP(f32, float)
GROUP_NORM_GROUP(f16, half)
GROUP_NORM_GROUP(bf16, bfloat16)

// Grid: (chunks, ceil(channels / (tile_columns · vector)), batch), 256 threads; tile_columns in 1..256.
#define GROUP_NORM_MOMENTS(SUFFIX, T)                                                                                   \
    extern "C" __global__ void __launch_bounds__(THREADS) group_norm_moments_##SUFFIX(                                 \
        const T* x, float* moments, int pixels, int channels, int chunk_pixels, int tile_columns) {                    \
        BLOCK_SHARED(RowMoments<T>, scratch);                                                                          \
        chunk_moments(x, moments, pixels, channels, chunk_pixels, tile_columns, scratch);                              \
    }                                                                                                                  \
    EXPORT_KERNEL(group_norm_moments_##SUFFIX)
GROUP_NORM_MOMENTS(f32, float)
GROUP_NORM_MOMENTS(f16, half)
GROUP_NORM_MOMENTS(bf16, bfloat16)

// Grid: (groups, batch), 256 threads. Each source has moments of its own; moments1 may be NULL, then channels1 is 0.
extern "C" __global__ void __launch_bounds__(THREADS) group_norm_finish(
    const float* moments0, const float* moments1, const float* weight, const float* bias, const float* scale_shift,
    float* affine, int pixels, int channels0, int channels1, int chunk_pixels0, int chunk_pixels1, int groups, float eps) {
    BLOCK_SHARED(double[THREADS], sums);
    finish(source(moments0, channels0, pixels, chunk_pixels0), source(moments1, channels1, pixels, chunk_pixels1), weight,
           bias, scale_shift, affine, pixels, groups, eps, sums);
}
EXPORT_KERNEL(group_norm_finish)

// Grid: (ceil(pixels / chunk_pixels), ceil((ceil(channels0 / vector) + ceil(channels1 / vector)) / tile_columns), batch),
// 256 threads.
#define GROUP_NORM_APPLY(SUFFIX, T)                                                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS, 3) group_norm_apply_##SUFFIX(                                   \
        const T* x0, const T* x1, const float* affine, T* out, int pixels, int channels0, int channels1,               \
        int chunk_pixels, int tile_columns, int activation) {                                                          \
        apply(x0, x1, affine, out, pixels, channels0, channels1, chunk_pixels, tile_columns, activation);              \
    }                                                                                                                  \
    EXPORT_KERNEL(group_norm_apply_##SUFFIX)
GROUP_NORM_APPLY(f32, float)
GROUP_NORM_APPLY(f16, half)
GROUP_NORM_APPLY(bf16, bfloat16)
