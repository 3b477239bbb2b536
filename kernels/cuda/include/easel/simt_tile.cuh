// A 128x128 tile of a matrix product on the ordinary cores, in float32. Needs device.cuh before it.
#pragma once

namespace easel {

/// 256 threads, 8x8 sums each; K in steps of 16, two buffers: the next step's operands are on their way in registers
/// while this one's are multiplied.
struct SimtTile {
    static constexpr int SIDE = 128;
    static constexpr int DEPTH = 16;
    static constexpr int THREADS = 256;
    /// The 4 is there for the banks: operands are written down a column.
    static constexpr int PITCH = SIDE + 4;
    /// A thread fetches the rows ROW_STEP apart, LOADS of them of each operand, four values along K each.
    static constexpr int ROW_STEP = THREADS / (DEPTH / 4);
    static constexpr int LOADS = SIDE / ROW_STEP;

    struct Buffers {
        float left[2][DEPTH][PITCH];
        float right[2][DEPTH][PITCH];
    };

    /// First of the rows that this thread fetches, within the tile.
    static __device__ __forceinline__ int fetched_row() { return threadIdx.x / (DEPTH / 4); }

    /// `sums[i][j]` is of tile row `row(i)` and tile column `column(j)`.
    static __device__ __forceinline__ int row(int i) { return threadIdx.x / 16 * 4 + i / 4 * 64 + i % 4; }
    static __device__ __forceinline__ int column(int j) { return threadIdx.x % 16 * 4 + j / 4 * 64 + j % 4; }

    /// `left(i, k)` and `right(i, k)` give values `k..k+4` of row `fetched_row() + i * ROW_STEP` as `Vector<T, 4>`,
    /// zeros outside of the matrix. They become float32 only when they are put in shared memory: until then they take
    /// registers.
    template <typename Left, typename Right>
    static __device__ __forceinline__ void multiply(float (&sums)[8][8], Buffers& buffers, const Left& left,
                                                    const Right& right, int depth) {
        const int fetched_depth = threadIdx.x % (DEPTH / 4) * 4;
        decltype(left(0, 0)) next_left[LOADS], next_right[LOADS];
        auto fetch = [&](int k) {
#pragma unroll
            for (int i = 0; i < LOADS; i++) {
                next_left[i] = left(i, k + fetched_depth);
                next_right[i] = right(i, k + fetched_depth);
            }
        };
        auto put = [&](int buffer) {
#pragma unroll
            for (int i = 0; i < LOADS; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    buffers.left[buffer][fetched_depth + j][fetched_row() + i * ROW_STEP] = to_float(next_left[i][j]);
                    buffers.right[buffer][fetched_depth + j][fetched_row() + i * ROW_STEP] = to_float(next_right[i][j]);
                }
            }
        };
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 8; j++) sums[i][j] = 0.0f;
        }
        fetch(0);
        put(0);
        __syncthreads();
        int buffer = 0;
        for (int k = 0; k < depth; k += DEPTH) {
            const bool more = k + DEPTH < depth;
            if (more) fetch(k + DEPTH);
            step(sums, buffers, buffer);
            buffer ^= 1;
            if (more) put(buffer);
            // The other buffer was last read before the previous barrier, so one barrier a step is enough.
            __syncthreads();
        }
    }

    /// Calls `store(staged, row, column)` for every eight sums side by side of the tile, having brought them together
    /// in shared memory: what a thread has summed itself lies in fours.
    template <typename Store>
    static __device__ __forceinline__ void finish(const float (&sums)[8][8], Buffers& buffers, const Store& store) {
        static_assert(sizeof(Buffers) == SIDE / 2 * PITCH * sizeof(float),
                      "half a tile takes the place of the operands");
        float* staged = &buffers.left[0][0][0];
#pragma unroll
        for (int half = 0; half < 2; half++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 8; j += 4) {
                    Vector<float, 4> four;
#pragma unroll
                    for (int l = 0; l < 4; l++) four[l] = sums[half * 4 + i][j + l];
                    store_vector(staged + row(i) * PITCH + column(j), four);
                }
            }
            __syncthreads();
#pragma unroll 1
            for (int group = threadIdx.x; group < SIDE / 2 * SIDE / 8; group += THREADS) {
                const int staged_row = group / (SIDE / 8), first = group % (SIDE / 8) * 8;
                store(staged + staged_row * PITCH + first, half * (SIDE / 2) + staged_row, first);
            }
            __syncthreads();
        }
    }

  private:
    static __device__ __forceinline__ void step(float (&sums)[8][8], const Buffers& buffers, int buffer) {
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            Vector<float, 4> a[2], b[2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                a[half] = load_vector<float, 4>(&buffers.left[buffer][k][row(half * 4)]);
                b[half] = load_vector<float, 4>(&buffers.right[buffer][k][column(half * 4)]);
            }
#pragma unroll
            for (int i = 0; i < 8; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) sums[i][j] = fmaf(a[i / 4][i % 4], b[j / 4][j % 4], sums[i][j]);
            }
        }
    }
};

/// Values `k..k+4` of a row `[depth]`; zeros beyond its end. They are read at once if `depth` keeps rows aligned.
template <typename T>
__device__ __forceinline__ Vector<T, 4> load_four(const T* row, int k, int depth) {
    Vector<T, 4> values;
#pragma unroll
    for (int i = 0; i < 4; i++) values[i] = from_float<T>(0.0f);
    if (depth % 4 == 0) {
        if (k < depth) values = load_vector<T, 4>(row + k);
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if (k + i < depth) values[i] = row[k + i];
        }
    }
    return values;
}

}  // namespace easel
