// Number types, as nvcc and NVRTC have them.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using i32 = int;
using i64 = long long;
using bfloat16 = __nv_bfloat16;
using bfloat162 = __nv_bfloat162;

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(half value) { return __half2float(value); }
__device__ __forceinline__ float to_float(bfloat16 value) { return __bfloat162float(value); }

// Rounds to nearest even; what is too large for a half becomes infinite.
template <typename T> __device__ __forceinline__ T from_float(float value);
template <> __device__ __forceinline__ float from_float<float>(float value) { return value; }
template <> __device__ __forceinline__ half from_float<half>(float value) { return __float2half_rn(value); }
template <> __device__ __forceinline__ bfloat16 from_float<bfloat16>(float value) { return __float2bfloat16_rn(value); }

// Two numbers in one register, the first in its low half; the tag only says the type.
__device__ __forceinline__ u32 pack2(float low, float high, half) {
    half2 pair = __floats2half2_rn(low, high);
    u32 bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}
__device__ __forceinline__ u32 pack2(float low, float high, bfloat16) {
    bfloat162 pair = __floats2bfloat162_rn(low, high);
    u32 bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
}

// What pack2 packed.
__device__ __forceinline__ float2 unpack2(u32 bits, half) {
    half2 pair;
    memcpy(&pair, &bits, sizeof bits);
    return __half22float2(pair);
}
__device__ __forceinline__ float2 unpack2(u32 bits, bfloat16) {
    bfloat162 pair;
    memcpy(&pair, &bits, sizeof bits);
    return __bfloat1622float2(pair);
}
