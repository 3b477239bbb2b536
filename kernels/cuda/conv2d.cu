// 2-D convolution on NHWC: out[b, y, x, o] = epilogue(sum over taps and channels of x[b, y s + ty - p, x s + tx - p, c]
// weight[o, tap, c]), zeros outside of the picture. Inputs may be two, read as if side by side along the channels.
//
// Versions, slowest first (which one runs: kernels/src/cuda/ops/conv2d.rs):
//   conv2d_naive_{f32,f16,bf16}, here
//       One thread an output; any sizes, any alignment. The reference for the others.
//   conv2d_tiled_{f32,f16,bf16}, here
//       A product of gathered windows and weights in 128x128 tiles of 256 threads on the ordinary cores, 33 KB of
//       shared memory; any sizes, 16-byte aligned operands. The float32 path, and channels that are no multiple of 8.
//   conv2d_*_mma_{f16,bf16}, conv2d_mma.cu
//       The same product on the tensor cores of sm_80 and later; channels multiples of 8.
//   conv3x3_*_wgmma_{f16,bf16}, conv3x3_wgmma.cu
//       3x3 at stride 1 on the tensor cores of sm_90a, fed by TMA.
// Each has a sister upsample_conv3x3_* that convolves a picture which is upsampled by two (nearest) on the way, with
// weights [4, out_channels, 4, in_channels]: 2x2 taps for each of four phases (easel/windows.cuh).
//
// All sum in float32. naive and tiled add along taps, then channels, in order, so they give the same bits.
#include "easel/device.cuh"
#include "easel/epilogue.cuh"
#include "easel/simt_tile.cuh"
#include "easel/windows.cuh"

using namespace easel;

/// Grid: windows * columns threads along x in blocks of any size.
template <typename T>
__device__ __forceinline__ void conv2d_naive(const Sources<T>& sources, const T* weight, const Epilogue<T>& epilogue,
                                             T* out, const Windows& windows, int count) {
    const i64 index = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= i64(count) * epilogue.columns) return;
    const int window = int(index / epilogue.columns), column = int(index % epilogue.columns);
    const Pixel origin = windows.origin(window);
    const int channels = sources.channels(), taps = windows.kernel_height * windows.kernel_width;
    const T* weights = weight + size_t(column) * taps * channels;
    float sum = 0.0f;
    for (int tap = 0; tap < taps; tap++) {
        const Pixel pixel = windows.tap(origin, tap / windows.kernel_width, tap % windows.kernel_width);
        if (!windows.inside(pixel)) continue;
        for (int channel = 0; channel < channels; channel++) {
            sum = fmaf(to_float(sources.at(pixel.index, channel)), to_float(weights[tap * channels + channel]), sum);
        }
    }
    const int row = windows.out_row(window);
    out[size_t(row) * epilogue.columns + column] = from_float<T>(epilogue.apply(sum, row, column));
}

/// Gathers the rows of the left operand: windows, tap by tap.
template <typename T>
struct WindowRows {
    const Sources<T>& sources;
    const Windows& windows;
    int depth;
    /// Whether four channels can be read at a time.
    bool vectors;
    Pixel origins[SimtTile::LOADS];
    bool exists[SimtTile::LOADS];

    __device__ __forceinline__ Vector<T, 4> operator()(int i, int k) const {
        Vector<T, 4> values;
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] = from_float<T>(0.0f);
        if (vectors) {
            const Pixel pixel = pixel_of(i, k);
            const bool inside = exists[i] && k < depth && windows.inside(pixel);
            if (inside) values = sources.four_at(pixel.index, k % sources.channels());
        } else {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const Pixel pixel = pixel_of(i, k + j);
                const bool inside = exists[i] && k + j < depth && windows.inside(pixel);
                if (inside) values[j] = sources.at(pixel.index, (k + j) % sources.channels());
            }
        }
        return values;
    }

  private:
    __device__ __forceinline__ Pixel pixel_of(int i, int k) const {
        // Without channels there is nothing to divide by, and nothing inside.
        const int tap = k / max(sources.channels(), 1);
        return windows.tap(origins[i], tap / windows.kernel_width, tap % windows.kernel_width);
    }
};

