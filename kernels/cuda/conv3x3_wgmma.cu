// 3x3 convolution at stride 1 with padding 1 on the tensor cores of sm_90a (wgmma fed by TMA): see conv2d.cu for what
// it computes.
//
// The pixels of a tile are 8 wide: eight pixels of 64 channels are the 1024 bytes after which the swizzle repeats. So a
// box of pixels that is two rows taller than the tile serves three taps, one below the other: the operand of each is
// the same box one row (1024 bytes) further. Boxes are loaded for the three taps side by side only, and bring 0.35 to
// 0.42 of the bytes that nine boxes of the tile's size would. What lies outside of the picture arrives as zeros.
//
// Versions; a tile has 160 output channels (320, 640, 960 and 1280 are multiples), its weights come in 6 stages of a
// tap:
//   conv3x3_8x32_wgmma_{f16,bf16}
//       8 wide, 32 high; 2 boxes of pixels: 218 KB of shared memory. Large pictures.
//   conv3x3_8x16_wgmma_{f16,bf16}
//       8 wide, 16 high; 3 boxes: 204 KB. Pictures that give too few of the larger tiles.
//   conv3x3_2x8x8_wgmma_{f16,bf16}
//       8 by 8 of two items; 3 boxes: 210 KB. Pictures of up to 8 rows.
//   upsample_conv3x3_*_wgmma_{f16,bf16}
//       The same for upsampled pictures: 2x2 taps, four phases.
// Channels are multiples of 8, channels0 of 64 if there is a second source; operands 16-byte aligned. Tensor maps have
// a 128-byte swizzle and zeros outside: each source [batch, height, width, channels] with boxes of (1 or 2 items, the
// tile's rows + 2 (upsampled: + 1), 8, 64), the weight [out_channels, 9, in_channels] (upsampled: [4 out_channels, 4,
// in_channels]) with boxes of (160, 1, 64); without a second source its map is the first's.
//
// Blocks, as many as there are multiprocessors or fewer, take tile blockIdx.x, then every gridDim.x-th. `parts` > 1
// splits K: sums go to `partial: [parts, batch * height * width, out_channels]`, and linear_reduce (gemm.cu) does the
// rest. K runs over the sources' channels in steps of 64, in each over columns of taps, in each over their rows,
// whatever the tile: all give the same bits.
//
// `moments`, if it is not NULL, gets those of the result as group_norm.cu lays them out, in chunks of half a tile's pixels:
// only from tiles of one item, of which pictures (upsampled: phases) consist without a rest, and if K is not split.
#include "easel/device.cuh"

#if EASEL_HOPPER
#include "easel/epilogue.cuh"
#include "easel/moments.cuh"
#include "easel/staging.cuh"
#include "easel/wgmma_tile.cuh"
#include "easel/windows.cuh"

using namespace easel;

/// IMAGES * HEIGHT * 8 pixels by 160 channels; TAPS (3, or 2 for upsampled pictures) in both directions.
template <typename T, int TAPS, int IMAGES, int HEIGHT, int BOXES>
struct WgmmaConv {
    static constexpr int WIDTH = 8;
    static constexpr int TILE_N = 160;
    static constexpr int WEIGHTS = 6;
    /// Tiles of 64 rows of a consumer.
    static constexpr int TILES = IMAGES * HEIGHT / 8 / CONSUMERS;
    /// A row of a box: what the swizzle repeats after.
    static constexpr int ROW_BYTES = WIDTH * STAGE_ROW_BYTES;
    static constexpr int BOX_ROWS = HEIGHT + TAPS - 1;
    static constexpr int BOX_BYTES = IMAGES * BOX_ROWS * ROW_BYTES;
    static constexpr int WEIGHT_BYTES = TILE_N * STAGE_ROW_BYTES;
    static constexpr int PHASES = TAPS == 2 ? 4 : 1;

    struct Rings {
        Ring<BOXES> boxes;
        Ring<WEIGHTS> weights;
    };
    static constexpr int STAGING_AT = BOXES * BOX_BYTES + WEIGHTS * WEIGHT_BYTES;
    static constexpr int RINGS_AT = STAGING_AT + WGMMA_STAGING_BYTES;
    using Moments = WgmmaMoments<TILES, TILE_N>;
    static constexpr int MOMENTS_AT = RINGS_AT + int(sizeof(Rings));
    static constexpr int SHARED_BYTES = MOMENTS_AT + Moments::SHARED_BYTES;

    int batch, height, width, channels0, channels1, out_channels, parts;

    struct Place {
        /// Part of K, or phase.
        int layer;
        int item, y, x, column;
    };

    static __device__ __forceinline__ int pieces(int size, int piece) { return (size + piece - 1) / piece; }
    __device__ __forceinline__ int pixel_tiles() const {
        return pieces(batch, IMAGES) * pieces(height, HEIGHT) * pieces(width, WIDTH);
    }
    __device__ __forceinline__ int column_tiles() const { return pieces(out_channels, TILE_N); }
    __device__ __forceinline__ int tiles() const { return parts * PHASES * pixel_tiles() * column_tiles(); }

