// Kernels and the barriers of their threads.
#pragma once

#include "easel/emulation/runtime.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __constant__ static

#define threadIdx (easel_emulation::position.thread)
#define blockIdx (easel_emulation::position.block)
#define blockDim (easel_emulation::position.block_size)
#define gridDim (easel_emulation::position.grid_size)
constexpr int warpSize = 32;

#define EXPORT_KERNEL(kernel) static const easel_emulation::Export<kernel> export_##kernel(#kernel, __FILE__, false);
#define EXPORT_HOPPER_KERNEL(kernel)                                                                                   \
    static const easel_emulation::Export<kernel> export_##kernel(#kernel, __FILE__, true);

inline void __syncthreads(easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::synchronise_block(place);
}
inline void barrier_sync(int id, int threads, easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::synchronise_named(id, threads, place);
}
inline void barrier_arrive(int id, int threads, easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::arrive_named(id, threads, place);
}
inline void __syncwarp(u32 mask = 0xffffffffu, easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::synchronise_warp(mask, place);
}

namespace easel_emulation {

inline u32 lane() { return position.linear & 31; }

// `width` cuts the warp into sections; a lane outside of the caller's section stands for the caller itself.
template <typename T> inline T shuffle_from(u32 mask, T value, int source, bool inside, Place place) {
    static_assert(sizeof(T) <= sizeof(u64) && std::is_trivially_copyable_v<T>, "shuffles carry up to 8 bytes");
    u64 bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = shuffle(mask, bits, inside ? static_cast<u32>(source) : lane(), place);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

} // namespace easel_emulation

template <typename T>
inline T __shfl_sync(u32 mask, T value, int source, int width = 32,
                     easel_emulation::Place place = easel_emulation::Place::here()) {
    const int lane = static_cast<int>(easel_emulation::lane()), first = lane & ~(width - 1);
    return easel_emulation::shuffle_from(mask, value, first | (source & (width - 1)), true, place);
}
template <typename T>
inline T __shfl_xor_sync(u32 mask, T value, int bits, int width = 32,
                         easel_emulation::Place place = easel_emulation::Place::here()) {
    const int lane = static_cast<int>(easel_emulation::lane()), source = lane ^ bits;
    return easel_emulation::shuffle_from(mask, value, source, source <= (lane | (width - 1)), place);
}
template <typename T>
inline T __shfl_down_sync(u32 mask, T value, u32 distance, int width = 32,
                          easel_emulation::Place place = easel_emulation::Place::here()) {
    const int lane = static_cast<int>(easel_emulation::lane()), source = lane + static_cast<int>(distance);
    return easel_emulation::shuffle_from(mask, value, source, source <= (lane | (width - 1)), place);
}
template <typename T>
inline T __shfl_up_sync(u32 mask, T value, u32 distance, int width = 32,
                        easel_emulation::Place place = easel_emulation::Place::here()) {
    const int lane = static_cast<int>(easel_emulation::lane()), source = lane - static_cast<int>(distance);
    return easel_emulation::shuffle_from(mask, value, source, source >= (lane & ~(width - 1)), place);
}

inline u32 __ballot_sync(u32 mask, int predicate, easel_emulation::Place place = easel_emulation::Place::here()) {
    return easel_emulation::ballot(mask, predicate != 0, place);
}
inline int __any_sync(u32 mask, int predicate, easel_emulation::Place place = easel_emulation::Place::here()) {
    return easel_emulation::ballot(mask, predicate != 0, place) != 0;
}
inline int __all_sync(u32 mask, int predicate, easel_emulation::Place place = easel_emulation::Place::here()) {
    return easel_emulation::ballot(mask, predicate == 0, place) == 0;
}
