#include "copies.h"

#include "checker.h"
#include "scheduler.h"
#include "shared_memory.h"

#include <cstring>

namespace easel_emulation {

namespace {

// The copy happens here, as late as it may.
void arrive(const Copy& copy, const Thread& thread) {
    std::memcpy(copy.shared, copy.global, copy.bytes);
    std::memset(copy.shared + copy.bytes, 0, copy.size - copy.bytes);
    finish_async_write(copy.shared, copy.size, copy.code, &thread);
}

void arrive(const std::vector<Copy>& copies, const Thread& thread) {
    for (const Copy& copy : copies) arrive(copy, thread);
}

} // namespace

void copy_async(void* shared, const void* global, u32 size, int bytes, Place place) {
    if (bytes < 0 || static_cast<u32>(bytes) > size)
        fail(Code::launch_failed,
             format("copy_async<%u> at %s: %d bytes were asked for", size, describe(place).c_str(), bytes));
    Thread& thread = block.current();
    const void* code = __builtin_return_address(0);
    if (bytes != 0) check_access({global, static_cast<u32>(bytes), Access::read, code, size, Space::global}, thread);
    if (reinterpret_cast<size_t>(shared) % size != 0)
        fail(Code::misaligned_address,
             format("copy_async<%u> at %s: the destination is not aligned: ", size, describe(place).c_str()) +
                 describe_shared(shared));
    begin_async_write(shared, size, code, thread);
    thread.begun_copies.push_back(
        {static_cast<char*>(shared), static_cast<const char*>(global), size, static_cast<u32>(bytes), code});
}

void copy_async_commit() {
    Thread& thread = block.current();
    thread.copy_groups.push_back(std::move(thread.begun_copies));
    thread.begun_copies.clear();
}

void copy_async_wait(u32 groups) {
    Thread& thread = block.current();
    if (thread.copy_groups.size() <= groups) return;
    const size_t over = thread.copy_groups.size() - groups;
    for (size_t i = 0; i < over; i++) arrive(thread.copy_groups[i], thread);
    thread.copy_groups.erase(thread.copy_groups.begin(), thread.copy_groups.begin() + static_cast<long>(over));
}

void finish_copies(Thread& thread) {
    for (const auto& group : thread.copy_groups) arrive(group, thread);
    arrive(thread.begun_copies, thread);
    thread.copy_groups.clear();
    thread.begun_copies.clear();
}

} // namespace easel_emulation
