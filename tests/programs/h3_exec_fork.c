/* Shows threads that fork, vfork and start threads while another execs: each child ends as it should, none is lost. */
#include "check.h"
#include <pthread.h>

enum { ROUNDS = 20 };

static char *self;
static atomic_int started;
static atomic_int *born, *ended;

static _Noreturn void *fork_on_and_on(void *unused)
{
    (void)unused;
    add_and_wake(&started);
    for (;;) {
        pid_t pid = fork();
        if (pid == 0) {
            atomic_fetch_add(born, 1);
            atomic_fetch_add(ended, 1);
            _exit(0);
        }
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
}

static _Noreturn void *vfork_and_exec(void *unused)
{
    (void)unused;
    char *arguments[] = {self, "0", NULL};
    add_and_wake(&started);
    for (;;) {
        pid_t pid = vfork();
        if (pid == 0) {
            execv(self, arguments);
            _exit(97);
        }
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
}

static void *end_at_once(void *unused)
{
    return unused;
}

static _Noreturn void *make_threads(void *unused)
{
    pthread_t thread;
    add_and_wake(&started);
    for (;;)
        if (pthread_create(&thread, NULL, end_at_once, unused) == 0)
            pthread_join(thread, NULL);
}

static void exec_amid(void *(*body)(void *), const char *status)
{
    pthread_t thread;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    await(&started, 2);
    char *arguments[] = {self, (char *)status, NULL};
    execv(self, arguments);
    CHECK(!"exec failed");
}

static void rounds(void *(*body)(void *), const char *status, const char *name)
{
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork_child();
        if (pid == 0)
            exec_amid(body, status);
        CHECK(wait_exit(pid) == atoi(status));
    }
    /* What the killed threads left behind has come to this subreaper. */
    int result;
    pid_t orphan;
    while ((orphan = waitpid(-1, &result, __WALL)) > 0)
        CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    CHECK(orphan == -1 && errno == ECHILD);
    CHECK(atomic_load(born) == atomic_load(ended));
    say("%s\n", name);
}

/* The new program takes over the children of the old one (execve(2)). */
static int new_program(const char *status)
{
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    return atoi(status);
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 2)
        return new_program(argv[1]);
    born = shared_memory(sizeof *born);
    ended = shared_memory(sizeof *ended);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    rounds(fork_on_and_on, "71", "exec while two threads fork");
    rounds(vfork_and_exec, "72", "exec while two threads vfork");
    rounds(make_threads, "73", "exec while two threads make threads");
    return 0;
}
