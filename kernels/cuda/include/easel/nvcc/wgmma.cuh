// Products of a warpgroup (four warps) on tiles in shared memory, which run beside the program.
#pragma once

// Before the first product, and whenever registers that one will use have been written otherwise.
__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Makes a group of the products begun since the last one.
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Waits until at most the `groups` latest groups are under way. Until then nobody may touch their accumulators or tiles.
template <int groups> __device__ __forceinline__ void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(groups) : "memory");
}

// Keeps the compiler from moving uses of accumulators across this point: it does not know that products run beside the program.
// Belongs before the first product that uses them and after the wait for the last.
template <int N> __device__ __forceinline__ void wgmma_hold(float (&accumulators)[N]) {
#pragma unroll
    for (int i = 0; i < N; i++) asm volatile("" : "+f"(accumulators[i])::"memory");
}

// Describes a tile in shared memory whose rows are 64 16-bit numbers along K, as a tensor load with a 128-byte swizzle
// lays it out: eight rows in 1024 bytes, the tile aligned to that. A step of 16 along K is the descriptor plus 2.
__device__ __forceinline__ u64 shared_descriptor_swizzle128(const void* tile) {
    constexpr u64 swizzle_128_bytes = 1ull << 62;
    constexpr u64 bytes_from_eight_rows_to_the_next = 1024 >> 4;
    return ((shared_address(tile) & 0x3ffff) >> 4) | (1ull << 16) | (bytes_from_eight_rows_to_the_next << 32) |
           swizzle_128_bytes;
}

template <int N, typename T> struct WgmmaM64K16;

// d = a b + (accumulate ? d : 0), for a of 64x16, b of 16xN (each row of its transpose along K), d of 64xN in float32. Thread
// t of the warpgroup holds rows 16*(t/32) + t%32/4 (and 8 below); d[4*j..] are columns 8*j + 2*(t%4), one further, and the
// same of the row 8 below.
template <int N, typename T>
__device__ __forceinline__ void wgmma_m64k16(float (&d)[N / 2], u64 a_descriptor, u64 b_descriptor, bool accumulate) {
    WgmmaM64K16<N, T>::run(d, a_descriptor, b_descriptor, accumulate);
}

// The instruction names each of its N/2 accumulators, so each N is a text of its own; the texts of N continue those of N - 8.
// clang-format off
#define EASEL_WGMMA_NAMES_8 "%0, %1, %2, %3"
#define EASEL_WGMMA_NAMES_16 EASEL_WGMMA_NAMES_8 ", %4, %5, %6, %7"
#define EASEL_WGMMA_NAMES_24 EASEL_WGMMA_NAMES_16 ", %8, %9, %10, %11"
#define EASEL_WGMMA_NAMES_32 EASEL_WGMMA_NAMES_24 ", %12, %13, %14, %15"
#define EASEL_WGMMA_NAMES_40 EASEL_WGMMA_NAMES_32 ", %16, %17, %18, %19"
#define EASEL_WGMMA_NAMES_48 EASEL_WGMMA_NAMES_40 ", %20, %21, %22, %23"
#define EASEL_WGMMA_NAMES_56 EASEL_WGMMA_NAMES_48 ", %24, %25, %26, %27"
#define EASEL_WGMMA_NAMES_64 EASEL_WGMMA_NAMES_56 ", %28, %29, %30, %31"
#define EASEL_WGMMA_NAMES_72 EASEL_WGMMA_NAMES_64 ", %32, %33, %34, %35"
#define EASEL_WGMMA_NAMES_80 EASEL_WGMMA_NAMES_72 ", %36, %37, %38, %39"
#define EASEL_WGMMA_NAMES_88 EASEL_WGMMA_NAMES_80 ", %40, %41, %42, %43"
#define EASEL_WGMMA_NAMES_96 EASEL_WGMMA_NAMES_88 ", %44, %45, %46, %47"
#define EASEL_WGMMA_NAMES_104 EASEL_WGMMA_NAMES_96 ", %48, %49, %50, %51"
#define EASEL_WGMMA_NAMES_112 EASEL_WGMMA_NAMES_104 ", %52, %53, %54, %55"
#define EASEL_WGMMA_NAMES_120 EASEL_WGMMA_NAMES_112 ", %56, %57, %58, %59"
#define EASEL_WGMMA_NAMES_128 EASEL_WGMMA_NAMES_120 ", %60, %61, %62, %63"
#define EASEL_WGMMA_NAMES_136 EASEL_WGMMA_NAMES_128 ", %64, %65, %66, %67"
#define EASEL_WGMMA_NAMES_144 EASEL_WGMMA_NAMES_136 ", %68, %69, %70, %71"
#define EASEL_WGMMA_NAMES_152 EASEL_WGMMA_NAMES_144 ", %72, %73, %74, %75"
#define EASEL_WGMMA_NAMES_160 EASEL_WGMMA_NAMES_152 ", %76, %77, %78, %79"
#define EASEL_WGMMA_NAMES_168 EASEL_WGMMA_NAMES_160 ", %80, %81, %82, %83"
#define EASEL_WGMMA_NAMES_176 EASEL_WGMMA_NAMES_168 ", %84, %85, %86, %87"
#define EASEL_WGMMA_NAMES_184 EASEL_WGMMA_NAMES_176 ", %88, %89, %90, %91"
#define EASEL_WGMMA_NAMES_192 EASEL_WGMMA_NAMES_184 ", %92, %93, %94, %95"
#define EASEL_WGMMA_NAMES_200 EASEL_WGMMA_NAMES_192 ", %96, %97, %98, %99"
#define EASEL_WGMMA_NAMES_208 EASEL_WGMMA_NAMES_200 ", %100, %101, %102, %103"
#define EASEL_WGMMA_NAMES_216 EASEL_WGMMA_NAMES_208 ", %104, %105, %106, %107"
#define EASEL_WGMMA_NAMES_224 EASEL_WGMMA_NAMES_216 ", %108, %109, %110, %111"
#define EASEL_WGMMA_NAMES_232 EASEL_WGMMA_NAMES_224 ", %112, %113, %114, %115"
#define EASEL_WGMMA_NAMES_240 EASEL_WGMMA_NAMES_232 ", %116, %117, %118, %119"
#define EASEL_WGMMA_NAMES_248 EASEL_WGMMA_NAMES_240 ", %120, %121, %122, %123"
#define EASEL_WGMMA_NAMES_256 EASEL_WGMMA_NAMES_248 ", %124, %125, %126, %127"

