// Warp-wide matrix instructions of sm_80 and later: loads of 8x8 tiles from shared memory, and products.
#pragma once

// Loads four (x2: two) 8x8 tiles of 16-bit numbers. Lane 8*i + r gives the address of row r of tile i (16 bytes, aligned);
// lane l gets of each tile the numbers at row l/4, columns 2*(l%4) and one further. `transposed`: of each tile's transpose.
__device__ __forceinline__ void load_matrix_x4(u32 (&tiles)[4], const void* shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
                 : "r"(shared_address(shared))
                 : "memory");
}
__device__ __forceinline__ void load_matrix_x2(u32 (&tiles)[2], const void* shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(tiles[0]), "=r"(tiles[1])
                 : "r"(shared_address(shared))
                 : "memory");
}
__device__ __forceinline__ void load_matrix_x4_transposed(u32 (&tiles)[4], const void* shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
                 : "r"(shared_address(shared))
                 : "memory");
}
__device__ __forceinline__ void load_matrix_x2_transposed(u32 (&tiles)[2], const void* shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(tiles[0]), "=r"(tiles[1])
                 : "r"(shared_address(shared))
                 : "memory");
}

// d += a b, for a of 16x16 (row major), b of 16x8 (column major), d of 16x8 in float32. The tag says the type of a and b.
#define EASEL_MMA_M16N8K16(type)                                                                                        \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 "                                         \
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                      \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                       \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))

__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], half) {
    EASEL_MMA_M16N8K16("f16");
}
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], bfloat16) {
    EASEL_MMA_M16N8K16("bf16");
}
#undef EASEL_MMA_M16N8K16
