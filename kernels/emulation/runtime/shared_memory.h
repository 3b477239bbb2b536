// The block's shared memory: the launch's dynamic part, then static objects.
#pragma once

#include "easel/emulation/runtime.h"

#include <string>

namespace easel_emulation {

constexpr u32 static_shared_limit = 48 * 1024;
constexpr u32 dynamic_shared_limit = 227 * 1024;
// Static objects stand behind the dynamic part, with gaps, so that an access past the end of one does not land in the
// next.
constexpr u32 shared_capacity = dynamic_shared_limit + 2048 + 2 * static_shared_limit;

void prepare_shared_memory(u32 dynamic_bytes);
// Fills it with NaNs, as a block finds it.
void poison_shared_memory();
// The offset in shared memory, or -1 for what does not lie there whole.
long shared_offset(const void* address, size_t bytes);
// Whether it lies among shared memory, allocated or not.
bool is_in_shared_arena(const void* address);
char* shared_base();
// "shared memory, tile + 64 bytes", for reports.
std::string describe_shared(const void* address);
// Bytes of static objects that the kernel was seen to use.
u32 static_shared_bytes();

} // namespace easel_emulation
