// Products of warpgroups. Each runs when its first thread has waited for it: as late as it may.
#include "hopper.h"

#include "checker.h"
#include "numbers.h"
#include "ordering.h"
#include "scheduler.h"
#include "shared_memory.h"
#include "wgmma.h"

#include <cmath>
#include <cstring>
#include <memory>

namespace easel_emulation {

namespace {

constexpr u32 rows = 64, depth = 16, columns_at_most = 256, threads_of_group = 128;

struct Product {
    u64 number; // in the order in which the thread began them
    float* d;
    u32 columns;
    u64 a, b;
    bool accumulate;
    Element element;
    const void* code;
    Place place;
};

// Accumulators that products under way will change. The program sees NaNs meanwhile; what they hold is kept here.
struct Accumulators {
    float* address;
    u32 count;
    u32 products;
    float values[columns_at_most / 2];
};

struct ThreadState {
    u64 begun_in_all = 0;
    bool has_fenced = false;
    std::vector<Product> begun;
    std::vector<std::vector<Product>> groups;
    std::vector<Accumulators> accumulators;
};

// One product for all threads of its warpgroup: the first to need it computes it.
struct Result {
    u64 number;
    u32 taken = 0;
    u32 warps_that_read = 0;
    float sums[rows][columns_at_most];
};
struct Group {
    std::vector<std::unique_ptr<Result>> results, spare;
    // Of the latest product that some thread began: the others must begin the same.
    std::vector<Product> latest;
};

std::vector<ThreadState> thread_states;
std::vector<Group> groups;

// Eight numbers along K of a tile's row: where they lie in shared memory.
u32 piece_offset(u64 descriptor, u32 row, u32 piece) {
    const u32 start = static_cast<u32>(descriptor & 0x3fff) << 4,
              eight_rows = static_cast<u32>(descriptor >> 32 & 0x3fff) << 4;
    const u32 offset = start + row / 8 * eight_rows + row % 8 * 128 + piece * 16;
    return offset ^ ((offset >> 7 & 7) << 4);
}

template <typename Visit> void visit_tile(u64 descriptor, u32 first, u32 count, const Visit& visit) {
    for (u32 row = first; row < first + count; row++)
        for (u32 piece = 0; piece < 2; piece++) visit(row, piece, shared_base() + piece_offset(descriptor, row, piece));
}

// What a warp reads: its 16 rows of a, and all of b.
template <typename Visit> void visit_reads(const Product& product, u32 warp, const Visit& visit) {
    visit_tile(product.a, warp % 4 * 16, 16, visit);
    visit_tile(product.b, 0, product.columns, visit);
}

void load_tile(const Product& product, u64 descriptor, u32 count, float (*to)[depth]) {
    visit_tile(descriptor, 0, count, [&](u32 row, u32 piece, const char* from) {
        if (shared_offset(from, 16) < 0)
            fail(Code::illegal_address, format("wgmma at %s: row %u of a tile does not lie in shared memory",
                                               describe(product.place).c_str(), row));
        u16 numbers[8];
        std::memcpy(numbers, from, sizeof numbers);
        to_floats<8>(numbers, &to[row][piece * 8], product.element);
    });
}

void compute(const Product& product, Result& result) {
    static float a[rows][depth], b[columns_at_most][depth], b_transposed[depth][columns_at_most];
    load_tile(product, product.a, rows, a);
    load_tile(product, product.b, product.columns, b);
    for (u32 column = 0; column < product.columns; column++)
        for (u32 k = 0; k < depth; k++) b_transposed[k][column] = b[column][k];
    for (u32 row = 0; row < rows; row++) {
        float* sums = result.sums[row];
        std::memset(sums, 0, product.columns * sizeof *sums);
        for (u32 k = 0; k < depth; k++)
            for (u32 column = 0; column < product.columns; column++)
                sums[column] += a[row][k] * b_transposed[k][column];
    }
}

Result& result_of(Group& group, const Product& product) {
    for (auto& result : group.results)
        if (result->number == product.number) return *result;
    if (group.spare.empty()) group.spare.push_back(std::make_unique<Result>());
    group.results.push_back(std::move(group.spare.back()));
    group.spare.pop_back();
    Result& result = *group.results.back();
    result.number = product.number;
    result.taken = result.warps_that_read = 0;
    compute(product, result);
    return result;
}

void forget_taken(Group& group) {
    for (size_t i = 0; i < group.results.size(); i++) {
        if (group.results[i]->taken != threads_of_group) continue;
        group.spare.push_back(std::move(group.results[i]));
        group.results.erase(group.results.begin() + static_cast<long>(i--));
    }
}

Accumulators& accumulators_of(ThreadState& state, const float* address) {
    for (Accumulators& accumulators : state.accumulators)
        if (accumulators.address == address) return accumulators;
    __builtin_unreachable(); // a product that is under way has them
}

// Thread t of the warpgroup holds rows 16*(t/32) + t%32/4 and 8 below, columns 8*j + 2*(t%4) and one further.
void take(const Product& product, const Result& result, Accumulators& accumulators, u32 thread) {
    const u32 row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
    for (u32 i = 0; i < accumulators.count; i++) {
        const float sum = result.sums[row + (i & 2) * 4][i / 4 * 8 + column + (i & 1)];
        accumulators.values[i] = product.accumulate ? accumulators.values[i] + sum : sum;
    }
}

void finish(const Product& product, ThreadState& state, const Thread& thread) {
    Group& group = groups[thread.linear / threads_of_group];
    Result& result = result_of(group, product);
    const u32 warp_bit = 1u << thread.warp() % 4;
    if (checks && (result.warps_that_read & warp_bit) == 0) {
        result.warps_that_read |= warp_bit;
        visit_reads(product, thread.warp(), [&](u32, u32, const char* from) {
            check_access({from, 16, Access::read, product.code, 16, Space::shared}, thread);
        });
    }
    Accumulators& accumulators = accumulators_of(state, product.d);
    take(product, result, accumulators, thread.linear % threads_of_group);
    result.taken++;
    if (--accumulators.products != 0) return;
    std::memcpy(accumulators.address, accumulators.values, accumulators.count * sizeof(float));
    std::swap(accumulators, state.accumulators.back());
    state.accumulators.pop_back();
}

void hold_accumulators(ThreadState& state, const Product& product) {
    const u32 count = product.columns / 2;
    for (Accumulators& accumulators : state.accumulators) {
        if (accumulators.address == product.d && accumulators.count == count) {
            accumulators.products++;
            return;
        }
        if (product.d < accumulators.address + accumulators.count && accumulators.address < product.d + count)
            fail(Code::launch_failed,
                 format("wgmma at %s: its accumulators overlap those of a product of another shape that is under way",
                        describe(product.place).c_str()));
    }
    state.accumulators.push_back({product.d, count, 1, {}});
    std::memcpy(state.accumulators.back().values, product.d, count * sizeof(float));
    for (u32 i = 0; i < count; i++) product.d[i] = NAN;
}

// All threads of a warpgroup begin the same products in the same order.
void compare_with_group(const Product& product, const Thread& thread) {
    Group& group = groups[thread.linear / threads_of_group];
    if (product.number == group.latest.size()) {
        group.latest.push_back(product);
        return;
    }
    const Product& others = group.latest[product.number];
    if (others.a != product.a || others.b != product.b || others.columns != product.columns ||
        others.accumulate != product.accumulate || others.element != product.element)
        fail(Code::launch_failed, format("divergent warpgroup: wgmma at %s, but another thread of the group has "
                                         "another product in its place, at %s",
                                         describe(product.place).c_str(), describe(others.place).c_str()));
}

} // namespace

bool is_pending_accumulator(const void* address, size_t bytes, const Thread& thread) {
    if (thread.linear >= thread_states.size()) return false;
    const char* begin = static_cast<const char*>(address);
    for (const Accumulators& accumulators : thread_states[thread.linear].accumulators) {
        const auto first = reinterpret_cast<const char*>(accumulators.address);
        if (begin < first + accumulators.count * sizeof(float) && first < begin + bytes) return true;
    }
    return false;
}

void reset_products() {
    thread_states.clear();
    groups.clear();
}

void wgmma_fence(Place) {
    if (thread_states.empty()) {
        thread_states.resize(block.count);
        groups.resize((block.count + threads_of_group - 1) / threads_of_group);
    }
    thread_states[block.current().linear].has_fenced = true;
}

void wgmma(float* d, u32 columns, u64 a, u64 b, bool accumulate, Element element, Place place) {
    const Thread& thread = block.current();
    if (thread_states.empty() || !thread_states[thread.linear].has_fenced)
        fail(Code::launch_failed, format("wgmma at %s: no wgmma_fence came before it", describe(place).c_str()));
    if ((thread.linear / threads_of_group + 1) * threads_of_group > block.count)
        fail(Code::launch_failed,
             format("wgmma at %s: the thread is in no warpgroup of four whole warps", describe(place).c_str()));
    if (a >> 62 != 1 || b >> 62 != 1)
        fail(Code::launch_failed,
             format("wgmma at %s: a descriptor is not of a tile with a 128-byte swizzle", describe(place).c_str()));
    ThreadState& state = thread_states[thread.linear];
    const Product product{state.begun_in_all++,        d,    columns, a, b, accumulate, element,
                          __builtin_return_address(0), place};
    compare_with_group(product, thread);
    hold_accumulators(state, product);
    // What it reads must be there already, although it may be read later only. One lane looks for its warp.
    if (checks && thread.lane() == 0)
        visit_reads(product, thread.warp(), [&](u32, u32, const char* from) {
            check_visible({from, 16, Access::read, product.code, 16, Space::shared}, thread);
        });
    state.begun.push_back(product);
}

void wgmma_commit(Place) {
    if (thread_states.empty()) return;
    ThreadState& state = thread_states[block.current().linear];
    state.groups.push_back(std::move(state.begun));
    state.begun.clear();
}

void wgmma_wait(u32 count, Place) {
    if (thread_states.empty()) return;
    const Thread& thread = block.current();
    ThreadState& state = thread_states[thread.linear];
    if (state.groups.size() <= count) return;
    const size_t over = state.groups.size() - count;
    for (size_t i = 0; i < over; i++)
        for (const Product& product : state.groups[i]) finish(product, state, thread);
    state.groups.erase(state.groups.begin(), state.groups.begin() + static_cast<long>(over));
    forget_taken(groups[thread.linear / threads_of_group]);
}

void finish_products(const Thread& thread) {
    if (thread_states.empty()) return;
    const ThreadState& state = thread_states[thread.linear];
    for (const auto& group : state.groups)
        for (const Product& product : group)
            fail(Code::launch_failed,
                 format("the thread ends, but has not waited for its wgmma at %s", describe(product.place).c_str()));
    for (const Product& product : state.begun)
        fail(Code::launch_failed,
             format("the thread ends, but has not committed its wgmma at %s", describe(product.place).c_str()));
}

} // namespace easel_emulation
