// What kernels call in the emulation's runtime (kernels/emulation/runtime/, which defines all of it). Nothing here is
// for kernels' sources: they use the names of device.cuh.
#pragma once

#include "easel/emulation/types.cuh"

#include <tuple>
#include <type_traits>
#include <utility>

struct TensorMap;

namespace easel_emulation {

// Where in the source a call stands. As a function's default argument, `here` is the place of the function's call.
struct Place {
    const char* file;
    int line;

    static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
};

// Where the running thread is. One object, which is filled in when threads are switched: accesses to it are easy to
// tell from those that count.
struct Position {
    uint3 thread;
    u32 linear; // the thread's number in its block: 32 of them in a row are a warp
    uint3 block;
    dim3 block_size, grid_size;
};
extern Position position;

enum class Element : u32 { half, bfloat16 };

template <typename T> constexpr Element element_of() {
    static_assert(std::is_same_v<T, half> || std::is_same_v<T, bfloat16>, "tensor cores take half and bfloat16");
    return std::is_same_v<T, half> ? Element::half : Element::bfloat16;
}

// Kernels -----------------------------------------------------------------------------------------------------------

struct Parameter {
    u32 bytes, alignment;
    bool is_pointer;
};
struct Kernel {
    const char* name;
    const char* file;
    void (*call)(void** arguments);
    const Parameter* parameters;
    u32 parameter_count;
    bool needs_hopper;
    bool instrumented; // compiled with hooks at every access
};
void register_kernel(const Kernel& kernel);

template <auto kernel> struct Export;
template <typename... A, void (*kernel)(A...)> struct Export<kernel> {
    // The zero-sized end keeps the array legal for a kernel without parameters.
    static constexpr Parameter parameters[] = {{sizeof(A), alignof(A), std::is_pointer_v<A>}..., {0, 0, false}};

    template <size_t... index>
    __attribute__((no_sanitize("thread"))) static void call_with(void** arguments, std::index_sequence<index...>) {
        kernel(*static_cast<std::remove_cv_t<A>*>(arguments[index])...);
    }
    __attribute__((no_sanitize("thread"))) static void call(void** arguments) {
        call_with(arguments, std::index_sequence_for<A...>{});
    }
    Export(const char* name, const char* file, bool needs_hopper) {
#if defined(__SANITIZE_THREAD__)
        constexpr bool instrumented = true;
#elif defined(__has_feature)
        constexpr bool instrumented = __has_feature(thread_sanitizer);
#else
        constexpr bool instrumented = false;
#endif
        register_kernel({name, file, call, parameters, sizeof...(A), needs_hopper, instrumented});
    }
};

// Shared memory -----------------------------------------------------------------------------------------------------

// The block's object that belongs to this tag, an address that is unique to the declaration.
void* block_shared(const void* tag, size_t bytes, size_t alignment, const char* name);
void* dynamic_shared();
u32 shared_address(const void* shared, Place place);

// Barriers and warps ------------------------------------------------------------------------------------------------

void synchronise_block(Place place);
void synchronise_named(int id, int threads, Place place);
void arrive_named(int id, int threads, Place place);
void synchronise_warp(u32 mask, Place place);
// The value that `source_lane` gave, in 64 bits.
u64 shuffle(u32 mask, u64 value, u32 source_lane, Place place);
u32 ballot(u32 mask, bool predicate, Place place);

// Memory ------------------------------------------------------------------------------------------------------------

[[noreturn]] void fail_misaligned(const void* address, u32 bytes, Place place);
inline void require_alignment(const void* address, u32 bytes, Place place) {
    if (reinterpret_cast<size_t>(address) % bytes != 0) fail_misaligned(address, bytes, place);
}
void copy_async(void* shared, const void* global, u32 size, int bytes, Place place);
void copy_async_commit();
void copy_async_wait(u32 groups);

// Tensor cores ------------------------------------------------------------------------------------------------------

void load_matrix(u32* tiles, u32 count, bool transposed, const void* row, Place place);
void multiply_m16n8k16(float* d, const u32* a, const u32* b, Element element, Place place);

// Hopper ------------------------------------------------------------------------------------------------------------

void transaction_barrier_init(u64* barrier, u32 count, Place place);
void fence_barrier_init();
void transaction_barrier_arrive(u64* barrier, u32 bytes, Place place);
void transaction_barrier_wait(u64* barrier, u32 parity, Place place);
void tensor_load(void* shared, const TensorMap* map, u64* barrier, u32 rank, const int* index, Place place);
void wgmma(float* d, u32 columns, u64 a_descriptor, u64 b_descriptor, bool accumulate, Element element, Place place);
void wgmma_fence(Place place);
void wgmma_commit(Place place);
void wgmma_wait(u32 groups, Place place);

} // namespace easel_emulation
