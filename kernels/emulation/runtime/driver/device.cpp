// The device and its context.
#include "driver.h"

#include "../device_memory.h"

#include <cstdio>
#include <cstring>

namespace easel_emulation::driver {

Settings settings;

std::recursive_mutex& mutex() {
    static std::recursive_mutex one;
    return one;
}

u32 shared_limit_of_device() {
    if (settings.major >= 9) return 227 * 1024;
    return settings.minor == 0 ? 163 * 1024 : 99 * 1024;
}

namespace {

int context_object;
thread_local void* current_context = nullptr;

// By CUdevice_attribute's numbers: what all emulated devices have in common. What is not listed is 0.
struct Attribute {
    int which, value;
};
constexpr Attribute attributes[] = {
    {1, 1024},       // threads of a block
    {2, 1024},       // its size along x
    {3, 1024},       // along y
    {4, 64},         // along z
    {5, 2147483647}, // blocks along x
    {6, 65535},      // along y
    {7, 65535},      // along z
    {8, 48 * 1024},  // shared memory of a block, unless it asks for more
    {9, 64 * 1024},  // constant memory
    {10, 32},        // lanes of a warp
    {12, 65536},     // registers of a block
    {13, 1000000},   // clock, kHz
    {31, 1},         // concurrent kernels
    {36, 1500000},   // memory clock, kHz
    {37, 5120},      // memory bus, bits
    {39, 2048},      // threads of a multiprocessor
    {41, 1},         // unified addresses
    {82, 65536},     // registers of a multiprocessor
    {106, 32},       // blocks of a multiprocessor
    {111, 1024},     // shared memory set aside for each block
    {115, 1},        // memory pools
};

int attribute(int which) {
    const bool is_hopper = settings.major >= 9;
    switch (which) {
    case 16: return is_hopper ? 132 : 108;       // multiprocessors
    case 38: return (is_hopper ? 50 : 40) << 20; // second-level cache, bytes
    case 75: return settings.major;
    case 76: return settings.minor;
    case 81: return static_cast<int>(shared_limit_of_device()) + 1024; // shared memory of a multiprocessor
    case 97: return static_cast<int>(shared_limit_of_device());        // of a block that asks for it
    default: break;
    }
    for (const Attribute& known : attributes)
        if (known.which == which) return known.value;
    return 0;
}

} // namespace

CUDA_FUNCTION cuInit(unsigned flags) {
    return flags == 0 ? 0 : failure(Code::invalid_value, "cuInit: flags must be 0");
}
CUDA_FUNCTION cuDriverGetVersion(int* version) {
    *version = settings.driver_version;
    return 0;
}
CUDA_FUNCTION cuDeviceGetCount(int* count) {
    *count = 1;
    return 0;
}
CUDA_FUNCTION cuDeviceGet(int* device, int ordinal) {
    if (ordinal != 0) return failure(Code::invalid_device, format("there is no device %d, only device 0", ordinal));
    *device = 0;
    return 0;
}
CUDA_FUNCTION cuDeviceGetName(char* name, int length, int) {
    snprintf(name, static_cast<size_t>(length), "Easel CUDA emulation, sm_%d%d", settings.major, settings.minor);
    return 0;
}
CUDA_FUNCTION cuDeviceGetUuid_v2(void* uuid, int) {
    memcpy(uuid, "easel emulation ", 16);
    return 0;
}
CUDA_FUNCTION cuDeviceGetUuid(void* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }
CUDA_FUNCTION cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = memory_total();
    return 0;
}
CUDA_FUNCTION cuDeviceGetAttribute(int* value, int which, int) {
    *value = attribute(which);
    return 0;
}

CUDA_FUNCTION cuDevicePrimaryCtxRetain(void** context, int) {
    *context = &context_object;
    return 0;
}
CUDA_FUNCTION cuDevicePrimaryCtxRelease_v2(int) { return 0; }
CUDA_FUNCTION cuCtxSetCurrent(void* context) {
    current_context = context;
    return 0;
}
CUDA_FUNCTION cuCtxGetCurrent(void** context) {
    *context = current_context;
    return 0;
}
CUDA_FUNCTION cuCtxGetDevice(int* device) {
    *device = 0;
    return current_context == nullptr ? failure(Code::invalid_context, "no context is current in this thread") : 0;
}
CUDA_FUNCTION cuCtxSynchronize() {
    const Lock lock(mutex());
    if (any_capture()) return failure(Code::capture_unsupported, "cuCtxSynchronize while a stream is being captured");
    return broken;
}
CUDA_FUNCTION cuCtxSetFlags(unsigned) { return 0; }
CUDA_FUNCTION cuCtxGetLimit(size_t* value, int) {
    *value = 1024;
    return 0;
}
CUDA_FUNCTION cuCtxSetLimit(int, size_t) { return 0; }
CUDA_FUNCTION cuCtxGetCacheConfig(int* config) {
    *config = 0;
    return 0;
}
CUDA_FUNCTION cuCtxSetCacheConfig(int) { return 0; }
CUDA_FUNCTION cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    *least = *greatest = 0;
    return 0;
}
CUDA_FUNCTION cuProfilerStart() { return 0; }
CUDA_FUNCTION cuProfilerStop() { return 0; }

} // namespace easel_emulation::driver
