// Stacks, and switching between them.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" void easel_switch_fiber(void** save, void* load);

namespace easel_emulation {

// Memory for one fiber, with a page below it that nobody may touch.
struct Stack {
    char* bottom = nullptr;
    size_t bytes = 0;
    // Stacks begin at different distances from a page, or all of them would fight for the same sets of the cache.
    size_t stagger = 0;

    bool holds(const void* address) const {
        return reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(bottom) < bytes;
    }
    // Whether an access to this address ran over the stack's end.
    bool guards(const void* address) const;
};

Stack allocate_stack(size_t stagger);

// The stack pointer at which a switch enters `entry` on an empty stack; it must never return.
void* prepare_stack(const Stack& stack, void (*entry)());

} // namespace easel_emulation
