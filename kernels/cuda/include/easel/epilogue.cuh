// What happens to a product before it is stored, and how a product is split along K.
#pragma once

#include "easel/activation.cuh"

namespace easel {

/// `out = (activation(sum + bias + sample_bias) + residual) * scale` of a `[rows, columns]` result.
template <typename T>
struct Epilogue {
    static constexpr int VECTOR = 16 / int(sizeof(T));

    /// `[columns]` or NULL.
    const float* bias;
    /// `[rows / rows_per_sample, columns]` or NULL.
    const float* sample_bias;
    /// `[rows, columns]` or NULL.
    const T* residual;
    int columns;
    int rows_per_sample;
    int activation;
    float scale;

    __device__ __forceinline__ const float* sample_bias_of(int row) const {
        return sample_bias == nullptr ? nullptr : sample_bias + size_t(row / rows_per_sample) * columns;
    }

    /// One value.
    __device__ __forceinline__ float apply(float sum, int row, int column) const {
        if (bias != nullptr) sum += bias[column];
        if (sample_bias != nullptr) sum += sample_bias_of(row)[column];
        sum = activate(sum, activation);
        if (residual != nullptr) sum += to_float(residual[size_t(row) * columns + column]);
        return sum * scale;
    }

    /// N values side by side; `column` and `columns` are multiples of N.
    template <int N>
    __device__ __forceinline__ void apply(float (&sums)[N], int row, int column) const {
        apply_before_residual(sums, row, column);
        if (residual != nullptr) add(sums, residual + size_t(row) * columns + column);
#pragma unroll
        for (int i = 0; i < N; i++) sums[i] *= scale;
    }

    /// What `store` will need of the residual, fetched beforehand so that nobody waits for it then: eight values of a
    /// row.
    struct Ahead {
        Vector<T, VECTOR> values[8 / VECTOR];
    };

    __device__ __forceinline__ Ahead fetch(int row, int column) const {
        Ahead ahead{};
        if (residual == nullptr || columns % 8 != 0 || column >= columns) return ahead;
#pragma unroll
        for (int i = 0; i < 8 / VECTOR; i++) {
            ahead.values[i] = load_vector<T, VECTOR>(residual + size_t(row) * columns + column + i * VECTOR);
        }
        return ahead;
    }

    /// Finishes eight sums of a row, which lie in shared memory, and writes them to `out: [rows, columns]`: 16 bytes at
    /// a time if the width of the matrix keeps rows aligned. Columns beyond the matrix are dropped.
    __device__ __forceinline__ void store(T* out, const float* staged, int row, int column) const {
        store(out, const_cast<float*>(staged), row, column, fetch(row, column), false);
    }

    /// The same; with `keeps`, what was written takes the place of the sums, rounded as it was.
    __device__ __forceinline__ void store(T* out, float* staged, int row, int column, const Ahead& ahead,
                                          bool keeps) const {
        T* to = out + size_t(row) * columns + column;
        if (columns % 8 == 0) {
            if (column >= columns) return;
            float sums[8];
            copy_eight(sums, staged);
            apply_before_residual(sums, row, column);
            Vector<T, VECTOR> values[8 / VECTOR];
#pragma unroll
            for (int i = 0; i < 8; i++) {
                if (residual != nullptr) sums[i] += to_float(ahead.values[i / VECTOR][i % VECTOR]);
                values[i / VECTOR][i % VECTOR] = from_float<T>(sums[i] * scale);
            }
#pragma unroll
            for (int i = 0; i < 8 / VECTOR; i++) store_vector(to + i * VECTOR, values[i]);
            if (!keeps) return;
#pragma unroll
            for (int first = 0; first < 8; first += 4) {
                Vector<float, 4> four;
#pragma unroll
                for (int i = 0; i < 4; i++) four[i] = to_float(values[(first + i) / VECTOR][(first + i) % VECTOR]);
                store_vector(staged + first, four);
            }
            return;
        }
        const int count = min(8, columns - column);
#pragma unroll 1
        for (int i = 0; i < count; i++) {
            to[i] = from_float<T>(apply(staged[i], row, column + i));
            if (keeps) staged[i] = to_float(to[i]);
        }
    }

    /// As `store`, to float32 and without the epilogue: a part of a product that is split along K.
    __device__ __forceinline__ void store_partial(float* out, const float* staged, int row, int column) const {
        float* to = out + size_t(row) * columns + column;
        if (columns % 8 == 0) {
            if (column >= columns) return;
            store_vector(to, load_vector<float, 4>(staged));
            store_vector(to + 4, load_vector<float, 4>(staged + 4));
            return;
        }
        const int count = min(8, columns - column);
#pragma unroll 1
        for (int i = 0; i < count; i++) to[i] = staged[i];
    }

  private:
    template <int N>
    __device__ __forceinline__ void apply_before_residual(float (&sums)[N], int row, int column) const {
        if (bias != nullptr) add(sums, bias + column);
        if (sample_bias != nullptr) add(sums, sample_bias_of(row) + column);
        if (activation != ACTIVATION_NONE) {
#pragma unroll
            for (int i = 0; i < N; i++) sums[i] = activate(sums[i], activation);
        }
    }

    static __device__ __forceinline__ void copy_eight(float (&to)[8], const float* from) {
#pragma unroll
        for (int first = 0; first < 8; first += 4) {
            const Vector<float, 4> four = load_vector<float, 4>(from + first);
#pragma unroll
            for (int i = 0; i < 4; i++) to[first + i] = four[i];
        }
    }

    template <typename U, int N>
    static __device__ __forceinline__ void add(float (&sums)[N], const U* values) {
        constexpr int WIDTH = N * int(sizeof(U)) > 16 ? 16 / int(sizeof(U)) : N;
#pragma unroll
        for (int first = 0; first < N; first += WIDTH) {
            const Vector<U, WIDTH> vector = load_vector<U, WIDTH>(values + first);
#pragma unroll
            for (int i = 0; i < WIDTH; i++) sums[first + i] += to_float(vector[i]);
        }
    }
};

/// Consecutive steps along K.
struct StepRange {
    int first, count;
};

/// The steps of part `part` of `parts`, which are as even as can be; late ones may be empty.
__device__ __forceinline__ StepRange part_of_steps(int steps, int part, int parts) {
    const int of_part = (steps + parts - 1) / parts, first = min(steps, part * of_part);
    return {first, min(of_part, steps - first)};
}

}  // namespace easel
