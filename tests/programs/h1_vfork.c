/* Shows that vfork suspends the parent and shares its memory until the child ends or execs, from threads too. */
#include "check.h"
#include <pthread.h>

static volatile int shared_value;
static char *self;

static void child_ends_without_exec(void)
{
    shared_value = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        /* Many calls, so that a parent that is not suspended would be seen to run on. */
        for (int i = 0; i < 100; i++)
            syscall(SYS_getppid);
        shared_value = 41;
        _exit(3);
    }
    CHECK(pid > 0 && shared_value == 41);
    CHECK(wait_exit(pid) == 3);
    say("ended without exec\n");
}

static void child_execs(void)
{
    char *arguments[] = {self, "exit", "4", NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execv(self, arguments);
        _exit(99);
    }
    CHECK(pid > 0 && wait_exit(pid) == 4);
    say("exec from the child\n");
}

static void failed_exec_goes_on(void)
{
    shared_value = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        char *arguments[] = {"nothing", NULL};
        execv("/nonexistent/program", arguments);
        shared_value = errno;
        char *good[] = {self, "exit", "5", NULL};
        execv(self, good);
        _exit(99);
    }
    CHECK(pid > 0 && shared_value == ENOENT);
    CHECK(wait_exit(pid) == 5);
    say("failed exec, then another\n");
}

static void child_is_killed(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        _exit(99);
    }
    CHECK(pid > 0 && wait_death(pid) == SIGKILL);
    say("child killed\n");
}

static void vfork_in_vfork(void)
{
    shared_value = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        pid_t inner = vfork();
        if (inner == 0) {
            shared_value += 1;
            _exit(6);
        }
        int status;
        shared_value += syscall(SYS_wait4, inner, &status, 0, NULL) == inner && WEXITSTATUS(status) == 6 ? 10 : 100;
        _exit(7);
    }
    CHECK(pid > 0 && shared_value == 11);
    CHECK(wait_exit(pid) == 7);
    say("vfork inside vfork\n");
}

static void *vfork_and_exec(void *number)
{
    char text[12];
    snprintf(text, sizeof text, "%d", (int)(intptr_t)number);
    char *arguments[] = {self, "exit", text, NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execv(self, arguments);
        _exit(99);
    }
    CHECK(pid > 0 && wait_exit(pid) == (int)(intptr_t)number);
    return NULL;
}

static void threads_vfork(void)
{
    pthread_t threads[20];
    for (int i = 0; i < 20; i++)
        CHECK(pthread_create(&threads[i], NULL, vfork_and_exec, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < 20; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    say("20 threads, vfork and exec\n");
}

static int gate[2];

static void *vfork_waiting(void *unused)
{
    (void)unused;
    pid_t pid = vfork();
    if (pid == 0) {
        char byte;
        _exit(syscall(SYS_read, gate[0], &byte, 1) == 1 ? 8 : 98);
    }
    CHECK(pid > 0 && wait_exit(pid) == 8);
    return NULL;
}

/* Only the calling thread waits for the child: the leader runs on and lets the child go. */
static void other_threads_run_on(void)
{
    pthread_t thread;
    open_pipe(gate);
    CHECK(pthread_create(&thread, NULL, vfork_waiting, NULL) == 0);
    give_byte(gate[1], 'g');
    CHECK(pthread_join(thread, NULL) == 0);
    say("other threads run on\n");
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 3)
        return atoi(argv[2]);
    child_ends_without_exec();
    child_execs();
    failed_exec_goes_on();
    child_is_killed();
    vfork_in_vfork();
    threads_vfork();
    other_threads_run_on();
    return 0;
}
