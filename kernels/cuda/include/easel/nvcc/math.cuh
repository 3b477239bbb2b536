// Arithmetic: `min`, `max`, `fminf`, `fmaf`, `expf`, `__expf`, `erff`, `rsqrtf`, `__fmul_rn`, `__umulhi`, `__float_as_uint`
// and their like are CUDA's own.
#pragma once

__device__ __forceinline__ float float_infinity() { return __int_as_float(0x7f800000); }
