// The kernels that there are: sources announce theirs when their library is loaded.
#pragma once

#include "easel/emulation/runtime.h"

#include <string>
#include <vector>

namespace easel_emulation {

// The kernel of this name, compiled with hooks or without; if there is only one of the two, that one.
const Kernel* find_kernel(const std::string& name, bool instrumented);
// All names, in order.
std::vector<std::string> kernel_names();

} // namespace easel_emulation
