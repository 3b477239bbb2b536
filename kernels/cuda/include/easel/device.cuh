// The only header that kernels include: one set of names, with two halves behind it. nvcc and NVRTC get thin wrappers
// over PTX; a C++ compiler with EASEL_EMULATION defined gets the same names on the CPU (kernels/emulation/).
//
// A kernel that uses these names only means the same in both. What kernels must not use is what the emulation cannot
// see or what NVRTC lacks: inline assembly, other CUDA or standard headers, `__shared__`, atomics on floats, recursion.
// Helpers that stand in a header of their own are `inline`: several sources are linked into one library.
#pragma once

#ifdef EASEL_EMULATION
#include "easel/emulation/types.cuh"
#include "easel/emulation/threads.cuh"
#include "easel/emulation/math.cuh"
#include "easel/emulation/memory.cuh"
#include "easel/emulation/matrix.cuh"
#include "easel/emulation/hopper.cuh"
#else
#include "easel/nvcc/types.cuh"
#include "easel/nvcc/threads.cuh"
#include "easel/nvcc/math.cuh"
#include "easel/nvcc/memory.cuh"
#include "easel/nvcc/matrix.cuh"
#include "easel/nvcc/hopper.cuh"
#endif

// Every lane of a warp, as a mask of the warp-wide functions.
constexpr u32 FULL_MASK = 0xffffffffu;
