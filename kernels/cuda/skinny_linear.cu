// Linear layers of few rows: out[m, n] = (activation(Σ x[m, k] · weight[n, k] + bias[n] + sample_bias[item][n]) +
// residual[m, n]) · scale. Bound by reading the weights, which are streamed once for each group of rows; the rows of x
// are small and stay in the cache.
//
// Versions: skinny_linear_R_T for up to R rows a group (1, 2, 4, 8, 16), and skinny_linear_R_wide_T, whose activations are
// float32 while the weights are of type T. The naive version is linear_naive of gemm.cu.
//
// A warp has two columns of the result. Lane l takes the vectors l, l + 32, l + 64, … of K and adds in that order; then
// the lanes' sums are added as a tree. So an element's bits depend on its row, its column and K alone, whatever R is:
// the host may choose R by the number of rows at hand, as long as it chooses between this and other kernels by one
// item's shape.

#include "easel/device.cuh"
#include "easel/epilogue.cuh"
#include "easel/floats.cuh"
#include "easel/reduce.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 128, COLUMNS = 2;

// What a warp reads and adds up: rows of x from `x`, rows of the weights from `weight`.
template <int ROWS, typename X, typename W>
struct Strip {
    // 16 bytes of weights.
    static constexpr int N = VECTOR<W>;
    // Vectors of weights in flight; many rows have enough arithmetic to hide what is left.
    static constexpr int UNROLL = ROWS <= 4 ? 4 : ROWS <= 8 ? 2 : 1;

    const X* x;
    const W* weight;
    int depth;
    // Beyond these, rows and columns are read again from the last one.
    int last_row;
    int last_column;
    float sums[ROWS][COLUMNS];

    template <bool WHOLE>
    __device__ __forceinline__ Vector<W, N> weights(int column, int k) const {
        return load_run<WHOLE, N>(weight + static_cast<size_t>(min(column, last_column)) * depth + k, depth - k);
    }

    template <bool WHOLE>
    __device__ __forceinline__ void multiply(const Vector<W, N> (&runs)[COLUMNS], int k) {
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            float values[N];
            load_floats<WHOLE>(values, x + static_cast<size_t>(min(row, last_row)) * depth + k, depth - k);
#pragma unroll
            for (int column = 0; column < COLUMNS; column++) {
#pragma unroll
                for (int i = 0; i < N; i++) {
                    sums[row][column] = fmaf(values[i], to_float(runs[column][i]), sums[row][column]);
                }
            }
        }
    }

    template <bool WHOLE>
    __device__ __forceinline__ void add_up() {
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
#pragma unroll
            for (int column = 0; column < COLUMNS; column++) sums[row][column] = 0.0f;
        }
        constexpr int STEP = 32 * N;
        int k = threadIdx.x % 32 * N;
        for (; k + (UNROLL - 1) * STEP < depth; k += UNROLL * STEP) {
            Vector<W, N> runs[UNROLL][COLUMNS];
#pragma unroll
            for (int i = 0; i < UNROLL; i++) {
#pragma unroll
                for (int column = 0; column < COLUMNS; column++) runs[i][column] = weights<WHOLE>(column, k + i * STEP);
            }
#pragma unroll
            for (int i = 0; i < UNROLL; i++) multiply<WHOLE>(runs[i], k + i * STEP);
        }
#pragma unroll 1
        for (; k < depth; k += STEP) {
            Vector<W, N> runs[COLUMNS];
#pragma unroll
            for (int column = 0; column < COLUMNS; column++) runs[column] = weights<WHOLE>(column, k);
            multiply<WHOLE>(runs, k);
        }
    }
};

template <int ROWS, typename X, typename W>
__device__ __forceinline__ void skinny_linear(
    const X* x, const W* weight, const Epilogue<X>& epilogue, X* out, int rows, int columns, int depth) {
    const int lane = threadIdx.x % 32;
    const int first_column = (blockIdx.x * (THREADS / 32) + threadIdx.x / 32) * COLUMNS;
    const int first_row = blockIdx.y * ROWS;
    if (first_column >= columns) return;
    Strip<ROWS, X, W> strip;
    strip.x = x + static_cast<size_t>(first_row) * depth;
    strip.weight = weight + static_cast<size_t>(first_column) * depth;
    strip.depth = depth;
    strip.last_row = rows - 1 - first_row;
    strip.last_column = columns - 1 - first_column;
    if (depth % VECTOR<W> == 0 && depth % VECTOR<X> == 0 && is_aligned(x) && is_aligned(weight)) {
        strip.template add_up<true>();
    } else {
        strip.template add_up<false>();
    }
    // Lane number `row · COLUMNS + column` finishes that element.
    float mine = 0.0f;
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
#pragma unroll
        for (int column = 0; column < COLUMNS; column++) {
            const float sum = warp_sum(strip.sums[row][column]);
            if (lane == row * COLUMNS + column) mine = sum;
        }
    }
    const int row = first_row + lane / COLUMNS, column = first_column + lane % COLUMNS;
    if (lane < ROWS * COLUMNS && row < rows && column < columns) {
        out[static_cast<size_t>(row) * columns + column] = from_float<X>(epilogue.apply(mine, row, column));
    }
}

}  // namespace

// Grid: (ceil(columns / 8), ceil(rows / ROWS)), 128 threads.
#define SKINNY_LINEAR(NAME, ROWS, X, W)                                                                                 \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(                                                        \
        const X* x, const W* weight, const float* bias, const float* sample_bias, const X* residual, X* out, int rows, \
        int columns, int depth, int rows_per_sample, int activation, float scale) {                                    \
        const Epilogue<X> epilogue = {bias, sample_bias, residual, columns, rows_per_sample, activation, scale};       \
        skinny_linear<ROWS>(x, weight, epilogue, out, rows, columns, depth);                                           \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)
#define SKINNY_LINEARS(ROWS)                                                                                            \
    SKINNY_LINEAR(skinny_linear_##ROWS##_f32, ROWS, float, float)                                                      \
    SKINNY_LINEAR(skinny_linear_##ROWS##_f16, ROWS, half, half)                                                        \
    SKINNY_LINEAR(skinny_linear_##ROWS##_bf16, ROWS, bfloat16, bfloat16)                                               \
    SKINNY_LINEAR(skinny_linear_##ROWS##_wide_f16, ROWS, float, half)                                                  \
    SKINNY_LINEAR(skinny_linear_##ROWS##_wide_bf16, ROWS, float, bfloat16)
SKINNY_LINEARS(1)
SKINNY_LINEARS(2)
SKINNY_LINEARS(4)
SKINNY_LINEARS(8)
SKINNY_LINEARS(16)
