// What went wrong in a launch or a call, as the driver's code and as a story.
#pragma once

#include "easel/emulation/runtime.h"

#include <cstdarg>
#include <string>

namespace easel_emulation {

// The driver's codes that the runtime itself gives.
enum class Code : int {
    success = 0,
    invalid_value = 1,
    out_of_memory = 2,
    not_initialized = 3,
    deinitialized = 4,
    no_device = 100,
    invalid_device = 101,
    invalid_image = 200,
    invalid_context = 201,
    no_binary_for_gpu = 209,
    invalid_handle = 400,
    illegal_state = 401,
    not_found = 500,
    not_ready = 600,
    illegal_address = 700,
    launch_out_of_resources = 701,
    misaligned_address = 716,
    launch_failed = 719,
    not_permitted = 800,
    not_supported = 801,
    capture_unsupported = 900,
    capture_invalidated = 901,
    graph_exec_update_failure = 910,
};

std::string format(const char* text, ...) __attribute__((format(printf, 1, 2)));
// "file.cu:12", without the folders.
std::string describe(Place place);
// The place in a kernel's source of an instruction.
std::string describe_code(const void* instruction);

} // namespace easel_emulation
