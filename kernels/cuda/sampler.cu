// The elementwise part of a sampling step. The sample and the noise are float32; what the model gives may be narrower.
//
// - guidance_T: unconditional + scale · (conditional − unconditional) (Ho & Salimans 2022, equation 6), in float32.
// - scheduler_step: one step of ancestral sampling (Ho et al. 2020, equation 7) from a given prediction.
// - guided_step_T: both in one pass over what the model gave for both branches, variance included, so that nothing is cut
//   out of it or put together in between.
//
// Operations are kept apart as the CPU has them, without multiply-add: results agree to the last bit, except for the
// exponential of a predicted variance.

#include "easel/clamp.cuh"
#include "easel/device.cuh"
#include "easel/floats.cuh"

using namespace easel;

namespace {

constexpr int THREADS = 256;

__device__ __forceinline__ float guide(float unconditional, float conditional, float scale) {
    return __fadd_rn(unconditional, __fmul_rn(scale, __fsub_rn(conditional, unconditional)));
}

// Coefficients of a step, as kernels/src/ops/sampler.rs names them.
struct Step {
    // Whether the model predicts the noise; x₀ itself otherwise.
    int predicts_noise;
    float signal;
    float noise;
    // Infinite if x₀ is not clamped.
    float clip;
    float x0_to_previous;
    float sample_to_previous;
    // Of the noise, where the variance is fixed.
    float deviation;
    // Logarithms of the bounds, where the variance is predicted.
    float min_log;
    float max_log;

    __device__ __forceinline__ float mean(float sample, float output) const {
        float x0 = output;
        if (predicts_noise) x0 = __fdiv_rn(__fsub_rn(sample, __fmul_rn(noise, output)), signal);
        x0 = clamped(x0, -clip, clip);
        return __fadd_rn(__fmul_rn(x0_to_previous, x0), __fmul_rn(sample_to_previous, sample));
    }

    // Nichol & Dhariwal 2021, equation 15.
    __device__ __forceinline__ float predicted_deviation(float predicted) const {
        const float fraction = __fmul_rn(__fadd_rn(predicted, 1.0f), 0.5f);
        const float most = __fmul_rn(fraction, max_log);
        const float least = __fmul_rn(__fsub_rn(1.0f, fraction), min_log);
        return expf(__fmul_rn(0.5f, __fadd_rn(most, least)));
    }
};

// Calls `visit(index)` for the `length` elements; any number of blocks along x. Samples are small: nothing is vectorised.
template <typename Visit>
__device__ __forceinline__ void for_each_element(size_t length, Visit visit) {
    const size_t step = static_cast<size_t>(gridDim.x) * THREADS;
    for (size_t i = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; i < length; i += step) visit(i);
}

// `output`: `[branches · batch, pixels, output_channels]`, the unconditional branch first if there are two; the first
// `channels` of a pixel are the prediction, the next the variance, which is that of the conditional branch.
template <typename T>
__device__ __forceinline__ void guided_step(
    const float* sample, const T* output, const float* noise, float* out, int batch, int pixels, int channels,
    int output_channels, bool is_guided, bool predicts_variance, float guidance_scale, const Step& step) {
    const size_t branch = static_cast<size_t>(batch) * pixels * output_channels;
    for_each_element(static_cast<size_t>(batch) * pixels * channels, [&](size_t index) {
        const size_t pixel = index / channels;
        const T* values = output + pixel * output_channels + (index - pixel * channels);
        float prediction = to_float(values[0]);
        if (is_guided) {
            values += branch;
            prediction = guide(prediction, to_float(values[0]), guidance_scale);
        }
        float result = step.mean(sample[index], prediction);
        if (noise != nullptr) {
            const float deviation =
                predicts_variance ? step.predicted_deviation(to_float(values[channels])) : step.deviation;
            result = __fadd_rn(result, __fmul_rn(deviation, noise[index]));
        }
        out[index] = result;
    });
}

}  // namespace

// `predicted` is NULL where the variance is fixed, `noise` where none is added.
extern "C" __global__ void __launch_bounds__(THREADS) scheduler_step(
    const float* sample, const float* output, const float* noise, const float* predicted, float* out, int rows,
    int columns, int predicts_noise, float signal, float noise_scale, float clip, float x0_to_previous,
    float sample_to_previous, float deviation, float min_log, float max_log) {
    const Step step = {predicts_noise, signal,    noise_scale, clip,   x0_to_previous,
                       sample_to_previous, deviation, min_log,     max_log};
    for_each_element(static_cast<size_t>(rows) * columns, [&](size_t i) {
        float result = step.mean(sample[i], output[i]);
        if (noise != nullptr) {
            const float of_noise = predicted == nullptr ? step.deviation : step.predicted_deviation(predicted[i]);
            result = __fadd_rn(result, __fmul_rn(of_noise, noise[i]));
        }
        out[i] = result;
    });
}
EXPORT_KERNEL(scheduler_step)

#define SAMPLER(SUFFIX, T)                                                                                              \
    extern "C" __global__ void __launch_bounds__(THREADS) guidance_##SUFFIX(                                           \
        const T* unconditional, const T* conditional, float* out, int rows, int columns, float scale) {                \
        for_each_element(static_cast<size_t>(rows) * columns, [&](size_t i) {                                          \
            out[i] = guide(to_float(unconditional[i]), to_float(conditional[i]), scale);                               \
        });                                                                                                            \
    }                                                                                                                  \
    EXPORT_KERNEL(guidance_##SUFFIX)                                                                                   \
    extern "C" __global__ void __launch_bounds__(THREADS) guided_step_##SUFFIX(                                        \
        const float* sample, const T* output, const float* noise, float* out, int batch, int pixels, int channels,     \
        int output_channels, int is_guided, int predicts_variance, int predicts_noise, float guidance_scale,           \
        float signal, float noise_scale, float clip, float x0_to_previous, float sample_to_previous, float deviation,  \
        float min_log, float max_log) {                                                                                \
        const Step step = {predicts_noise, signal,    noise_scale, clip,   x0_to_previous,                             \
                           sample_to_previous, deviation, min_log,     max_log};                                       \
        guided_step(sample, output, noise, out, batch, pixels, channels, output_channels, is_guided != 0,              \
                    predicts_variance != 0, guidance_scale, step);                                                     \
    }                                                                                                                  \
    EXPORT_KERNEL(guided_step_##SUFFIX)
SAMPLER(f32, float)
SAMPLER(f16, half)
SAMPLER(bf16, bfloat16)
