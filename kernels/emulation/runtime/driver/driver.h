// What the files of the stand-in driver share. Each defines some of the functions of libcuda.so, as cuda.h declares
// them.
#pragma once

#include "../block.h"
#include "../report.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define CUDA_FUNCTION extern "C" __attribute__((visibility("default"))) int

namespace easel_emulation::driver {

// As src/settings.rs has it.
struct Settings {
    u64 seed = 1;
    u64 memory_bytes = u64{8} << 30;
    int major = 8, minor = 0;
    int check = 1;
    int driver_version = 13000;
};
extern Settings settings;

// One call at a time: launches are the only long ones, and they share one set of fibers.
using Lock = std::lock_guard<std::recursive_mutex>;
std::recursive_mutex& mutex();

struct LaunchRecord {
    std::string kernel;
    dim3 grid, block;
    u32 shared_bytes;
};
extern std::vector<LaunchRecord> launches;

// Notes the story of a call that fails, and gives its code.
int failure(Code code, std::string story);
extern std::string last_story;
// As on a device, nothing runs after a kernel has failed: its code, or 0.
extern int broken;

// Streams and graphs ------------------------------------------------------------------------------------------------

// As CUgraphNodeType numbers them.
enum class NodeKind : int { kernel = 0, copy = 1, set = 2, host = 3 };

struct Function;

struct Node {
    NodeKind kind;
    std::function<int()> run;
    const Function* function = nullptr;
};

struct Graph {
    std::vector<std::unique_ptr<Node>> nodes;
};

// Work for a stream: it runs at once, or is recorded if the stream is being captured.
int submit(void* stream, Node node);
// Refuses what a captured stream cannot do, such as being waited for; the capture is then void.
int refuse_capture(void* stream, const char* what);
// Whether a capture is going on that a call of this thread could disturb.
bool any_capture();

// Modules -----------------------------------------------------------------------------------------------------------

struct Function {
    const Kernel* kernel;
    std::string name;
    u32 shared_limit = 48 * 1024;
};

u32 shared_limit_of_device();

} // namespace easel_emulation::driver
