/* Shows that a thread younger than a child finds it dead by wait as soon as its pidfd says so, without waiting. */
#include "pidfd.h"
#include <poll.h>
#include <pthread.h>

#define ROUNDS 100

static int gate[2];
static pid_t child;

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
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        child = fork_child();
        if (child == 0) {
            take_byte(gate[0]);
            _exit(3);
        }
        CHECK(pthread_create(&thread, NULL, end_and_reap, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
    say("%d children dead at once\n", ROUNDS);
    return 0;
}
