// The block that is running: its threads, who may run, who waits for what.
#pragma once

#include "easel/emulation/runtime.h"
#include "fiber.h"
#include "report.h"

#include <string>
#include <vector>

namespace easel_emulation {

// A pending copy from global to shared memory.
struct Copy {
    char* shared;
    const char* global;
    u32 size, bytes;
    const void* code;
};

struct Thread {
    uint3 index;
    u32 linear;
    enum class State : u8 { fresh, ready, waiting, done } state;
    void* stack_pointer;
    Stack stack;
    // What it waits for, for reports.
    const char* waits_for;
    Place place;
    // Copies begun, and groups of them, oldest first.
    std::vector<Copy> begun_copies;
    std::vector<std::vector<Copy>> copy_groups;

    u32 warp() const { return linear / 32; }
    u32 lane() const { return linear % 32; }
};

struct Block {
    std::vector<Thread> threads;
    u32 count = 0;
    u32 live = 0;
    const Kernel* kernel = nullptr;
    void** arguments = nullptr;

    // No thread runs outside of launches, but libraries that are being loaded call hooks too.
    bool is_running = false;

    Thread& current() { return threads[position.linear]; }
    u32 warps() const { return (count + 31) / 32; }
    // Of each warp, the lanes that exist and have not ended.
    std::vector<u32> live_lanes;

    uint3 thread_index(u32 linear) const;
};
extern Block block;

// What a launch comes to.
struct Outcome {
    Code code = Code::success;
    std::string story;
};

// Ends the launch with this story about the current thread. What it did so far stays done.
[[noreturn]] void fail(Code code, const std::string& what);

struct Launch {
    const Kernel* kernel;
    dim3 grid, block;
    u32 shared_bytes;
    void** arguments;
};
Outcome run(const Launch& launch, u64 seed);

} // namespace easel_emulation
