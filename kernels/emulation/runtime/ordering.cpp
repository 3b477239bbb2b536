#include "ordering.h"

#include "checker.h"

#include <algorithm>
#include <map>

namespace easel_emulation {

Epochs epochs;
std::vector<Clocks> clocks_of_threads;

void Clocks::refresh() {
    if (epoch == epochs.now && releases.size() == block.count) return;
    epoch = epochs.now;
    releases.assign(block.count, 0);
}

void Clocks::join(const Clocks& other) {
    tensor_loads = std::max(tensor_loads, other.tensor_loads);
    if (other.epoch != epochs.now) return;
    refresh();
    for (u32 i = 0; i < block.count; i++) releases[i] = std::max(releases[i], other.releases[i]);
}

namespace {

std::vector<u32> block_begins;
// Tensor loads that have arrived in this block; an epoch does not set this back, as no barrier waits for them.
u32 tensor_loads_done = 0;

// What has been brought to a barrier, and what it gives to those that it lets pass.
struct BarrierClocks {
    Clocks arrived, released;
};
BarrierClocks named[16];
std::map<const u64*, BarrierClocks> phases;

void arrive(BarrierClocks& barrier) {
    const u32 self = block.current().linear;
    Clocks& own = clocks_of_threads[self];
    own.refresh();
    own.releases[self]++;
    barrier.arrived.join(own);
}

void release(BarrierClocks& barrier) {
    barrier.released.join(barrier.arrived);
    barrier.arrived = {};
}

void acquire(const BarrierClocks& barrier) { clocks_of_threads[block.current().linear].join(barrier.released); }

} // namespace

void begin_launch_order() {
    epochs.launch = ++epochs.now;
    block_begins.clear();
}

void begin_block_order() {
    if (!checks) return;
    epochs.block = ++epochs.now;
    block_begins.push_back(epochs.block);
    tensor_loads_done = 0;
    clocks_of_threads.resize(block.count);
    for (Clocks& clocks : clocks_of_threads) clocks.tensor_loads = 0;
    for (BarrierClocks& barrier : named) barrier = {};
    phases.clear();
}

u64 block_of_epoch(u32 epoch) {
    return static_cast<u64>(std::upper_bound(block_begins.begin(), block_begins.end(), epoch) - block_begins.begin()) -
           1;
}

Moment moment_of_tensor_loads() { return {epochs.now, tensor_loads_done, tensor_loads_thread, 0}; }

void order_whole_block() {
    if (!checks) return;
    epochs.now++;
    if (tensor_loads_done == 0) return;
    u32 most = 0;
    for (const Clocks& clocks : clocks_of_threads) most = std::max(most, clocks.tensor_loads);
    for (Clocks& clocks : clocks_of_threads) clocks.tensor_loads = most;
}

void order_warp(u32 warp, u32 lanes) {
    if (!checks) return;
    static Clocks all;
    all.epoch = 0;
    all.tensor_loads = 0;
    for (u32 lane = 0; lane < 32; lane++) {
        if ((lanes >> lane & 1) == 0) continue;
        Clocks& own = clocks_of_threads[warp * 32 + lane];
        own.refresh();
        own.releases[warp * 32 + lane]++;
        all.join(own);
    }
    for (u32 lane = 0; lane < 32; lane++)
        if ((lanes >> lane & 1) != 0) clocks_of_threads[warp * 32 + lane] = all;
}

void order_named_arrive(int id) {
    if (checks) arrive(named[id]);
}
void order_named_release(int id) {
    if (checks) release(named[id]);
}
void order_named_acquire(int id) {
    if (checks) acquire(named[id]);
}

void order_phase_arrive(const u64* barrier) {
    if (checks) arrive(phases[barrier]);
}
void order_phase_end(const u64* barrier) {
    if (checks) release(phases[barrier]);
}
void order_phase_acquire(const u64* barrier) {
    if (checks) acquire(phases[barrier]);
}
void order_tensor_load_done(const u64* barrier) {
    if (!checks) return;
    Clocks& arrived = phases[barrier].arrived;
    arrived.tensor_loads = std::max(arrived.tensor_loads, ++tensor_loads_done);
}

} // namespace easel_emulation
