/* Shows which blocking calls a handler ends with EINTR and which SA_RESTART starts again, as signal(7) lists them. */
#include "blocking.h"

/* Without the flag every call is interrupted; with it those of the restarting class wait on, twice here. */
static void run(const struct blocking_call *call, int flags)
{
    bool restarted = flags & SA_RESTART && call->restarts;
    pid_t pid = start_blocked(call, flags);
    CHECK(kill(pid, SIGUSR1) == 0);
    if (restarted) {
        for (int again = 1; again <= 2; again++) {
            while (atomic_load(&board->handled) < again)
                sched_yield();
            CHECK(sleeps_again());
            if (again == 1)
                CHECK(kill(pid, SIGUSR1) == 0);
        }
        call->release();
    }
    end_blocked(call, !restarted);
    CHECK(atomic_load(&board->handled) == (restarted ? 2 : 1));
}

int main(void)
{
    begin();
    board = shared_memory(sizeof *board);
    for (int i = 0; i < BLOCKING_CALLS; i++) {
        run(&blocking_calls[i], 0);
        run(&blocking_calls[i], SA_RESTART);
        say("%s: %srestarted by SA_RESTART\n", blocking_calls[i].name, blocking_calls[i].restarts ? "" : "not ");
    }
    return 0;
}
