#include "scheduler.h"

#include "barriers.h"
#include "copies.h"
#include "hopper.h"
#include "warp.h"

#include <algorithm>

namespace easel_emulation {

Random random_numbers;
u64 switches = 0;

namespace {

std::vector<u32> ready;
std::vector<Stack> free_stacks;
size_t stacks_made = 0;
void* launcher_stack_pointer = nullptr;
// Out of 256 choices, so many go to the thread that became ready last: 0 mixes threads as much as can be, 240 lets one
// run as far ahead of the others as it can.
u32 eagerness = 0;

Stack take_stack() {
    if (free_stacks.empty()) {
        // An odd number of cache lines apart.
        const size_t stagger = stacks_made++ % 128 * 320;
        return allocate_stack(stagger);
    }
    Stack stack = free_stacks.back();
    free_stacks.pop_back();
    return stack;
}

Thread* next_ready() {
    if (ready.empty()) return nullptr;
    const u32 last = static_cast<u32>(ready.size()) - 1;
    const bool newest = eagerness != 0 && (random_numbers.next() & 255) < eagerness;
    const u32 chosen = newest ? last : random_numbers.below(last + 1);
    Thread& thread = block.threads[ready[chosen]];
    ready[chosen] = ready[last];
    ready.pop_back();
    return &thread;
}

std::string list_of_waiting() {
    std::string list;
    u32 told = 0;
    for (u32 i = 0; i < block.count; i++) {
        const Thread& thread = block.threads[i];
        if (thread.state != Thread::State::waiting) continue;
        // One line for each place.
        u32 alike = 0;
        bool told_already = false;
        for (u32 j = 0; j < block.count; j++) {
            const Thread& other = block.threads[j];
            if (other.state != Thread::State::waiting || other.waits_for != thread.waits_for ||
                other.place.line != thread.place.line)
                continue;
            if (j < i) told_already = true;
            alike++;
        }
        if (told_already || told++ == 8) continue;
        const uint3 index = thread.index;
        list +=
            format("%s%u thread%s at %s, %s (first: thread %u,%u,%u)", list.empty() ? "" : "; ", alike,
                   alike == 1 ? "" : "s", thread.waits_for, describe(thread.place).c_str(), index.x, index.y, index.z);
    }
    return list;
}

// What can still happen when every thread waits: loads that are under way arrive.
Thread* next_thread() {
    if (tensor_load_is_due()) deliver_tensor_load();
    for (;;) {
        if (Thread* thread = next_ready()) return thread;
        if (deliver_tensor_load()) continue;
        fail(Code::launch_failed, "deadlock: " + list_of_waiting());
    }
}

// The block's place and sizes stay.
void show_position(const Thread& thread) {
    position.thread = thread.index;
    position.linear = thread.linear;
}

void enter();

// Goes to a thread that is not the current one.
void switch_to(Thread& thread, void** save) {
    if (thread.state == Thread::State::fresh) {
        thread.stack = take_stack();
        thread.stack_pointer = prepare_stack(thread.stack, enter);
    }
    thread.state = Thread::State::ready;
    show_position(thread);
    switches++;
    easel_switch_fiber(save, thread.stack_pointer);
}

void end_thread(Thread& thread) {
    finish_copies(thread);
    finish_products(thread);
    thread.state = Thread::State::done;
    block.live--;
    block.live_lanes[thread.warp()] &= ~(1u << thread.lane());
    barriers_after_exit();
    warp_after_exit(thread.warp());
}

// Runs threads that have not begun, one after the other on this stack; leaves it for one that has.
void enter() {
    for (;;) {
        block.kernel->call(block.arguments);
        Thread& ended = block.current();
        end_thread(ended);
        if (block.live == 0) leave_block();
        Thread& next = *next_thread();
        const Stack stack = ended.stack;
        ended.stack = {};
        if (next.state == Thread::State::fresh) {
            next.stack = stack;
            next.state = Thread::State::ready;
            show_position(next);
        } else {
            free_stacks.push_back(stack);
            void* abandoned;
            switch_to(next, &abandoned);
        }
    }
}

} // namespace

void wait(const char* waits_for, Place place) {
    Thread& thread = block.current();
    thread.state = Thread::State::waiting;
    thread.waits_for = waits_for;
    thread.place = place;
    Thread& next = *next_thread();
    if (&next == &thread) {
        thread.state = Thread::State::ready;
        return;
    }
    switch_to(next, &thread.stack_pointer);
}

void make_ready(Thread& thread) {
    thread.state = Thread::State::ready;
    ready.push_back(thread.linear);
}

void leave_block() {
    void* abandoned;
    easel_switch_fiber(&abandoned, launcher_stack_pointer);
    __builtin_unreachable();
}

void run_block() {
    ready.clear();
    for (u32 i = 0; i < block.count; i++) {
        block.threads[i].state = Thread::State::fresh;
        ready.push_back(i);
    }
    block.live = block.count;
    constexpr u32 ways[] = {0, 0, 128, 240};
    eagerness = ways[random_numbers.below(4)];
    block.is_running = true;
    switch_to(*next_ready(), &launcher_stack_pointer);
    block.is_running = false;
    for (u32 i = 0; i < block.count; i++) {
        Thread& thread = block.threads[i];
        if (thread.stack.bottom != nullptr) free_stacks.push_back(thread.stack);
        thread.stack = {};
    }
}

} // namespace easel_emulation
