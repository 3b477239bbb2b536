// Attention on the tensor cores of sm_80 and later: see attention.cu for what it computes.
//
// Versions; 4 warps, operands 16-byte aligned, any counts:
//   attention_64_mma_{f16,bf16}
//       head_dim 64, blocks of 64 queries, 16 a warp: 40 KB of shared memory. Few queries.
//   attention_128_mma_{f16,bf16}
//       head_dim 64, blocks of 128 queries, 32 a warp, which halves the reading of keys from shared memory: 48 KB.
//   attention_{32,40,80,96,128}wide_mma_{f16,bf16}
//       That head_dim, blocks of 64 queries: 25, 35, 55, 65 and 85 KB.
// Keys and values come by asynchronous copies in blocks of 64, two in flight. Queries live in registers.
//
// Those of one head_dim go through the keys in the same blocks, so they give the same bits. The weights are rounded to T before they
// meet the values, as tensor cores want them; their sum is that of the unrounded ones.
#include "easel/device.cuh"
#include "easel/key_values.cuh"

using namespace easel;

/// ROWS / 16 groups of sixteen queries a warp; WIDTH is the head_dim, a multiple of 8.
template <typename T, int ROWS, int WIDTH>
struct AttentionMma {
    static_assert(WIDTH % 8 == 0, "rows consist of whole pieces");
    static constexpr int COPIED_PIECES = WIDTH / 8;
    /// Products are 16 deep: what is missing is filled with zeros.
    static constexpr int HEAD_DIM = (WIDTH + 15) / 16 * 16;
    static constexpr int KEYS = 64;
    static constexpr int WARPS = 4;
    static constexpr int THREADS = 32 * WARPS;
    static constexpr int QUERIES = WARPS * ROWS;
    static constexpr int GROUPS = ROWS / 16;
    static constexpr int PIECES = HEAD_DIM / 8;
    /// Rows of eight pieces are swizzled, others are an odd number of pieces apart.
    static constexpr bool SWIZZLED = PIECES == 8;
    static constexpr int PITCH = SWIZZLED ? HEAD_DIM : (PIECES | 1) * 8;

    struct Shared {
        T queries[QUERIES * PITCH];
        T keys[2][KEYS * PITCH];
        T values[2][KEYS * PITCH];
    };

    /// Where a piece (16 bytes) of a row lies: the eight rows that a matrix load reads lie in different banks.
    static __device__ __forceinline__ T* piece_at(T* rows, int row, int piece) {
        return rows + row * PITCH + (SWIZZLED ? piece ^ (row % 8) : piece) * 8;
    }

    /// Calls `visit(row, piece)` for this thread's share of the pieces of `rows` rows.
    template <typename Visit>
    static __device__ __forceinline__ void for_each_piece(int rows, const Visit& visit) {
        if (THREADS % PIECES == 0) {
            // The same piece of rows that are ROW_STEP apart.
            constexpr int ROW_STEP = THREADS / PIECES;
#pragma unroll
            for (int row = threadIdx.x / PIECES; row < rows; row += ROW_STEP) visit(row, threadIdx.x % PIECES);
        } else {
#pragma unroll 4
            for (u32 at = threadIdx.x; at < u32(rows * PIECES); at += THREADS) visit(at / PIECES, at % PIECES);
        }
    }

