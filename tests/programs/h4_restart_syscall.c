/* Shows restart_syscall: sleeps with a time limit that are stopped and continued end when they first should. */
#include "check.h"
#include <poll.h>
#include <sys/select.h>

enum { LIMIT_MS = 200, STOPS = 3 };

static atomic_int *announced;
static int silent[2];

static struct timespec limit(void)
{
    return (struct timespec){.tv_nsec = LIMIT_MS * 1000000L};
}

static void by_nanosleep(void)
{
    struct timespec wanted = limit();
    CHECK(nanosleep(&wanted, NULL) == 0);
}

static void by_clock_nanosleep(void)
{
    struct timespec wanted = limit();
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, NULL) == 0);
}

static void until(void)
{
    struct timespec when;
    CHECK(clock_gettime(CLOCK_REALTIME, &when) == 0);
    when.tv_nsec += LIMIT_MS * 1000000L;
    when.tv_sec += when.tv_nsec / 1000000000;
    when.tv_nsec %= 1000000000;
    CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL) == 0);
}

static void by_poll(void)
{
    struct pollfd item = {.fd = silent[0], .events = POLLIN};
    CHECK(poll(&item, 1, LIMIT_MS) == 0);
}

static void by_ppoll(void)
{
    struct pollfd item = {.fd = silent[0], .events = POLLIN};
    struct timespec wanted = limit();
    CHECK(ppoll(&item, 1, &wanted, NULL) == 0);
}

static void by_select(void)
{
    struct timeval wanted = {.tv_usec = LIMIT_MS * 1000};
    CHECK(select(0, NULL, NULL, NULL, &wanted) == 0);
}

static void by_futex(void)
{
    static atomic_int word;
    struct timespec wanted = limit();
    CHECK_FAILS(futex(&word, FUTEX_WAIT, 0, &wanted), ETIMEDOUT);
}

static const struct {
    const char *name;
    void (*sleep)(void);
} sleeps[] = {
    {"nanosleep", by_nanosleep}, {"clock_nanosleep", by_clock_nanosleep}, {"clock_nanosleep until", until},
    {"poll", by_poll},           {"ppoll", by_ppoll},                     {"select", by_select},
    {"futex", by_futex},
};

static void run(const char *name, void (*sleep)(void))
{
    atomic_store(announced, 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        int64_t start = now_ns();
        atomic_store(announced, 1);
        sleep();
        CHECK(now_ns() - start >= LIMIT_MS * 1000000LL);
        _exit(0);
    }
    while (atomic_load(announced) == 0)
        sched_yield();
    for (int i = 0; i < STOPS; i++) {
        siginfo_t info;
        usleep(10000);
        CHECK(kill(pid, SIGSTOP) == 0);
        CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) == 0);
        if (info.si_code != CLD_STOPPED)
            break;
        CHECK(kill(pid, SIGCONT) == 0);
        CHECK(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WEXITED | WNOWAIT) == 0);
    }
    CHECK(wait_exit(pid) == 0);
    say("%s: its whole time, once\n", name);
}

/* Without a call to go on with, the number itself gives EINTR (restart_syscall(2)). */
static void called_directly(void)
{
    CHECK_FAILS(syscall(SYS_restart_syscall), EINTR);
    say("restart_syscall alone: EINTR\n");
}

int main(void)
{
    begin();
    announced = shared_memory(sizeof *announced);
    open_pipe(silent);
    called_directly();
    for (size_t i = 0; i < sizeof sleeps / sizeof sleeps[0]; i++)
        run(sleeps[i].name, sleeps[i].sleep);
    return 0;
}
