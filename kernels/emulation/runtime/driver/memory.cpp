// Device memory, pinned host memory, copies and fills.
#include "driver.h"

#include "../device_memory.h"

#include <cstring>

namespace easel_emulation::driver {

namespace {

using Pointer = unsigned long long;

char* at(Pointer address) { return reinterpret_cast<char*>(address); }

int allocate_into(Pointer* address, size_t bytes) {
    if (broken != 0) return broken;
    if (bytes == 0) return failure(Code::invalid_value, "an allocation of 0 bytes");
    const Allocation* allocation = allocate(bytes, false);
    if (allocation == nullptr)
        return failure(Code::out_of_memory, format("out of memory: %zu bytes asked for, %zu of %zu in use", bytes,
                                                   memory_used(), memory_total()));
    *address = reinterpret_cast<Pointer>(allocation->address);
    return 0;
}

int release_at(Pointer address) {
    if (address == 0 || release(at(address))) return 0;
    return failure(Code::invalid_value, "freed, but not allocated: " + describe_device_address(at(address)));
}

int check_device(const char* what, Pointer address, size_t bytes) {
    if (bytes == 0 || find_allocation(at(address), bytes) != nullptr) return 0;
    return failure(Code::invalid_value,
                   format("%s of %zu bytes at ", what, bytes) + describe_device_address(at(address)));
}

int copy_in(Pointer to, const void* from, size_t bytes) {
    if (const int code = check_device("copy to the device", to, bytes)) return code;
    memcpy(at(to), from, bytes);
    mark_written(at(to), bytes);
    return 0;
}

int copy_out(void* to, Pointer from, size_t bytes) {
    if (const int code = check_device("copy from the device", from, bytes)) return code;
    memcpy(to, at(from), bytes);
    return 0;
}

int copy_within(Pointer to, Pointer from, size_t bytes) {
    if (const int code = check_device("copy from", from, bytes)) return code;
    if (const int code = check_device("copy to", to, bytes)) return code;
    memmove(at(to), at(from), bytes);
    copy_written(at(to), at(from), bytes);
    return 0;
}

template <typename T> int fill(Pointer to, T value, size_t count) {
    if (const int code = check_device("fill", to, count * sizeof value)) return code;
    if (to % sizeof value != 0) return failure(Code::invalid_value, "fill of words at an address that is not aligned");
    for (size_t i = 0; i < count; i++) memcpy(at(to) + i * sizeof value, &value, sizeof value);
    mark_written(at(to), count * sizeof value);
    return 0;
}

int now(const std::function<int()>& work) {
    const Lock lock(mutex());
    if (broken != 0) return broken;
    if (any_capture())
        return failure(Code::capture_unsupported, "a copy or fill that waits, while a stream is being captured");
    return work();
}

int later(void* stream, NodeKind kind, std::function<int()> work) {
    const Lock lock(mutex());
    return submit(stream, {kind, std::move(work)});
}

} // namespace

CUDA_FUNCTION cuMemGetInfo_v2(size_t* free_bytes, size_t* total_bytes) {
    const Lock lock(mutex());
    *total_bytes = memory_total();
    *free_bytes = memory_used() < memory_total() ? memory_total() - memory_used() : 0;
    return 0;
}

CUDA_FUNCTION cuMemAlloc_v2(Pointer* address, size_t bytes) {
    const Lock lock(mutex());
    if (any_capture()) return failure(Code::capture_unsupported, "cuMemAlloc while a stream is being captured");
    return allocate_into(address, bytes);
}
CUDA_FUNCTION cuMemAllocAsync(Pointer* address, size_t bytes, void* stream) {
    const Lock lock(mutex());
    if (const int code = refuse_capture(stream, "an allocation")) return code;
    return allocate_into(address, bytes);
}
CUDA_FUNCTION cuMemFree_v2(Pointer address) {
    const Lock lock(mutex());
    return release_at(address);
}
CUDA_FUNCTION cuMemFreeAsync(Pointer address, void* stream) {
    const Lock lock(mutex());
    if (const int code = refuse_capture(stream, "freeing memory")) return code;
    return release_at(address);
}

CUDA_FUNCTION cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    const Lock lock(mutex());
    const Allocation* allocation = bytes == 0 ? nullptr : allocate(bytes, true);
    if (allocation == nullptr)
        return failure(Code::out_of_memory, format("out of pinned host memory: %zu bytes", bytes));
    // The host is not watched, so what it writes there is taken as written.
    mark_written(allocation->address, bytes);
    *address = allocation->address;
    return 0;
}
CUDA_FUNCTION cuMemAllocHost_v2(void** address, size_t bytes) { return cuMemHostAlloc(address, bytes, 0); }
CUDA_FUNCTION cuMemFreeHost(void* address) {
    const Lock lock(mutex());
    return release_at(reinterpret_cast<Pointer>(address));
}
CUDA_FUNCTION cuMemHostGetDevicePointer_v2(Pointer* device, void* host, unsigned) {
    *device = reinterpret_cast<Pointer>(host);
    return 0;
}

