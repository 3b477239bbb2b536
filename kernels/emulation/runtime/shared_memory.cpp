#include "shared_memory.h"

#include "block.h"

#include <cstdlib>
#include <cstring>
#include <vector>

namespace easel_emulation {

namespace {

struct Object {
    const void* tag;
    const char* name;
    u32 offset, bytes;
};
alignas(1024) char memory[shared_capacity];
constexpr u32 gap = 64;

u32 dynamic_bytes = 0;
u32 static_begin = 0;
u32 static_end = 0;
u32 static_bytes = 0;
std::vector<Object> objects;

} // namespace

void prepare_shared_memory(u32 bytes) {
    dynamic_bytes = bytes;
    static_begin = static_end = (bytes + 1023) / 1024 * 1024 + 1024;
    static_bytes = 0;
    objects.clear();
}

void poison_shared_memory() {
    memset(memory, 0xff, dynamic_bytes);
    memset(memory + static_begin, 0xff, static_end - static_begin);
}

bool is_in_shared_arena(const void* address) {
    return static_cast<size_t>(static_cast<const char*>(address) - memory) < sizeof memory;
}
char* shared_base() { return memory; }
u32 static_shared_bytes() { return static_bytes; }

void* block_shared(const void* tag, size_t bytes, size_t alignment, const char* name) {
    for (const Object& object : objects)
        if (object.tag == tag) return memory + object.offset;
    const u32 offset = static_cast<u32>((static_end + alignment - 1) / alignment * alignment);
    static_bytes += static_cast<u32>(bytes);
    if (static_bytes > static_shared_limit || offset + bytes + gap > sizeof memory)
        fail(Code::launch_failed,
             format("static shared memory: %s brings it to %u bytes, 49152 is the limit", name, static_bytes));
    objects.push_back({tag, name, offset, static_cast<u32>(bytes)});
    static_end = offset + static_cast<u32>(bytes) + gap;
    memset(memory + offset, 0xff, bytes);
    return memory + offset;
}

void* dynamic_shared() { return memory; }

long shared_offset(const void* address, size_t bytes) {
    const size_t offset = static_cast<size_t>(static_cast<const char*>(address) - memory);
    if (offset >= sizeof memory) return -1;
    if (offset + bytes <= dynamic_bytes) return static_cast<long>(offset);
    for (const Object& object : objects)
        if (offset >= object.offset && offset + bytes <= object.offset + object.bytes) return static_cast<long>(offset);
    return -1;
}

u32 shared_address(const void* shared, Place place) {
    const size_t offset = static_cast<size_t>(static_cast<const char*>(shared) - memory);
    if (offset >= sizeof memory)
        fail(Code::illegal_address, format("%p, of which %s takes the address in shared memory, does not lie there",
                                           shared, describe(place).c_str()));
    return static_cast<u32>(offset);
}

std::string describe_shared(const void* address) {
    const size_t offset = static_cast<size_t>(static_cast<const char*>(address) - memory);
    if (offset >= sizeof memory) return "";
    if (offset < static_begin) return format("dynamic shared memory (%u bytes) + %zu", dynamic_bytes, offset);
    for (const Object& object : objects)
        if (offset >= object.offset && offset < object.offset + object.bytes + gap)
            return format("shared memory, %s (%u bytes) + %zu", object.name, object.bytes, offset - object.offset);
    return "shared memory, between its objects";
}

} // namespace easel_emulation
