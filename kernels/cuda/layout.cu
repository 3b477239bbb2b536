// Copies that change where elements stand. They know bytes only: the number at the end of a name is that of the bytes
// moved at once.
//
// - copy_rows_{16,8,4,2}: rows of a strided matrix to rows of another: cuts, concatenations, repetitions. The host takes
//   the widest unit that divides row, strides and addresses.
// - transpose_{4,2}: `[batch, rows, columns]` → `[batch, columns, rows]`: NCHW to NHWC and back. Through shared memory, so
//   that reads and writes are both of whole lines.

#include "easel/device.cuh"

namespace {

constexpr int THREADS = 256;
// Side of a transposed tile, and rows of threads that walk it.
constexpr int TILE = 32, TILE_ROWS = 8;

// Row r of the result is row `r / times` of what is copied. Lengths and strides are in units.
template <typename Unit, int N>
__device__ __forceinline__ void copy_rows(
    const Unit* from, Unit* to, int rows, int length, int from_stride, int to_stride, int times) {
    const int column = blockIdx.x * THREADS + threadIdx.x;
    if (column >= length) return;
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const size_t source = static_cast<size_t>(times == 1 ? row : row / times) * from_stride + column;
        const size_t target = static_cast<size_t>(row) * to_stride + column;
        store_vector(to + target * N, load_vector<Unit, N>(from + source * N));
    }
}

// One more column than needed: columns of the tile then lie in different banks.
template <typename Unit>
struct Tile {
    Unit at[TILE][TILE + 1];
};

template <typename Unit>
__device__ __forceinline__ void transpose(const Unit* from, Unit* to, int rows, int columns, Tile<Unit>& tile) {
    const int column_tiles = (columns + TILE - 1) / TILE;
    const int first_row = blockIdx.x / column_tiles * TILE, first_column = blockIdx.x % column_tiles * TILE;
    const int lane = threadIdx.x % TILE, line = threadIdx.x / TILE;
    const size_t matrix = static_cast<size_t>(blockIdx.y) * rows * columns;
    for (int i = line; i < TILE && first_row + i < rows; i += TILE_ROWS) {
        const size_t row = first_row + i;
        if (first_column + lane < columns) tile.at[i][lane] = from[matrix + row * columns + first_column + lane];
    }
    __syncthreads();
    for (int i = line; i < TILE && first_column + i < columns; i += TILE_ROWS) {
        const size_t column = first_column + i;
        if (first_row + lane < rows) to[matrix + column * rows + first_row + lane] = tile.at[lane][i];
    }
}

}  // namespace

// Grid: (ceil(length / 256), any number of blocks that share the rows).
#define COPY_ROWS(BYTES, Unit, N)                                                                                       \
    extern "C" __global__ void __launch_bounds__(THREADS) copy_rows_##BYTES(                                           \
        const Unit* from, Unit* to, int rows, int length, int from_stride, int to_stride, int times) {                 \
        copy_rows<Unit, N>(from, to, rows, length, from_stride, to_stride, times);                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(copy_rows_##BYTES)
COPY_ROWS(16, u32, 4)
COPY_ROWS(8, u32, 2)
COPY_ROWS(4, u32, 1)
COPY_ROWS(2, u16, 1)

// Grid: (tiles of a matrix, batch), 256 threads.
#define TRANSPOSE(BYTES, Unit)                                                                                          \
    extern "C" __global__ void __launch_bounds__(THREADS) transpose_##BYTES(                                           \
        const Unit* from, Unit* to, int rows, int columns) {                                                           \
        BLOCK_SHARED(Tile<Unit>, tile);                                                                                \
        transpose(from, to, rows, columns, tile);                                                                      \
    }                                                                                                                  \
    EXPORT_KERNEL(transpose_##BYTES)
TRANSPOSE(4, u32)
TRANSPOSE(2, u16)
