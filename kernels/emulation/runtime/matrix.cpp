// ldmatrix and mma for the lanes of a warp.
#include "checker.h"
#include "scheduler.h"
#include "shared_memory.h"
#include "warp.h"

#include "numbers.h"

namespace easel_emulation {

void load_matrix(u32* tiles, u32 count, bool transposed, const void* row, Place place) {
    LoadMatrixOperand operand{row, tiles, count, transposed, __builtin_return_address(0)};
    collective(Collective::load_matrix, 0xffffffffu, &operand, place);
}

void multiply_m16n8k16(float* d, const u32* a, const u32* b, Element element, Place place) {
    MultiplyOperand operand{d, a, b, element};
    collective(Collective::multiply, 0xffffffffu, &operand, place);
}

void perform_load_matrix(LoadMatrixOperand* const (&lanes)[32], u32 warp) {
    const u32 count = lanes[0]->count;
    u16 tiles[4][8][8];
    for (u32 i = 0; i < count * 8; i++) {
        const LoadMatrixOperand& operand = *lanes[i];
        check_access({operand.row, 16, Access::read, operand.code, 16, Space::shared}, block.threads[warp * 32 + i]);
        std::memcpy(tiles[i / 8][i % 8], operand.row, 16);
    }
    for (u32 lane = 0; lane < 32; lane++) {
        const u32 row = lane / 4, column = lane % 4 * 2;
        for (u32 tile = 0; tile < count; tile++) {
            const auto& numbers = tiles[tile];
            const bool transposed = lanes[lane]->transposed;
            const u16 low = transposed ? numbers[column][row] : numbers[row][column];
            const u16 high = transposed ? numbers[column + 1][row] : numbers[row][column + 1];
            lanes[lane]->tiles[tile] = low | static_cast<u32>(high) << 16;
        }
    }
}

// Lane l holds rows l/4 and l/4 + 8 of a and d, column l/4 of b, and of each the numbers 2*(l%4), one further, and of a
// and b the same 8 further along K (PTX ISA, mma.m16n8k16).
void perform_multiply(MultiplyOperand* const (&lanes)[32]) {
    alignas(32) u16 a[16][16], b[16][8];
    for (u32 lane = 0; lane < 32; lane++) {
        const u32 row = lane / 4, column = lane % 4 * 2;
        const MultiplyOperand& operand = *lanes[lane];
        std::memcpy(&a[row][column], &operand.a[0], 4);
        std::memcpy(&a[row + 8][column], &operand.a[1], 4);
        std::memcpy(&a[row][column + 8], &operand.a[2], 4);
        std::memcpy(&a[row + 8][column + 8], &operand.a[3], 4);
        for (u32 half_of_k = 0; half_of_k < 2; half_of_k++) {
            b[column + 8 * half_of_k][row] = static_cast<u16>(operand.b[half_of_k]);
            b[column + 8 * half_of_k + 1][row] = static_cast<u16>(operand.b[half_of_k] >> 16);
        }
    }
    alignas(32) float a_values[16][16], b_values[16][8], d[16][8];
    to_floats<16 * 16>(&a[0][0], &a_values[0][0], lanes[0]->element);
    to_floats<16 * 8>(&b[0][0], &b_values[0][0], lanes[0]->element);
    for (u32 lane = 0; lane < 32; lane++) {
        const u32 row = lane / 4, column = lane % 4 * 2;
        std::memcpy(&d[row][column], lanes[lane]->d, 8);
        std::memcpy(&d[row + 8][column], lanes[lane]->d + 2, 8);
    }
    for (u32 row = 0; row < 16; row++)
        for (u32 k = 0; k < 16; k++)
            for (u32 column = 0; column < 8; column++) d[row][column] += a_values[row][k] * b_values[k][column];
    for (u32 lane = 0; lane < 32; lane++) {
        const u32 row = lane / 4, column = lane % 4 * 2;
        std::memcpy(lanes[lane]->d, &d[row][column], 8);
        std::memcpy(lanes[lane]->d + 2, &d[row + 8][column], 8);
    }
}

} // namespace easel_emulation
