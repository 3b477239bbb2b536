// void easel_switch_fiber(void** save, void* load)
// Leaves this stack, whose pointer goes to *save, for the one whose pointer is `load`. What a function must keep for its
// caller (System V ABI) lies on the stack meanwhile; the floating-point modes are the same for all fibers.
    .text
    .globl easel_switch_fiber
    .hidden easel_switch_fiber
    .type easel_switch_fiber, @function
easel_switch_fiber:
    endbr64
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    // A return would be predicted to go back to the caller on the stack that was left.
    jmp *%rcx
    .size easel_switch_fiber, .-easel_switch_fiber
    .section .note.GNU-stack, "", @progbits
