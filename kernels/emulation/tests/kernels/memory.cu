// Named barriers, vectors, and small wrongs.
#include "easel/device.cuh"

constexpr int THREADS = 64;

enum class Fault { none, no_arrive, no_sync, other_count };

// y[i] = 2 x[i], in blocks of 32: one warp brings them to shared memory, the other takes them from there.
template <Fault fault> __device__ __forceinline__ void relay(const float* x, float* y, int blocks) {
    BLOCK_SHARED(float[32], buffer);
    constexpr int FULL = 1, EMPTY = 2;
    const int lane = threadIdx.x % 32;
    for (int i = 0; i < blocks; i++) {
        if (threadIdx.x < 32) {
            if (i > 0) barrier_sync(EMPTY, THREADS);
            buffer[lane] = x[i * 32 + lane];
            barrier_arrive(FULL, fault == Fault::other_count ? 32 : THREADS);
        } else {
            if (fault != Fault::no_sync) barrier_sync(FULL, THREADS);
            y[i * 32 + lane] = 2.0f * buffer[lane];
            if (i + 1 < blocks && fault != Fault::no_arrive) barrier_arrive(EMPTY, THREADS);
        }
    }
}

#define RELAY(name, fault)                                                                                             \
    extern "C" __global__ void name(const float* x, float* y, int blocks) { relay<fault>(x, y, blocks); }              \
    EXPORT_KERNEL(name)

RELAY(test_relay, Fault::none)
RELAY(test_relay_no_arrive, Fault::no_arrive)
RELAY(test_relay_no_sync, Fault::no_sync)
RELAY(test_relay_other_count, Fault::other_count)

// y[i] = x[i + shift] by vectors of 16 bytes.
extern "C" __global__ void test_copy_vectors(const half* x, half* y, int count, int shift) {
    const int at = (blockIdx.x * blockDim.x + threadIdx.x) * 8;
    if (at < count) store_vector(y + at, load_vector<half, 8>(x + at + shift));
}
EXPORT_KERNEL(test_copy_vectors)

// Every block adds to the same place.
extern "C" __global__ void test_blocks_race(float* y) {
    if (threadIdx.x == 0) y[0] = y[0] + 1.0f;
}
EXPORT_KERNEL(test_blocks_race)

// Writes past the end of an object in shared memory.
extern "C" __global__ void test_shared_overrun(float* y, int past) {
    BLOCK_SHARED(float[32], numbers);
    numbers[threadIdx.x + past] = 1.0f;
    __syncthreads();
    y[threadIdx.x] = numbers[threadIdx.x];
}
EXPORT_KERNEL(test_shared_overrun)

// Each thread's frame is larger than the stack.
__device__ __noinline__ float deep(volatile float* numbers, int depth) {
    volatile float frame[1024];
    for (int i = 0; i < 1024; i++) frame[i] = numbers[i % 32] + i;
    return depth == 0 ? frame[1] : deep(frame, depth - 1) + frame[depth];
}
extern "C" __global__ void test_stack_overflow(float* y, int depth) {
    float numbers[32] = {};
    y[0] = deep(numbers, depth);
}
EXPORT_KERNEL(test_stack_overflow)

// y[i] = what the vote of the lanes with even numbers, and then of all, was.
extern "C" __global__ void test_votes(u32* y) {
    const u32 lane = threadIdx.x;
    u32 even = 0;
    if (lane % 2 == 0) even = __ballot_sync(0x55555555u, lane % 4 == 0);
    __syncwarp();
    const int any = __any_sync(FULL_MASK, lane == 7), all = __all_sync(FULL_MASK, lane < 31);
    y[lane] = even + (any ? 1u << 31 : 0) + (all ? 1u << 30 : 0) + __shfl_up_sync(FULL_MASK, lane, 1, 8) * 2 +
              __shfl_down_sync(FULL_MASK, lane, 1, 8) * 64;
}
EXPORT_KERNEL(test_votes)
