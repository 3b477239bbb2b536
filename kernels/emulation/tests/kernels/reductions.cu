// Sums over rows by shuffles and through shared memory, and the same with one line wrong.
#include "easel/device.cuh"

enum class Fault { none, no_barrier, divergent_barrier, missing_lanes, accumulates, deadlock };

__device__ __forceinline__ float warp_sum(float value) {
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(FULL_MASK, value, distance);
    return value;
}

// y[rows, columns] = softmax of x along the columns; a warp for each row.
template <Fault fault> __device__ __forceinline__ void softmax(const half* x, half* y, int rows, int columns) {
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    x += static_cast<size_t>(row) * columns;
    y += static_cast<size_t>(row) * columns;
    float largest = -float_infinity();
    for (int i = lane; i < columns; i += 32) largest = fmaxf(largest, to_float(x[i]));
    if (fault == Fault::missing_lanes && lane >= 16) return;
    for (int distance = 16; distance > 0; distance /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(FULL_MASK, largest, distance));
    float sum = 0.0f;
    for (int i = lane; i < columns; i += 32) sum += expf(to_float(x[i]) - largest);
    sum = warp_sum(sum);
    for (int i = lane; i < columns; i += 32) {
        const float before = fault == Fault::accumulates ? to_float(y[i]) : 0.0f;
        y[i] = from_float<half>(before + expf(to_float(x[i]) - largest) / sum);
    }
}

// y = (x - mean) / sqrt(variance + epsilon) * weight + bias over groups of channels; x, y: [batch, positions,
// channels]; a block for each group. Dynamic shared memory: 2 floats for each warp.
template <Fault fault>
__device__ __forceinline__ void group_norm(const float* x, const float* weight, const float* bias, float* y,
                                           int positions, int channels, int groups, float epsilon) {
    DYNAMIC_SHARED(float, sums);
    const int width = channels / groups, group = blockIdx.x % groups, count = positions * width;
    const size_t begin = static_cast<size_t>(blockIdx.x / groups) * positions * channels + group * width;
    float sum = 0.0f, squares = 0.0f;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        const float value = x[begin + i / width * channels + i % width];
        sum += value;
        squares += value * value;
    }
    sum = warp_sum(sum);
    squares = warp_sum(squares);
    const int warps = blockDim.x / 32, warp = threadIdx.x / 32;
    if (threadIdx.x % 32 == 0) {
        sums[2 * warp] = sum;
        sums[2 * warp + 1] = squares;
    }
    if (fault == Fault::divergent_barrier && threadIdx.x < 32) {
        __syncthreads();
    } else if (fault != Fault::no_barrier) {
        __syncthreads();
    }
    // The threads of one warp wait for a barrier that the others never come to.
    if (fault == Fault::deadlock && warp == 0) barrier_sync(1, 64);
    sum = squares = 0.0f;
    for (int i = 0; i < warps; i++) {
        sum += sums[2 * i];
        squares += sums[2 * i + 1];
    }
    const float mean = sum / count, scale = rsqrtf(squares / count - mean * mean + epsilon);
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        const int channel = group * width + i % width;
        const size_t at = begin + i / width * channels + i % width;
        y[at] = (x[at] - mean) * scale * weight[channel] + bias[channel];
    }
}

#define SOFTMAX(name, fault)                                                                                           \
    extern "C" __global__ void name(const half* x, half* y, int rows, int columns) {                                   \
        softmax<fault>(x, y, rows, columns);                                                                           \
    }                                                                                                                  \
    EXPORT_KERNEL(name)

SOFTMAX(test_softmax, Fault::none)
SOFTMAX(test_softmax_missing_lanes, Fault::missing_lanes)
SOFTMAX(test_softmax_accumulates, Fault::accumulates)

#define GROUP_NORM(name, fault)                                                                                        \
    extern "C" __global__ void name(const float* x, const float* weight, const float* bias, float* y, int positions,   \
                                    int channels, int groups, float epsilon) {                                         \
        group_norm<fault>(x, weight, bias, y, positions, channels, groups, epsilon);                                   \
    }                                                                                                                  \
    EXPORT_KERNEL(name)

GROUP_NORM(test_group_norm, Fault::none)
GROUP_NORM(test_group_norm_no_barrier, Fault::no_barrier)
GROUP_NORM(test_group_norm_divergent_barrier, Fault::divergent_barrier)
GROUP_NORM(test_group_norm_deadlock, Fault::deadlock)