    /// Blocks that work at the same time share boxes first, and go through all weights.
    __device__ __forceinline__ Place place(int tile) const {
        const int column = tile % column_tiles(), pixels = tile / column_tiles() % pixel_tiles();
        const int across = pieces(width, WIDTH), down = pieces(height, HEIGHT);
        return {tile / column_tiles() / pixel_tiles(), pixels / across / down * IMAGES, pixels / across % down * HEIGHT,
                pixels % across * WIDTH, column * TILE_N};
    }

    /// A step is a box: 64 channels at one column of taps.
    __device__ __forceinline__ StepRange steps(Place of) const {
        const int all = (pieces(channels0, STAGE_DEPTH) + pieces(channels1, STAGE_DEPTH)) * TAPS;
        return part_of_steps(all, PHASES > 1 ? 0 : of.layer, parts);
    }

    __device__ __forceinline__ Windows windows(Place of) const {
        return PHASES > 1 ? Windows::upsampled(height, width, of.layer)
                          : Windows{height, width, height, width, 3, 3, 1, 1, 1, -1};
    }

    __device__ __forceinline__ void produce(const TensorMap& x0, const TensorMap& x1, const TensorMap& weight,
                                            unsigned char* shared, Rings& rings) const {
        RingPosition<BOXES> box;
        RingPosition<WEIGHTS> weights;
        for (int tile = blockIdx.x; tile < tiles(); tile += gridDim.x) {
            const Place to = place(tile);
            const StepRange range = steps(to);
            const Windows windows = this->windows(to);
            const int weight_row = to.column + (PHASES > 1 ? to.layer * out_channels : 0);
            for (int step = range.first; step < range.first + range.count; step++) {
                const int tap_x = step % TAPS, channel = step / TAPS * STAGE_DEPTH;
                const bool second = channel >= channels0;
                u64* barrier = rings.boxes.begin_fill(box, BOX_BYTES);
                tensor_load_4d(shared + box.stage * BOX_BYTES, second ? &x1 : &x0, barrier,
                               second ? channel - channels0 : channel, to.x + tap_x - windows.margin_x,
                               to.y - windows.margin_y, to.item);
                box.advance();
                for (int tap_y = 0; tap_y < TAPS; tap_y++) {
                    barrier = rings.weights.begin_fill(weights, WEIGHT_BYTES);
                    tensor_load_3d(shared + BOXES * BOX_BYTES + weights.stage * WEIGHT_BYTES, &weight, barrier, channel,
                                   tap_y * TAPS + tap_x, weight_row);
                    weights.advance();
                }
            }
        }
    }

    __device__ __forceinline__ void consume(unsigned char* shared, Rings& rings, float* staging,
                                            const Epilogue<T>& epilogue, T* out, float* partial,
                                            const MomentsOut& moments_out) const {
        Moments moments(moments_out, shared + MOMENTS_AT);
        // The tiles of 64 pixels of a consumer follow each other; both lie in one box, or in the boxes of two items.
        const int first = consumer_index() * TILES;
        const int first_box_row = IMAGES > 1 ? first * BOX_ROWS : first * 8;
        RingPosition<BOXES> box;
        RingPosition<WEIGHTS> weights, previous;
        for (int tile = blockIdx.x; tile < tiles(); tile += gridDim.x) {
            const Place from = place(tile);
            const int count = steps(from).count;
            float sums[TILES][TILE_N / 2];
            clear(sums);
            hold(sums);
#pragma unroll 1
            for (int step = 0; step < count; step++) {
                rings.boxes.wait_full(box);
                const unsigned char* rows = shared + box.stage * BOX_BYTES + first_box_row * ROW_BYTES;
#pragma unroll
                for (int tap_y = 0; tap_y < TAPS; tap_y++) {
                    rings.weights.wait_full(weights);
                    wgmma_stage<TILES, TILE_N>(sums, rows + tap_y * ROW_BYTES, 8 * ROW_BYTES,
                                               shared + BOXES * BOX_BYTES + weights.stage * WEIGHT_BYTES, T());
                    // The stage before is left only now, so that the tensor cores always have work.
                    wgmma_wait<1>();
                    if (step > 0 || tap_y > 0) rings.weights.leave(previous);
                    if (tap_y == 0 && step > 0) rings.boxes.leave(before(box));
                    previous = weights;
                    weights.advance();
                }
                box.advance();
            }
            wgmma_wait<0>();
            hold(sums);
            if (count > 0) {
                rings.weights.leave(previous);
                rings.boxes.leave(before(box));
            }
            const Windows windows = this->windows(from);
            float* part = parts > 1 ? partial + size_t(from.layer) * batch * height * width * out_channels : nullptr;
            wgmma_finish<TILES, TILE_N>(sums, staging, epilogue, out, part, from.column, [&](int m, int row) {
                const int item = from.item + (IMAGES > 1 ? first + m : 0);
                const int y = from.y + (IMAGES > 1 ? 0 : (first + m) * 8) + row / 8, x = from.x + row % 8;
                const bool exists = item < batch && y < height && x < width;
                return exists ? windows.out_row((item * height + y) * width + x) : -1;
            }, moments);
            moments.store(chunk(from), from.column);
        }
    }

