// What the stand-in driver puts into a tensor map's 128 bytes.
#pragma once

#include "easel/emulation/runtime.h"

namespace easel_emulation {

struct TensorMapContent {
    static constexpr u32 valid_mark = 0x65736c74;

    u32 mark;
    u8 rank, element_bytes;
    // Spans of so many bytes are permuted: 0, 32, 64 or 128.
    u8 swizzle;
    char* base;
    u64 strides[4]; // bytes between neighbours along dimensions 1.. (dimension 0 is dense)
    u64 sizes[5];
    u16 box[5];

    u32 box_bytes() const {
        u32 bytes = element_bytes;
        for (u32 i = 0; i < rank; i++) bytes *= box[i];
        return bytes;
    }
};
static_assert(sizeof(TensorMapContent) <= 128, "a CUtensorMap has 128 bytes");

} // namespace easel_emulation