    /// Scores of a lane: group g, queries lane / 4 and 8 further (index / 2), keys 8 j + 2 (lane % 4) and one further.
    float scores[GROUPS][KEYS / 8][4];
    /// Sums: as scores, with dimensions in place of keys.
    float sums[GROUPS][HEAD_DIM / 8][4];
    RunningSoftmax softmax[GROUPS][2];
    u32 queries[GROUPS][HEAD_DIM / 16][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
#pragma unroll
            for (int j = 0; j < HEAD_DIM / 8; j++) {
#pragma unroll
                for (int l = 0; l < 4; l++) sums[g][j][l] = 0.0f;
            }
        }
    }

    __device__ __forceinline__ void load_queries(Shared* shared) {
        const int lane = threadIdx.x % 32, first = threadIdx.x / 32 * ROWS + lane % 16;
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
#pragma unroll
            for (int k = 0; k < HEAD_DIM / 16; k++) {
                load_matrix_x4(queries[g][k], piece_at(shared->queries, first + g * 16, k * 2 + lane / 16));
            }
        }
    }

    __device__ __forceinline__ void score(T* keys) {
        const int lane = threadIdx.x % 32, row = lane / 16 * 8 + lane % 8, piece = lane / 8 % 2;
#pragma unroll
        for (int j = 0; j < KEYS / 8; j += 2) {
#pragma unroll
            for (int g = 0; g < GROUPS; g++) {
#pragma unroll
                for (int l = 0; l < 4; l++) scores[g][j][l] = scores[g][j + 1][l] = 0.0f;
            }
#pragma unroll
            for (int k = 0; k < HEAD_DIM / 16; k++) {
                u32 four[4];
                load_matrix_x4(four, piece_at(keys, row + j * 8, k * 2 + piece));
                const u32 even[2] = {four[0], four[1]}, odd[2] = {four[2], four[3]};
#pragma unroll
                for (int g = 0; g < GROUPS; g++) {
                    mma_m16n8k16(scores[g][j], queries[g][k], even, T());
                    mma_m16n8k16(scores[g][j + 1], queries[g][k], odd, T());
                }
            }
        }
    }

    /// Applies scale and bias, and hides keys beyond `seen` or, if causal, beyond their query: `first_last` is the last
    /// key that the warp's first query sees, and each query sees one more than that before it.
    __device__ __forceinline__ void mask(float scale, const float* bias, int first_key, int seen, int first_last,
                                         int causal) {
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int j = 0; j < KEYS / 8; j++) {
#pragma unroll
            for (int side = 0; side < 2; side++) {
                const int key = first_key + j * 8 + lane % 4 * 2 + side;
                const float of_key = key >= seen ? -float_infinity() : bias == nullptr ? 0.0f : bias[key] * LOG2_E;
#pragma unroll
                for (int g = 0; g < GROUPS; g++) {
#pragma unroll
                    for (int below = 0; below < 2; below++) {
                        const int last = first_last + g * 16 + below * 8 + lane / 4;
                        float& score = scores[g][j][below * 2 + side];
                        score = causal && key > last ? -float_infinity() : fmaf(score, scale * LOG2_E, of_key);
                    }
                }
            }
        }
    }

    /// Turns scores into weights and corrects what was summed for smaller maxima.
    __device__ __forceinline__ void weigh() {
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
#pragma unroll
            for (int below = 0; below < 2; below++) {
                RunningSoftmax& running = softmax[g][below];
                float maximum = running.maximum;
#pragma unroll
                for (int j = 0; j < KEYS / 8; j++) {
                    maximum = fmaxf(maximum, fmaxf(scores[g][j][below * 2], scores[g][j][below * 2 + 1]));
                }
                maximum = fmaxf(maximum, __shfl_xor_sync(FULL_MASK, maximum, 1));
                maximum = fmaxf(maximum, __shfl_xor_sync(FULL_MASK, maximum, 2));
                const float correction = running.raise(maximum), center = running.center();
#pragma unroll
                for (int j = 0; j < KEYS / 8; j++) {
#pragma unroll
                    for (int side = 0; side < 2; side++) {
                        float& score = scores[g][j][below * 2 + side];
                        score = exp2f(score - center);
                        // Of this lane's keys; the four lanes of a query add theirs at the end.
                        running.total += score;
                    }
                }
#pragma unroll
                for (int j = 0; j < HEAD_DIM / 8; j++) {
                    sums[g][j][below * 2] *= correction;
                    sums[g][j][below * 2 + 1] *= correction;
                }
            }
        }
    }

    __device__ __forceinline__ void add_values(T* values) {
        const int lane = threadIdx.x % 32;
#pragma unroll
        for (int k = 0; k < KEYS / 16; k++) {
            u32 weights[GROUPS][4];
#pragma unroll
            for (int g = 0; g < GROUPS; g++) {
#pragma unroll
                for (int l = 0; l < 4; l++) {
                    const float* pair = &scores[g][k * 2 + l / 2][l % 2 * 2];
                    weights[g][l] = pack2(pair[0], pair[1], T());
                }
            }
#pragma unroll
            for (int j = 0; j < HEAD_DIM / 8; j += 2) {
                u32 four[4];
                load_matrix_x4_transposed(four, piece_at(values, k * 16 + lane % 16, j + lane / 16));
                const u32 even[2] = {four[0], four[1]}, odd[2] = {four[2], four[3]};
#pragma unroll
                for (int g = 0; g < GROUPS; g++) {
                    mma_m16n8k16(sums[g][j], weights[g], even, T());
                    mma_m16n8k16(sums[g][j + 1], weights[g], odd, T());
                }
            }
        }
    }

    /// Puts the result where the warp's queries were.
    __device__ __forceinline__ void stage(T* staged) {
        const int lane = threadIdx.x % 32, first = threadIdx.x / 32 * ROWS + lane / 4;
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
#pragma unroll
            for (int below = 0; below < 2; below++) {
                float total = softmax[g][below].total;
                total += __shfl_xor_sync(FULL_MASK, total, 1);
                total += __shfl_xor_sync(FULL_MASK, total, 2);
#pragma unroll
                for (int j = 0; j < HEAD_DIM / 8; j++) {
                    T* to = piece_at(staged, first + g * 16 + below * 8, j) + lane % 4 * 2;
                    const float left = sums[g][j][below * 2] / total, right = sums[g][j][below * 2 + 1] / total;
                    store_vector(to, Vector<T, 2>{from_float<T>(left), from_float<T>(right)});
                }
            }
        }
    }
};

