// What only sm_90a has: barriers that count bytes, tensor loads (TMA), products of warpgroups (wgmma).
#pragma once

#include "easel/emulation/runtime.h"

#define EASEL_HOPPER 1

// The driver's CUtensorMap, filled in by the stand-in driver.
struct alignas(64) TensorMap {
    u64 opaque[16];
};

inline void transaction_barrier_init(u64* barrier, u32 count,
                                     easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::transaction_barrier_init(barrier, count, place);
}
inline void fence_barrier_init() { easel_emulation::fence_barrier_init(); }
inline void fence_proxy_async() {}
inline void transaction_barrier_arrive(u64* barrier, easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::transaction_barrier_arrive(barrier, 0, place);
}
inline void transaction_barrier_arrive_expect(u64* barrier, u32 bytes,
                                              easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::transaction_barrier_arrive(barrier, bytes, place);
}
inline void transaction_barrier_wait(u64* barrier, u32 parity,
                                     easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::transaction_barrier_wait(barrier, parity, place);
}

inline void tensor_load_2d(void* shared, const TensorMap* map, u64* barrier, int x, int y,
                           easel_emulation::Place place = easel_emulation::Place::here()) {
    const int index[] = {x, y};
    easel_emulation::tensor_load(shared, map, barrier, 2, index, place);
}
inline void tensor_load_3d(void* shared, const TensorMap* map, u64* barrier, int x, int y, int z,
                           easel_emulation::Place place = easel_emulation::Place::here()) {
    const int index[] = {x, y, z};
    easel_emulation::tensor_load(shared, map, barrier, 3, index, place);
}
inline void tensor_load_4d(void* shared, const TensorMap* map, u64* barrier, int x, int y, int z, int u,
                           easel_emulation::Place place = easel_emulation::Place::here()) {
    const int index[] = {x, y, z, u};
    easel_emulation::tensor_load(shared, map, barrier, 4, index, place);
}
inline void tensor_load_5d(void* shared, const TensorMap* map, u64* barrier, int x, int y, int z, int u, int v,
                           easel_emulation::Place place = easel_emulation::Place::here()) {
    const int index[] = {x, y, z, u, v};
    easel_emulation::tensor_load(shared, map, barrier, 5, index, place);
}

template <int registers> inline void register_budget_increase() {
    static_assert(registers % 8 == 0 && registers >= 24 && registers <= 256,
                  "setmaxnreg takes multiples of 8, 24..256");
}
template <int registers> inline void register_budget_decrease() { register_budget_increase<registers>(); }

inline void wgmma_fence(easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::wgmma_fence(place);
}
inline void wgmma_commit(easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::wgmma_commit(place);
}
template <int groups> inline void wgmma_wait(easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::wgmma_wait(groups, place);
}

template <int N> inline void wgmma_hold(float (&)[N]) {}

inline u64 shared_descriptor_swizzle128(const void* tile,
                                        easel_emulation::Place place = easel_emulation::Place::here()) {
    constexpr u64 swizzle_128_bytes = 1ull << 62;
    constexpr u64 bytes_from_eight_rows_to_the_next = 1024 >> 4;
    return ((easel_emulation::shared_address(tile, place) & 0x3ffff) >> 4) | (1ull << 16) |
           (bytes_from_eight_rows_to_the_next << 32) | swizzle_128_bytes;
}

template <int N, typename T>
inline void wgmma_m64k16(float (&d)[N / 2], u64 a_descriptor, u64 b_descriptor, bool accumulate,
                         easel_emulation::Place place = easel_emulation::Place::here()) {
    static_assert(N % 8 == 0 && N >= 8 && N <= 256, "N is a multiple of 8 up to 256");
    easel_emulation::wgmma(d, N, a_descriptor, b_descriptor, accumulate, easel_emulation::element_of<T>(), place);
}
