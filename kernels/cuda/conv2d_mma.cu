// 2-D convolution on the tensor cores of sm_80 and later (mma.m16n8k16 fed by cp.async): see conv2d.cu for what it
// computes.
//
// A product of gathered windows and weights. A step along K lies within one tap and one source, so its copies are 16
// bytes of one pixel each; copies outside of the picture bring zeros. Versions; all want channels0 and channels1
// multiples of 8 and 16-byte aligned operands, and take any sizes, strides and padding:
//   conv2d_128x128_mma_{f16,bf16}
//       4 warps of 64x64, 3 stages of 32 along K: 48 KB of shared memory. Large products.
//   conv2d_128x160_mma_{f16,bf16}
//       8 warps of 64x40, 3 stages: 54 KB. Widths that 160 divides and 128 does not (320, 960).
//   conv2d_64x64_mma_{f16,bf16}
//       4 warps of 32x32, 4 stages: 32 KB. Few pixels or channels.
//   upsample_conv3x3_*_mma_{f16,bf16}
//       The same for upsampled pictures; layers of blocks along y are phases.
// A launch with several layers of blocks along y splits K between them: each writes its sums to `partial: [layers,
// batch * out_height * out_width, out_channels]`, and linear_reduce (gemm.cu) does the rest.
//
// `moments`, if it is not NULL, gets those of the result as group_norm.cu lays them out, in chunks of the rows of a warp
// (64, of the smallest tile 32): K is not split then, and that number divides the pixels of a picture (upsampled: of a
// phase).
#include "easel/device.cuh"
#include "easel/epilogue.cuh"
#include "easel/moments.cuh"
#include "easel/staging.cuh"
#include "easel/mma_tile.cuh"
#include "easel/windows.cuh"

using namespace easel;

/// The windows and the rows of the weight that a thread copies, and how far it has come along K: over the channels of
/// the first source, then of the second, then on to the next tap.
template <typename Tile, typename T>
struct ConvOperands {
    const Sources<T>& sources;
    const Windows& windows;
    Pixel origins[Tile::LEFT_COPIES];
    bool exists[Tile::LEFT_COPIES];
    const T* weight;
    int column, columns;
    int tap_y, tap_x;
    bool second;
    /// Channel of the source.
    int channel;

    static __device__ __forceinline__ int steps_of(int channels) { return (channels + Tile::DEPTH - 1) / Tile::DEPTH; }

    __device__ __forceinline__ void seek(int step) {
        const int of_first = steps_of(sources.channels0), of_tap = of_first + steps_of(sources.channels1);
        const int tap = step / of_tap, rest = step % of_tap;
        tap_y = tap / windows.kernel_width, tap_x = tap % windows.kernel_width;
        second = rest >= of_first;
        channel = (second ? rest - of_first : rest) * Tile::DEPTH + Tile::piece() * Tile::PIECE;
    }

    __device__ __forceinline__ void advance() {
        channel += Tile::DEPTH;
        if (channel - Tile::piece() * Tile::PIECE < channels()) return;
        channel = Tile::piece() * Tile::PIECE;
        second = !second && sources.channels1 > 0;
        if (second) return;
        if (++tap_x < windows.kernel_width) return;
        tap_x = 0;
        tap_y++;
    }

    __device__ __forceinline__ typename Tile::Piece left(int i) const {
        const T* source = second ? sources.x1 : sources.x0;
        const Pixel pixel = windows.tap(origins[i], tap_y, tap_x);
        const bool inside = exists[i] && channel < channels() && windows.inside(pixel);
        return {inside ? source + size_t(pixel.index) * channels() + channel : source, inside};
    }

    __device__ __forceinline__ typename Tile::Piece right(int i) const {
        const int row = column + i * Tile::ROW_STEP, taps = windows.kernel_height * windows.kernel_width;
        const bool inside = row < columns && channel < channels();
        const int k =
            (tap_y * windows.kernel_width + tap_x) * sources.channels() + (second ? sources.channels0 : 0) + channel;
        return {inside ? weight + size_t(row) * taps * sources.channels() + k : weight, inside};
    }

  private:
    __device__ __forceinline__ int channels() const { return second ? sources.channels1 : sources.channels0; }
};

