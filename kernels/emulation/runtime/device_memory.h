// The stand-in device's memory. Addresses are never given out twice, so that what was freed stays recognisable, and
// cannot be touched even where accesses are not checked.
#pragma once

#include "easel/emulation/runtime.h"

#include "shadow.h"

#include <cstring>
#include <memory>
#include <string>

namespace easel_emulation {

struct Allocation {
    char* address;
    size_t bytes;
    // Host memory that the device may use (pinned), which does not count as the device's.
    bool is_host;
    bool is_freed;
    // One byte for each of the allocation: 1 where somebody has written.
    u8* written;
    // Launches that are not checked do not say what they write.
    bool all_is_written = false;
    std::unique_ptr<Shadow> memory_of_accesses;

    bool holds(const void* from, size_t count) const {
        const size_t offset = static_cast<size_t>(static_cast<const char*>(from) - address);
        return offset <= bytes && count <= bytes - offset;
    }
    void note_written(size_t offset, size_t count) { memset(written + offset, 1, count); }
    bool is_written(size_t offset, size_t count) const {
        return all_is_written || memchr(written + offset, 0, count) == nullptr;
    }
    Shadow& shadow() {
        if (memory_of_accesses == nullptr) memory_of_accesses = std::make_unique<Shadow>(bytes);
        return *memory_of_accesses;
    }
};

// Null if there is not so much left. Filled with NaNs.
Allocation* allocate(size_t bytes, bool is_host);
bool release(void* address);
// The allocation that these bytes lie in whole, if it has not been freed.
Allocation* find_allocation(const void* address, size_t bytes);
void mark_written(const void* address, size_t bytes);
// Copies what is known of who wrote what along with the bytes.
void copy_written(void* to, const void* from, size_t bytes);

void forget_device_shadows();

size_t memory_total();
size_t memory_used();
void set_memory_total(size_t bytes);

// "4 bytes past the end of an allocation of 256 bytes", for reports.
std::string describe_device_address(const void* address);

} // namespace easel_emulation
