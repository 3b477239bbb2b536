#include "hopper.h"

#include "checker.h"
#include "ordering.h"
#include "scheduler.h"
#include "shared_memory.h"
#include "tensor_map.h"

#include <cstring>

namespace easel_emulation {

namespace {

struct Load {
    char* shared;
    TensorMapContent map;
    u64* barrier;
    int index[5];
    const void* code;
    u32 thread;
};
std::vector<Load> under_way;
// Out of 256 moments at which a load may arrive early, so many are taken.
u32 promptness = 0;

// Where the bytes at this offset of shared memory go: 16-byte pieces are permuted within the swizzle's span (the bits
// of the address above 128 bytes are added to those of the piece, without carry).
u32 swizzled(u32 offset, u32 span) {
    const u32 mask = span == 0 ? 0 : span / 16 - 1;
    return offset ^ ((offset >> 7 & mask) << 4);
}

// One row of the box: `elements` along the innermost dimension.
struct Row {
    const char* from; // of the box's first element, which may lie outside the tensor
    u32 to;           // offset in shared memory
    bool inside;      // in all but the innermost dimension
};

// The bytes of a piece of a row that lie inside the tensor: from `begin` to `end`.
struct Inside {
    u32 begin, end;
};

Inside inside_of(const Load& load, const Row& row, u32 begin, u32 bytes) {
    const TensorMapContent& map = load.map;
    if (!row.inside) return {0, 0};
    const long long first = static_cast<long long>(load.index[0]) * map.element_bytes + begin;
    const long long last = static_cast<long long>(map.sizes[0]) * map.element_bytes;
    const auto clamp = [&](long long at) { return static_cast<u32>(at < 0 ? 0 : at > bytes ? bytes : at); };
    return {clamp(-first), clamp(last - first)};
}

void copy_row(const Load& load, const Row& row, const Thread& thread) {
    const TensorMapContent& map = load.map;
    const u32 width = map.box[0] * map.element_bytes;
    // 16-byte pieces stay whole.
    for (u32 begin = 0; begin < width; begin += 16) {
        char piece[16] = {};
        const u32 bytes = width - begin < 16 ? width - begin : 16;
        const Inside inside = inside_of(load, row, begin, bytes);
        if (inside.begin < inside.end) {
            const char* from = row.from + begin + inside.begin;
            const u32 count = inside.end - inside.begin;
            if (checks) check_access({from, count, Access::read, load.code, 1, Space::global}, thread);
            std::memcpy(piece + inside.begin, from, count);
        }
        std::memcpy(shared_base() + swizzled(row.to + begin, map.swizzle), piece, bytes);
    }
}

void arrive(const Load& load) {
    const TensorMapContent& map = load.map;
    const Thread& thread = block.threads[load.thread];
    u32 rows = 1;
    for (u32 i = 1; i < map.rank; i++) rows *= map.box[i];
    const u32 first = static_cast<u32>(load.shared - shared_base());
    for (u32 number = 0; number < rows; number++) {
        Row row{map.base + static_cast<long long>(load.index[0]) * map.element_bytes,
                first + number * map.box[0] * map.element_bytes, true};
        u32 rest = number;
        for (u32 i = 1; i < map.rank; i++) {
            const long long at = load.index[i] + static_cast<long long>(rest % map.box[i]);
            rest /= map.box[i];
            if (at < 0 || static_cast<u64>(at) >= map.sizes[i]) row.inside = false;
            row.from += at * static_cast<long long>(map.strides[i - 1]);
        }
        copy_row(load, row, thread);
    }
    finish_async_write(load.shared, map.box_bytes(), load.code, nullptr);
    order_tensor_load_done(load.barrier);
    arrive_bytes(load.barrier, map.box_bytes());
}

[[noreturn]] void refuse(u32 rank, Place place, const std::string& why) {
    fail(Code::launch_failed, format("tensor_load_%ud at %s: ", rank, describe(place).c_str()) + why);
}

} // namespace

void reset_tensor_loads() {
    under_way.clear();
    constexpr u32 ways[] = {0, 0, 64, 255};
    promptness = ways[random_numbers.below(4)];
}

bool tensor_load_is_due() {
    return !under_way.empty() && promptness != 0 && (random_numbers.next() & 255) < promptness;
}

bool deliver_tensor_load() {
    if (under_way.empty()) return false;
    const u32 chosen = random_numbers.below(static_cast<u32>(under_way.size()));
    const Load load = under_way[chosen];
    under_way.erase(under_way.begin() + chosen);
    arrive(load);
    return true;
}

void tensor_load(void* shared, const TensorMap* map, u64* barrier, u32 rank, const int* index, Place place) {
    Load load{static_cast<char*>(shared), {}, barrier, {}, __builtin_return_address(0), block.current().linear};
    std::memcpy(&load.map, map, sizeof load.map);
    if (load.map.mark != TensorMapContent::valid_mark)
        refuse(rank, place, "the tensor map was not made by cuTensorMapEncodeTiled");
    if (load.map.rank != rank) refuse(rank, place, format("the tensor map has %u dimensions", load.map.rank));
    const u32 bytes = load.map.box_bytes();
    if (shared_offset(shared, bytes) < 0)
        refuse(rank, place,
               format("the box of %u bytes does not lie in shared memory as a whole: ", bytes) +
                   describe_shared(shared));
    const u32 alignment = load.map.swizzle == 0 ? 128 : load.map.swizzle * 8;
    if (static_cast<u32>(load.shared - shared_base()) % alignment != 0)
        refuse(rank, place,
               format("the destination is not aligned to %u bytes: ", alignment) + describe_shared(shared));
    if (!transaction_barrier_at(barrier, "tensor_load", place, load.code).is_fenced)
        refuse(rank, place, "no fence_barrier_init came between the barrier's initialisation and this");
    std::memcpy(load.index, index, rank * sizeof *index);
    begin_async_write(shared, bytes, load.code, block.current());
    under_way.push_back(load);
}

} // namespace easel_emulation
