#include "device_memory.h"

#include "report.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

namespace easel_emulation {

namespace {

// Addresses cost nothing until they are used.
constexpr size_t reserved_bytes = size_t{1} << 40;
// What the driver rounds sizes to when it counts.
constexpr size_t counted_unit = 512;

std::map<const char*, Allocation> allocations;
char* region = nullptr;
size_t region_used = 0;
size_t total = size_t{8} << 30;
size_t used = 0;

size_t page_bytes() {
    static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}
size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }
size_t counted(const Allocation& allocation) {
    return allocation.is_host ? 0 : round_up(allocation.bytes, counted_unit);
}

bool reserve() {
    if (region != nullptr) return true;
    void* memory = mmap(nullptr, reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    region = static_cast<char*>(memory);
    return true;
}

// The last allocation that begins at or before the address, freed or not.
Allocation* at_or_before(const void* address) {
    auto found = allocations.upper_bound(static_cast<const char*>(address));
    return found == allocations.begin() ? nullptr : &(--found)->second;
}

} // namespace

size_t memory_total() { return total; }
size_t memory_used() { return used; }
void set_memory_total(size_t bytes) { total = bytes; }

Allocation* allocate(size_t bytes, bool is_host) {
    if (!is_host && (bytes > total || round_up(bytes, counted_unit) > total - (used < total ? used : total)))
        return nullptr;
    const size_t page = page_bytes(), whole = round_up(bytes, page);
    if (!reserve() || whole + page > reserved_bytes - region_used) return nullptr;
    char* address = region + region_used;
    if (mprotect(address, whole, PROT_READ | PROT_WRITE) != 0) return nullptr;
    void* written = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (written == MAP_FAILED) return nullptr;
    // A page that nobody may touch lies between two allocations.
    region_used += whole + page;
    memset(address, 0xff, bytes);
    const auto placed =
        allocations
            .emplace(address, Allocation{address, bytes, is_host, false, static_cast<u8*>(written), false, nullptr})
            .first;
    used += counted(placed->second);
    return &placed->second;
}

bool release(void* address) {
    const auto found = allocations.find(static_cast<const char*>(address));
    if (found == allocations.end() || found->second.is_freed) return false;
    Allocation& allocation = found->second;
    const size_t whole = round_up(allocation.bytes, page_bytes());
    madvise(allocation.address, whole, MADV_DONTNEED);
    mprotect(allocation.address, whole, PROT_NONE);
    munmap(allocation.written, whole);
    allocation.written = nullptr;
    allocation.memory_of_accesses.reset();
    allocation.is_freed = true;
    used -= counted(allocation);
    return true;
}

Allocation* find_allocation(const void* address, size_t bytes) {
    Allocation* allocation = at_or_before(address);
    return allocation != nullptr && !allocation->is_freed && allocation->holds(address, bytes) ? allocation : nullptr;
}

void mark_written(const void* address, size_t bytes) {
    if (Allocation* allocation = find_allocation(address, bytes))
        allocation->note_written(static_cast<size_t>(static_cast<const char*>(address) - allocation->address), bytes);
}

void copy_written(void* to, const void* from, size_t bytes) {
    const Allocation *source = find_allocation(from, bytes), *target = find_allocation(to, bytes);
    if (source == nullptr || target == nullptr) return;
    memmove(target->written + (static_cast<char*>(to) - target->address),
            source->written + (static_cast<const char*>(from) - source->address), bytes);
}

void forget_device_shadows() {
    for (auto& [address, allocation] : allocations) allocation.memory_of_accesses.reset();
    shadow_bytes = 0;
}

std::string describe_device_address(const void* address) {
    if (address == nullptr) return "a null pointer";
    const Allocation* allocation = at_or_before(address);
    if (allocation == nullptr) return format("%p, which is no device memory", address);
    const size_t offset = static_cast<size_t>(static_cast<const char*>(address) - allocation->address);
    const char* kind = allocation->is_host ? "pinned host memory" : "device memory";
    const char* freed = allocation->is_freed ? ", which was freed" : "";
    if (offset < allocation->bytes)
        return format("%s, byte %zu of an allocation of %zu bytes%s", kind, offset, allocation->bytes, freed);
    if (offset - allocation->bytes < size_t{1} << 30)
        return format("%zu bytes past the end of an allocation of %zu bytes%s", offset - allocation->bytes,
                      allocation->bytes, freed);
    return format("%p, which is no device memory", address);
}

} // namespace easel_emulation
