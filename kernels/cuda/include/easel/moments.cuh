// What a group normalisation will want to know of a result, gathered while the result is written: its moments, as
// group_norm.cu lays them out. Needs device.cuh before it.
#pragma once

namespace easel {

/// Where moments go: `[chunks of all items, 2, channels]`; NULL if nobody wants them.
struct MomentsOut {
    float* values;
    int channels;

    __device__ __forceinline__ explicit operator bool() const { return values != nullptr; }

    __device__ __forceinline__ void put(size_t chunk, int channel, float mean, float squares) const {
        if (channel >= channels) return;
        float* to = values + chunk * 2 * channels + channel;
        to[0] = mean;
        to[channels] = squares;
    }
};

/// Moments of one column, number by number, in order: deviations from the first are summed, which keeps their sums
/// small whatever the mean.
struct ColumnMoments {
    float origin, sum, squares;

    __device__ __forceinline__ void begin(float first) {
        origin = first;
        sum = squares = 0.0f;
    }

    /// ROWS numbers, `pitch` apart.
    template <int ROWS>
    __device__ __forceinline__ void add(const float* column, int pitch) {
#pragma unroll 4
        for (int row = 0; row < ROWS; row++) {
            const float deviation = column[row * pitch] - origin;
            sum += deviation;
            squares = fmaf(deviation, deviation, squares);
        }
    }

    /// Of `count` numbers.
    __device__ __forceinline__ float mean(float count) const { return origin + sum / count; }
    /// The sum of squared deviations from the mean.
    __device__ __forceinline__ float around_mean(float count) const {
        return fmaxf(fmaf(-sum / count, sum, squares), 0.0f);
    }
};

}  // namespace easel