  private:
    /// The place of the moments of this consumer's part of a tile.
    __device__ __forceinline__ size_t chunk(const Place& of) const {
        const int across = pieces(width, WIDTH), down = pieces(height, HEIGHT), phase = PHASES > 1 ? of.layer : 0;
        const int tile = ((of.item * PHASES + phase) * down + of.y / HEIGHT) * across + of.x / WIDTH;
        return size_t(tile) * CONSUMERS + consumer_index();
    }

    static __device__ __forceinline__ RingPosition<BOXES> before(RingPosition<BOXES> box) {
        box.stage = box.stage == 0 ? BOXES - 1 : box.stage - 1;
        return box;
    }
};

template <typename Conv, typename T>
__device__ __forceinline__ void conv3x3_wgmma(const TensorMap& x0, const TensorMap& x1, const TensorMap& weight,
                                              const Conv& conv, const Epilogue<T>& epilogue, T* out, float* partial,
                                              float* moments) {
    DYNAMIC_SHARED(unsigned char, shared);
    float* staging = reinterpret_cast<float*>(shared + Conv::STAGING_AT);
    typename Conv::Rings& rings = *reinterpret_cast<typename Conv::Rings*>(shared + Conv::RINGS_AT);
    if (threadIdx.x == 0) {
        rings.boxes.init();
        rings.weights.init();
        fence_barrier_init();
    }
    __syncthreads();
    if (threadIdx.x < 128) {
        register_budget_decrease<PRODUCER_REGISTERS>();
        if (threadIdx.x == 0) conv.produce(x0, x1, weight, shared, rings);
    } else {
        register_budget_increase<CONSUMER_REGISTERS>();
        conv.consume(shared, rings, staging, epilogue, out, partial, MomentsOut{moments, conv.out_channels});
    }
}

#define CONV3X3_WGMMA_KERNEL(TILE, SUFFIX, T, IMAGES, HEIGHT, BOXES)                                                   \
    extern "C" __global__ void __launch_bounds__(WGMMA_THREADS, 1) conv3x3_##TILE##_wgmma_##SUFFIX(                    \
        const __grid_constant__ TensorMap x0, const __grid_constant__ TensorMap x1,                                    \
        const __grid_constant__ TensorMap weight, const float* bias, const float* sample_bias, const T* residual,      \
        T* out, float* partial, float* moments, int batch, int height, int width, int channels0, int channels1,        \
        int out_channels, int parts, int activation, float scale) {                                                    \
        const Epilogue<T> epilogue{bias, sample_bias, residual, out_channels, height * width, activation, scale};      \
        const WgmmaConv<T, 3, IMAGES, HEIGHT, BOXES> conv{batch,     height,       width, channels0,                   \
                                                          channels1, out_channels, parts};                             \
        conv3x3_wgmma(x0, x1, weight, conv, epilogue, out, partial, moments);                                          \
    }                                                                                                                  \
    EXPORT_HOPPER_KERNEL(conv3x3_##TILE##_wgmma_##SUFFIX)                                                              \
    extern "C" __global__ void __launch_bounds__(WGMMA_THREADS, 1) upsample_conv3x3_##TILE##_wgmma_##SUFFIX(           \
        const __grid_constant__ TensorMap x0, const __grid_constant__ TensorMap x1,                                    \
        const __grid_constant__ TensorMap weight, const float* bias, const float* sample_bias, const T* residual,      \
        T* out, float* moments, int batch, int height, int width, int channels0, int channels1, int out_channels,      \
        int activation, float scale) {                                                                                 \
        const Epilogue<T> epilogue{bias, sample_bias, residual, out_channels, 4 * height * width, activation, scale};  \
        const WgmmaConv<T, 2, IMAGES, HEIGHT, BOXES> conv{                                                             \
            batch, height, width, channels0, channels1, out_channels, 1};                                              \
        conv3x3_wgmma(x0, x1, weight, conv, epilogue, out, static_cast<float*>(nullptr), moments);                     \
    }                                                                                                                  \
    EXPORT_HOPPER_KERNEL(upsample_conv3x3_##TILE##_wgmma_##SUFFIX)

#define CONV3X3_WGMMA_KERNELS(SUFFIX, T)                                                                               \
    CONV3X3_WGMMA_KERNEL(8x32, SUFFIX, T, 1, 32, 2)                                                                    \
    CONV3X3_WGMMA_KERNEL(8x16, SUFFIX, T, 1, 16, 3)                                                                    \
    CONV3X3_WGMMA_KERNEL(2x8x8, SUFFIX, T, 2, 8, 3)

CONV3X3_WGMMA_KERNELS(f16, half)
CONV3X3_WGMMA_KERNELS(bf16, bfloat16)
#endif
