// Who runs next. Every choice is drawn from the launch's seed: the same seed gives the same schedule.
#pragma once

#include "block.h"

namespace easel_emulation {

class Random {
  public:
    explicit Random(u64 seed = 1) : state(seed * 0x9e3779b97f4a7c15ull | 1) {}
    u32 next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<u32>(state >> 32);
    }
    u32 below(u32 bound) { return static_cast<u32>(static_cast<u64>(next()) * bound >> 32); }

  private:
    u64 state;
};
extern Random random_numbers;

// Makes all threads of the block ready, and runs them until all have ended.
void run_block();

// The current thread cannot go on: others run until someone makes it ready.
void wait(const char* waits_for, Place place);
void make_ready(Thread& thread);

// Leaves the block at once: its threads are abandoned.
[[noreturn]] void leave_block();

// How often threads were switched, over the life of the process.
extern u64 switches;

} // namespace easel_emulation
