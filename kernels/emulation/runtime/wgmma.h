// Products of warpgroups, as the checker sees them.
#pragma once

#include "block.h"

namespace easel_emulation {

// Whether these bytes of the thread's stack are accumulators of a product that it has not waited for.
bool is_pending_accumulator(const void* address, size_t bytes, const Thread& thread);

} // namespace easel_emulation
