// What the lanes of a warp do together: shuffles, votes, matrix instructions.
#pragma once

#include "easel/emulation/runtime.h"

namespace easel_emulation {

void reset_warps();
// A lane of this warp has ended: it is no longer waited for.
void warp_after_exit(u32 warp);

enum class Collective : u8 { synchronise, shuffle, ballot, load_matrix, multiply };

struct ShuffleOperand {
    u64 value;
    u32 source;
    u64 result;
};
struct BallotOperand {
    bool predicate;
    u32 result;
};
struct LoadMatrixOperand {
    const void* row;
    u32* tiles;
    u32 count;
    bool transposed;
    const void* code;
};
struct MultiplyOperand {
    float* d;
    const u32* a;
    const u32* b;
    Element element;
};

// The matrix instructions, for the operands of all 32 lanes.
void perform_load_matrix(LoadMatrixOperand* const (&lanes)[32], u32 warp);
void perform_multiply(MultiplyOperand* const (&lanes)[32]);

// Waits for the lanes of `mask`; the last one performs the operation for all of them. Operands stay where they are, on
// the lanes' own stacks.
void collective(Collective operation, u32 mask, void* operand, Place place);

} // namespace easel_emulation