#define EASEL_WGMMA_REGISTERS_8 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define EASEL_WGMMA_REGISTERS_16 EASEL_WGMMA_REGISTERS_8, "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
#define EASEL_WGMMA_REGISTERS_24 EASEL_WGMMA_REGISTERS_16, "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11])
#define EASEL_WGMMA_REGISTERS_32 EASEL_WGMMA_REGISTERS_24, "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
#define EASEL_WGMMA_REGISTERS_40 EASEL_WGMMA_REGISTERS_32, "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19])
#define EASEL_WGMMA_REGISTERS_48 EASEL_WGMMA_REGISTERS_40, "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23])
#define EASEL_WGMMA_REGISTERS_56 EASEL_WGMMA_REGISTERS_48, "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27])
#define EASEL_WGMMA_REGISTERS_64 EASEL_WGMMA_REGISTERS_56, "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define EASEL_WGMMA_REGISTERS_72 EASEL_WGMMA_REGISTERS_64, "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35])
#define EASEL_WGMMA_REGISTERS_80 EASEL_WGMMA_REGISTERS_72, "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39])
#define EASEL_WGMMA_REGISTERS_88 EASEL_WGMMA_REGISTERS_80, "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43])
#define EASEL_WGMMA_REGISTERS_96 EASEL_WGMMA_REGISTERS_88, "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47])
#define EASEL_WGMMA_REGISTERS_104 EASEL_WGMMA_REGISTERS_96, "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51])
#define EASEL_WGMMA_REGISTERS_112 EASEL_WGMMA_REGISTERS_104, "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55])
#define EASEL_WGMMA_REGISTERS_120 EASEL_WGMMA_REGISTERS_112, "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59])
#define EASEL_WGMMA_REGISTERS_128 EASEL_WGMMA_REGISTERS_120, "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define EASEL_WGMMA_REGISTERS_136 EASEL_WGMMA_REGISTERS_128, "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67])
#define EASEL_WGMMA_REGISTERS_144 EASEL_WGMMA_REGISTERS_136, "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71])
#define EASEL_WGMMA_REGISTERS_152 EASEL_WGMMA_REGISTERS_144, "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75])
#define EASEL_WGMMA_REGISTERS_160 EASEL_WGMMA_REGISTERS_152, "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79])
#define EASEL_WGMMA_REGISTERS_168 EASEL_WGMMA_REGISTERS_160, "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83])
#define EASEL_WGMMA_REGISTERS_176 EASEL_WGMMA_REGISTERS_168, "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87])
#define EASEL_WGMMA_REGISTERS_184 EASEL_WGMMA_REGISTERS_176, "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91])
#define EASEL_WGMMA_REGISTERS_192 EASEL_WGMMA_REGISTERS_184, "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95])
#define EASEL_WGMMA_REGISTERS_200 EASEL_WGMMA_REGISTERS_192, "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99])
#define EASEL_WGMMA_REGISTERS_208 EASEL_WGMMA_REGISTERS_200, "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103])
#define EASEL_WGMMA_REGISTERS_216 EASEL_WGMMA_REGISTERS_208, "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107])
#define EASEL_WGMMA_REGISTERS_224 EASEL_WGMMA_REGISTERS_216, "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111])
#define EASEL_WGMMA_REGISTERS_232 EASEL_WGMMA_REGISTERS_224, "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115])
#define EASEL_WGMMA_REGISTERS_240 EASEL_WGMMA_REGISTERS_232, "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119])
#define EASEL_WGMMA_REGISTERS_248 EASEL_WGMMA_REGISTERS_240, "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123])
#define EASEL_WGMMA_REGISTERS_256 EASEL_WGMMA_REGISTERS_248, "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])

