// cast_to_f32_T and cast_from_f32_T: one element type to another, rounding to nearest even. One version: vectors of 8
// elements, 16 bytes of the narrower type, where addresses and sizes allow it, and the elements one by one otherwise. Grid
// as in elementwise.cu.

#include "easel/device.cuh"
#include "easel/floats.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 256, RUN = 8;

template <bool WHOLE, typename From, typename To>
__device__ __forceinline__ void cast(const From* x, To* out, int rows, int columns) {
    // Unsigned, because the last runs of the last block may lie beyond the largest int.
    const u32 column = (blockIdx.x * THREADS + threadIdx.x) * RUN;
    if (column >= static_cast<u32>(columns)) return;
    const int count = static_cast<int>(min(columns - column, static_cast<u32>(RUN)));
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const size_t offset = static_cast<size_t>(row) * columns + column;
        float values[RUN];
        load_floats<WHOLE>(values, x + offset, count);
        store_floats<WHOLE>(out + offset, values, count);
    }
}

}  // namespace

#define CAST(NAME, From, To)                                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) NAME(const From* x, To* out, int rows, int columns) {        \
        if (columns % RUN == 0 && is_aligned(x) && is_aligned(out)) {                                                  \
            cast<true>(x, out, rows, columns);                                                                         \
        } else {                                                                                                       \
            cast<false>(x, out, rows, columns);                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    EXPORT_KERNEL(NAME)
CAST(cast_to_f32_f16, half, float)
CAST(cast_to_f32_bf16, bfloat16, float)
CAST(cast_from_f32_f16, float, half)
CAST(cast_from_f32_bf16, float, bfloat16)
