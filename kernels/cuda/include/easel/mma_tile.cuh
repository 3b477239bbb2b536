// A tile of a matrix product on the tensor cores of sm_80 and later. Needs device.cuh, moments.cuh and staging.cuh before
// it.
#pragma once

namespace easel {

/// TILE_M x TILE_N sums of WARPS_M x WARPS_N warps; operands come in steps of DEPTH along K by asynchronous copies,
/// STAGES of them at a time in shared memory.
///
/// Every sum is added to in steps of 16 along K, in order, whatever the tile: tiles of all sizes give the same bits.
template <typename T, int TILE_M, int TILE_N, int WARPS_M, int WARPS_N, int STAGES>
struct MmaTile {
    static constexpr int ROWS = TILE_M;
    static constexpr int COLUMNS = TILE_N;
    static constexpr int DEPTH = 32;
    static constexpr int THREADS = 32 * WARPS_M * WARPS_N;
    static constexpr int WARP_M = TILE_M / WARPS_M;
    static constexpr int WARP_N = TILE_N / WARPS_N;
    static_assert(WARP_M % 16 == 0 && WARP_N % 8 == 0, "a warp's part consists of 16x8 products");

    /// A piece is what one copy brings: 16 bytes along K.
    static constexpr int PIECE = 8;
    static constexpr int PIECES = DEPTH / PIECE;
    /// A thread brings the piece `piece()` of every ROW_STEP-th row of an operand, beginning with `copied_row()`.
    static constexpr int ROW_STEP = THREADS / PIECES;
    static constexpr int LEFT_COPIES = (TILE_M + ROW_STEP - 1) / ROW_STEP;
    static constexpr int RIGHT_COPIES = (TILE_N + ROW_STEP - 1) / ROW_STEP;
    static_assert(TILE_M % ROW_STEP == 0, "all threads bring as many pieces of the left operand");

    static constexpr int STAGE_BYTES = (TILE_M + TILE_N) * DEPTH * int(sizeof(T));
    using Stage = Staging<WARP_N>;
    static constexpr int STAGED_BYTES = WARPS_M * WARPS_N * Stage::FLOATS * int(sizeof(float));
    /// Dynamic shared memory of a launch.
    static constexpr int SHARED_BYTES = STAGES * STAGE_BYTES > STAGED_BYTES ? STAGES * STAGE_BYTES : STAGED_BYTES;

    float sums[WARP_M / 16][WARP_N / 8][4];

    static __device__ __forceinline__ int piece() { return threadIdx.x % PIECES; }
    static __device__ __forceinline__ int copied_row() { return threadIdx.x / PIECES; }

    /// Where a piece of a row of an operand lies. Rows are half as long as the banks are wide: two of them share a
    /// swizzle, so that the eight rows that a matrix load reads, and the 8x4 pieces that a warp copies, lie in
    /// different banks.
    static __device__ __forceinline__ T* piece_at(T* operand, int row, int piece) {
        return operand + row * DEPTH + (piece ^ (row / 2 % PIECES)) * PIECE;
    }

    /// A piece of an operand; one that lies outside of the matrix arrives as zeros (its address is any that is valid).
    struct Piece {
        const T* address;
        bool inside;
    };

    /// Adds `steps` steps along K. `operands.left(i)` and `operands.right(i)` give the calling thread's piece of row
    /// `copied_row() + i * ROW_STEP` of the tile in the current step; `operands.advance()` goes on to the next.
    template <typename Operands>
    __device__ __forceinline__ void multiply(unsigned char* shared, Operands& operands, int steps) {
        T* stages = reinterpret_cast<T*>(shared);
        auto copy = [&](int step) {
            if (step < steps) {
                T* stage = stages + step % STAGES * (STAGE_BYTES / int(sizeof(T)));
#pragma unroll
                for (int i = 0; i < LEFT_COPIES; i++) {
                    copy_piece(piece_at(stage, copied_row() + i * ROW_STEP, piece()), operands.left(i));
                }
#pragma unroll
                for (int i = 0; i < RIGHT_COPIES; i++) {
                    const int row = copied_row() + i * ROW_STEP;
                    if (TILE_N % ROW_STEP != 0 && row >= TILE_N) break;
                    copy_piece(piece_at(stage + TILE_M * DEPTH, row, piece()), operands.right(i));
                }
                operands.advance();
            }
            // An empty group too: waiting counts groups.
            copy_async_commit();
        };
        clear();
#pragma unroll
        for (int step = 0; step < STAGES - 1; step++) copy(step);
#pragma unroll 1
        for (int step = 0; step < steps; step++) {
            copy_async_wait<STAGES - 2>();
            // Also: all warps are done with the stage that the next copies will overwrite.
            __syncthreads();
            copy(step + STAGES - 1);
            const T* stage = stages + step % STAGES * (STAGE_BYTES / int(sizeof(T)));
            multiply_stage(stage, stage + TILE_M * DEPTH);
        }
        copy_async_wait<0>();
        __syncthreads();
    }

    /// Calls `store(staged, row, column)` for every eight sums side by side of the tile.
    template <typename Store>
    __device__ __forceinline__ void finish(unsigned char* shared, const Store& store) const {
        finish(shared, store, [](const float*, int, int, int, bool) {});
    }