CUDA_FUNCTION cuMemcpyHtoD_v2(Pointer to, const void* from, size_t bytes) {
    return now([=] { return copy_in(to, from, bytes); });
}
CUDA_FUNCTION cuMemcpyDtoH_v2(void* to, Pointer from, size_t bytes) {
    return now([=] { return copy_out(to, from, bytes); });
}
CUDA_FUNCTION cuMemcpyDtoD_v2(Pointer to, Pointer from, size_t bytes) {
    return now([=] { return copy_within(to, from, bytes); });
}
CUDA_FUNCTION cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, void* stream) {
    return later(stream, NodeKind::copy, [=] { return copy_in(to, from, bytes); });
}
CUDA_FUNCTION cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, void* stream) {
    return later(stream, NodeKind::copy, [=] { return copy_out(to, from, bytes); });
}
CUDA_FUNCTION cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, void* stream) {
    return later(stream, NodeKind::copy, [=] { return copy_within(to, from, bytes); });
}

CUDA_FUNCTION cuMemsetD8_v2(Pointer to, u8 value, size_t count) {
    return now([=] { return fill(to, value, count); });
}
CUDA_FUNCTION cuMemsetD16_v2(Pointer to, u16 value, size_t count) {
    return now([=] { return fill(to, value, count); });
}
CUDA_FUNCTION cuMemsetD32_v2(Pointer to, u32 value, size_t count) {
    return now([=] { return fill(to, value, count); });
}
CUDA_FUNCTION cuMemsetD8Async(Pointer to, u8 value, size_t count, void* stream) {
    return later(stream, NodeKind::set, [=] { return fill(to, value, count); });
}
CUDA_FUNCTION cuMemsetD16Async(Pointer to, u16 value, size_t count, void* stream) {
    return later(stream, NodeKind::set, [=] { return fill(to, value, count); });
}
CUDA_FUNCTION cuMemsetD32Async(Pointer to, u32 value, size_t count, void* stream) {
    return later(stream, NodeKind::set, [=] { return fill(to, value, count); });
}

// Memory pools: there is one, and it keeps nothing back.
CUDA_FUNCTION cuDeviceGetDefaultMemPool(void** pool, int) {
    static int one;
    *pool = &one;
    return 0;
}
CUDA_FUNCTION cuDeviceGetMemPool(void** pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }
CUDA_FUNCTION cuMemPoolTrimTo(void*, size_t) { return 0; }
CUDA_FUNCTION cuMemPoolSetAttribute(void*, int, void*) { return 0; }
CUDA_FUNCTION cuMemPoolGetAttribute(void*, int, void* value) {
    const Lock lock(mutex());
    *static_cast<u64*>(value) = memory_used();
    return 0;
}

} // namespace easel_emulation::driver
