// Whether an access may be made: bounds, alignment, races, memory that nobody has written.
#pragma once

#include "block.h"

namespace easel_emulation {

enum class Access : u8 { read, write };
enum class Space : u8 { any, shared, global };

struct MemoryAccess {
    const void* address;
    u32 bytes;
    Access kind;
    // The instruction that makes it.
    const void* code;
    // What the address must be a multiple of: a power of two.
    u32 alignment = 1;
    Space space = Space::any;
};

// Whether launches check every access. If not, only what would harm the emulation itself is looked at.
extern bool checks;

// Each ends the launch if the thread may not do this.
void check_access(const MemoryAccess& access, const Thread& thread);
// A read that comes later: whether what it will read is there.
void check_visible(const MemoryAccess& access, const Thread& thread);
// An asynchronous copy begins to write to shared memory: until it is finished, nobody may touch this.
void begin_async_write(void* shared, u32 bytes, const void* code, const Thread& thread);
// It has arrived, as the thread's write or, if `thread` is null, as a tensor load's.
void finish_async_write(void* shared, u32 bytes, const void* code, const Thread* thread);

void begin_launch_checks();
void begin_block_checks();

} // namespace easel_emulation