/// Grid: x: tiles, along the columns first; SimtTile::THREADS threads.
template <typename T>
__device__ __forceinline__ void conv2d_tiled(const Sources<T>& sources, const T* weight, const Epilogue<T>& epilogue,
                                             T* out, const Windows& windows, int count) {
    BLOCK_SHARED(SimtTile::Buffers, buffers);
    const int columns = epilogue.columns, column_tiles = (columns + SimtTile::SIDE - 1) / SimtTile::SIDE;
    const int first_window = blockIdx.x / column_tiles * SimtTile::SIDE;
    const int first_column = blockIdx.x % column_tiles * SimtTile::SIDE;
    const int depth = windows.kernel_height * windows.kernel_width * sources.channels();
    WindowRows<T> left{sources, windows, depth, sources.channels0 % 4 == 0 && sources.channels1 % 4 == 0, {}, {}};
#pragma unroll
    for (int i = 0; i < SimtTile::LOADS; i++) {
        const int window = first_window + SimtTile::fetched_row() + i * SimtTile::ROW_STEP;
        left.exists[i] = window < count;
        left.origins[i] = windows.origin(window);
    }
    auto right = [&](int i, int k) {
        const int column = first_column + SimtTile::fetched_row() + i * SimtTile::ROW_STEP;
        return load_four(weight + size_t(column < columns ? column : 0) * depth, k, column < columns ? depth : 0);
    };
    float sums[8][8];
    SimtTile::multiply(sums, buffers, left, right, depth);
    SimtTile::finish(sums, buffers, [&](const float* staged, int row, int column) {
        const int window = first_window + row;
        if (window < count) epilogue.store(out, staged, windows.out_row(window), first_column + column);
    });
}

#define CONV2D_KERNEL(NAME, BODY, T)                                                                                   \
    extern "C" __global__ void __launch_bounds__(256, 2) NAME(                                                         \
        const T* x0, const T* x1, const T* weight, const float* bias, const float* sample_bias, const T* residual,     \
        T* out, int batch, int height, int width, int channels0, int channels1, int out_height, int out_width,         \
        int out_channels, int kernel_height, int kernel_width, int stride, int padding, int activation, float scale) { \
        const Sources<T> sources{x0, x1, channels0, channels1};                                                        \
        const Windows windows{height,       width,  out_height, out_width, kernel_height,                              \
                              kernel_width, stride, padding,    padding,   -1};                                        \
        const Epilogue<T> epilogue{bias,       sample_bias, residual, out_channels, out_height * out_width,            \
                                   activation, scale};                                                                 \
        BODY(sources, weight, epilogue, out, windows, batch * out_height * out_width);                                 \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)

// blockIdx.y is the phase. 16-bit numbers are here only if their channels are odd, and two blocks would need a few
// registers more than there are.
#define UPSAMPLE_KERNEL(NAME, BODY, T)                                                                                 \
    extern "C" __global__ void __launch_bounds__(256, sizeof(T) == 4 ? 2 : 1)                                          \
        NAME(const T* x0, const T* x1, const T* weight, const float* bias, const float* sample_bias,                   \
             const T* residual, T* out, int batch, int height, int width, int channels0, int channels1,                \
             int out_channels, int activation, float scale) {                                                          \
        const Sources<T> sources{x0, x1, channels0, channels1};                                                        \
        const Windows windows = Windows::upsampled(height, width, blockIdx.y);                                         \
        const Epilogue<T> epilogue{bias, sample_bias, residual, out_channels, 4 * height * width, activation, scale};  \
        const T* of_phase = weight + size_t(blockIdx.y) * out_channels * 4 * sources.channels();                       \
        BODY(sources, of_phase, epilogue, out, windows, batch * height * width);                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)

#define CONV2D_KERNELS(SUFFIX, T)                                                                                      \
    CONV2D_KERNEL(conv2d_naive_##SUFFIX, conv2d_naive, T)                                                              \
    CONV2D_KERNEL(conv2d_tiled_##SUFFIX, conv2d_tiled, T)                                                              \
    UPSAMPLE_KERNEL(upsample_conv3x3_naive_##SUFFIX, conv2d_naive, T)                                                  \
    UPSAMPLE_KERNEL(upsample_conv3x3_tiled_##SUFFIX, conv2d_tiled, T)

CONV2D_KERNELS(f32, float)
CONV2D_KERNELS(f16, half)
CONV2D_KERNELS(bf16, bfloat16)
