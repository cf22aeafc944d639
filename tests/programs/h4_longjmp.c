/* Shows siglongjmp out of handlers that interrupt blocking calls, again and again, with and without SA_RESTART. */
#include "check.h"
#include <poll.h>
#include <setjmp.h>

enum { ROUNDS = 50 };

static sigjmp_buf place;
static timer_t timer;
static int silent[2];
static atomic_int word;

static void jump(int number)
{
    siglongjmp(place, number);
}

/* Armed before the call: a signal that comes first jumps as well, so nothing waits for ever. */
static void arm(void)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 300000}};
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
}

static void by_read(void)
{
    char byte;
    read(silent[0], &byte, 1);
}

static void by_poll(void)
{
    struct pollfd item = {.fd = silent[0], .events = POLLIN};
    poll(&item, 1, -1);
}

static void by_futex(void)
{
    futex(&word, FUTEX_WAIT, 0, NULL);
}

static void by_nanosleep(void)
{
    struct timespec wanted = {.tv_sec = 2 * WATCHDOG};
    nanosleep(&wanted, NULL);
}

static void by_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}

static void by_open(void)
{
    open("fifo", O_RDONLY | O_CLOEXEC);
}

static void by_busy_calls(void)
{
    for (;;)
        syscall(SYS_getppid);
}

static const struct {
    const char *name;
    void (*block)(void);
} calls[] = {
    {"read", by_read},             {"poll", by_poll}, {"futex", by_futex},      {"nanosleep", by_nanosleep},
    {"sigsuspend", by_sigsuspend}, {"open", by_open}, {"getppid", by_busy_calls},
};

static void run(const char *name, void (*block)(void), int flags)
{
    static volatile int jumps;
    static volatile uint64_t kept;
    handle(SIGUSR1, jump, flags);
    jumps = 0;
    while (jumps < ROUNDS) {
        kept = 0x1234567890abcdefULL + (uint64_t)jumps;
        if (sigsetjmp(place, 1) == 0) {
            arm();
            block();
            CHECK(!"the call came back");
        }
        CHECK(kept == 0x1234567890abcdefULL + (uint64_t)jumps);
        sigset_t mask;
        CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGUSR1));
        CHECK(syscall(SYS_getpid) == getpid());
        jumps++;
    }
    say("%s%s: %d jumps\n", name, flags & SA_RESTART ? " with SA_RESTART" : "", jumps);
}

int main(void)
{
    begin();
    open_pipe(silent);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(mkfifo("fifo", 0600) == 0);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        run(calls[i].name, calls[i].block, 0);
        run(calls[i].name, calls[i].block, SA_RESTART);
    }
    return 0;
}
