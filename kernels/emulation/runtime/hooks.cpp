// What instrumented kernels call at every access. They are compiled with -fsanitize=thread, and these functions stand
// where the sanitizer's own would: its library is not linked.
#include "checker.h"

#include <cstring>

namespace easel_emulation {

namespace {

inline void hook(const void* address, u32 bytes, u32 alignment, Access kind, const void* code) {
    if (!checks || !block.is_running) return;
    // threadIdx and its like.
    if (reinterpret_cast<size_t>(address) - reinterpret_cast<size_t>(&position) < sizeof position) return;
    check_access({address, bytes, kind, code, alignment}, block.current());
}

} // namespace

} // namespace easel_emulation

#define HOOK(name) extern "C" __attribute__((visibility("default"))) void name
#define HOOKS_OF(bytes)                                                                                                \
    HOOK(__tsan_read##bytes)(void* address) {                                                                          \
        easel_emulation::hook(address, bytes, bytes, easel_emulation::Access::read, __builtin_return_address(0));      \
    }                                                                                                                  \
    HOOK(__tsan_write##bytes)(void* address) {                                                                         \
        easel_emulation::hook(address, bytes, bytes, easel_emulation::Access::write, __builtin_return_address(0));     \
    }                                                                                                                  \
    HOOK(__tsan_unaligned_read##bytes)(void* address) {                                                                \
        easel_emulation::hook(address, bytes, 1, easel_emulation::Access::read, __builtin_return_address(0));          \
    }                                                                                                                  \
    HOOK(__tsan_unaligned_write##bytes)(void* address) {                                                               \
        easel_emulation::hook(address, bytes, 1, easel_emulation::Access::write, __builtin_return_address(0));         \
    }

HOOKS_OF(1)
HOOKS_OF(2)
HOOKS_OF(4)
HOOKS_OF(8)
HOOKS_OF(16)

HOOK(__tsan_read_range)(void* address, unsigned long bytes) {
    easel_emulation::hook(address, static_cast<u32>(bytes), 1, easel_emulation::Access::read,
                          __builtin_return_address(0));
}
HOOK(__tsan_write_range)(void* address, unsigned long bytes) {
    easel_emulation::hook(address, static_cast<u32>(bytes), 1, easel_emulation::Access::write,
                          __builtin_return_address(0));
}
// Clang's names for what it copies and fills by these functions.
extern "C" __attribute__((visibility("default"))) void* __tsan_memcpy(void* to, const void* from, unsigned long bytes) {
    easel_emulation::hook(from, static_cast<u32>(bytes), 1, easel_emulation::Access::read, __builtin_return_address(0));
    easel_emulation::hook(to, static_cast<u32>(bytes), 1, easel_emulation::Access::write, __builtin_return_address(0));
    return memcpy(to, from, bytes);
}
extern "C" __attribute__((visibility("default"))) void* __tsan_memset(void* to, int value, unsigned long bytes) {
    easel_emulation::hook(to, static_cast<u32>(bytes), 1, easel_emulation::Access::write, __builtin_return_address(0));
    return memset(to, value, bytes);
}
HOOK(__tsan_init)() {}
HOOK(__tsan_func_entry)(void*) {}
HOOK(__tsan_func_exit)(void*) {}
HOOK(__tsan_vptr_update)(void*, void*) {}
HOOK(__tsan_vptr_read)(void*) {}
