// Many 16-bit numbers at once.
#pragma once

#include "easel/emulation/runtime.h"

namespace easel_emulation {

template <u32 count> inline void to_floats(const u16* from, float* to, Element element) {
    if (element == Element::bfloat16) {
        for (u32 i = 0; i < count; i++) {
            const u32 bits = static_cast<u32>(from[i]) << 16;
            std::memcpy(&to[i], &bits, sizeof bits);
        }
        return;
    }
#if defined(__F16C__) && defined(__AVX__)
    static_assert(count % 8 == 0, "eight numbers at a time");
    for (u32 i = 0; i < count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
#else
    for (u32 i = 0; i < count; i++) to[i] = half_to_float(from[i]);
#endif
}

} // namespace easel_emulation
