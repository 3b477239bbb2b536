// What a stream records while it is being captured.
#pragma once

#include "driver.h"

#include <thread>

namespace easel_emulation::driver {

struct Stream;

// Whose calls that could disturb a capture are refused meanwhile: everybody's, the capturing thread's, nobody's.
enum class CaptureMode : int { global = 0, thread_local_ = 1, relaxed = 2 };

struct Capture {
    std::unique_ptr<Graph> graph = std::make_unique<Graph>();
    Stream* origin = nullptr;
    bool is_void = false;
    CaptureMode mode = CaptureMode::global;
    std::thread::id owner = std::this_thread::get_id();
};

struct Stream {
    std::shared_ptr<Capture> capture;
};

// Null if there is no such stream.
Stream* known_stream(void* handle);
// Streams that joined this capture leave it.
void forget_capture(const Capture* capture);

} // namespace easel_emulation::driver
