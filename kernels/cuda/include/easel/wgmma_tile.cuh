// What the kernels for sm_90a share: rings of stages that tensor loads fill, and the way of sums to their place. Needs
// device.cuh, epilogue.cuh, moments.cuh and staging.cuh before it; only under EASEL_HOPPER.
//
// A block is a producer warpgroup, of which one thread starts tensor loads, and two consumer warpgroups, which
// multiply. It works on several tiles one after the other: while the consumers write a tile out, the producer fills the
// ring for the next.
#pragma once

namespace easel {

constexpr int CONSUMERS = 2;
constexpr int CONSUMER_WARPS = CONSUMERS * 4;
constexpr int WGMMA_THREADS = 128 * (1 + CONSUMERS);
/// Registers of a thread: 24 * 128 + 240 * 256 of 65536.
constexpr int PRODUCER_REGISTERS = 24;
constexpr int CONSUMER_REGISTERS = 240;
/// A row of a stage: 128 bytes along K, as the swizzle wants it; four products of depth 16.
constexpr int STAGE_DEPTH = 64;
constexpr int STAGE_ROW_BYTES = 128;

/// Where somebody has come in a ring. Parity is that of the phase which the stage's barriers are in.
template <int STAGES>
struct RingPosition {
    int stage = 0;
    u32 parity = 0;

    __device__ __forceinline__ void advance() {
        if (++stage == STAGES) {
            stage = 0;
            parity ^= 1;
        }
    }
};

/// Barriers of a ring: a stage is full when its bytes have arrived, and empty when every consumer warp has left it.
template <int STAGES>
struct Ring {
    using Position = RingPosition<STAGES>;
    u64 full[STAGES];
    u64 empty[STAGES];

    /// By one thread.
    __device__ __forceinline__ void init() {
#pragma unroll
        for (int stage = 0; stage < STAGES; stage++) {
            transaction_barrier_init(&full[stage], 1);
            transaction_barrier_init(&empty[stage], CONSUMER_WARPS);
        }
    }

    /// Waits until the stage may be filled, and announces `bytes`. Returns the barrier that loads report to.
    __device__ __forceinline__ u64* begin_fill(Position at, u32 bytes) {
        transaction_barrier_wait(&empty[at.stage], at.parity ^ 1);
        transaction_barrier_arrive_expect(&full[at.stage], bytes);
        return &full[at.stage];
    }

    __device__ __forceinline__ void wait_full(Position at) { transaction_barrier_wait(&full[at.stage], at.parity); }

    /// By all threads of a consumer warp, whose products with the stage are over.
    __device__ __forceinline__ void leave(Position at) {
        __syncwarp();
        if (threadIdx.x % 32 == 0) transaction_barrier_arrive(&empty[at.stage]);
    }
};

/// `sums[m] += a b` for TILES tiles of 64 rows, `a_step` bytes apart, over the STAGE_DEPTH values along K of a stage.
template <int TILES, int N, typename T>
__device__ __forceinline__ void wgmma_stage(float (&sums)[TILES][N / 2], const unsigned char* a, int a_step,
                                            const unsigned char* b, T) {
    const u64 right = shared_descriptor_swizzle128(b);
    wgmma_fence();
#pragma unroll
    for (int m = 0; m < TILES; m++) {
        const u64 left = shared_descriptor_swizzle128(a + m * a_step);
#pragma unroll
        for (int k = 0; k < STAGE_DEPTH / 16; k++) wgmma_m64k16<N, T>(sums[m], left + 2 * k, right + 2 * k, true);
    }
    wgmma_commit();
}

template <int TILES, int N>
__device__ __forceinline__ void hold(float (&sums)[TILES][N]) {
#pragma unroll
    for (int m = 0; m < TILES; m++) wgmma_hold(sums[m]);
}

template <int TILES, int N>
__device__ __forceinline__ void clear(float (&sums)[TILES][N]) {
#pragma unroll
    for (int m = 0; m < TILES; m++) {
#pragma unroll
        for (int i = 0; i < N; i++) sums[m][i] = 0.0f;
    }
}

/// Columns that a consumer warp stages at a time.
constexpr int STAGED_COLUMNS = 32;
using WgmmaStaging = Staging<STAGED_COLUMNS>;
constexpr int WGMMA_STAGING_BYTES = CONSUMER_WARPS * WgmmaStaging::FLOATS * int(sizeof(float));

/// Index of this thread's consumer warpgroup. Made the same for the whole warp in a way that the compiler sees.
__device__ __forceinline__ int consumer_index() {
    return __shfl_sync(FULL_MASK, int(threadIdx.x) / 128 - 1, 0);
}

/// For results of which nobody wants moments.
struct NoMoments {
    __device__ __forceinline__ bool wanted() const { return false; }
    __device__ __forceinline__ void look(const float*, int, int) const {}
};

/// Gathers the moments of the columns of TILES tiles of 64 rows, which a consumer has stored, over all their rows.
template <int TILES, int N>
struct WgmmaMoments {
    static constexpr int WARPS = 4;
    /// Shared memory of all consumers.
    static constexpr int SHARED_BYTES = CONSUMERS * WARPS * N * 2 * int(sizeof(float));
    static constexpr int COUNT = TILES * 16;

