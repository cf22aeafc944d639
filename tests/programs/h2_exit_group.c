/* Shows exit_group, a deadly signal and a return from main while 50 threads run and sleep in system calls. */
#define WATCHDOG 50
#include "check.h"
#include <poll.h>
#include <pthread.h>

enum { THREADS = 50, ROUNDS = 5 };

static int never[2];
static atomic_int started, forever;

/* Busy calls, sleeps that only a kill ends, and new threads coming all the time. */
static void *work(void *number)
{
    char byte;
    struct pollfd item = {.fd = never[0], .events = POLLIN};
    atomic_fetch_add(&started, 1);
    switch ((intptr_t)number % 6) {
    case 0:
        for (;;)
            syscall(SYS_getppid);
    case 1:
        read(never[0], &byte, 1);
        break;
    case 2:
        for (;;)
            futex(&forever, FUTEX_WAIT, 0, NULL);
    case 3:
        poll(&item, 1, -1);
        break;
    case 4:
        for (;;)
            close(open("/dev/null", O_RDONLY));
    default:
        for (;;)
            usleep(1000);
    }
    check_failed(__FILE__, __LINE__, "a thread came back from a sleep without end", errno);
}

static void start_threads(void)
{
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 65536) == 0);
    for (intptr_t i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, &attributes, work, (void *)i) == 0);
    }
    while (atomic_load(&started) < THREADS)
        sched_yield();
}

static void *leave_from_thread(void *status)
{
    syscall(SYS_exit_group, (int)(intptr_t)status);
    return NULL;
}

static _Noreturn void leave(int how)
{
    pthread_t thread;
    start_threads();
    switch (how) {
    case 0:
        _exit(40);
    case 1:
        CHECK(pthread_create(&thread, NULL, leave_from_thread, (void *)41) == 0);
        pthread_join(thread, NULL);
        break;
    case 2:
        kill(getpid(), SIGKILL);
        break;
    case 3:
        raise(SIGTERM);
        break;
    default:
        /* Several threads at once: the first one's status counts, here all give the same. */
        for (int i = 0; i < 8; i++)
            if (pthread_create(&thread, NULL, leave_from_thread, (void *)44) != 0)
                break;
    }
    for (;;)
        pause();
}

int main(void)
{
    static const int wanted[] = {40, 41, SIGKILL, SIGTERM, 44};
    static const char *const names[] = {"by the leader", "by a thread", "by SIGKILL", "by SIGTERM", "by eight at once"};
    begin();
    open_pipe(never);
    for (int how = 0; how < 5; how++) {
        for (int round = 0; round < ROUNDS; round++) {
            pid_t pid = fork_child();
            if (pid == 0)
                leave(how);
            CHECK((how == 2 || how == 3 ? wait_death(pid) : wait_exit(pid)) == wanted[how]);
            CHECK_FAILS(kill(pid, 0), ESRCH);
        }
        say("%d threads ended %s\n", THREADS, names[how]);
    }
    return 0;
}
