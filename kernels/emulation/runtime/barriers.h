// Barriers of the block: `__syncthreads` and the sixteen named ones.
#pragma once

namespace easel_emulation {

void reset_barriers();
// A thread has ended: it is no longer waited for.
void barriers_after_exit();

} // namespace easel_emulation
