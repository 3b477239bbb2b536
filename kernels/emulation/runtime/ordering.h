// What comes before what: barriers tell here whom they have made wait for whom, and the race checker asks.
//
// A barrier of the whole block begins a new epoch: all of an earlier epoch comes before all of a later one. Within an
// epoch each thread counts its releases (arrivals at other barriers), and knows of each other thread how many of its
// releases it has waited for: what the other did before those comes first. These are vector clocks, which an epoch sets
// back to zero.
#pragma once

#include "easel/emulation/runtime.h"

#include <vector>

namespace easel_emulation {

// Tensor loads count as done by one more thread.
constexpr u32 tensor_loads_thread = 1024;

// Who did something, and when.
struct Moment {
    u32 epoch; // 0: never
    u32 clock : 20, thread : 11;
    // An asynchronous copy that has begun it, but has not been waited for.
    u32 in_flight : 1;
};

// How many releases of each thread somebody knows of. Counts of an earlier epoch are worth nothing.
struct Clocks {
    u32 epoch = 0;
    u32 tensor_loads = 0;
    std::vector<u32> releases;

    void refresh();
    void join(const Clocks& other);
};

// The epoch that is under way, and those in which this launch and this block began.
struct Epochs {
    u32 now = 0, launch = 0, block = 0;
};
extern Epochs epochs;
extern std::vector<Clocks> clocks_of_threads;

void begin_launch_order();
void begin_block_order();
// The running number of the block, within its launch, that had this epoch.
u64 block_of_epoch(u32 epoch);

inline Moment moment_of(u32 thread) {
    const Clocks& clocks = clocks_of_threads[thread];
    return {epochs.now, clocks.epoch == epochs.now ? clocks.releases[thread] : 0, thread, 0};
}
Moment moment_of_tensor_loads();

// Whether what happened then, in this block, comes before what the thread does now.
inline bool comes_before(const Moment& then, u32 thread) {
    if (then.in_flight) return false;
    const Clocks& clocks = clocks_of_threads[thread];
    if (then.thread == tensor_loads_thread) return then.clock < clocks.tensor_loads;
    if (then.epoch < epochs.now || then.thread == thread) return true;
    return clocks.epoch == epochs.now && then.clock < clocks.releases[then.thread];
}

void order_whole_block();
void order_warp(u32 warp, u32 lanes);

// A barrier for some threads: those that arrive come before those that it lets pass.
void order_named_arrive(int id);
void order_named_release(int id);
void order_named_acquire(int id);

// The same for barriers in shared memory, to which tensor loads report.
void order_phase_arrive(const u64* barrier);
void order_phase_end(const u64* barrier);
void order_phase_acquire(const u64* barrier);
void order_tensor_load_done(const u64* barrier);

} // namespace easel_emulation
