/* A24: ptrace by the guest: of a sibling, of the supervisor, of itself by proxy; a tracer may take filters off. */
/* Walls: row-ptrace */
/* Control: --policy open */
#include "attack.h"
#include <sys/ptrace.h>

int main(void)
{
    begin();
    pid_t sleeper = fork_child();
    if (sleeper == 0)
        for (;;)
            pause();
    pid_t tracer = fork_child();
    if (tracer == 0) {
        const pid_t targets[] = {sleeper, getppid(), (pid_t)decoy_number("ATTACK_VICTIM"), 1};
        int got = 0;
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
            /* Attached, a process would be stopped; seized, it runs on. */
            got |= ptrace(i ? PTRACE_SEIZE : PTRACE_ATTACH, targets[i], 0, 0) == 0;
            ptrace(PTRACE_SETOPTIONS, targets[i], 0, 1 << 21 /* PTRACE_O_SUSPEND_SECCOMP */);
            ptrace(PTRACE_INTERRUPT, targets[i], 0, 0);
        }
        kill(sleeper, SIGCONT);
        _exit(got);
    }
    GOT_IF(wait_exit(tracer) == 1, "a tracee\n");
    pid_t traced = fork_child();
    if (traced == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
    GOT_IF(wait_exit(traced) == 1, "a tracer of one's choice\n");
    kill(sleeper, SIGKILL);
    wait_death(sleeper);
    return 0;
}
