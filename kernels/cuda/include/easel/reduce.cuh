// Sums and maxima over a warp or a block, in an order that depends on nothing but the number of threads.
#pragma once

#include "easel/device.cuh"

namespace easel {

// The sum over the warp, in every lane.
__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(FULL_MASK, value, distance);
    return value;
}

// The maximum over the warp, in every lane.
__device__ __forceinline__ float warp_max(float value) {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) {
        value = fmaxf(value, __shfl_xor_sync(FULL_MASK, value, distance));
    }
    return value;
}

// One result per warp of a block of THREADS; shared by all reductions of a kernel.
template <int THREADS>
struct WarpResults {
    float of[THREADS / 32];
};

// The sum over a block of THREADS, in every thread.
template <int THREADS>
__device__ __forceinline__ float block_sum(float value, WarpResults<THREADS>& warps) {
    value = warp_sum(value);
    // The results of a reduction before this one may still be read.
    __syncthreads();
    if (threadIdx.x % 32 == 0) warps.of[threadIdx.x / 32] = value;
    __syncthreads();
    float total = warps.of[0];
#pragma unroll
    for (int warp = 1; warp < THREADS / 32; warp++) total += warps.of[warp];
    return total;
}

// The maximum over a block of THREADS, in every thread.
template <int THREADS>
__device__ __forceinline__ float block_max(float value, WarpResults<THREADS>& warps) {
    value = warp_max(value);
    __syncthreads();
    if (threadIdx.x % 32 == 0) warps.of[threadIdx.x / 32] = value;
    __syncthreads();
    float largest = warps.of[0];
#pragma unroll
    for (int warp = 1; warp < THREADS / 32; warp++) largest = fmaxf(largest, warps.of[warp]);
    return largest;
}

}  // namespace easel
