/* The clone3 call, made so that a child that shares memory starts on a stack of its own. */
#ifndef PICOBOX_CLONE3_H
#define PICOBOX_CLONE3_H
#include "check.h"

#define CLONE3_PIDFD 0x1000ULL
#define CLONE3_CLEAR_SIGHAND 0x100000000ULL
#define CLONE3_INTO_CGROUP 0x200000000ULL

/* struct clone_args of linux/sched.h, whole (88 bytes), whatever the age of the headers. */
struct clone3_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* Call clone3. The child, if it gets a stack, runs body(argument) there and ends its own thread with the result. */
static inline long clone3_run(void *args, size_t size, int (*body)(void *), void *argument)
{
    register long number __asm__("rax") = 435;
    register void *first __asm__("rdi") = args;
    register size_t second __asm__("rsi") = size;
    register void *kept_body __asm__("r12") = (void *)body;
    register void *kept_argument __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "and $-16, %%rsp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "mov %%eax, %%edi\n\t"
                     "mov $60, %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "+r"(number)
                     : "r"(first), "r"(second), "r"(kept_body), "r"(kept_argument)
                     : "rcx", "r11", "memory", "cc");
    return number;
}
#endif
