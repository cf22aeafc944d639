/* Shows that a handler cuts each wait for children short, or lets it go on if it was set with SA_RESTART. */
#include "pidfd.h"
#include <sys/time.h>

enum { BY_PID, BY_GROUP, ANY, BY_PIDFD, BY_WAIT4, WAY_COUNT };
static int gate[2];
static volatile sig_atomic_t caught;
static volatile sig_atomic_t release_at;

static void on_alarm(int number)
{
    (void)number;
    if (++caught == release_at)
        give_byte(gate[1], 'g');
}

static int wait_by(int way, pid_t child, int pidfd)
{
    siginfo_t info;
    int status;
    switch (way) {
    case BY_PID:
        return waitid(P_PID, (id_t)child, &info, WEXITED);
    case BY_GROUP:
        return waitid(P_PGID, (id_t)child, &info, WEXITED);
    case ANY:
        return waitid(P_ALL, 0, &info, WEXITED);
    case BY_PIDFD:
        return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
    default:
        return waitpid(child, &status, 0) == child ? 0 : -1;
    }
}

/* A timer that goes on ticks until the wait has begun. */
static void tick(int microseconds)
{
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void with_flags(int flags)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    for (int way = 0; way < WAY_COUNT; way++) {
        pid_t child = fork_child();
        if (child == 0) {
            CHECK(setpgid(0, 0) == 0);
            take_byte(gate[0]);
            _exit(0);
        }
        CHECK(setpgid(child, child) == 0);
        int pidfd = pidfd_open(child, 0);
        CHECK(pidfd >= 0);
        for (int round = 0; round < 5 && !(flags & SA_RESTART); round++) {
            tick(3000);
            CHECK_FAILS(wait_by(way, child, pidfd), EINTR);
            tick(0);
        }
        caught = 0;
        release_at = flags & SA_RESTART ? 5 : 0;
        if (flags & SA_RESTART)
            tick(3000);
        else
            give_byte(gate[1], 'g');
        CHECK(wait_by(way, child, pidfd) == 0);
        tick(0);
        CHECK(caught >= release_at);
        CHECK(close(pidfd) == 0);
    }
}

int main(void)
{
    begin();
    CHECK(pipe(gate) == 0);
    with_flags(0);
    say("cut short\n");
    with_flags(SA_RESTART);
    say("goes on\n");
    return 0;
}
