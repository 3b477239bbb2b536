// Where the windows of a convolution lie in its input. Needs device.cuh before it.
#pragma once

namespace easel {

/// A pixel of the input, which may lie outside of it.
struct Pixel {
    int y, x;
    /// Its number among all pixels of the batch, if it lies inside.
    int index;
};

/// The windows of a convolution, one for each of its outputs.
///
/// A nearest-neighbour upsampling by two followed by a 3x3 convolution is four convolutions with 2x2 windows on the
/// small picture, one for each parity ("phase") of the output's row and column: three taps of the large picture fall on
/// two pixels of the small one, so their weights are added beforehand. `upsampled` gives the windows of one of them.
struct Windows {
    int height, width;
    /// How many windows there are in a picture.
    int count_y, count_x;
    int kernel_height, kernel_width;
    int stride;
    /// How far the first window reaches out of the picture.
    int margin_y, margin_x;
    /// -1, or which of the outputs of an upsampled picture these are: 2 * (row parity) + (column parity).
    int phase;

    static __device__ __forceinline__ Windows upsampled(int height, int width, int phase) {
        return {height, width, height, width, 2, 2, 1, 1 - phase / 2, 1 - phase % 2, phase};
    }

    /// Top left pixel of a window; windows are numbered over the whole batch.
    __device__ __forceinline__ Pixel origin(int window) const {
        const int x = window % count_x * stride - margin_x;
        const int y = window / count_x % count_y * stride - margin_y;
        const int item = window / count_x / count_y;
        return {y, x, (item * height + y) * width + x};
    }

    __device__ __forceinline__ Pixel tap(Pixel origin, int y, int x) const {
        return {origin.y + y, origin.x + x, origin.index + y * width + x};
    }

    __device__ __forceinline__ bool inside(Pixel pixel) const {
        return unsigned(pixel.y) < unsigned(height) && unsigned(pixel.x) < unsigned(width);
    }

    /// Which of the chunks of all items a window is in, if chunks of `windows` of them divide the pictures.
    __device__ __forceinline__ long long chunk(int window, int windows) const {
        const int chunk = window / windows, of_phase = count_y * count_x / windows;
        return phase < 0 ? chunk : (chunk / of_phase * 4 + phase) * of_phase + chunk % of_phase;
    }

    /// Row of the result `[batch * out_height * out_width, out_channels]` that a window belongs to.
    __device__ __forceinline__ int out_row(int window) const {
        if (phase < 0) return window;
        // `window / width` counts the rows of all items, and the large pictures have twice as many.
        return (window / width * 2 + phase / 2) * (2 * width) + window % width * 2 + phase % 2;
    }
};

/// One or two inputs `[batch, height, width, channels]` that are read as if side by side along the channels.
template <typename T>
struct Sources {
    const T* x0;
    const T* x1;
    int channels0, channels1;

    __device__ __forceinline__ int channels() const { return channels0 + channels1; }

    /// One value of a pixel.
    __device__ __forceinline__ T at(int pixel, int channel) const {
        return channel < channels0 ? x0[size_t(pixel) * channels0 + channel]
                                   : x1[size_t(pixel) * channels1 + channel - channels0];
    }

    /// Four values side by side of a pixel, of one source: `channel`, `channels0` and `channels1` are multiples of 4.
    __device__ __forceinline__ Vector<T, 4> four_at(int pixel, int channel) const {
        return channel < channels0 ? load_vector<T, 4>(x0 + size_t(pixel) * channels0 + channel)
                                   : load_vector<T, 4>(x1 + size_t(pixel) * channels1 + channel - channels0);
    }
};

}  // namespace easel