/// Grid: x: tiles, along the columns first; y: parts of K, or phases.
template <typename Tile, typename T>
__device__ __forceinline__ void conv2d_mma(const Sources<T>& sources, const T* weight, const Epilogue<T>& epilogue,
                                           T* out, float* partial, const MomentsOut& moments, const Windows& windows,
                                           int count, int part, int parts) {
    DYNAMIC_SHARED(unsigned char, shared);
    const int columns = epilogue.columns, column_tiles = (columns + Tile::COLUMNS - 1) / Tile::COLUMNS;
    const int first_window = blockIdx.x / column_tiles * Tile::ROWS;
    const int first_column = blockIdx.x % column_tiles * Tile::COLUMNS;
    using Operands = ConvOperands<Tile, T>;
    Operands operands{sources, windows, {}, {}, weight, first_column + Tile::copied_row(), columns, 0, 0, false, 0};
#pragma unroll
    for (int i = 0; i < Tile::LEFT_COPIES; i++) {
        const int window = first_window + Tile::copied_row() + i * Tile::ROW_STEP;
        operands.exists[i] = window < count;
        operands.origins[i] = windows.origin(window);
    }
    const int steps_of_tap = Operands::steps_of(sources.channels0) + Operands::steps_of(sources.channels1);
    const int all_steps = windows.kernel_height * windows.kernel_width * steps_of_tap;
    const StepRange steps = part_of_steps(all_steps, part, parts);
    operands.seek(steps.first);
    Tile tile;
    tile.multiply(shared, operands, steps.count);
    auto store = [&](float* staged, int row, int column) {
        const int window = first_window + row;
        if (window >= count) return;
        if (parts > 1) {
            epilogue.store_partial(partial + size_t(part) * count * columns, staged, window, first_column + column);
        } else {
            const int to = windows.out_row(window), at = first_column + column;
            epilogue.store(out, staged, to, at, epilogue.fetch(to, at), bool(moments));
        }
    };
    tile.finish_with_moments(shared, store, moments, first_column, [&](int row) {
        const int window = first_window + row;
        return window < count ? windows.chunk(window, Tile::CHUNK_ROWS) : -1;
    });
}

#define CONV2D_MMA_KERNEL(TILE, SUFFIX, T, ROWS, COLUMNS, WARPS_M, WARPS_N, STAGES, BLOCKS)                            \
    extern "C" __global__ void __launch_bounds__(WARPS_M * WARPS_N * 32, BLOCKS) conv2d_##TILE##_mma_##SUFFIX(         \
        const T* x0, const T* x1, const T* weight, const float* bias, const float* sample_bias, const T* residual,     \
        T* out, float* partial, float* moments, int batch, int height, int width, int channels0, int channels1,        \
        int out_height, int out_width, int out_channels, int kernel_height, int kernel_width, int stride, int padding, int activation, \
        float scale) {                                                                                                 \
        const Sources<T> sources{x0, x1, channels0, channels1};                                                        \
        const Windows windows{height,       width,  out_height, out_width, kernel_height,                              \
                              kernel_width, stride, padding,    padding,   -1};                                        \
        const Epilogue<T> epilogue{bias,       sample_bias, residual, out_channels, out_height * out_width,            \
                                   activation, scale};                                                                 \
        using Tile = MmaTile<T, ROWS, COLUMNS, WARPS_M, WARPS_N, STAGES>;                                              \
        conv2d_mma<Tile>(sources, weight, epilogue, out, partial, MomentsOut{moments, out_channels}, windows,          \
                         batch * out_height * out_width, blockIdx.y, gridDim.y);                                       \
    }                                                                                                                  \
    EXPORT_KERNEL(conv2d_##TILE##_mma_##SUFFIX)                                                                        \
    extern "C" __global__ void __launch_bounds__(WARPS_M * WARPS_N * 32, BLOCKS)                                       \
        upsample_conv3x3_##TILE##_mma_##SUFFIX(const T* x0, const T* x1, const T* weight, const float* bias,           \
                                               const float* sample_bias, const T* residual, T* out, float* moments,    \
                                               int batch, int height, int width, int channels0, int channels1,         \
                                               int out_channels, int activation, float scale) {                        \
        const Sources<T> sources{x0, x1, channels0, channels1};                                                        \
        const Windows windows = Windows::upsampled(height, width, blockIdx.y);                                         \
        const Epilogue<T> epilogue{bias, sample_bias, residual, out_channels, 4 * height * width, activation, scale};  \
        const T* of_phase = weight + size_t(blockIdx.y) * out_channels * 4 * sources.channels();                       \
        using Tile = MmaTile<T, ROWS, COLUMNS, WARPS_M, WARPS_N, STAGES>;                                              \
        conv2d_mma<Tile>(sources, of_phase, epilogue, out, nullptr, MomentsOut{moments, out_channels}, windows,        \
                         batch * height * width, 0, 1);                                                                \
    }                                                                                                                  \
    EXPORT_KERNEL(upsample_conv3x3_##TILE##_mma_##SUFFIX)

#define CONV2D_MMA_KERNELS(SUFFIX, T)                                                                                  \
    CONV2D_MMA_KERNEL(128x128, SUFFIX, T, 128, 128, 2, 2, 3, 2)                                                        \
    CONV2D_MMA_KERNEL(128x160, SUFFIX, T, 128, 160, 2, 4, 3, 1)                                                        \
    CONV2D_MMA_KERNEL(64x64, SUFFIX, T, 64, 64, 2, 2, 4, 3)

CONV2D_MMA_KERNELS(f16, half)
CONV2D_MMA_KERNELS(bf16, bfloat16)
