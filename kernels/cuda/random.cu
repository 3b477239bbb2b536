// Standard normal noise with the same bits as kernels/src/random.rs: Philox4x32-10 (Salmon et al. 2011) and Box & Muller
// (1958) in float64. One version: four numbers a thread, one write of 16 bytes where addresses and sizes allow it.
//
// The logarithm, the sine and the cosine must be rounded as they are on the CPU, so they are its own: those of FreeBSD's
// msun, which the Rust crate `libm` carries too, limited to the arguments that occur here and with every product and sum
// rounded apart. Of their origin:
//
//   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
//   Developed at SunPro, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this
//   software is freely granted, provided that this notice is preserved.

#include "easel/device.cuh"
#include "easel/floats.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 256;

// A float64 whose operations are never merged, so that the formulas below read as formulas.
struct Double {
    double value;

    __device__ __forceinline__ Double(double value) : value(value) {}
};
__device__ __forceinline__ Double operator+(Double a, Double b) { return __dadd_rn(a.value, b.value); }
__device__ __forceinline__ Double operator-(Double a, Double b) { return __dsub_rn(a.value, b.value); }
__device__ __forceinline__ Double operator*(Double a, Double b) { return __dmul_rn(a.value, b.value); }
__device__ __forceinline__ Double operator/(Double a, Double b) { return __ddiv_rn(a.value, b.value); }

__device__ __forceinline__ u64 bits_of(Double x) { return static_cast<u64>(__double_as_longlong(x.value)); }
__device__ __forceinline__ Double from_bits(u64 bits) { return __longlong_as_double(static_cast<i64>(bits)); }
__device__ __forceinline__ u32 high_word(Double x) { return static_cast<u32>(bits_of(x) >> 32); }

// The natural logarithm of a normal x in 0..1: e_log.c.
__device__ __forceinline__ Double logarithm(Double x) {
    if (x.value == 1.0) return 0.0;
    // x = 2ᵏ · (1 + f) with √½ < 1 + f < √2
    const u32 high = high_word(x) + (0x3ff00000u - 0x3fe6a09eu);
    const Double k = static_cast<double>(static_cast<int>(high >> 20) - 0x3ff);
    const u64 scaled = static_cast<u64>((high & 0x000fffffu) + 0x3fe6a09eu) << 32 | (bits_of(x) & 0xffffffffu);
    const Double f = from_bits(scaled) - 1.0;

    const Double half_square = Double(0.5) * f * f;
    const Double s = f / (Double(2.0) + f);
    const Double z = s * s;
    const Double w = z * z;
    const Double even = w * (Double(3.999999999940941908e-01) +
                             w * (Double(2.222219843214978396e-01) + w * Double(1.531383769920937332e-01)));
    const Double odd =
        z * (Double(6.666666666666735130e-01) +
             w * (Double(2.857142874366239149e-01) +
                  w * (Double(1.818357216161805012e-01) + w * Double(1.479819860511658591e-01))));
    const Double r = odd + even;
    const Double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    return s * (half_square + r) + k * ln2_low - half_square + f + k * ln2_high;
}

// The sine of x + tail within ±π/4: k_sin.c.
__device__ __forceinline__ Double sine_near_zero(Double x, Double tail, bool has_tail) {
    const Double s1 = -1.66666666666666324348e-01;
    const Double z = x * x;
    const Double w = z * z;
    const Double r = Double(8.33333333332248946124e-03) +
                     z * (Double(-1.98412698298579493134e-04) + z * Double(2.75573137070700676789e-06)) +
                     z * w * (Double(-2.50507602534068634195e-08) + z * Double(1.58969099521155010221e-10));
    const Double v = z * x;
    if (!has_tail) return x + v * (s1 + z * r);
    return x - ((z * (Double(0.5) * tail - v * r) - tail) - v * s1);
}

// The cosine of x + tail within ±π/4: k_cos.c.
__device__ __forceinline__ Double cosine_near_zero(Double x, Double tail) {
    const Double z = x * x;
    const Double w = z * z;
    const Double r =
        z * (Double(4.16666666666666019037e-02) +
             z * (Double(-1.38888888888741095749e-03) + z * Double(2.48015872894767294178e-05))) +
        w * w * (Double(-2.75573143513906633035e-07) +
                 z * (Double(2.08757232129817482790e-09) + z * Double(-1.13596475577881948265e-11)));
    const Double half_square = Double(0.5) * z;
    const Double rest = Double(1.0) - half_square;
    return rest + (((Double(1.0) - rest) - half_square) + (z * r - x * tail));
}

// x in quarters of a turn: x = quarters · π/2 + (head + tail).
struct Reduced {
    int quarters;
    Double head;
    Double tail;
};

