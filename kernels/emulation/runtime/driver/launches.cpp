// Launches: what is wrong with one before it starts, and what becomes of it.
#include "driver.h"

#include "../checker.h"
#include "../device_memory.h"
#include "../registry.h"

#include <cstring>

namespace easel_emulation::driver {

std::vector<LaunchRecord> launches;

namespace {

struct Request {
    dim3 grid, block;
    u32 shared_bytes;
};

// The driver copies arguments when a launch is submitted, not when it runs.
struct alignas(64) ArgumentUnit {
    char bytes[64];
};
using Argument = std::vector<ArgumentUnit>;
using Arguments = std::vector<Argument>;

Argument copy_argument(const void* value, u32 bytes) {
    Argument argument((bytes + sizeof(ArgumentUnit) - 1) / sizeof(ArgumentUnit));
    memcpy(argument.data(), value, bytes);
    return argument;
}

int check_shape(const Function& function, const Request& request) {
    const auto refuse = [&](const std::string& why) {
        return failure(Code::invalid_value, format("kernel %s: ", function.name.c_str()) + why);
    };
    const dim3 &grid = request.grid, &block = request.block;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535)
        return refuse(format("a grid of %u,%u,%u blocks", grid.x, grid.y, grid.z));
    if (block.x == 0 || block.y == 0 || block.z == 0 || block.z > 64 || u64{block.x} * block.y * block.z > 1024)
        return refuse(format("blocks of %u,%u,%u threads", block.x, block.y, block.z));
    if (request.shared_bytes > function.shared_limit)
        return refuse(format("%u bytes of dynamic shared memory, %u are allowed (cuFuncSetAttribute raises this)",
                             request.shared_bytes, function.shared_limit));
    return 0;
}

int check_pointers(const Function& function, const Arguments& arguments) {
    for (u32 i = 0; i < function.kernel->parameter_count; i++) {
        if (!function.kernel->parameters[i].is_pointer) continue;
        const char* pointer;
        memcpy(&pointer, arguments[i].data(), sizeof pointer);
        // A pointer may stand just past the end of an allocation: it may belong to an empty tensor.
        if (pointer == nullptr || find_allocation(pointer, 0) != nullptr) continue;
        return failure(
            Code::invalid_value,
            format("kernel %s: argument %u should be a pointer to device memory, and is ", function.name.c_str(), i) +
                describe_device_address(pointer));
    }
    return 0;
}

int collect_array(const Function& function, void** values, Arguments& arguments) {
    for (u32 i = 0; i < function.kernel->parameter_count; i++) {
        if (values == nullptr || values[i] == nullptr)
            return failure(Code::invalid_value, format("kernel %s has %u parameters, argument %u is missing",
                                                       function.name.c_str(), function.kernel->parameter_count, i));
        arguments.push_back(copy_argument(values[i], function.kernel->parameters[i].bytes));
    }
    return 0;
}

// All arguments in one buffer, laid out as a struct; its size is compared with what the kernel takes.
int collect_buffer(const Function& function, void** extra, Arguments& arguments) {
    const char* buffer = nullptr;
    size_t bytes = 0;
    for (; *extra != nullptr; extra += 2) {
        if (reinterpret_cast<size_t>(*extra) == 1) buffer = static_cast<const char*>(extra[1]);
        if (reinterpret_cast<size_t>(*extra) == 2) bytes = *static_cast<size_t*>(extra[1]);
    }
    size_t offset = 0;
    for (u32 i = 0; i < function.kernel->parameter_count; i++) {
        const Parameter& parameter = function.kernel->parameters[i];
        offset = (offset + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
        if (buffer != nullptr && offset + parameter.bytes <= bytes)
            arguments.push_back(copy_argument(buffer + offset, parameter.bytes));
        offset += parameter.bytes;
    }
    if (offset != bytes)
        return failure(Code::invalid_value, format("kernel %s: its arguments take %zu bytes, %zu were given",
                                                   function.name.c_str(), offset, bytes));
    return 0;
}

// Nobody says what an unchecked launch writes: all that it can reach counts as written.
void trust_writes(const Function& function, const Arguments& arguments) {
    for (u32 i = 0; i < function.kernel->parameter_count; i++) {
        if (!function.kernel->parameters[i].is_pointer) continue;
        const char* pointer;
        memcpy(&pointer, arguments[i].data(), sizeof pointer);
        if (Allocation* allocation = find_allocation(pointer, 0)) allocation->all_is_written = true;
    }
}

int run_now(const Function& function, const Request& request, Arguments& arguments) {
    if (broken != 0) return broken;
    if (const int code = check_pointers(function, arguments)) return code;
    launches.push_back({function.name, request.grid, request.block, request.shared_bytes});
    std::vector<void*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    checks = settings.check != 0;
    const Kernel* kernel = find_kernel(function.name, checks);
    if (!kernel->instrumented || !checks) trust_writes(function, arguments);
    const Outcome outcome =
        run({kernel, request.grid, request.block, request.shared_bytes, pointers.data()}, settings.seed);
    if (outcome.code == Code::success) return 0;
    broken = failure(outcome.code, outcome.story);
    return broken;
}

int launch(void* handle, const Request& request, void* stream, void** values, void** extra) {
    const Lock lock(mutex());
    const Function& function = *static_cast<Function*>(handle);
    Arguments arguments;
    if (const int code = check_shape(function, request)) return code;
    if (const int code =
            extra != nullptr ? collect_buffer(function, extra, arguments) : collect_array(function, values, arguments))
        return code;
    Node node{NodeKind::kernel, {}, &function};
    // A copy: the graph may outlive the module.
    node.run = [function, request, arguments]() mutable { return run_now(function, request, arguments); };
    return submit(stream, std::move(node));
}

} // namespace

CUDA_FUNCTION cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                             unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** arguments,
                             void** extra) {
    return launch(function, {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes}, stream, arguments,
                  extra);
}

CUDA_FUNCTION cuLaunchKernelEx(const void* config, void* function, void** arguments, void** extra) {
    struct Attribute {
        u32 id, padding;
        union {
            u32 cluster[3];
            char bytes[64];
        } value;
    };
    struct Config {
        u32 grid[3], block[3], shared_bytes;
        void* stream;
        const Attribute* attributes;
        u32 attribute_count;
    };
    constexpr u32 cluster_dimension = 4;
    const auto& wanted = *static_cast<const Config*>(config);
    for (u32 i = 0; i < wanted.attribute_count; i++) {
        const Attribute& attribute = wanted.attributes[i];
        const u32* cluster = attribute.value.cluster;
        if (attribute.id == cluster_dimension && (cluster[0] > 1 || cluster[1] > 1 || cluster[2] > 1))
            return failure(Code::not_supported, "the emulation has no clusters of blocks");
    }
    return launch(function,
                  {{wanted.grid[0], wanted.grid[1], wanted.grid[2]},
                   {wanted.block[0], wanted.block[1], wanted.block[2]},
                   wanted.shared_bytes},
                  wanted.stream, arguments, extra);
}

CUDA_FUNCTION cuLaunchCooperativeKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                                        void*, void**) {
    return failure(Code::not_supported, "the emulation runs blocks one after the other: none can wait for another");
}

} // namespace easel_emulation::driver
