/* Shows exec by the leader, by a thread, by two at once, and while or after the leader ends: one process goes on. */
#define WATCHDOG 50
#include "check.h"
#include <pthread.h>

enum { ROUNDS = 20 };

static char *self;
static atomic_int started, gate;
static int never[2];

/* The new program: the same process id, one thread, which leads. */
static int check_new_program(const char *old_pid, const char *status)
{
    CHECK(getpid() == atoi(old_pid) && gettid() == getpid());
    int tasks = 0;
    char path[64];
    for (int offset = 1; offset <= 40; offset++) {
        snprintf(path, sizeof path, "/proc/self/task/%d", getpid() + offset);
        tasks += access(path, F_OK) == 0;
    }
    CHECK(tasks == 0);
    return atoi(status);
}

static void exec_self(const char *status)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    char *arguments[] = {self, pid, (char *)status, NULL};
    execv(self, arguments);
    CHECK(!"exec failed");
}

static void *sleep_forever(void *number)
{
    char byte;
    add_and_wake(&started);
    if ((intptr_t)number % 2)
        for (;;)
            syscall(SYS_getppid);
    read(never[0], &byte, 1);
    return NULL;
}

static void *exec_when_told(void *status)
{
    add_and_wake(&started);
    await(&gate, 1);
    exec_self(status);
    return NULL;
}

static void start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
}

static void other_threads(int count)
{
    for (intptr_t i = 0; i < count; i++)
        start(sleep_forever, (void *)i);
    await(&started, count);
}

static void by_leader(void)
{
    other_threads(10);
    exec_self("51");
}

static void by_thread(void)
{
    other_threads(10);
    start(exec_when_told, "52");
    post(&gate, 1);
    for (;;)
        pause();
}

static void by_two(void)
{
    other_threads(4);
    start(exec_when_told, "53");
    start(exec_when_told, "53");
    await(&started, 6);
    post(&gate, 1);
    for (;;)
        pause();
}

static void leader_and_thread(void)
{
    start(exec_when_told, "54");
    await(&started, 1);
    post(&gate, 1);
    exec_self("54");
}

static void while_leader_ends(void)
{
    other_threads(2);
    start(exec_when_told, "55");
    await(&started, 3);
    post(&gate, 1);
    syscall(SYS_exit, 0);
}

static void *exec_after_leader(void *status)
{
    while (thread_state(getpid(), getpid()) != 'Z')
        sched_yield();
    exec_self(status);
    return NULL;
}

static void after_leader_ended(void)
{
    start(exec_after_leader, "56");
    pthread_exit(NULL);
}

static void in_rounds(void (*way)(void), int wanted, const char *name)
{
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            way();
            _exit(98);
        }
        CHECK(wait_exit(pid) == wanted);
    }
    say("%s\n", name);
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 3)
        return check_new_program(argv[1], argv[2]);
    open_pipe(never);
    in_rounds(by_leader, 51, "by the leader of 11 threads");
    in_rounds(by_thread, 52, "by a thread");
    in_rounds(by_two, 53, "by two threads at once");
    in_rounds(leader_and_thread, 54, "by leader and thread at once");
    in_rounds(while_leader_ends, 55, "while the leader ends");
    in_rounds(after_leader_ended, 56, "after the leader ended");
    return 0;
}
