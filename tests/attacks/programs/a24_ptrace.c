/* A24: ptrace by the guest: of the supervisor, of a stranger, of the first process; a tracer may take filters off. */
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
        const pid_t targets[] = {(pid_t)decoy_number("ATTACK_VICTIM"), 1};
        int got = 0;
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
            got |= ptrace(PTRACE_SEIZE, targets[i], 0, 0) == 0;
            ptrace(PTRACE_INTERRUPT, targets[i], 0, 0);
        }
        /* A guest may trace another one, but not free it from its filter, nor at once nor later. */
        got |= ptrace(PTRACE_SEIZE, sleeper, 0, 1 << 21 /* PTRACE_O_SUSPEND_SECCOMP */) == 0;
        if (ptrace(PTRACE_SEIZE, sleeper, 0, 0) == 0 && ptrace(PTRACE_INTERRUPT, sleeper, 0, 0) == 0 &&
            waitpid(sleeper, NULL, __WALL) == sleeper)
            got |= ptrace(PTRACE_SETOPTIONS, sleeper, 0, 1 << 21) == 0;
        _exit(got);
    }
    GOT_IF(wait_exit(tracer) == 1, "a tracee\n");
    kill(sleeper, SIGKILL);
    wait_death(sleeper);
    return 0;
}
