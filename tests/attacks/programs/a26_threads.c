/* A26: threads that come and go at once, execs of several at the same time and by others than the leader, children of
   vfork that never exec or whose parent dies, an end in the middle of calls. */
/* Walls: supervisor */
#include "attack.h"

static void *nothing(void *unused)
{
    return unused;
}

static void *execute(void *unused)
{
    char *const argv[] = {"true", NULL};
    execv("/bin/true", argv);
    return unused;
}

static void *calls(void *unused)
{
    for (;;) {
        int fd = open("/", O_PATH | O_CLOEXEC);
        if (fd >= 0)
            close(fd);
    }
    return unused;
}

static void in_child(void (*what)(void), int wanted)
{
    pid_t child = fork_child();
    if (child == 0) {
        what();
        for (;;)
            pause();
    }
    int status = wait_status(child);
    CHECK(wanted < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == wanted));
}

static void execs_at_once(void)
{
    pthread_t thread;
    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, execute, NULL);
}

static void exec_while_leader_ends(void)
{
    pthread_t thread;
    start(&thread, execute, NULL);
    syscall(SYS_exit, 0);
}

static void end_in_calls(void)
{
    pthread_t thread;
    for (int i = 0; i < 4; i++)
        start(&thread, calls, NULL);
    usleep(3000);
    syscall(SYS_exit_group, 7);
}

static void killed_in_vfork(void)
{
    pid_t own = getpid();
    if (vfork() == 0) {
        kill(own, SIGKILL);
        char *const argv[] = {"true", NULL};
        execv("/bin/true", argv);
        _exit(0);
    }
}

static void vfork_without_exec(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(5);
    CHECK(wait_exit(child) == 5);
    _exit(0);
}

int main(void)
{
    begin();
    pthread_t threads[50];
    for (long round = 0; round < rounds(2); round++) {
        for (int i = 0; i < 50; i++)
            start(&threads[i], nothing, NULL);
        for (int i = 0; i < 50; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
        in_child(execs_at_once, 0);
        in_child(exec_while_leader_ends, 0);
        in_child(end_in_calls, 7);
        in_child(killed_in_vfork, -1);
        in_child(vfork_without_exec, 0);
    }
    return 0;
}
