// Streams and events. Work runs when it is submitted, so waiting is never needed; what capture forbids is refused.
#include "capture.h"

#include <chrono>
#include <set>

namespace easel_emulation::driver {

namespace {

struct Event {
    std::chrono::steady_clock::time_point time{};
    bool is_recorded = false;
    bool keeps_time = true;
    // The capture in which it was recorded last, if it has not ended.
    std::weak_ptr<Capture> capture;
};

constexpr unsigned event_without_time = 2;

Stream default_stream;
std::set<Stream*> streams;

// 0, 1 (legacy) and 2 (per thread) stand for the default stream.
Stream& stream_of(void* handle) {
    return reinterpret_cast<size_t>(handle) <= 2 ? default_stream : *static_cast<Stream*>(handle);
}

} // namespace

Stream* known_stream(void* handle) {
    Stream& stream = stream_of(handle);
    return &stream == &default_stream || streams.count(&stream) != 0 ? &stream : nullptr;
}

bool any_capture() {
    const auto disturbs = [](const Capture& capture) {
        return capture.mode == CaptureMode::global ||
               (capture.mode == CaptureMode::thread_local_ && capture.owner == std::this_thread::get_id());
    };
    for (const Stream* stream : streams)
        if (stream->capture != nullptr && disturbs(*stream->capture)) return true;
    return false;
}

void forget_capture(const Capture* capture) {
    for (Stream* stream : streams)
        if (stream->capture.get() == capture) stream->capture.reset();
}

int refuse_capture(void* handle, const char* what) {
    const Stream* stream = known_stream(handle);
    if (stream == nullptr) return failure(Code::invalid_handle, "no such stream");
    if (stream->capture == nullptr) return 0;
    stream->capture->is_void = true;
    return failure(Code::capture_unsupported, format("%s on a stream that is being captured", what));
}

int submit(void* handle, Node node) {
    Stream* stream = known_stream(handle);
    if (stream == nullptr) return failure(Code::invalid_handle, "no such stream");
    if (broken != 0) return broken;
    if (stream->capture == nullptr) return node.run();
    if (stream->capture->is_void) return failure(Code::capture_invalidated, "the capture of this stream is void");
    stream->capture->graph->nodes.push_back(std::make_unique<Node>(std::move(node)));
    return 0;
}

CUDA_FUNCTION cuStreamCreate(void** handle, unsigned) {
    const Lock lock(mutex());
    auto* stream = new Stream;
    streams.insert(stream);
    *handle = stream;
    return 0;
}
CUDA_FUNCTION cuStreamCreateWithPriority(void** handle, unsigned flags, int) { return cuStreamCreate(handle, flags); }
CUDA_FUNCTION cuStreamDestroy_v2(void* handle) {
    const Lock lock(mutex());
    if (streams.erase(static_cast<Stream*>(handle)) == 0) return failure(Code::invalid_handle, "no such stream");
    delete static_cast<Stream*>(handle);
    return 0;
}
CUDA_FUNCTION cuStreamSynchronize(void* handle) {
    const Lock lock(mutex());
    if (const int code = refuse_capture(handle, "waiting")) return code;
    return broken;
}
CUDA_FUNCTION cuStreamQuery(void* handle) { return cuStreamSynchronize(handle); }

CUDA_FUNCTION cuEventCreate(void** handle, unsigned flags) {
    auto* event = new Event;
    event->keeps_time = (flags & event_without_time) == 0;
    *handle = event;
    return 0;
}
CUDA_FUNCTION cuEventDestroy_v2(void* handle) {
    delete static_cast<Event*>(handle);
    return 0;
}
CUDA_FUNCTION cuEventRecord(void* handle, void* stream_handle) {
    const Lock lock(mutex());
    auto* event = static_cast<Event*>(handle);
    const Stream* stream = known_stream(stream_handle);
    if (stream == nullptr) return failure(Code::invalid_handle, "no such stream");
    event->capture = stream->capture;
    // Within a capture it says only what depends on what, which here the order of nodes says already.
    if (stream->capture != nullptr) return stream->capture->is_void ? static_cast<int>(Code::capture_invalidated) : 0;
    event->time = std::chrono::steady_clock::now();
    event->is_recorded = true;
    return broken;
}
CUDA_FUNCTION cuEventQuery(void*) { return broken; }
CUDA_FUNCTION cuEventSynchronize(void* handle) {
    const Lock lock(mutex());
    if (!static_cast<Event*>(handle)->capture.expired())
        return failure(Code::capture_unsupported, "waiting for an event that a capture has recorded");
    return broken;
}
CUDA_FUNCTION cuEventElapsedTime_v2(float* milliseconds, void* from, void* to) {
    const auto *start = static_cast<Event*>(from), *end = static_cast<Event*>(to);
    if (!start->keeps_time || !end->keeps_time || !start->is_recorded || !end->is_recorded)
        return failure(Code::invalid_handle, "the time between events that were not recorded, or keep no time");
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
    return broken;
}
CUDA_FUNCTION cuEventElapsedTime(float* milliseconds, void* from, void* to) {
    return cuEventElapsedTime_v2(milliseconds, from, to);
}

// Waiting for an event of a capture makes the stream part of it.
CUDA_FUNCTION cuStreamWaitEvent(void* handle, void* event_handle, unsigned) {
    const Lock lock(mutex());
    Stream* stream = known_stream(handle);
    if (stream == nullptr) return failure(Code::invalid_handle, "no such stream");
    const std::shared_ptr<Capture> capture = static_cast<Event*>(event_handle)->capture.lock();
    if (capture == nullptr && stream->capture != nullptr)
        return refuse_capture(handle, "waiting for an event from outside");
    if (capture != nullptr && stream == &default_stream)
        return failure(Code::capture_unsupported, "the default stream cannot be captured");
    if (capture != nullptr) stream->capture = capture;
    return broken;
}

CUDA_FUNCTION cuLaunchHostFunc(void* stream, void (*function)(void*), void* data) {
    const Lock lock(mutex());
    return submit(stream, {NodeKind::host, [=] {
                               function(data);
                               return 0;
                           }});
}

} // namespace easel_emulation::driver
