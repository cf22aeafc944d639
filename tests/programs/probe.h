/* One system call made with every register set to a known value, and the registers as they are afterwards. */
#ifndef PICOBOX_PROBE_H
#define PICOBOX_PROBE_H
#include "check.h"

/* In the order in which probe_call loads and stores them. */
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rflags, rsp, rip;
};

/* Load `in`, make the call, store `out`. rsp is checked, not loaded; rip is the address behind the call. */
void probe_call(const struct registers *in, struct registers *out);

__asm__(".text\n"
        ".globl probe_call\n"
        ".type probe_call, @function\n"
        "probe_call:\n\t"
        "push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
        "push %rsi\n\t" /* out, at 0(%rsp) during the call */
        "pushq 120(%rdi)\n\tpopfq\n\t"
        "mov 0(%rdi), %rax\n\tmov 8(%rdi), %rbx\n\tmov 16(%rdi), %rcx\n\tmov 24(%rdi), %rdx\n\t"
        "mov 32(%rdi), %rsi\n\tmov 48(%rdi), %rbp\n\tmov 56(%rdi), %r8\n\tmov 64(%rdi), %r9\n\t"
        "mov 72(%rdi), %r10\n\tmov 80(%rdi), %r11\n\tmov 88(%rdi), %r12\n\tmov 96(%rdi), %r13\n\t"
        "mov 104(%rdi), %r14\n\tmov 112(%rdi), %r15\n\tmov 40(%rdi), %rdi\n\t"
        "syscall\n"
        ".globl probe_after\n"
        "probe_after:\n\t"
        /* The stack holds `out`; rdi is parked below it, beyond the red zone of nobody. */
        "push %rdi\n\t"
        "mov 8(%rsp), %rdi\n\t"
        "mov %rax, 0(%rdi)\n\tmov %rbx, 8(%rdi)\n\tmov %rcx, 16(%rdi)\n\tmov %rdx, 24(%rdi)\n\t"
        "mov %rsi, 32(%rdi)\n\tmov %rbp, 48(%rdi)\n\tmov %r8, 56(%rdi)\n\tmov %r9, 64(%rdi)\n\t"
        "mov %r10, 72(%rdi)\n\tmov %r11, 80(%rdi)\n\tmov %r12, 88(%rdi)\n\tmov %r13, 96(%rdi)\n\t"
        "mov %r14, 104(%rdi)\n\tmov %r15, 112(%rdi)\n\t"
        "popq 40(%rdi)\n\t"
        "pushfq\n\tpopq 120(%rdi)\n\t"
        "mov %rsp, 128(%rdi)\n\t"
        "lea probe_after(%rip), %rax\n\tmov %rax, 136(%rdi)\n\t"
        "cld\n\t"
        "add $8, %rsp\n\t"
        "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\t"
        "ret\n\t"
        ".size probe_call, . - probe_call\n");

/* Carry, parity, adjust, zero, sign, direction and overflow: what a program may set and see again. */
#define PROBE_FLAGS 0xcd5ULL

/* Patterns in every register, then the arguments given. */
static inline struct registers probe_input(long number, const uint64_t arguments[6])
{
    static uint64_t seed = 0x9e3779b97f4a7c15ULL;
    struct registers in;
    uint64_t *each = (uint64_t *)&in;
    for (size_t i = 0; i < sizeof in / sizeof *each; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        each[i] = seed;
    }
    in.rax = (uint64_t)number;
    in.rdi = arguments[0], in.rsi = arguments[1], in.rdx = arguments[2];
    in.r10 = arguments[3], in.r8 = arguments[4], in.r9 = arguments[5];
    /* The direction flag stays clear where a handler or libc may run; each other flag is set half of the time. */
    in.rflags = 0x202 | (seed >> 32 & 0x8d5);
    return in;
}

/* Everything but rax, rcx and r11 is as before; rcx and r11 hold what the instruction itself leaves there. */
static inline void probe_compare(const struct registers *in, const struct registers *out)
{
    CHECK(out->rbx == in->rbx && out->rbp == in->rbp);
    CHECK(out->rdi == in->rdi);
    CHECK(out->rsi == in->rsi);
    CHECK(out->rdx == in->rdx);
    CHECK(out->r10 == in->r10);
    CHECK(out->r8 == in->r8);
    CHECK(out->r9 == in->r9);
    CHECK(out->r12 == in->r12 && out->r13 == in->r13 && out->r14 == in->r14 && out->r15 == in->r15);
    CHECK((out->rflags & PROBE_FLAGS) == (in->rflags & PROBE_FLAGS));
}

#define PROBE_ARGUMENTS(...) ((const uint64_t[6]){__VA_ARGS__})

/* Make the call between patterns, check the registers, and return the raw result. */
static inline long probe(long number, const uint64_t arguments[6])
{
    struct registers in = probe_input(number, arguments), out = {0};
    probe_call(&in, &out);
    probe_compare(&in, &out);
    return (long)out.rax;
}
#endif
