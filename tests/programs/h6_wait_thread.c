/* Shows that a thread younger than a child finds it dead by wait as soon as its pidfd says so, without waiting. */
#include "pidfd.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#define ROUNDS 100

static int gate[2];
static pid_t child;

/* Yields stop one by one: a supervisor that is busy with them finds the death and the wait waiting together. */
static pid_t keep_busy(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        for (;;)
            sched_yield();
    }
    return pid;
}

static void *end_and_reap(void *unused)
{
    siginfo_t info = {0};
    int fd = pidfd_open(child, 0);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    CHECK(fd >= 0);
    give_byte(gate[1], 'g');
    CHECK(poll(&item, 1, -1) == 1);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0);
    CHECK(info.si_pid == child && info.si_status == 3);
    close(fd);
    return unused;
}

int main(void)
{
    begin();
    open_pipe(gate);
    pid_t busy[2] = {keep_busy(), keep_busy()};
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        child = fork_child();
        if (child == 0) {
            take_byte(gate[0]);
            _exit(3);
        }
        CHECK(pthread_create(&thread, NULL, end_and_reap, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
    for (int i = 0; i < 2; i++)
        CHECK(kill(busy[i], SIGKILL) == 0 && waitpid(busy[i], NULL, 0) == busy[i]);
    say("%d children dead at once\n", ROUNDS);
    return 0;
}
