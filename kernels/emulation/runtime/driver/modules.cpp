// Modules and functions. What a module is loaded from is a real fatbin, cubin or PTX; the kernels that it names run
// from the library that was compiled for the CPU.
#include "driver.h"

#include "../registry.h"
#include "../shared_memory.h"

#include <cstdio>
#include <cstring>

namespace easel_emulation::driver {

namespace {

struct Module {
    std::vector<std::unique_ptr<Function>> functions;
};

constexpr u32 static_shared_always = 48 * 1024;

// By how they begin: a fatbin, an ELF file (cubin), or text (PTX).
bool is_image(const void* image) {
    constexpr u32 fatbin = 0xba55ed50, elf = 0x464c457f;
    u32 magic;
    memcpy(&magic, image, sizeof magic);
    if (magic == fatbin || magic == elf) return true;
    const auto text = static_cast<const char*>(image);
    return strncmp(text, "//", 2) == 0 || strncmp(text, ".version", 8) == 0 || text[0] == '\n';
}

u32 offset_of(const Kernel& kernel, u32 index) {
    u32 offset = 0;
    for (u32 i = 0; i <= index; i++) {
        const Parameter& parameter = kernel.parameters[i];
        offset = (offset + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
        if (i < index) offset += parameter.bytes;
    }
    return offset;
}

} // namespace

CUDA_FUNCTION cuModuleLoadData(void** module, const void* image) {
    const Lock lock(mutex());
    if (broken != 0) return broken;
    if (image == nullptr || !is_image(image))
        return failure(Code::invalid_image, "the image is no fatbin, cubin or PTX");
    *module = new Module;
    return 0;
}
CUDA_FUNCTION cuModuleLoadDataEx(void** module, const void* image, unsigned, void*, void*) {
    return cuModuleLoadData(module, image);
}
CUDA_FUNCTION cuModuleLoadFatBinary(void** module, const void* image) { return cuModuleLoadData(module, image); }
CUDA_FUNCTION cuModuleLoad(void** module, const char* path) {
    char head[16] = {};
    FILE* file = fopen(path, "rb");
    if (file == nullptr) return failure(Code::not_found, format("%s cannot be read", path));
    const size_t length = fread(head, 1, sizeof head - 1, file);
    fclose(file);
    if (length < 4) return failure(Code::invalid_image, format("%s is no fatbin, cubin or PTX", path));
    return cuModuleLoadData(module, head);
}
CUDA_FUNCTION cuModuleUnload(void* module) {
    const Lock lock(mutex());
    delete static_cast<Module*>(module);
    return 0;
}

CUDA_FUNCTION cuModuleGetFunction(void** handle, void* module, const char* name) {
    const Lock lock(mutex());
    const Kernel* kernel = find_kernel(name, true);
    if (kernel == nullptr) return failure(Code::not_found, format("there is no kernel %s", name));
    if (kernel->needs_hopper && settings.major < 9)
        return failure(Code::not_found,
                       format("kernel %s needs sm_90a, the device has sm_%d%d", name, settings.major, settings.minor));
    auto& functions = static_cast<Module*>(module)->functions;
    for (const auto& function : functions) {
        if (function->name != name) continue;
        *handle = function.get();
        return 0;
    }
    functions.push_back(std::make_unique<Function>(Function{kernel, name}));
    *handle = functions.back().get();
    return 0;
}
CUDA_FUNCTION cuModuleGetGlobal_v2(void*, size_t*, void*, const char* name) {
    return failure(Code::not_found, format("there is no global variable %s", name));
}

CUDA_FUNCTION cuFuncGetName(const char** name, void* handle) {
    *name = static_cast<Function*>(handle)->name.c_str();
    return 0;
}

CUDA_FUNCTION cuFuncGetParamInfo(void* handle, size_t index, size_t* offset, size_t* bytes) {
    const Function& function = *static_cast<Function*>(handle);
    if (index >= function.kernel->parameter_count)
        return failure(Code::invalid_value, format("kernel %s has %u parameters, number %zu was asked for",
                                                   function.name.c_str(), function.kernel->parameter_count, index));
    *offset = offset_of(*function.kernel, static_cast<u32>(index));
    if (bytes != nullptr) *bytes = function.kernel->parameters[index].bytes;
    return 0;
}

CUDA_FUNCTION cuFuncGetAttribute(int* value, int which, void* handle) {
    const Function& function = *static_cast<Function*>(handle);
    switch (which) {
    case 0: *value = 1024; return 0;                                    // threads of a block
    case 5: *value = 80; return 0;                                      // PTX version
    case 6: *value = settings.major * 10 + settings.minor; return 0;    // binary version
    case 8: *value = static_cast<int>(function.shared_limit); return 0; // dynamic shared memory
    case 4: *value = 32; return 0;                                      // registers: not known here
    default: *value = 0; return 0;
    }
}

CUDA_FUNCTION cuFuncSetAttribute(void* handle, int which, int value) {
    constexpr int dynamic_shared = 8;
    if (which != dynamic_shared) return 0;
    Function& function = *static_cast<Function*>(handle);
    if (value < 0 || static_cast<u32>(value) > shared_limit_of_device())
        return failure(Code::invalid_value, format("kernel %s: %d bytes of dynamic shared memory, the device has %u",
                                                   function.name.c_str(), value, shared_limit_of_device()));
    function.shared_limit =
        static_cast<u32>(value) < static_shared_always ? static_shared_always : static_cast<u32>(value);
    return 0;
}
CUDA_FUNCTION cuFuncSetCacheConfig(void*, int) { return 0; }

CUDA_FUNCTION cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void*, int threads, size_t shared,
                                                                   unsigned) {
    if (threads <= 0 || threads > 1024)
        return failure(Code::invalid_value, "occupancy of blocks of an impossible size");
    const size_t by_threads = static_cast<size_t>(2048 / threads),
                 by_shared = (shared_limit_of_device() + 1024) / (shared + 1024);
    *blocks = static_cast<int>(by_threads < by_shared ? by_threads : by_shared);
    return 0;
}
CUDA_FUNCTION cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* handle, int threads, size_t shared) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, handle, threads, shared, 0);
}

} // namespace easel_emulation::driver