    MomentsOut out;
    /// Means, then squares, of each warp.
    float (*of_warps)[2][N];
    ColumnMoments own;

    __device__ __forceinline__ WgmmaMoments(const MomentsOut& out, unsigned char* shared)
        : out(out), of_warps(reinterpret_cast<float (*)[2][N]>(shared) + consumer_index() * WARPS) {}

    __device__ __forceinline__ bool wanted() const { return bool(out); }

    /// After this warp has stored its 16 rows of STAGED_COLUMNS columns from `column` of tile m; tiles come in order.
    __device__ __forceinline__ void look(const float* staged, int m, int column) {
        const int lane = threadIdx.x % 32, warp = threadIdx.x / 32 % WARPS;
        if (m == 0) own.begin(staged[lane]);
        own.add<16>(staged + lane, WgmmaStaging::PITCH);
        if (m + 1 < TILES) return;
        of_warps[warp][0][column + lane] = own.mean(COUNT);
        of_warps[warp][1][column + lane] = own.around_mean(COUNT);
    }

    /// By all threads of a consumer: merges what its warps have seen (Chan, Golub & LeVeque 1979), for N channels from
    /// `first`.
    __device__ __forceinline__ void store(size_t chunk, int first) const {
        if (!wanted()) return;
        const int barrier = 1 + consumer_index();
        barrier_sync(barrier, 128);
        for (int column = threadIdx.x % 128; column < N; column += 128) {
            const float origin = of_warps[0][0][column];
            float sum = 0.0f, squares = 0.0f;
#pragma unroll
            for (int warp = 1; warp < WARPS; warp++) sum += of_warps[warp][0][column] - origin;
            const float offset = sum / WARPS;
#pragma unroll
            for (int warp = 0; warp < WARPS; warp++) {
                const float deviation = of_warps[warp][0][column] - origin - offset;
                squares += fmaf(COUNT * deviation, deviation, of_warps[warp][1][column]);
            }
            out.put(chunk, first + column, origin + offset, squares);
        }
        // The warps' places are free again.
        barrier_sync(barrier, 128);
    }
};

/// Stores the sums of this warp to `out`; or to `partial` (a part of a product that is split along K), if that is
/// given. `out_row(m, row)`: the row of the result that a row of tile m (0..64) is, or -1 for none. `moments` looks at
/// what was stored.
template <int TILES, int N, typename T, typename OutRow, typename Moments>
__device__ __forceinline__ void wgmma_finish(const float (&sums)[TILES][N / 2], float* staging,
                                             const Epilogue<T>& epilogue, T* out, float* partial, int first_column,
                                             const OutRow& out_row, Moments& moments) {
    // One tile after the other for the same columns: so a lane has the moments of one column at a time.
    constexpr int CHUNKS = TILES * (N / STAGED_COLUMNS), GROUPS = WgmmaStaging::GROUPS_OF_LANE;
    static_assert(N % STAGED_COLUMNS == 0, "sums leave in chunks");
    const int first_row = threadIdx.x / 32 % 4 * 16, consumer_warp = threadIdx.x / 32 - 4;
    float* staged = staging + consumer_warp * WgmmaStaging::FLOATS;
    auto row_of = [&](int chunk, int group) {
        return out_row(chunk % TILES, first_row + WgmmaStaging::row_of(group));
    };
    auto column_of = [&](int chunk, int group) {
        return first_column + chunk / TILES * STAGED_COLUMNS + WgmmaStaging::column_of(group);
    };
    typename Epilogue<T>::Ahead ahead[GROUPS];
    auto fetch = [&](int chunk) {
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            const int row = row_of(chunk, group);
            if (row >= 0 && partial == nullptr) ahead[group] = epilogue.fetch(row, column_of(chunk, group));
        }
    };
    fetch(0);
    // Registers cannot be indexed at run time: the chunk is selected, so that there is one copy of what comes after.
#pragma unroll 1
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
#pragma unroll
        for (int candidate = 0; candidate < CHUNKS; candidate++) {
            if (candidate != chunk) continue;
            const float* of_chunk = &sums[candidate % TILES][candidate / TILES * STAGED_COLUMNS / 2];
#pragma unroll
            for (int group = 0; group < STAGED_COLUMNS / 8; group++) {
                const float* four = of_chunk + group * 4;
                WgmmaStaging::put(staged, group, four[0], four[1], four[2], four[3]);
            }
        }
        typename Epilogue<T>::Ahead of_chunk[GROUPS];
#pragma unroll
        for (int group = 0; group < GROUPS; group++) of_chunk[group] = ahead[group];
        if (chunk + 1 < CHUNKS) fetch(chunk + 1);
        __syncwarp();
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            const int row = row_of(chunk, group), column = column_of(chunk, group);
            if (row < 0) continue;
            if (partial != nullptr) {
                epilogue.store_partial(partial, WgmmaStaging::sums_of(staged, group), row, column);
            } else {
                epilogue.store(out, WgmmaStaging::sums_of(staged, group), row, column, of_chunk[group],
                               moments.wanted());
            }
        }
        __syncwarp();
        if (moments.wanted()) {
            moments.look(staged, chunk % TILES, chunk / TILES * STAGED_COLUMNS);
            __syncwarp();
        }
    }
}

}  // namespace easel
