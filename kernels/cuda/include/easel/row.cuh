// A row of up to ROW_LIMIT numbers in the registers of a block.
#pragma once

#include "easel/floats.cuh"
#include "easel/reduce.cuh"

namespace easel {

constexpr int ROW_THREADS = 128;
constexpr int ROW_LIMIT = 4096;

template <typename T>
struct Row {
    static constexpr int N = VECTOR<T>;
    static constexpr int RUNS = ROW_LIMIT / (ROW_THREADS * N);

    // Vector number `run · ROW_THREADS + threadIdx.x` of the row.
    float values[RUNS][N];

    static __device__ __forceinline__ int position(int run) { return (run * ROW_THREADS + threadIdx.x) * N; }

    template <bool WHOLE>
    __device__ __forceinline__ void load(const T* from, int length) {
#pragma unroll
        for (int run = 0; run < RUNS; run++) {
            const int at = position(run);
            if (at < length) load_floats<WHOLE>(values[run], from + at, length - at);
        }
    }

    // Calls `visit(value, position)` for this thread's numbers.
    template <typename Visit>
    __device__ __forceinline__ void for_each(int length, Visit visit) {
#pragma unroll
        for (int run = 0; run < RUNS; run++) {
#pragma unroll
            for (int i = 0; i < N; i++) {
                if (position(run) + i < length) visit(values[run][i], position(run) + i);
            }
        }
    }

    // Stores every vector as `change(values, position, count)` leaves it.
    template <bool WHOLE, typename Change>
    __device__ __forceinline__ void store(T* to, int length, Change change) {
#pragma unroll
        for (int run = 0; run < RUNS; run++) {
            const int at = position(run);
            if (at < length) {
                change(values[run], at, length - at);
                store_floats<WHOLE>(to + at, values[run], length - at);
            }
        }
    }
};

}  // namespace easel