    /// Rows of a warp's part, of whose columns `gather_moments` gathers the moments.
    static constexpr int CHUNK_ROWS = WARP_M;

    /// As `finish`, with the moments of every WARP_M rows; `store` leaves behind what it wrote. `chunk_of(row)`: the
    /// place of the moments of the rows from `row`, which all exist, or -1 for none.
    template <typename Store, typename ChunkOf>
    __device__ __forceinline__ void finish_with_moments(unsigned char* shared, const Store& store,
                                                        const MomentsOut& moments, int first_column,
                                                        const ChunkOf& chunk_of) const {
        // A lane has every 32nd column.
        constexpr int OWN = (WARP_N + 31) / 32;
        ColumnMoments own[OWN];
        finish(shared, store, [&](const float* staged, int row, int column, int piece, bool is_last) {
            if (!moments) return;
#pragma unroll
            for (int i = 0; i < OWN; i++) {
                const int at = threadIdx.x % 32 + 32 * i;
                if (WARP_N % 32 != 0 && at >= WARP_N) break;
                if (piece == 0) own[i].begin(staged[at]);
                own[i].template add<16>(staged + at, Stage::PITCH);
                if (!is_last) continue;
                const long long chunk = chunk_of(row);
                if (chunk < 0) continue;
                moments.put(chunk, first_column + column + at, own[i].mean(WARP_M), own[i].around_mean(WARP_M));
            }
        });
    }

  private:
    /// As above; calls `look(staged, row, column, piece, is_last)` after each of the pieces of 16 rows of a warp's part,
    /// which begins at that row and column of the tile.
    template <typename Store, typename Look>
    __device__ __forceinline__ void finish(unsigned char* shared, const Store& store, const Look& look) const {
        const int warp = threadIdx.x / 32;
        const int first_row = warp / WARPS_N * WARP_M, first_column = warp % WARPS_N * WARP_N;
        float* staged = reinterpret_cast<float*>(shared) + warp * Stage::FLOATS;
        // Registers cannot be indexed at run time: the rows are selected, so that there is one copy of what comes
        // after.
#pragma unroll 1
        for (int i = 0; i < WARP_M / 16; i++) {
#pragma unroll
            for (int candidate = 0; candidate < WARP_M / 16; candidate++) {
                if (candidate != i) continue;
#pragma unroll
                for (int j = 0; j < WARP_N / 8; j++) {
                    const float (&four)[4] = sums[candidate][j];
                    Stage::put(staged, j, four[0], four[1], four[2], four[3]);
                }
            }
            __syncwarp();
#pragma unroll 1
            for (int group = 0; group < Stage::GROUPS_OF_LANE; group++) {
                if (!Stage::exists(group)) break;
                const int row = first_row + i * 16 + Stage::row_of(group);
                store(Stage::sums_of(staged, group), row, first_column + Stage::column_of(group));
            }
            __syncwarp();
            look(staged, first_row, first_column, i, i + 1 == WARP_M / 16);
            __syncwarp();
        }
    }

    static __device__ __forceinline__ void copy_piece(T* to, Piece from) {
        copy_async<16>(to, from.address, from.inside ? 16 : 0);
    }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++) {
#pragma unroll
            for (int j = 0; j < WARP_N / 8; j++) {
#pragma unroll
                for (int l = 0; l < 4; l++) sums[i][j][l] = 0.0f;
            }
        }
    }

    __device__ __forceinline__ void multiply_stage(const T* left, const T* right) {
        const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
        // The rows that this lane addresses for the matrix loads: left, tiles in the order of an A operand (two along
        // the rows, then two along K); right, two along K, then two along the columns.
        const int left_row = warp / WARPS_N * WARP_M + lane % 16, left_piece = lane / 16;
        const int right_row = warp % WARPS_N * WARP_N + lane / 16 * 8 + lane % 8, right_piece = lane / 8 % 2;
#pragma unroll
        for (int k = 0; k < DEPTH / 16; k++) {
            u32 a[WARP_M / 16][4], b[WARP_N / 8][2];
#pragma unroll
            for (int i = 0; i < WARP_M / 16; i++) {
                load_matrix_x4(a[i], piece_at(const_cast<T*>(left), left_row + i * 16, k * 2 + left_piece));
            }
#pragma unroll
            for (int j = 0; j + 1 < WARP_N / 8; j += 2) {
                u32 four[4];
                load_matrix_x4(four, piece_at(const_cast<T*>(right), right_row + j * 8, k * 2 + right_piece));
                b[j][0] = four[0], b[j][1] = four[1], b[j + 1][0] = four[2], b[j + 1][1] = four[3];
            }
            if (WARP_N / 8 % 2 == 1) {
                const int last = WARP_N / 8 - 1, row = warp % WARPS_N * WARP_N + last * 8 + lane % 8;
                load_matrix_x2(b[last], piece_at(const_cast<T*>(right), row, k * 2 + right_piece));
            }
#pragma unroll
            for (int i = 0; i < WARP_M / 16; i++) {
#pragma unroll
                for (int j = 0; j < WARP_N / 8; j++) mma_m16n8k16(sums[i][j], a[i], b[j], T());
            }
        }
    }
};

}  // namespace easel
