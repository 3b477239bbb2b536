// Arithmetic. Compiled with -ffp-contract=off: products and sums are rounded apart unless a kernel asks for fmaf, so
// the functions that promise this (`__fmul_rn` and its like) need nothing special.
#pragma once

#include "easel/emulation/types.cuh"

#include <type_traits>

// Both arguments have one type: CUDA's rules for mixed ones are easy to get wrong.
template <typename T> inline std::enable_if_t<std::is_arithmetic_v<T>, T> min(T a, T b) { return b < a ? b : a; }
template <typename T> inline std::enable_if_t<std::is_arithmetic_v<T>, T> max(T a, T b) { return a < b ? b : a; }
// As in CUDA, a NaN gives way to a number.
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

inline float float_infinity() { return __int_as_float(0x7f800000); }
inline float rsqrtf(float value) { return 1.0f / sqrtf(value); }
inline float __frcp_rn(float value) { return 1.0f / value; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float value) { return sqrtf(value); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double value) { return sqrt(value); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline u32 __umulhi(u32 a, u32 b) { return static_cast<u32>(static_cast<u64>(a) * b >> 32); }
inline int __popc(u32 bits) { return __builtin_popcount(bits); }

// glibc's headers declare functions of some of these names.
inline float easel_expf(float value) { return expf(value); }
inline float easel_exp2f(float value) { return exp2f(value); }
inline float easel_logf(float value) { return logf(value); }
inline float easel_sinf(float value) { return sinf(value); }
inline float easel_cosf(float value) { return cosf(value); }
#define __expf(value) easel_expf(value)
#define __exp2f(value) easel_exp2f(value)
#define __logf(value) easel_logf(value)
#define __sinf(value) easel_sinf(value)
#define __cosf(value) easel_cosf(value)
