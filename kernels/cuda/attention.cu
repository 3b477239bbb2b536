// Scaled dot-product attention: out[b, i, h] = sum over j of softmax_j(q[b, i, h] . k[b, j, h] scale + key_bias[b, j])
// v[b, j, h]. Added keys stand before the others. If causal, query i sees all added keys, and keys 0..=i of the others.
//
// Versions, slowest first (which one runs: kernels/src/cuda/ops/attention.rs):
//   attention_naive_{f32,f16,bf16}, here
//       One warp a query and head, 4 head_dim bytes of shared memory; any sizes. The reference for the others.
//   attention_tiled_{f32,f16,bf16}, here
//       64 queries by 64 keys in 256 threads on the ordinary cores, 68 KB of shared memory; head_dim at most 64. The
//       float32 path.
//   attention_*_mma_{f16,bf16}, attention_mma.cu
//       Tensor cores, sm_80 and later; head_dim 32, 40, 64, 80, 96, 128.
//
// None stores the scores: the softmax runs along with the keys (Milakov & Gimelshein 2018; Dao et al. 2022).
#include "easel/device.cuh"
#include "easel/key_values.cuh"

using namespace easel;

/// Grid: x: queries, y: heads, z: batch; one warp; dynamic shared memory: head_dim floats.
template <typename T>
__device__ __forceinline__ void attention_naive(const T* q, const KeyValues<T>& keys, const float* key_bias, T* out,
                                                int queries, int causal, float scale) {
    DYNAMIC_SHARED(float, sums);
    const int query = blockIdx.x, head = blockIdx.y, item = blockIdx.z, lane = threadIdx.x;
    const size_t at = (size_t(item) * queries + query) * keys.width() + head * keys.head_dim;
    const int seen = keys.visible_to(query, causal);
    // A lane has a key of its own, and then dimensions of its own: nobody reads what another has written.
    for (int d = lane; d < keys.head_dim; d += 32) sums[d] = 0.0f;
    RunningSoftmax softmax;
    for (int first = 0; first < seen; first += 32) {
        const int index = first + lane;
        float score = -float_infinity();
        if (index < seen) {
            const T* key = keys.key(item, head, index);
            float dot = 0.0f;
            for (int d = 0; d < keys.head_dim; d++) dot = fmaf(to_float(q[at + d]), to_float(key[d]), dot);
            const float bias = key_bias == nullptr ? 0.0f : key_bias[size_t(item) * keys.count() + index];
            score = (dot * scale + bias) * LOG2_E;
        }
        float maximum = fmaxf(softmax.maximum, score);
        for (int step = 16; step > 0; step /= 2) maximum = fmaxf(maximum, __shfl_xor_sync(FULL_MASK, maximum, step));
        const float correction = softmax.raise(maximum);
        const float weight = exp2f(score - softmax.center());
        for (int d = lane; d < keys.head_dim; d += 32) sums[d] *= correction;
        for (int j = 0; j < min(32, seen - first); j++) {
            const float of_key = __shfl_sync(FULL_MASK, weight, j);
            const T* value = keys.value(item, head, first + j);
            softmax.total += of_key;
            for (int d = lane; d < keys.head_dim; d += 32) sums[d] = fmaf(of_key, to_float(value[d]), sums[d]);
        }
    }
    for (int d = lane; d < keys.head_dim; d += 32) out[at + d] = from_float<T>(sums[d] / softmax.total);
}

/// 64 queries by 64 keys; thread (x, y) of 16x16 has the scores of queries 4 y.. and keys 4 x.., and sums of the same
/// queries and dimensions 4 x...
struct AttentionTile {
    static constexpr int SIDE = 64;
    static constexpr int THREADS = 256;
    static constexpr int PITCH = SIDE + 4;

    /// Dimensions beyond head_dim are zeros.
    struct Shared {
        /// `[dimension][query]`.
        float queries[SIDE][PITCH];
        /// `[dimension][key]`.
        float keys[SIDE][PITCH];
        /// `[key][dimension]`.
        float values[SIDE][PITCH];
        /// `[key][query]`.
        float weights[SIDE][PITCH];
    };

    /// `sums[i][j] += left[k][4 y + i] * right[k][4 x + j]`.
    static __device__ __forceinline__ void multiply(float (&sums)[4][4], const float (&left)[SIDE][PITCH],
                                                    const float (&right)[SIDE][PITCH]) {
#pragma unroll 8
        for (int k = 0; k < SIDE; k++) {
            const Vector<float, 4> a = load_vector<float, 4>(&left[k][threadIdx.x / 16 * 4]);
            const Vector<float, 4> b = load_vector<float, 4>(&right[k][threadIdx.x % 16 * 4]);
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
            }
        }
    }

    /// Over the sixteen threads that share queries.
    template <typename Combine>
    static __device__ __forceinline__ float reduce(float value, const Combine& combine) {
#pragma unroll
        for (int step = 8; step > 0; step /= 2) value = combine(value, __shfl_xor_sync(FULL_MASK, value, step));
        return value;
    }
};

