/* A42: stops at every instruction of a call that goes through the gate, and there jumps away, forks or runs a program. */
/* Walls: supervisor */
/* Options: --gate 1 */
#include "gate.h"
#include <setjmp.h>
#include <ucontext.h>

enum { STEPS = 16, WAYS = 4 };

static struct range gate[2];
static sigjmp_buf back;
static volatile int steps, wanted, way;

static void on_step(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)number, (void)info;
    if (at >= gate[0].start && at < gate[0].end)
        _exit(3); /* nobody must see it */
    if (++steps != wanted)
        return;
    if (way == 0)
        siglongjmp(back, 1);
    if (way == 1) {
        pid_t pid = fork();
        if (pid)
            CHECK(wait_exit(pid) == 0);
    }
    if (way == 2)
        execl("/proc/self/exe", "again", "once", NULL);
    if (way == 3)
        for (int i = 0; i < WARM; i++)
            CHECK(lseek(-1, 0, SEEK_SET) == -1);
}

static void trace_flag(bool on)
{
    if (on)
        __asm__ volatile("leaq -128(%%rsp), %%rsp\n pushfq\n orl $0x100, (%%rsp)\n popfq\n leaq 128(%%rsp), %%rsp" : : : "cc", "memory");
    else
        __asm__ volatile("leaq -128(%%rsp), %%rsp\n pushfq\n andl $~0x100, (%%rsp)\n popfq\n leaq 128(%%rsp), %%rsp" : : : "cc", "memory");
}

int main(int argc, char **argv)
{
    begin();
    (void)argv;
    if (argc > 1)
        return getppid() < 0;
    if (find_gate(gate) != 2) {
        LACKS("a gate");
        return 0;
    }
    int parent = getpid();
    handle_info(SIGTRAP, on_step, SA_NODEFER);
    for (int each = 0; each < WAYS; each++)
        for (int step = 1; step <= STEPS; step++) {
            pid_t pid = fork_child();
            if (pid == 0) {
                way = each, wanted = step;
                volatile int found = parent;
                bool is_forked = false;
                if (sigsetjmp(back, 1) == 0) {
                    trace_flag(true);
                    found = getppid();
                    trace_flag(false);
                } else {
                    trace_flag(false);
                }
                is_forked = way == 1 && getppid() != parent;
                _exit(!is_forked && found != parent);
            }
            GOT_IF(wait_exit(pid) != 0, "another result of a call at step %d\n", step);
        }
    return 0;
}
