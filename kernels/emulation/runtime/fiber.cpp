#include "fiber.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace easel_emulation {

namespace {

// Accumulators of the largest product are 512 bytes, a thread's arrays seldom more: this is ample.
constexpr size_t stack_bytes = 128 * 1024;

size_t page_bytes() {
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

} // namespace

bool Stack::guards(const void* address) const {
    return reinterpret_cast<uintptr_t>(bottom) - 1 - reinterpret_cast<uintptr_t>(address) < page_bytes();
}

Stack allocate_stack(size_t stagger) {
    const size_t guard = page_bytes();
    void* memory =
        mmap(nullptr, guard + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) {
        perror("easel emulation: no memory for the stack of a thread");
        abort();
    }
    return {static_cast<char*>(memory) + guard, stack_bytes, stagger};
}

void* prepare_stack(const Stack& stack, void (*entry)()) {
    char* top = stack.bottom + stack.bytes - stack.stagger;
#if defined(__x86_64__)
    constexpr size_t saved_registers = 6;
    auto slots = reinterpret_cast<void**>(top);
    *--slots =
        nullptr; // where `entry` would return to, and what makes it begin with the alignment of a called function
    *--slots = reinterpret_cast<void*>(entry);
    slots -= saved_registers;
    memset(slots, 0, saved_registers * sizeof *slots);
    return slots;
#elif defined(__aarch64__)
    constexpr size_t saved_slots = 20, link_register = 11;
    auto slots = reinterpret_cast<void**>(top) - saved_slots;
    memset(slots, 0, saved_slots * sizeof *slots);
    slots[link_register] = reinterpret_cast<void*>(entry);
    return slots;
#else
#error "the emulation switches fibers on x86-64 and aarch64 only"
#endif
}

} // namespace easel_emulation
