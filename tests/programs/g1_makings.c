/* Signals while names are made: each call is made once, and one that waits begins again only where it may. */
#include "check.h"
#include <pthread.h>

enum { ROUNDS = 30, SIGNALS = 40 };

static atomic_int handled;

static void on_signal(int signal)
{
    (void)signal;
    atomic_fetch_add(&handled, 1);
}

static void set_timer(timer_t timer, long nanoseconds)
{
    struct itimerspec interval = {{0, nanoseconds}, {0, nanoseconds}};
    CHECK(timer_settime(timer, 0, &interval, NULL) == 0);
}

/* A call that was made twice would find what the first one has made, or not find what that took away. */
static void make_and_remove(int round)
{
    char name[32], other[32];
    snprintf(name, sizeof name, "file-%d", round);
    snprintf(other, sizeof other, "other-%d", round);
    int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(link(name, other) == 0);
    CHECK(unlink(name) == 0);
    CHECK(rename(other, name) == 0);
    CHECK(mkdir(other, 0700) == 0);
    CHECK(rmdir(other) == 0);
    CHECK(symlink(name, other) == 0);
    CHECK(unlink(other) == 0);
    CHECK((fd = creat(name, 0600)) >= 0 && close(fd) == 0);
    CHECK(unlink(name) == 0);
}

static void under_signals(int flags)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    handle(SIGUSR1, on_signal, flags);
    int before = atomic_load(&handled);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    set_timer(timer, 3000000);
    for (int round = 0; round < ROUNDS || atomic_load(&handled) - before < SIGNALS; round++)
        make_and_remove(round);
    CHECK(timer_delete(timer) == 0);
}

static pthread_t opener;
static atomic_int ended;

static void *disturb(void *reads)
{
    for (int i = 0; reads ? i < 20 : !atomic_load(&ended); i++) {
        usleep(2000);
        pthread_kill(opener, SIGUSR1);
    }
    if (reads) {
        int fd = open("fifo", O_RDONLY);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    return NULL;
}

/* An open that may make a file waits for the other end of a pipe that is there. */
static void at_a_pipe(int flags)
{
    pthread_t thread;
    char restarts = flags == SA_RESTART;
    handle(SIGUSR1, on_signal, flags);
    opener = pthread_self();
    atomic_store(&ended, 0);
    CHECK(mkfifo("fifo", 0600) == 0);
    CHECK(pthread_create(&thread, NULL, disturb, restarts ? &restarts : NULL) == 0);
    int fd = open("fifo", O_CREAT | O_WRONLY, 0600);
    int error = errno;
    atomic_store(&ended, 1);
    if (restarts)
        CHECK(fd >= 0 && close(fd) == 0);
    else
        CHECK(fd < 0 && error == EINTR);
    CHECK(pthread_join(thread, NULL) == 0 && unlink("fifo") == 0);
}

int main(void)
{
    begin();
    under_signals(SA_RESTART);
    under_signals(0);
    for (int i = 0; i < 3; i++) {
        at_a_pipe(SA_RESTART);
        at_a_pipe(0);
    }
    say("made");
    return 0;
}
