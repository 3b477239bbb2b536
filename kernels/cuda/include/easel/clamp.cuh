// Clamping that hides nothing.
#pragma once

#include "easel/device.cuh"

namespace easel {

// Into low..high; NaN stays NaN: fminf and fmaxf give the number where one of two is none.
__device__ __forceinline__ float clamped(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

}  // namespace easel
