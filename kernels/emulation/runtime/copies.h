// Copies from global to shared memory that run beside the program (cp.async).
#pragma once

#include "block.h"

namespace easel_emulation {

// The thread ends: what it has begun and never waited for arrives now.
void finish_copies(Thread& thread);

} // namespace easel_emulation
