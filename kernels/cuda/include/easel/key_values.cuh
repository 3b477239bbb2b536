// The keys and values that attention looks at. Needs device.cuh before it.
#pragma once

namespace easel {

/// Added keys and values, then the others, each `[batch, count, heads * head_dim]`: together `count()` of them an item.
template <typename T>
struct KeyValues {
    const T* k;
    const T* v;
    /// NULL if `added_count` is 0.
    const T* added_k;
    const T* added_v;
    int own_count, added_count;
    int heads, head_dim;

    __device__ __forceinline__ int count() const { return added_count + own_count; }
    __device__ __forceinline__ int width() const { return heads * head_dim; }

    /// How many of them, from the first, a query sees. If causal, keys and queries count from the same token, and the
    /// added keys stand before it.
    __device__ __forceinline__ int visible_to(int query, int causal) const {
        return causal ? min(added_count + query + 1, count()) : count();
    }

    __device__ __forceinline__ const T* key(int item, int head, int index) const {
        return row(k, added_k, item, head, index);
    }
    __device__ __forceinline__ const T* value(int item, int head, int index) const {
        return row(v, added_v, item, head, index);
    }

  private:
    __device__ __forceinline__ const T* row(const T* own, const T* added, int item, int head, int index) const {
        const bool first = index < added_count;
        const size_t token =
            first ? size_t(item) * added_count + index : size_t(item) * own_count + (index - added_count);
        return (first ? added : own) + token * width() + head * head_dim;
    }
};

/// Scores are multiplied with this, so that powers of two (which the hardware has) do for powers of e.
constexpr float LOG2_E = 1.44269504f;

/// What is known of a softmax over the scores seen so far, in powers of two: their maximum, and the sum of 2^(score -
/// maximum).
///
/// While all keys are hidden (scores of -inf) the maximum is -inf; the sum stays 0, and a row that sees no key ends as
/// 0/0.
struct RunningSoftmax {
    float maximum = -float_infinity();
    float total = 0.0f;

    /// Takes a larger or equal maximum in and returns what earlier weights have to be multiplied with.
    __device__ __forceinline__ float raise(float to) {
        const float before = maximum;
        maximum = to;
        const float correction = exp2f(before - center());
        total *= correction;
        return correction;
    }

    /// What is subtracted from scores: 2^(-inf + inf) would not be 0.
    __device__ __forceinline__ float center() const { return maximum == -float_infinity() ? 0.0f : maximum; }
};

}  // namespace easel
