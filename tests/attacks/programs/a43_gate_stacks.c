/* A43: calls through the gate without a stack, and with signals that have nowhere to go. */
/* Walls: supervisor */
/* Options: --gate 1 */
#include "gate.h"

enum { CALLS = 300 };

static atomic_int handled;

static void count(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

static long call_without_stack(long nr, long first)
{
    long result;
    __asm__ volatile("movq %%rsp, %%r12\n  xorl %%esp, %%esp\n  syscall\n  cmpq $-4096, %%rax\n  movq %%r12, %%rsp"
                     : "=a"(result)
                     : "a"(nr), "D"(first), "S"(0L), "d"(0L)
                     : "rcx", "r11", "r12", "memory", "cc");
    return result;
}

int main(void)
{
    begin();
    static char stack[65536];
    struct range gate[2];
    if (find_gate(gate) != 2) {
        LACKS("a gate");
        return 0;
    }
    for (int i = 0; i < CALLS; i++)
        CHECK(call_without_stack(SYS_getppid, 0) == getppid());
    /* A handler that has a stack of its own. */
    CHECK(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0);
    handle(SIGALRM, count, SA_ONSTACK);
    ualarm(1000, 1000);
    while (atomic_load(&handled) < 20)
        CHECK(call_without_stack(SYS_getppid, 0) == getppid());
    ualarm(0, 0);
    /* And one that has none: as anywhere, the program dies. */
    pid_t pid = fork_child();
    if (pid == 0) {
        handle(SIGUSR1, count, 0);
        call_without_stack(SYS_tkill, 0);
        for (int i = 0; i < CALLS; i++)
            call_without_stack(SYS_getppid, 0);
        handle(SIGALRM, count, 0);
        ualarm(1000, 1000);
        for (;;)
            call_without_stack(SYS_getppid, 0);
    }
    CHECK(wait_death(pid) == SIGSEGV);
    return 0;
}
