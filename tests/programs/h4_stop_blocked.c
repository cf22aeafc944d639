/* Shows what SIGSTOP and SIGCONT do to each blocking call without a handler: most wait on, some end with EINTR. */
#include "blocking.h"

static void stop_and_continue(pid_t pid)
{
    siginfo_t info;
    CHECK(kill(pid, SIGSTOP) == 0);
    CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED) == 0 && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(waitid(P_PID, (id_t)pid, &info, WCONTINUED) == 0 && info.si_code == CLD_CONTINUED);
}

int main(void)
{
    begin();
    board = shared_memory(sizeof *board);
    for (int i = 0; i < BLOCKING_CALLS; i++) {
        const struct blocking_call *call = &blocking_calls[i];
        if (call->release == NULL)
            continue;
        pid_t pid = start_blocked(call, 0);
        bool waits_on = true;
        for (int round = 0; round < 3 && waits_on; round++) {
            stop_and_continue(pid);
            waits_on = sleeps_again();
        }
        if (waits_on)
            call->release();
        end_blocked(call, !waits_on);
        say("%s: %s\n", call->name, waits_on ? "waits on" : "EINTR");
    }
    return 0;
}
