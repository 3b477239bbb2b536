// Shared memory, vectors, and copies from global to shared memory that run beside the program.
#pragma once

// One object in static shared memory, of any type without a comma in its name: BLOCK_SHARED(float[32], sums).
#define BLOCK_SHARED(Type, name)                                                                                        \
    using name##_type = Type;                                                                                          \
    __shared__ __align__(16) name##_type name

// `Type* name`: the dynamic shared memory of the launch, aligned to 1024 bytes.
#define DYNAMIC_SHARED(Type, name)                                                                                      \
    extern __shared__ __align__(1024) unsigned char name##_bytes[];                                                    \
    Type* name = reinterpret_cast<Type*>(name##_bytes)

// The 32-bit address that PTX instructions on shared memory take.
__device__ __forceinline__ u32 shared_address(const void* shared) {
    return static_cast<u32>(__cvta_generic_to_shared(shared));
}

template <typename T, int N> struct alignas(sizeof(T) * N) Vector {
    T values[N];
    __device__ __forceinline__ T& operator[](int index) { return values[index]; }
    __device__ __forceinline__ const T& operator[](int index) const { return values[index]; }
};

template <int bytes> struct VectorWord;
template <> struct VectorWord<2> { using Type = u16; };
template <> struct VectorWord<4> { using Type = u32; };
template <> struct VectorWord<8> { using Type = uint2; };
template <> struct VectorWord<16> { using Type = uint4; };

// One access of 2, 4, 8 or 16 bytes; the address must be a multiple of that.
template <typename T, int N> __device__ __forceinline__ Vector<T, N> load_vector(const T* address) {
    auto word = *reinterpret_cast<const typename VectorWord<sizeof(T) * N>::Type*>(address);
    Vector<T, N> vector;
    memcpy(&vector, &word, sizeof vector);
    return vector;
}
template <typename T, int N> __device__ __forceinline__ void store_vector(T* address, Vector<T, N> vector) {
    typename VectorWord<sizeof(T) * N>::Type word;
    memcpy(&word, &vector, sizeof word);
    *reinterpret_cast<typename VectorWord<sizeof(T) * N>::Type*>(address) = word;
}

// Copies `bytes` (0..size) bytes and fills the rest of `size` with zeros; both addresses must be multiples of `size`.
// With 0 bytes nothing is read. The destination holds them after `copy_async_wait`, for this thread; after a barrier
// on top of it, for the others.
template <int size> __device__ __forceinline__ void copy_async(void* shared, const void* global, int bytes = size) {
    static_assert(size == 4 || size == 8 || size == 16, "cp.async copies 4, 8 or 16 bytes");
    if constexpr (size == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes)
                     : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(shared)), "l"(global), "n"(size),
                     "r"(bytes)
                     : "memory");
    }
}

// Makes a group of the copies that this thread has begun since the last one.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the `groups` latest groups of this thread are under way.
template <int groups> __device__ __forceinline__ void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory");
}
