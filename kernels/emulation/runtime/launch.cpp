// A launch: its blocks one after the other.
#include "barriers.h"
#include "block.h"
#include "checker.h"
#include "hopper.h"
#include "scheduler.h"
#include "shared_memory.h"
#include "traps.h"
#include "warp.h"

namespace easel_emulation {

Block block;
Position position;

namespace {

Outcome outcome;

void prepare_threads(const dim3& size) {
    block.count = size.x * size.y * size.z;
    if (block.threads.size() < block.count) block.threads.resize(block.count);
    block.live_lanes.assign(block.warps(), 0);
    for (u32 i = 0; i < block.count; i++) {
        Thread& thread = block.threads[i];
        thread.index = block.thread_index(i);
        thread.linear = i;
        block.live_lanes[thread.warp()] |= 1u << thread.lane();
        thread.begun_copies.clear();
        thread.copy_groups.clear();
    }
}

void run_one(uint3 index) {
    position.block = index;
    poison_shared_memory();
    prepare_threads(position.block_size);
    reset_barriers();
    reset_warps();
    reset_transaction_barriers();
    reset_tensor_loads();
    reset_products();
    begin_block_checks();
    run_block();
}

} // namespace

uint3 Block::thread_index(u32 linear) const {
    const dim3& size = position.block_size;
    return {linear % size.x, linear / size.x % size.y, linear / size.x / size.y};
}

void fail(Code code, const std::string& what) {
    const uint3& at = position.block;
    const uint3& thread = position.thread;
    outcome.code = code;
    outcome.story = format("kernel %s, block %u,%u,%u, thread %u,%u,%u: ", block.kernel->name, at.x, at.y, at.z,
                           thread.x, thread.y, thread.z) +
                    what;
    leave_block();
}

Outcome run(const Launch& launch, u64 seed) {
    outcome = {};
    block.kernel = launch.kernel;
    block.arguments = launch.arguments;
    position = {{0, 0, 0}, 0, {0, 0, 0}, launch.block, launch.grid};
    prepare_shared_memory(launch.shared_bytes);
    begin_launch_checks();
    const Traps traps;
    u64 number = 0;
    for (u32 z = 0; z < launch.grid.z; z++)
        for (u32 y = 0; y < launch.grid.y; y++)
            for (u32 x = 0; x < launch.grid.x; x++) {
                random_numbers = Random(seed * 1000003 + number++);
                run_one({x, y, z});
                if (outcome.code != Code::success) return outcome;
            }
    return outcome;
}

} // namespace easel_emulation