// For x from π/4 to 2π: e_rem_pio2.c. Near multiples of π/2 most digits cancel, and π/2 is taken to more of them.
__device__ __forceinline__ Reduced reduce(Double x) {
    const Double pi_2_first = 1.57079632673412561417e+00, pi_2_after_first = 6.07710050650619224932e-11;
    const u32 high = high_word(x);
    const bool is_near_multiple = (high & 0xfffffu) == 0x921fbu || high == 0x4012d97cu;
    if (!is_near_multiple) {
        const int quarters = high <= 0x4002d97cu ? 1 : high <= 0x400f6a7au ? 2 : high <= 0x4015fdbcu ? 3 : 4;
        const Double n = static_cast<double>(quarters);
        const Double z = x - n * pi_2_first, rest = n * pi_2_after_first;
        const Double head = z - rest;
        return {quarters, head, (z - head) - rest};
    }
    const Double to_integer = 1.5 / 2.2204460492503131e-16;
    const Double n = (x * Double(6.36619772367581382433e-01) + to_integer) - to_integer;
    Double r = x - n * pi_2_first;
    Double w = n * pi_2_after_first;
    Double head = r - w;
    const int exponent = static_cast<int>(high >> 20);
    auto lost_bits = [exponent](Double y) { return exponent - static_cast<int>(high_word(y) >> 20 & 0x7ffu); };
    if (lost_bits(head) > 16) {
        const Double first = r;
        w = n * Double(6.07710050630396597660e-11);
        r = first - w;
        w = n * Double(2.02226624879595063154e-21) - ((first - r) - w);
        head = r - w;
        if (lost_bits(head) > 49) {
            const Double second = r;
            w = n * Double(2.02226624871116645580e-21);
            r = second - w;
            w = n * Double(8.47842766036889956997e-32) - ((second - r) - w);
            head = r - w;
        }
    }
    return {static_cast<int>(n.value), head, (r - head) - w};
}

struct SineCosine {
    Double sine;
    Double cosine;
};

// For x from 0 to 2π: s_sin.c, s_cos.c.
__device__ __forceinline__ SineCosine sine_cosine(Double x) {
    const u32 high = high_word(x);
    if (high < 0x3e46a09eu) return {x, 1.0};
    const bool is_small = high <= 0x3fe921fbu;
    const Reduced reduced = is_small ? Reduced{0, x, 0.0} : reduce(x);
    const Double sine = sine_near_zero(reduced.head, reduced.tail, !is_small);
    const Double cosine = cosine_near_zero(reduced.head, reduced.tail);
    switch (reduced.quarters & 3) {
        case 0: return {sine, cosine};
        case 1: return {cosine, -sine.value};
        case 2: return {-sine.value, -cosine.value};
        default: return {-cosine.value, sine};
    }
}

struct Words {
    u32 of[4];
};

__device__ __forceinline__ Words philox4x32(Words counter, u32 key0, u32 key1) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        const u64 product0 = static_cast<u64>(0xd2511f53u) * counter.of[0];
        const u64 product1 = static_cast<u64>(0xcd9e8d57u) * counter.of[2];
        counter = {{static_cast<u32>(product1 >> 32) ^ counter.of[1] ^ key0, static_cast<u32>(product1),
                    static_cast<u32>(product0 >> 32) ^ counter.of[3] ^ key1, static_cast<u32>(product0)}};
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return counter;
}

// Two normal numbers of two words.
__device__ __forceinline__ void box_muller(u32 word0, u32 word1, float& first, float& second) {
    const Double unit = 1.0 / 4294967296.0;
    // In (0, 1], so that the logarithm is finite.
    const Double uniform = (Double(static_cast<double>(word0)) + 1.0) * unit;
    const Double radius = __dsqrt_rn((Double(-2.0) * logarithm(uniform)).value);
    const SineCosine angle = sine_cosine(Double(6.28318530717958647692) * (Double(static_cast<double>(word1)) * unit));
    first = static_cast<float>((radius * angle.cosine).value);
    second = static_cast<float>((radius * angle.sine).value);
}

__device__ __forceinline__ void normals(const Words& words, float (&values)[4]) {
    box_muller(words.of[0], words.of[1], values[0], values[1]);
    box_muller(words.of[2], words.of[3], values[2], values[3]);
}

}  // namespace

// `out: [items, length]`; item i is drawn with the seed plus i. Grid: (ceil(length / (4 · 256)), items).
extern "C" __global__ void __launch_bounds__(THREADS) normal(
    float* out, int items, int length, u32 seed_low, u32 seed_high, u32 stream, u32 draw) {
    const u32 block = blockIdx.x * THREADS + threadIdx.x;
    const i64 first = static_cast<i64>(block) * 4;
    if (first >= length) return;
    const int count = length - first < 4 ? static_cast<int>(length - first) : 4;
    const bool whole = length % 4 == 0 && is_aligned(out);
    for (int item = blockIdx.y; item < items; item += gridDim.y) {
        const u64 seed = (static_cast<u64>(seed_high) << 32 | seed_low) + static_cast<u64>(item);
        // Sizes are ints: the upper half of the counter's block is never needed.
        const Words counter = {{block, 0, draw, stream}};
        float values[4];
        normals(philox4x32(counter, static_cast<u32>(seed), static_cast<u32>(seed >> 32)), values);
        float* to = out + static_cast<size_t>(item) * length + first;
        if (whole) {
            store_floats<true>(to, values);
        } else {
            store_floats<false>(to, values, count);
        }
    }
}
EXPORT_KERNEL(normal)
