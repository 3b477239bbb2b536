// What only sm_90a has: barriers that count bytes, tensor loads (TMA), products of warpgroups (wgmma).
#pragma once

// The host pass of nvcc sees the Hopper kernels too: it must know every kernel that one of the device passes compiles.
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define EASEL_HOPPER 1
#else
#define EASEL_HOPPER 0
#endif

#if EASEL_HOPPER
#include "easel/nvcc/transaction.cuh"
#include "easel/nvcc/wgmma.cuh"
#endif
