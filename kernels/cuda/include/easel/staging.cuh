// From accumulators of tensor cores to rows. Needs device.cuh before it.
#pragma once

namespace easel {

/// A thread's sums lie in pairs, scattered over a 16-row piece of a product; a warp brings them together in shared
/// memory of its own, COLUMNS of them a row, so that they leave 16 bytes at a time.
template <int COLUMNS>
struct Staging {
    static_assert(COLUMNS % 8 == 0, "products are 8 columns wide");
    /// Rows are 8 banks apart, modulo 32: the eight rows that a warp writes at once do not collide.
    static constexpr int PITCH = (COLUMNS + 23) / 32 * 32 + 8;
    static constexpr int FLOATS = 16 * PITCH;

    /// Puts the four sums that a thread has of an m16n8 product, which is the `group`-th of the piece.
    static __device__ __forceinline__ void put(float* staged, int group, float a, float b, float c, float d) {
        const int lane = threadIdx.x % 32;
        float* to = staged + lane / 4 * PITCH + group * 8 + lane % 4 * 2;
        store_vector(to, Vector<float, 2>{a, b});
        store_vector(to + 8 * PITCH, Vector<float, 2>{c, d});
    }

    /// Afterwards, and after a barrier of the warp, a lane takes eight sums side by side of a row, GROUPS_OF_LANE times
    /// (the last time not every lane has some, if COLUMNS is no multiple of 16).
    static constexpr int GROUPS = 2 * COLUMNS;
    static constexpr int GROUPS_OF_LANE = (GROUPS + 31) / 32;

    static __device__ __forceinline__ bool exists(int group) { return GROUPS % 32 == 0 || group_of(group) < GROUPS; }
    static __device__ __forceinline__ int row_of(int group) { return group_of(group) / (COLUMNS / 8); }
    static __device__ __forceinline__ int column_of(int group) { return group_of(group) % (COLUMNS / 8) * 8; }
    static __device__ __forceinline__ float* sums_of(float* staged, int group) {
        return staged + row_of(group) * PITCH + column_of(group);
    }

  private:
    static __device__ __forceinline__ int group_of(int group) { return group * 32 + threadIdx.x % 32; }
};

}  // namespace easel
