#include "barriers.h"

#include "ordering.h"
#include "scheduler.h"

namespace easel_emulation {

namespace {

constexpr int barrier_count = 16;

struct Barrier {
    u32 arrived = 0;
    // How many threads it waits for; 0 stands for all of the block that have not ended.
    u32 expected = 0;
    Place place{};
    u32 first_thread = 0;
    std::vector<u32> waiting;
};
Barrier barriers[barrier_count];

void open(Barrier& barrier, int id) {
    if (barrier.expected == 0) {
        order_whole_block();
    } else {
        order_named_release(id);
    }
    barrier.arrived = 0;
    for (u32 thread : barrier.waiting) make_ready(block.threads[thread]);
    barrier.waiting.clear();
}

std::string name_of(u32 linear) {
    const uint3 index = block.thread_index(linear);
    return format("thread %u,%u,%u", index.x, index.y, index.z);
}

void check_named(int id, int threads, Place place, const Barrier& barrier) {
    if (id < 0 || id >= barrier_count || threads <= 0 || threads % 32 != 0 ||
        static_cast<u32>(threads) > block.warps() * 32)
        fail(Code::launch_failed,
             format("barrier %d for %d threads at %s: ids are 0..15, counts multiples of 32 up to the block's size", id,
                    threads, describe(place).c_str()));
    if (barrier.arrived != 0 && barrier.expected != static_cast<u32>(threads))
        fail(Code::launch_failed, format("divergent barrier %d: for %d threads at %s, but %s came to it for %u at %s",
                                         id, threads, describe(place).c_str(), name_of(barrier.first_thread).c_str(),
                                         barrier.expected, describe(barrier.place).c_str()));
}

// Counts the current thread in; whether it is the last that the barrier waited for.
bool arrive(Barrier& barrier, u32 expected, Place place) {
    if (barrier.arrived++ == 0) {
        barrier.expected = expected;
        barrier.place = place;
        barrier.first_thread = block.current().linear;
    }
    return barrier.arrived == (expected == 0 ? block.live : expected);
}

} // namespace

void reset_barriers() {
    for (Barrier& barrier : barriers) {
        barrier.arrived = 0;
        barrier.waiting.clear();
    }
}

void barriers_after_exit() {
    Barrier& barrier = barriers[0];
    if (barrier.arrived != 0 && barrier.expected == 0 && barrier.arrived == block.live) open(barrier, 0);
}

void synchronise_block(Place place) {
    Barrier& barrier = barriers[0];
    if (barrier.arrived != 0 && (barrier.place.line != place.line || barrier.expected != 0))
        fail(Code::launch_failed,
             format("divergent barrier: __syncthreads at %s, while %s waits at %s", describe(place).c_str(),
                    name_of(barrier.first_thread).c_str(), describe(barrier.place).c_str()));
    if (arrive(barrier, 0, place)) {
        open(barrier, 0);
    } else {
        barrier.waiting.push_back(block.current().linear);
        wait("__syncthreads", place);
    }
}

void synchronise_named(int id, int threads, Place place) {
    check_named(id, threads, place, barriers[id & 15]);
    Barrier& barrier = barriers[id];
    order_named_arrive(id);
    const u32 self = block.current().linear;
    if (arrive(barrier, static_cast<u32>(threads), place)) {
        open(barrier, id);
    } else {
        barrier.waiting.push_back(self);
        wait("barrier_sync", place);
    }
    order_named_acquire(id);
}

void arrive_named(int id, int threads, Place place) {
    check_named(id, threads, place, barriers[id & 15]);
    Barrier& barrier = barriers[id];
    order_named_arrive(id);
    if (arrive(barrier, static_cast<u32>(threads), place)) open(barrier, id);
}

} // namespace easel_emulation
