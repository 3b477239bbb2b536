// Kernels and the barriers of their threads. `threadIdx`, `__syncthreads`, `__syncwarp` and the warp-wide functions
// (`__shfl_sync`, `__shfl_xor_sync`, `__shfl_down_sync`, `__shfl_up_sync`, `__ballot_sync`, `__any_sync`, `__all_sync`)
// are CUDA's own.
#pragma once

// Stands after each kernel; the emulation learns from it which kernels there are.
#define EXPORT_KERNEL(kernel)
// The same for a kernel inside `#if EASEL_HOPPER`: other devices do not have it.
#define EXPORT_HOPPER_KERNEL(kernel)

// Waits until `threads` threads (a multiple of 32) have come to barrier `id` (1..15; 0 is that of `__syncthreads`).
__device__ __forceinline__ void barrier_sync(int id, int threads) {
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

// Counts as having come to the barrier without waiting for it.
__device__ __forceinline__ void barrier_arrive(int id, int threads) {
    asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