#define EASEL_WGMMA_OF(N, T, type, a, b, scale)                                                                         \
    template <> struct WgmmaM64K16<N, T> {                                                                             \
        static __device__ __forceinline__ void run(float (&d)[N / 2], u64 a_tile, u64 b_tile, bool accumulate) {       \
            asm volatile("{\n.reg .pred accumulate;\nsetp.ne.b32 accumulate, " scale ", 0;\n"                          \
                         "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." type "." type " {" EASEL_WGMMA_NAMES_##N    \
                         "}, " a ", " b ", accumulate, 1, 1, 0, 0;\n}"                                                 \
                         : EASEL_WGMMA_REGISTERS_##N                                                                   \
                         : "l"(a_tile), "l"(b_tile), "r"(static_cast<int>(accumulate)));                               \
        }                                                                                                              \
    };
#define EASEL_WGMMA(N, a, b, scale)                                                                                     \
    EASEL_WGMMA_OF(N, half, "f16", a, b, scale)                                                                         \
    EASEL_WGMMA_OF(N, bfloat16, "bf16", a, b, scale)

EASEL_WGMMA(8, "%4", "%5", "%6")
EASEL_WGMMA(16, "%8", "%9", "%10")
EASEL_WGMMA(24, "%12", "%13", "%14")
EASEL_WGMMA(32, "%16", "%17", "%18")
EASEL_WGMMA(40, "%20", "%21", "%22")
EASEL_WGMMA(48, "%24", "%25", "%26")
EASEL_WGMMA(56, "%28", "%29", "%30")
EASEL_WGMMA(64, "%32", "%33", "%34")
EASEL_WGMMA(72, "%36", "%37", "%38")
EASEL_WGMMA(80, "%40", "%41", "%42")
EASEL_WGMMA(88, "%44", "%45", "%46")
EASEL_WGMMA(96, "%48", "%49", "%50")
EASEL_WGMMA(104, "%52", "%53", "%54")
EASEL_WGMMA(112, "%56", "%57", "%58")
EASEL_WGMMA(120, "%60", "%61", "%62")
EASEL_WGMMA(128, "%64", "%65", "%66")
EASEL_WGMMA(136, "%68", "%69", "%70")
EASEL_WGMMA(144, "%72", "%73", "%74")
EASEL_WGMMA(152, "%76", "%77", "%78")
EASEL_WGMMA(160, "%80", "%81", "%82")
EASEL_WGMMA(168, "%84", "%85", "%86")
EASEL_WGMMA(176, "%88", "%89", "%90")
EASEL_WGMMA(184, "%92", "%93", "%94")
EASEL_WGMMA(192, "%96", "%97", "%98")
EASEL_WGMMA(200, "%100", "%101", "%102")
EASEL_WGMMA(208, "%104", "%105", "%106")
EASEL_WGMMA(216, "%108", "%109", "%110")
EASEL_WGMMA(224, "%112", "%113", "%114")
EASEL_WGMMA(232, "%116", "%117", "%118")
EASEL_WGMMA(240, "%120", "%121", "%122")
EASEL_WGMMA(248, "%124", "%125", "%126")
EASEL_WGMMA(256, "%128", "%129", "%130")
// clang-format on
