// Capturing streams, and graphs. A graph runs its nodes in the order in which they were captured.
#include "capture.h"

namespace easel_emulation::driver {

namespace {

// An executable graph keeps nodes of its own: the graph may be destroyed before it.
struct Executable {
    std::vector<Node> nodes;
};

std::vector<Node> copies_of(const Graph& graph) {
    std::vector<Node> nodes;
    for (const auto& node : graph.nodes) nodes.push_back(*node);
    return nodes;
}

} // namespace

CUDA_FUNCTION cuStreamBeginCapture_v2(void* handle, int mode) {
    const Lock lock(mutex());
    Stream* stream = known_stream(handle);
    if (stream == nullptr) return failure(Code::invalid_handle, "no such stream");
    if (reinterpret_cast<size_t>(handle) <= 2)
        return failure(Code::capture_unsupported, "the default stream cannot be captured");
    if (stream->capture != nullptr) return failure(Code::illegal_state, "the stream is being captured already");
    stream->capture = std::make_shared<Capture>();
    stream->capture->origin = stream;
    stream->capture->mode = static_cast<CaptureMode>(mode);
    return broken;
}

CUDA_FUNCTION cuStreamEndCapture(void* handle, void** graph) {
    const Lock lock(mutex());
    *graph = nullptr;
    Stream* stream = known_stream(handle);
    if (stream == nullptr || stream->capture == nullptr)
        return failure(Code::illegal_state, "the stream is not being captured");
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture->origin != stream) return failure(Code::illegal_state, "the capture was begun on another stream");
    forget_capture(capture.get());
    if (capture->is_void) return failure(Code::capture_invalidated, last_story);
    *graph = capture->graph.release();
    return 0;
}

CUDA_FUNCTION cuStreamIsCapturing(void* handle, int* status) {
    const Lock lock(mutex());
    const Stream* stream = known_stream(handle);
    if (stream == nullptr) return failure(Code::invalid_handle, "no such stream");
    *status = stream->capture == nullptr ? 0 : stream->capture->is_void ? 2 : 1;
    return 0;
}

CUDA_FUNCTION cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    const Lock lock(mutex());
    *executable = new Executable{copies_of(*static_cast<Graph*>(graph))};
    return 0;
}
CUDA_FUNCTION cuGraphUpload(void*, void*) { return broken; }

CUDA_FUNCTION cuGraphLaunch(void* executable, void* stream) {
    const Lock lock(mutex());
    if (const int code = refuse_capture(stream, "launching a graph")) return code;
    for (const Node& node : static_cast<Executable*>(executable)->nodes) {
        if (broken != 0) return broken;
        if (const int code = node.run()) return code;
    }
    return broken;
}

// The new graph must have the same nodes in the same order, and the same functions; only what they are given may
// differ.
CUDA_FUNCTION cuGraphExecUpdate_v2(void* executable, void* graph, void* result) {
    const Lock lock(mutex());
    struct ResultInfo {
        int result;
        void *error_node, *error_from_node;
    };
    auto& nodes = static_cast<Executable*>(executable)->nodes;
    std::vector<Node> replacement = copies_of(*static_cast<Graph*>(graph));
    bool same = nodes.size() == replacement.size();
    for (size_t i = 0; same && i < nodes.size(); i++)
        same = nodes[i].kind == replacement[i].kind && nodes[i].function == replacement[i].function;
    constexpr int topology_changed = 2;
    if (result != nullptr) *static_cast<ResultInfo*>(result) = {same ? 0 : topology_changed, nullptr, nullptr};
    if (!same) return failure(Code::graph_exec_update_failure, "the new graph has other nodes than the executable one");
    nodes = std::move(replacement);
    return 0;
}

CUDA_FUNCTION cuGraphGetNodes(void* graph, void** nodes, size_t* count) {
    const Lock lock(mutex());
    const auto& all = static_cast<Graph*>(graph)->nodes;
    if (nodes != nullptr)
        for (size_t i = 0; i < *count; i++) nodes[i] = i < all.size() ? all[i].get() : nullptr;
    if (nodes == nullptr || *count > all.size()) *count = all.size();
    return 0;
}
CUDA_FUNCTION cuGraphNodeGetType(void* node, int* type) {
    *type = static_cast<int>(static_cast<Node*>(node)->kind);
    return 0;
}

CUDA_FUNCTION cuGraphExecDestroy(void* executable) {
    delete static_cast<Executable*>(executable);
    return 0;
}
CUDA_FUNCTION cuGraphDestroy(void* graph) {
    delete static_cast<Graph*>(graph);
    return 0;
}

} // namespace easel_emulation::driver
