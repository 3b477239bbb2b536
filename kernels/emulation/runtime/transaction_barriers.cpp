#include "hopper.h"

#include "checker.h"
#include "ordering.h"
#include "scheduler.h"
#include "shared_memory.h"

#include <list>

namespace easel_emulation {

namespace {

// A list: threads that wait hold references.
std::list<TransactionBarrier> barriers;

TransactionBarrier* find(const u64* address) {
    for (TransactionBarrier& barrier : barriers)
        if (barrier.address == address) return &barrier;
    return nullptr;
}

void end_phase_if_complete(TransactionBarrier& barrier) {
    if (barrier.missing != 0 || barrier.missing_bytes != 0) return;
    barrier.phase++;
    barrier.missing = barrier.count;
    order_phase_end(barrier.address);
    for (u32 thread : barrier.waiting) make_ready(block.threads[thread]);
    barrier.waiting.clear();
}

bool is_over(const TransactionBarrier& barrier, u32 parity) { return (barrier.phase & 1) != (parity & 1); }

} // namespace

void reset_transaction_barriers() { barriers.clear(); }

TransactionBarrier& transaction_barrier_at(u64* address, const char* what, Place place, const void* code) {
    TransactionBarrier* barrier = find(address);
    if (barrier == nullptr)
        fail(Code::launch_failed, format("%s at %s: no barrier was initialised at this address (%s)", what,
                                         describe(place).c_str(), describe_shared(address).c_str()));
    // Whoever uses a barrier must come after the thread that initialised it.
    check_access({address, sizeof *address, Access::read, code, sizeof *address, Space::shared}, block.current());
    return *barrier;
}

void transaction_barrier_init(u64* address, u32 count, Place place) {
    check_access({address, sizeof *address, Access::write, __builtin_return_address(0), sizeof *address, Space::shared},
                 block.current());
    if (count == 0)
        fail(Code::launch_failed, format("transaction_barrier_init at %s: a count of 0", describe(place).c_str()));
    if (find(address) != nullptr)
        fail(Code::launch_failed,
             format("transaction_barrier_init at %s: the barrier was initialised before", describe(place).c_str()));
    barriers.push_back({address, count, count, 0, 0, block.current().linear, false, {}});
    *address = count;
}

void fence_barrier_init() {
    for (TransactionBarrier& barrier : barriers)
        if (barrier.initialised_by == block.current().linear) barrier.is_fenced = true;
}

void transaction_barrier_arrive(u64* address, u32 bytes, Place place) {
    TransactionBarrier& barrier =
        transaction_barrier_at(address, "transaction_barrier_arrive", place, __builtin_return_address(0));
    if (barrier.missing == 0)
        fail(Code::launch_failed, format("transaction_barrier_arrive at %s: more than %u arrivals in one phase",
                                         describe(place).c_str(), barrier.count));
    order_phase_arrive(address);
    barrier.missing_bytes += bytes;
    barrier.missing--;
    end_phase_if_complete(barrier);
}

void arrive_bytes(const u64* address, u32 bytes) {
    TransactionBarrier& barrier = *find(address);
    barrier.missing_bytes -= bytes;
    end_phase_if_complete(barrier);
}

void transaction_barrier_wait(u64* address, u32 parity, Place place) {
    TransactionBarrier& barrier =
        transaction_barrier_at(address, "transaction_barrier_wait", place, __builtin_return_address(0));
    while (!is_over(barrier, parity)) {
        barrier.waiting.push_back(block.current().linear);
        wait("transaction_barrier_wait", place);
    }
    order_phase_acquire(address);
}

} // namespace easel_emulation
