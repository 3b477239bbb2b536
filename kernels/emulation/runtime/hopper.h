// What runs beside the program on sm_90a: barriers that count bytes, tensor loads, products of warpgroups.
#pragma once

#include "block.h"

namespace easel_emulation {

// A barrier in shared memory that counts arrivals and bytes.
struct TransactionBarrier {
    u64* address;
    u32 count;
    // Of the phase that is under way: arrivals and bytes that are missing.
    u32 missing;
    long long missing_bytes = 0;
    u32 phase = 0;
    u32 initialised_by;
    // Whether tensor loads are sure to see it.
    bool is_fenced = false;
    std::vector<u32> waiting;
};

void reset_transaction_barriers();
// Ends the launch if there is no such barrier.
TransactionBarrier& transaction_barrier_at(u64* address, const char* what, Place place, const void* code);
void arrive_bytes(const u64* barrier, u32 bytes);

void reset_tensor_loads();
// Lets one of the tensor loads that are under way arrive; false if there is none.
bool deliver_tensor_load();
// Whether one may arrive now although it could be later still: the seed decides.
bool tensor_load_is_due();

void reset_products();
// The thread ends: so must its products have.
void finish_products(const Thread& thread);

} // namespace easel_emulation