/// Grid: x: blocks of 64 queries, y: heads, z: batch; AttentionTile::THREADS threads; dynamic shared memory:
/// AttentionTile::Shared.
template <typename T>
__device__ __forceinline__ void attention_tiled(const T* q, const KeyValues<T>& keys, const float* key_bias, T* out,
                                                int queries, int causal, float scale) {
    constexpr int SIDE = AttentionTile::SIDE;
    DYNAMIC_SHARED(AttentionTile::Shared, shared);
    const int first_query = blockIdx.x * SIDE, head = blockIdx.y, item = blockIdx.z, dims = keys.head_dim;
    const int y = threadIdx.x / 16 * 4, x = threadIdx.x % 16 * 4;
    const size_t first_row = size_t(item) * queries + first_query;
    for (int i = threadIdx.x; i < SIDE * SIDE; i += AttentionTile::THREADS) {
        const int row = i / SIDE, d = i % SIDE;
        const bool inside = first_query + row < queries && d < dims;
        shared->queries[d][row] = inside ? to_float(q[(first_row + row) * keys.width() + head * dims + d]) : 0.0f;
    }
    auto bias_of = [&](int index) {
        return key_bias == nullptr ? 0.0f : key_bias[size_t(item) * keys.count() + index];
    };
    float sums[4][4] = {};
    RunningSoftmax softmax[4];
    const int seen = keys.visible_to(first_query + SIDE - 1, causal);
    for (int first_key = 0; first_key < seen; first_key += SIDE) {
        __syncthreads();
        for (int i = threadIdx.x; i < SIDE * SIDE; i += AttentionTile::THREADS) {
            const int row = i / SIDE, d = i % SIDE;
            const bool inside = first_key + row < seen && d < dims;
            shared->keys[d][row] = inside ? to_float(keys.key(item, head, first_key + row)[d]) : 0.0f;
            shared->values[row][d] = inside ? to_float(keys.value(item, head, first_key + row)[d]) : 0.0f;
        }
        __syncthreads();
        float scores[4][4] = {};
        AttentionTile::multiply(scores, shared->queries, shared->keys);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int visible = keys.visible_to(first_query + y + i, causal);
            float maximum = softmax[i].maximum;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int index = first_key + x + j;
                const float bias = index < visible ? bias_of(index) : -float_infinity();
                scores[i][j] = (scores[i][j] * scale + bias) * LOG2_E;
                maximum = fmaxf(maximum, scores[i][j]);
            }
            const float correction =
                softmax[i].raise(AttentionTile::reduce(maximum, [](float a, float b) { return fmaxf(a, b); }));
            float total = 0.0f;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const float weight = exp2f(scores[i][j] - softmax[i].center());
                total += weight;
                sums[i][j] *= correction;
                shared->weights[x + j][y + i] = weight;
            }
            softmax[i].total += AttentionTile::reduce(total, [](float a, float b) { return a + b; });
        }
        __syncthreads();
        AttentionTile::multiply(sums, shared->weights, shared->values);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (first_query + y + i >= queries) continue;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (x + j >= dims) continue;
            out[(first_row + y + i) * keys.width() + head * dims + x + j] =
                from_float<T>(sums[i][j] / softmax[i].total);
        }
    }
}

#define ATTENTION_KERNEL(NAME, BODY, T, THREADS)                                                                       \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
        NAME(const T* q, const T* k, const T* v, const T* added_k, const T* added_v, const float* key_bias, T* out,    \
             int queries, int keys, int added_keys, int heads, int head_dim, int causal, float scale) {                \
        const KeyValues<T> key_values{k, v, added_k, added_v, keys, added_keys, heads, head_dim};                      \
        BODY(q, key_values, key_bias, out, queries, causal, scale);                                                    \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)

#define ATTENTION_KERNELS(SUFFIX, T)                                                                                   \
    ATTENTION_KERNEL(attention_naive_##SUFFIX, attention_naive, T, 32)                                                 \
    ATTENTION_KERNEL(attention_tiled_##SUFFIX, attention_tiled, T, AttentionTile::THREADS)

ATTENTION_KERNELS(f32, float)
ATTENTION_KERNELS(f16, half)
ATTENTION_KERNELS(bf16, bfloat16)