/// Grid: x: blocks of queries, y: heads, z: batch; dynamic shared memory: Tile::Shared.
template <typename Tile, typename T>
__device__ __forceinline__ void attention_mma(const T* q, const KeyValues<T>& keys, const float* key_bias, T* out,
                                              int queries, int causal, float scale) {
    DYNAMIC_SHARED(typename Tile::Shared, shared);
    const int first_query = blockIdx.x * Tile::QUERIES, head = blockIdx.y, item = blockIdx.z;
    const int seen = keys.visible_to(first_query + Tile::QUERIES - 1, causal);
    const int blocks = (seen + Tile::KEYS - 1) / Tile::KEYS;
    const size_t at = (size_t(item) * queries + first_query) * keys.width() + head * keys.head_dim;
    // Unsigned, or nvcc stores the pieces in four parts.
    auto offset = [&](int row, int piece) { return u32(row * keys.width() + piece * 8); };
    auto copy_keys = [&](int block) {
        if (block < blocks) {
            Tile::for_each_piece(Tile::KEYS, [&](int row, int piece) {
                const int index = block * Tile::KEYS + row;
                const bool inside = index < seen && piece < Tile::COPIED_PIECES;
                const int valid = inside ? index : 0, offset = inside ? piece * 8 : 0, bytes = inside ? 16 : 0;
                copy_async<16>(Tile::piece_at(shared->keys[block % 2], row, piece),
                               keys.key(item, head, valid) + offset, bytes);
                copy_async<16>(Tile::piece_at(shared->values[block % 2], row, piece),
                               keys.value(item, head, valid) + offset, bytes);
            });
        }
        copy_async_commit();
    };
    Tile::for_each_piece(Tile::QUERIES, [&](int row, int piece) {
        const bool inside = first_query + row < queries && piece < Tile::COPIED_PIECES;
        copy_async<16>(Tile::piece_at(shared->queries, row, piece),
                       inside ? q + (at + offset(row, piece)) : q, inside ? 16 : 0);
    });
    copy_keys(0);
    Tile tile;
    tile.clear();
    const float* bias = key_bias == nullptr ? nullptr : key_bias + size_t(item) * keys.count();
    const int first_last = keys.added_count + first_query + threadIdx.x / 32 * (Tile::GROUPS * 16);
#pragma unroll 1
    for (int block = 0; block < blocks; block++) {
        copy_keys(block + 1);
        copy_async_wait<1>();
        __syncthreads();
        if (block == 0) tile.load_queries(shared);
        tile.score(shared->keys[block % 2]);
        tile.mask(scale, bias, block * Tile::KEYS, seen, first_last, causal);
        tile.weigh();
        tile.add_values(shared->values[block % 2]);
        // The next copies overwrite these keys.
        __syncthreads();
    }
    tile.stage(shared->queries);
    __syncthreads();
    Tile::for_each_piece(Tile::QUERIES, [&](int row, int piece) {
        if (first_query + row >= queries || piece >= Tile::COPIED_PIECES) return;
        store_vector(out + (at + offset(row, piece)),
                     load_vector<T, 8>(Tile::piece_at(shared->queries, row, piece)));
    });
}

#define ATTENTION_MMA_KERNEL(NAME, T, ROWS, WIDTH, BLOCKS)                                                             \
    extern "C" __global__ void __launch_bounds__(128, BLOCKS)                                                          \
        NAME(const T* q, const T* k, const T* v, const T* added_k, const T* added_v, const float* key_bias, T* out,    \
             int queries, int keys, int added_keys, int heads, int head_dim, int causal, float scale) {                \
        using Tile = AttentionMma<T, ROWS, WIDTH>;                                                                     \
        const KeyValues<T> key_values{k, v, added_k, added_v, keys, added_keys, heads, WIDTH};                         \
        attention_mma<Tile>(q, key_values, key_bias, out, queries, causal, scale);                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)

#define ATTENTION_MMA_KERNELS(SUFFIX, T)                                                                               \
    ATTENTION_MMA_KERNEL(attention_64_mma_##SUFFIX, T, 16, 64, 3)                                                      \
    ATTENTION_MMA_KERNEL(attention_128_mma_##SUFFIX, T, 32, 64, 2)                                                     \
    ATTENTION_MMA_KERNEL(attention_32wide_mma_##SUFFIX, T, 16, 32, 4)                                                  \
    ATTENTION_MMA_KERNEL(attention_40wide_mma_##SUFFIX, T, 16, 40, 3)                                                  \
    ATTENTION_MMA_KERNEL(attention_80wide_mma_##SUFFIX, T, 16, 80, 2)                                                  \
    ATTENTION_MMA_KERNEL(attention_96wide_mma_##SUFFIX, T, 16, 96, 2)                                                  \
    ATTENTION_MMA_KERNEL(attention_128wide_mma_##SUFFIX, T, 16, 128, 1)

ATTENTION_MMA_KERNELS(f16, half)
ATTENTION_MMA_KERNELS(bf16, bfloat16)
