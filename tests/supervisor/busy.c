/* Keeps a supervisor busy without end: processes that fork, execute, and make threads that end. */
#include "../programs/check.h"
#include <pthread.h>

static void *end_thread(void *unused)
{
    return unused;
}

static void be_child(int number)
{
    pthread_t thread;
    switch (number % 3) {
    case 0:
        execl("/bin/true", "true", NULL);
        _exit(1);
    case 1:
        CHECK(pthread_create(&thread, NULL, end_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
        _exit(0);
    default:
        /* Another orphan for whoever adopts orphans. */
        if (fork() == 0)
            usleep(1000);
        _exit(0);
    }
}

static void *fork_for_ever(void *unused)
{
    for (int number = 0;; number++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            be_child(number);
        wait_status(pid);
    }
    return unused;
}

int main(void)
{
    pthread_t thread;
    begin();
    CHECK(pthread_create(&thread, NULL, fork_for_ever, NULL) == 0);
    fork_for_ever(NULL);
}
