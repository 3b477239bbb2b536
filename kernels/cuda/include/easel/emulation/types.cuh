// Number types on the CPU. `half` and `bfloat16` convert explicitly only, and have no arithmetic: what compiles here
// means the same with nvcc, where they have both.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#if defined(__F16C__)
#include <immintrin.h>
#endif

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using i32 = int;
using i64 = long long;

struct uint3 {
    u32 x, y, z;
};
struct dim3 {
    u32 x = 1, y = 1, z = 1;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    u32 x, y;
};
struct alignas(16) uint4 {
    u32 x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
inline uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }

inline u32 __float_as_uint(float value) {
    u32 bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __uint_as_float(u32 bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline i64 __double_as_longlong(double value) {
    i64 bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline double __longlong_as_double(i64 bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline int __float_as_int(float value) { return static_cast<int>(__float_as_uint(value)); }
inline float __int_as_float(int bits) { return __uint_as_float(static_cast<u32>(bits)); }

namespace easel_emulation {

#if defined(__F16C__)
inline float half_to_float(u16 bits) { return _cvtsh_ss(bits); }
inline u16 float_to_half(float value) { return _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT); }
#else
inline float half_to_float(u16 bits) {
    const u32 sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31, mantissa = bits & 0x3ffu;
    if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | mantissa << 13);
    if (exponent != 0) return __uint_as_float(sign | (exponent + 112) << 23 | mantissa << 13);
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f; // subnormal
    return sign ? -magnitude : magnitude;
}
inline u16 float_to_half(float value) {
    const u32 bits = __float_as_uint(value), magnitude = bits & 0x7fffffffu;
    const u16 sign = static_cast<u16>(bits >> 16 & 0x8000u);
    if (magnitude > 0x7f800000u) return sign | 0x7fffu;
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u; // 65520 and more round to infinity
    // Below 2^-14 the sum with 0.5 leaves the rounded subnormal in the lowest bits.
    if (magnitude < 0x38800000u)
        return sign | static_cast<u16>(__float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000u);
    const u32 rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
    return sign | static_cast<u16>((rounded - 0x38000000u) >> 13);
}
#endif

inline float bfloat16_to_float(u16 bits) { return __uint_as_float(static_cast<u32>(bits) << 16); }
inline u16 float_to_bfloat16(float value) {
    const u32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return static_cast<u16>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

} // namespace easel_emulation

struct half {
    u16 bits;
    half() = default;
    explicit half(float value) : bits(easel_emulation::float_to_half(value)) {}
    explicit operator float() const { return easel_emulation::half_to_float(bits); }
};
struct bfloat16 {
    u16 bits;
    bfloat16() = default;
    explicit bfloat16(float value) : bits(easel_emulation::float_to_bfloat16(value)) {}
    explicit operator float() const { return easel_emulation::bfloat16_to_float(bits); }
};
struct alignas(4) half2 {
    half x, y;
};
struct alignas(4) bfloat162 {
    bfloat16 x, y;
};

inline float to_float(float value) { return value; }
inline float to_float(half value) { return static_cast<float>(value); }
inline float to_float(bfloat16 value) { return static_cast<float>(value); }

template <typename T> inline T from_float(float value) { return T(value); }

template <typename T> inline u32 pack2(float low, float high, T) {
    return T(low).bits | static_cast<u32>(T(high).bits) << 16;
}

template <typename T> inline float2 unpack2(u32 bits, T) {
    T low, high;
    low.bits = static_cast<u16>(bits);
    high.bits = static_cast<u16>(bits >> 16);
    return {static_cast<float>(low), static_cast<float>(high)};
}
