/* Shows that ignored signals leave every blocking call alone, though a tracer sees them arrive (ptrace(2) BUGS). */
#include "blocking.h"

static const int ignored[] = {SIGWINCH, SIGURG, SIGCHLD, SIGCONT, SIGHUP};

int main(void)
{
    begin();
    board = shared_memory(sizeof *board);
    handle(SIGHUP, SIG_IGN, 0);
    for (int i = 0; i < BLOCKING_CALLS; i++) {
        const struct blocking_call *call = &blocking_calls[i];
        if (call->release == NULL)
            continue;
        pid_t pid = start_blocked(call, 0);
        for (size_t j = 0; j < sizeof ignored / sizeof ignored[0]; j++) {
            CHECK(kill(pid, ignored[j]) == 0);
            CHECK(sleeps_again());
        }
        call->release();
        end_blocked(call, false);
        CHECK(atomic_load(&board->handled) == (call->ends_by_handler ? 1 : 0));
        say("%s: not interrupted\n", call->name);
    }
    return 0;
}
