// The functions between layers. Their numbers are part of the interface between host and kernels.
#pragma once

#include "easel/device.cuh"

namespace easel {

constexpr int ACTIVATION_NONE = 0;
constexpr int ACTIVATION_SILU = 1;
constexpr int ACTIVATION_GELU = 2;
constexpr int ACTIVATION_QUICK_GELU = 3;

// x · sigmoid(x)
__device__ __forceinline__ float silu(float x) {
    return __fdividef(x, 1.0f + expf(-x));
}

// x · Φ(x), exact (Hendrycks & Gimpel 2016)
__device__ __forceinline__ float gelu(float x) {
    return 0.5f * x * (1.0f + erff(x * 0.707106781f));
}

// x · sigmoid(1.702 x), as in CLIP
__device__ __forceinline__ float quick_gelu(float x) {
    return __fdividef(x, 1.0f + expf(-1.702f * x));
}

// One of the above by its number.
__device__ __forceinline__ float activate(float x, int activation) {
    switch (activation) {
        case ACTIVATION_SILU: return silu(x);
        case ACTIVATION_GELU: return gelu(x);
        case ACTIVATION_QUICK_GELU: return quick_gelu(x);
        default: return x;
    }
}

}  // namespace easel
