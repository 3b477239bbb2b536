// Shared memory, vectors, and copies from global to shared memory that run beside the program.
#pragma once

#include "easel/emulation/runtime.h"

#define BLOCK_SHARED(Type, name)                                                                                       \
    using name##_type = Type;                                                                                          \
    static const char name##_tag = 0;                                                                                  \
    name##_type& name = *static_cast<name##_type*>(easel_emulation::block_shared(                                      \
        &name##_tag, sizeof(name##_type), alignof(name##_type) < 16 ? 16 : alignof(name##_type), #name))

#define DYNAMIC_SHARED(Type, name) Type* name = static_cast<Type*>(easel_emulation::dynamic_shared())

inline u32 shared_address(const void* shared, easel_emulation::Place place = easel_emulation::Place::here()) {
    return easel_emulation::shared_address(shared, place);
}

template <typename T> inline T __ldg(const T* address) { return *address; }

template <typename T, int N> struct alignas(sizeof(T) * N) Vector {
    T values[N];
    T& operator[](int index) { return values[index]; }
    const T& operator[](int index) const { return values[index]; }
};

template <typename T, int N>
inline Vector<T, N> load_vector(const T* address, easel_emulation::Place place = easel_emulation::Place::here()) {
    static_assert(sizeof(Vector<T, N>) <= 16, "one access is 16 bytes at most");
    easel_emulation::require_alignment(address, sizeof(Vector<T, N>), place);
    Vector<T, N> vector;
    std::memcpy(&vector, __builtin_assume_aligned(address, sizeof vector), sizeof vector);
    return vector;
}
template <typename T, int N>
inline void store_vector(T* address, Vector<T, N> vector,
                         easel_emulation::Place place = easel_emulation::Place::here()) {
    static_assert(sizeof(Vector<T, N>) <= 16, "one access is 16 bytes at most");
    easel_emulation::require_alignment(address, sizeof(Vector<T, N>), place);
    std::memcpy(__builtin_assume_aligned(address, sizeof vector), &vector, sizeof vector);
}

template <int size>
inline void copy_async(void* shared, const void* global, int bytes = size,
                       easel_emulation::Place place = easel_emulation::Place::here()) {
    static_assert(size == 4 || size == 8 || size == 16, "cp.async copies 4, 8 or 16 bytes");
    easel_emulation::copy_async(shared, global, size, bytes, place);
}
inline void copy_async_commit() { easel_emulation::copy_async_commit(); }
template <int groups> inline void copy_async_wait() { easel_emulation::copy_async_wait(groups); }
