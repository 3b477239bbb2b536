// void easel_switch_fiber(void** save, void* load)
// Leaves this stack, whose pointer goes to *save, for the one whose pointer is `load`. What a function must keep for its
// caller (AAPCS64) lies on the stack meanwhile: x19..x30 and the low halves of v8..v15.
    .text
    .globl easel_switch_fiber
    .hidden easel_switch_fiber
    .type easel_switch_fiber, @function
easel_switch_fiber:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size easel_switch_fiber, .-easel_switch_fiber
    .section .note.GNU-stack, "", @progbits
