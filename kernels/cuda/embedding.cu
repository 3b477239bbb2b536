// embedding_T: rows of a table by index. One version: 16 bytes an access where addresses and sizes allow it, and the
// elements one by one otherwise.

#include "easel/device.cuh"
#include "easel/floats.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 128;

// The host has checked that every id is below the number of the table's rows.
template <bool WHOLE, typename T>
__device__ __forceinline__ void gather(const T* table, const u32* ids, T* out, int rows, int channels) {
    constexpr int N = VECTOR<T>;
    const int channel = (blockIdx.x * THREADS + threadIdx.x) * N, count = min(N, channels - channel);
    if (count <= 0) return;
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const T* from = table + static_cast<size_t>(ids[row]) * channels + channel;
        store_run<WHOLE>(out + static_cast<size_t>(row) * channels + channel, load_run<WHOLE, N>(from, count), count);
    }
}

}  // namespace

// Grid: (ceil(channels / (vector · 128)), any number of blocks that share the rows).
#define EMBEDDING(SUFFIX, T)                                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) embedding_##SUFFIX(                                          \
        const T* table, const u32* ids, T* out, int rows, int channels) {                                              \
        if (channels % VECTOR<T> == 0 && is_aligned(table) && is_aligned(out)) {                                       \
            gather<true>(table, ids, out, rows, channels);                                                             \
        } else {                                                                                                       \
            gather<false>(table, ids, out, rows, channels);                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(embedding_##SUFFIX)
EMBEDDING(f32, float)
EMBEDDING(f16, half)
EMBEDDING(bf16, bfloat16)
