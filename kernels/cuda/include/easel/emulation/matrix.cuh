// Warp-wide matrix instructions of sm_80 and later.
#pragma once

#include "easel/emulation/runtime.h"

inline void load_matrix_x4(u32 (&tiles)[4], const void* shared,
                           easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::load_matrix(tiles, 4, false, shared, place);
}
inline void load_matrix_x2(u32 (&tiles)[2], const void* shared,
                           easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::load_matrix(tiles, 2, false, shared, place);
}
inline void load_matrix_x4_transposed(u32 (&tiles)[4], const void* shared,
                                      easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::load_matrix(tiles, 4, true, shared, place);
}
inline void load_matrix_x2_transposed(u32 (&tiles)[2], const void* shared,
                                      easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::load_matrix(tiles, 2, true, shared, place);
}

template <typename T>
inline void mma_m16n8k16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], T,
                         easel_emulation::Place place = easel_emulation::Place::here()) {
    easel_emulation::multiply_m16n8k16(d, a, b, easel_emulation::element_of<T>(), place);
}
