#include "checker.h"

#include "device_memory.h"
#include "ordering.h"
#include "shadow.h"
#include "shared_memory.h"
#include "wgmma.h"

#include <dlfcn.h>

namespace easel_emulation {

bool checks = true;

namespace {

constexpr size_t shadow_limit = size_t{512} << 20;

ReaderSets reader_sets;
u32 reader_sets_epoch = 0;

Shadow shared_shadow(shared_capacity);

const char* verb(Access kind) { return kind == Access::read ? "read" : "write"; }

std::string describe_memory(const void* address) {
    const std::string shared = describe_shared(address);
    return shared.empty() ? describe_device_address(address) : shared;
}

std::string describe_access(const MemoryAccess& access) {
    return format("%s of %u bytes at %s", verb(access.kind), access.bytes, describe_code(access.code).c_str());
}

[[noreturn]] void fail_bounds(const MemoryAccess& access, const char* why) {
    fail(Code::illegal_address,
         std::string(why) + " " + describe_access(access) + ": " + describe_memory(access.address));
}

// Who did it, in this launch.
std::string describe_moment(const Moment& then) {
    if (then.epoch < epochs.block) {
        const u64 number = block_of_epoch(then.epoch);
        const dim3& grid = position.grid_size;
        return format("block %llu,%llu,%llu", number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y);
    }
    if (then.thread == tensor_loads_thread) return "a tensor load";
    const uint3 index = block.thread_index(then.thread);
    return format("thread %u,%u,%u", index.x, index.y, index.z);
}

const void* code_near(u32 low_bits, const void* code) {
    const auto high_bits = reinterpret_cast<size_t>(code) & ~size_t{0xffffffff};
    return reinterpret_cast<const void*>(high_bits | low_bits);
}

[[noreturn]] void fail_race(const MemoryAccess& access, const Moment& then, const char* what, u32 code) {
    const char* why = then.in_flight              ? "an asynchronous copy that has not been waited for"
                      : then.epoch < epochs.block ? "blocks are not ordered"
                                                  : "nothing orders the two";
    fail(Code::launch_failed, "race: " + describe_access(access) + ", " + describe_memory(access.address) + "; " +
                                  describe_moment(then) + " " + what + " it at " +
                                  describe_code(code_near(code, access.code)) + ": " + why);
}

// What a cell holds of earlier epochs than `since` is of another launch or, for shared memory, of another block's
// memory.
void check_writer(const Cell& cell, const MemoryAccess& access, u32 thread, u32 since) {
    if (cell.write.epoch < since) return;
    if (cell.write.epoch < epochs.block || !comes_before(cell.write, thread))
        fail_race(access, cell.write, "wrote", cell.write_code);
}

void check_readers(const Cell& cell, const MemoryAccess& access, u32 thread, u32 since) {
    if (cell.first_read_epoch >= since && cell.first_read_epoch < epochs.block)
        fail_race(access, {cell.first_read_epoch, 0, 0, 0}, "read", cell.read_code);
    if (cell.read.epoch < epochs.block) return;
    Moment reader = cell.read;
    const bool is_race = cell.readers == 0 || reader.epoch != reader_sets_epoch
                             ? !comes_before(reader, thread)
                             : reader_sets.find_unordered(cell.readers, thread, reader.epoch, reader);
    if (is_race) fail_race(access, reader, "read", cell.read_code);
}

void note_read(Cell& cell, const MemoryAccess& access, const Moment& reader) {
    const bool same_epoch = cell.read.epoch == reader.epoch;
    if (same_epoch && cell.read.thread == reader.thread && cell.read.clock == reader.clock) return;
    if (same_epoch) {
        if (reader_sets_epoch != reader.epoch) {
            reader_sets_epoch = reader.epoch;
            reader_sets.begin_epoch(block.count);
        }
        if (cell.readers == 0) cell.readers = reader_sets.add(0, cell.read);
        cell.readers = reader_sets.add(cell.readers, reader);
    } else {
        cell.readers = 0;
    }
    if (cell.first_read_epoch < epochs.launch) cell.first_read_epoch = reader.epoch;
    cell.read = reader;
    cell.read_code = static_cast<u32>(reinterpret_cast<size_t>(access.code));
}

void note_write(Cell& cell, const MemoryAccess& access, const Moment& writer) {
    cell.write = writer;
    cell.write_code = static_cast<u32>(reinterpret_cast<size_t>(access.code));
    // Whoever comes after the write comes after these reads too.
    cell.read.epoch = 0;
    cell.readers = 0;
}

void check_races(Shadow& shadow, size_t offset, const MemoryAccess& access, u32 thread, u32 since) {
    const Moment moment = moment_of(thread);
    shadow.visit(offset, access.bytes, [&](Cell& cell) {
        check_writer(cell, access, thread, since);
        if (access.kind == Access::read) {
            note_read(cell, access, moment);
        } else {
            check_readers(cell, access, thread, since);
            note_write(cell, access, moment);
        }
    });
}

// Constants and tables of a kernel lie in its library.
bool is_in_library(const void* address) {
    static const char* last_page = nullptr;
    const auto page = reinterpret_cast<const char*>(reinterpret_cast<size_t>(address) & ~size_t{4095});
    Dl_info info;
    if (page == last_page) return true;
    if (dladdr(address, &info) == 0) return false;
    last_page = page;
    return true;
}

void check_device(const MemoryAccess& access, const Thread& thread) {
    // Accesses come in runs to one allocation.
    static Allocation* recent = nullptr;
    if (recent == nullptr || recent->is_freed || !recent->holds(access.address, access.bytes)) {
        Allocation* found = find_allocation(access.address, access.bytes);
        if (found == nullptr) {
            if (access.space == Space::any && is_in_library(access.address)) return;
            fail_bounds(access, "out of bounds:");
        }
        recent = found;
    }
    const size_t offset = static_cast<size_t>(static_cast<const char*>(access.address) - recent->address);
    if (access.kind == Access::write) {
        recent->note_written(offset, access.bytes);
    } else if (!recent->is_written(offset, access.bytes)) {
        fail(Code::launch_failed, "uninitialised: " + describe_access(access) + " that nobody has written, " +
                                      describe_memory(access.address));
    }
    check_races(recent->shadow(), offset, access, thread.linear, epochs.launch);
}

void check_alignment(const MemoryAccess& access) {
    if ((reinterpret_cast<size_t>(access.address) & (access.alignment - 1)) == 0) return;
    fail(Code::misaligned_address, format("misaligned: %s, of an address that is no multiple of %u, ",
                                          describe_access(access).c_str(), access.alignment) +
                                       describe_memory(access.address));
}

void check_stack(const MemoryAccess& access, const Thread& thread) {
    if (is_pending_accumulator(access.address, access.bytes, thread))
        fail(Code::launch_failed,
             describe_access(access) + " touches the accumulators of a wgmma that has not been waited for");
}

} // namespace

void check_access(const MemoryAccess& access, const Thread& thread) {
    if (thread.stack.holds(access.address)) return check_stack(access, thread);
    check_alignment(access);
    const long offset = shared_offset(access.address, access.bytes);
    if (offset >= 0 && access.space != Space::global) {
        if (checks) check_races(shared_shadow, static_cast<size_t>(offset), access, thread.linear, epochs.block);
        return;
    }
    if (is_in_shared_arena(access.address) || access.space == Space::shared) fail_bounds(access, "out of bounds:");
    if (checks) check_device(access, thread);
}

void fail_misaligned(const void* address, u32 bytes, Place place) {
    fail(Code::misaligned_address,
         format("misaligned: a vector of %u bytes at %s, of an address that is no multiple of that, ", bytes,
                describe(place).c_str()) +
             describe_memory(address));
}

void check_visible(const MemoryAccess& access, const Thread& thread) {
    const long offset = shared_offset(access.address, access.bytes);
    if (offset < 0) fail_bounds(access, "out of bounds:");
    if (!checks) return;
    shared_shadow.visit(static_cast<size_t>(offset), access.bytes,
                        [&](const Cell& cell) { check_writer(cell, access, thread.linear, epochs.block); });
}

void begin_async_write(void* shared, u32 bytes, const void* code, const Thread& thread) {
    const MemoryAccess access{shared, bytes, Access::write, code, 1, Space::shared};
    check_access(access, thread);
    if (!checks) return;
    Moment moment = moment_of(thread.linear);
    moment.in_flight = 1;
    const auto offset = static_cast<size_t>(shared_offset(shared, bytes));
    shared_shadow.visit(offset, bytes, [&](Cell& cell) { cell.write = moment; });
}

void finish_async_write(void* shared, u32 bytes, const void* code, const Thread* thread) {
    if (!checks) return;
    const MemoryAccess access{shared, bytes, Access::write, code, 1, Space::shared};
    const Moment moment = thread == nullptr ? moment_of_tensor_loads() : moment_of(thread->linear);
    const auto offset = static_cast<size_t>(shared_offset(shared, bytes));
    shared_shadow.visit(offset, bytes, [&](Cell& cell) { note_write(cell, access, moment); });
}

void begin_launch_checks() {
    begin_launch_order();
    if (shadow_bytes < shadow_limit) return;
    forget_device_shadows();
    shared_shadow.clear();
}

// What earlier blocks did in shared memory was in another block's.
void begin_block_checks() {
    begin_block_order();
    reader_sets_epoch = 0;
}

} // namespace easel_emulation
