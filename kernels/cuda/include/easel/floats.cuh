// Runs of elements moved 16 bytes at a time and computed with as float32.
//
// WHOLE says that a run is complete and aligned; otherwise its elements are moved one by one. Which thread gets which
// element, and so the order of every sum, is the same either way: bits depend on neither alignment nor address.
#pragma once

#include "easel/device.cuh"

namespace easel {

// Elements of T in 16 bytes.
template <typename T>
constexpr int VECTOR = 16 / sizeof(T);

// Whether `pointer` starts a vector of that many bytes. NULL does.
template <int BYTES = 16>
__device__ __forceinline__ bool is_aligned(const void* pointer) {
    return (reinterpret_cast<u64>(pointer) & (BYTES - 1)) == 0;
}

// The first `count` of N elements, at most 16 bytes; zeros in place of the others.
template <bool WHOLE, int N, typename T>
__device__ __forceinline__ Vector<T, N> load_run(const T* from, int count = N) {
    if constexpr (WHOLE) {
        return load_vector<T, N>(from);
    } else {
        Vector<T, N> run;
#pragma unroll
        for (int i = 0; i < N; i++) run[i] = i < count ? from[i] : from_float<T>(0.0f);
        return run;
    }
}

// Stores the first `count` of N elements.
template <bool WHOLE, typename T, int N>
__device__ __forceinline__ void store_run(T* to, Vector<T, N> run, int count = N) {
    if constexpr (WHOLE) {
        store_vector(to, run);
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (i < count) to[i] = run[i];
        }
    }
}

// N numbers of at most 16 bytes, rounded to nearest even: two at a time where they are narrow.
template <typename T, int N>
__device__ __forceinline__ Vector<T, N> narrow(const float* values) {
    Vector<T, N> run;
    if constexpr (sizeof(T) == 2 && N % 2 == 0) {
        u32 pairs[N / 2];
#pragma unroll
        for (int i = 0; i < N / 2; i++) pairs[i] = pack2(values[2 * i], values[2 * i + 1], T());
        memcpy(&run, pairs, sizeof run);
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) run[i] = from_float<T>(values[i]);
    }
    return run;
}

// The first `count` of N elements as float32, of any N; zeros in place of the others.
template <bool WHOLE, int N, typename T>
__device__ __forceinline__ void load_floats(float (&values)[N], const T* from, int count = N) {
    constexpr int STEP = N < VECTOR<T> ? N : VECTOR<T>;
#pragma unroll
    for (int first = 0; first < N; first += STEP) {
        const Vector<T, STEP> run = load_run<WHOLE, STEP>(from + first, count - first);
#pragma unroll
        for (int i = 0; i < STEP; i++) values[first + i] = to_float(run[i]);
    }
}

// Stores the first `count` of N elements, rounded to nearest even.
template <bool WHOLE, int N, typename T>
__device__ __forceinline__ void store_floats(T* to, const float (&values)[N], int count = N) {
    constexpr int STEP = N < VECTOR<T> ? N : VECTOR<T>;
#pragma unroll
    for (int first = 0; first < N; first += STEP) {
        store_run<WHOLE>(to + first, narrow<T, STEP>(values + first), count - first);
    }
}

}  // namespace easel
