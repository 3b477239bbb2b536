// Tensor maps, with the rules that the driver checks.
#include "driver.h"

#include "../tensor_map.h"

#include <cstring>

namespace easel_emulation::driver {

namespace {

u8 bytes_of_type(int type) {
    switch (type) {
    case 0: return 1; // u8
    case 1:
    case 6:
    case 9: return 2; // u16, f16, bf16
    case 2:
    case 3:
    case 7:
    case 10:
    case 11:
    case 12: return 4; // u32, i32, f32 and its variants
    case 4:
    case 5:
    case 8: return 8; // u64, i64, f64
    default: return 0;
    }
}

struct Wanted {
    int type;
    u32 rank;
    void* base;
    const u64 *sizes, *strides;
    const u32 *box, *element_strides;
    int interleave, swizzle;
};

// Empty if there is nothing wrong.
std::string complaint(const Wanted& wanted) {
    const u8 element_bytes = bytes_of_type(wanted.type);
    if (element_bytes == 0) return format("data type %d", wanted.type);
    if (wanted.rank < 1 || wanted.rank > 5) return format("%u dimensions, 1 to 5 are possible", wanted.rank);
    if (wanted.base == nullptr || reinterpret_cast<size_t>(wanted.base) % 16 != 0)
        return "the address is no multiple of 16";
    if (wanted.interleave != 0) return "interleaved layouts are not emulated";
    if (wanted.swizzle < 0 || wanted.swizzle > 3) return format("swizzle %d", wanted.swizzle);
    for (u32 i = 0; i < wanted.rank; i++) {
        if (wanted.sizes[i] == 0 || wanted.sizes[i] > u64{1} << 32)
            return format("dimension %u has size %llu", i, wanted.sizes[i]);
        if (wanted.box[i] == 0 || wanted.box[i] > 256)
            return format("the box has %u elements along dimension %u, 1 to 256 are possible", wanted.box[i], i);
        if (wanted.element_strides[i] != 1)
            return format("element stride %u along dimension %u: only 1 is emulated", wanted.element_strides[i], i);
        if (i + 1 == wanted.rank) break;
        const u64 stride = wanted.strides[i];
        if (stride % 16 != 0 || stride >= u64{1} << 40)
            return format("the stride of dimension %u, %llu bytes, is no multiple of 16", i + 1, stride);
    }
    const u32 width = wanted.box[0] * element_bytes, span = wanted.swizzle == 0 ? 0 : 16u << wanted.swizzle;
    if (width % 16 != 0) return format("the box is %u bytes wide: no multiple of 16", width);
    if (span != 0 && width > span) return format("the box is %u bytes wide, the swizzle spans %u", width, span);
    return "";
}

} // namespace

CUDA_FUNCTION cuTensorMapEncodeTiled(void* map, int type, u32 rank, void* base, const u64* sizes, const u64* strides,
                                     const u32* box, const u32* element_strides, int interleave, int swizzle, int,
                                     int) {
    const Wanted wanted{type, rank, base, sizes, strides, box, element_strides, interleave, swizzle};
    if (reinterpret_cast<size_t>(map) % 64 != 0)
        return failure(Code::invalid_value, "cuTensorMapEncodeTiled: the map is not aligned to 64 bytes");
    const std::string wrong = complaint(wanted);
    if (!wrong.empty()) return failure(Code::invalid_value, "cuTensorMapEncodeTiled: " + wrong);
    TensorMapContent content{};
    content.mark = TensorMapContent::valid_mark;
    content.rank = static_cast<u8>(rank);
    content.element_bytes = bytes_of_type(type);
    content.swizzle = static_cast<u8>(swizzle == 0 ? 0 : 16 << swizzle);
    content.base = static_cast<char*>(base);
    for (u32 i = 0; i < rank; i++) {
        content.sizes[i] = sizes[i];
        content.box[i] = static_cast<u16>(box[i]);
        if (i + 1 < rank) content.strides[i] = strides[i];
    }
    memset(map, 0, 128);
    memcpy(map, &content, sizeof content);
    return 0;
}

} // namespace easel_emulation::driver
