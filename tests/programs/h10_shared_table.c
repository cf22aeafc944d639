/* Shows descriptor tables shared by CLONE_FILES between processes: exec and unshare part them. */
#include "check.h"
#include <pthread.h>

static atomic_int *step;
static char *self;

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static pid_t sharing_child(void)
{
    atomic_store(step, 0);
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    CHECK(pid >= 0);
    if (pid == 0)
        alarm(WATCHDOG);
    return pid;
}

static void both_ways(void)
{
    pid_t pid = sharing_child();
    if (pid == 0) {
        await(step, 1);
        CHECK(is_open(70) && dup2(1, 71) == 71 && close(70) == 0);
        post(step, 2);
        await(step, 3);
        CHECK(!is_open(71) && fcntl(72, F_GETFD) == FD_CLOEXEC);
        char byte;
        CHECK(read(73, &byte, 1) == 1 && byte == 'q');
        _exit(0);
    }
    CHECK(dup2(1, 70) == 70);
    post(step, 1);
    await(step, 2);
    CHECK(!is_open(70) && is_open(71) && close(71) == 0);
    int pair[2];
    CHECK(fcntl(1, F_DUPFD_CLOEXEC, 72) == 72 && pipe(pair) == 0 && dup2(pair[0], 73) == 73);
    give_byte(pair[1], 'q');
    post(step, 3);
    CHECK(wait_exit(pid) == 0);
    close(72), close(73), close(pair[0]), close(pair[1]);
    say("changes seen both ways\n");
}

/* exec unshares: close-on-exec takes effect in the new program alone (execve(2)). */
static void exec_parts(void)
{
    CHECK(fcntl(1, F_DUPFD_CLOEXEC, 70) == 70 && dup2(1, 71) == 71);
    pid_t pid = sharing_child();
    if (pid == 0) {
        char *arguments[] = {self, "check", NULL};
        execv(self, arguments);
        _exit(99);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK(is_open(70) && is_open(71));
    close(70), close(71);
    say("exec parts the tables\n");
}

static int after_exec(void)
{
    CHECK(!is_open(70) && is_open(71) && close(71) == 0);
    return 0;
}

static void unshare_parts(void)
{
    CHECK(dup2(1, 70) == 70);
    pid_t pid = sharing_child();
    if (pid == 0) {
        CHECK(unshare(CLONE_FILES) == 0 && is_open(70) && close(70) == 0 && dup2(1, 71) == 71);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK(is_open(70) && !is_open(71) && close(70) == 0);
    say("unshare parts the tables\n");
}

static void the_end_closes_nothing(void)
{
    int pair[2];
    char byte;
    open_pipe(pair);
    pid_t pid = sharing_child();
    if (pid == 0)
        _exit(0);
    CHECK(wait_exit(pid) == 0);
    give_byte(pair[1], 'x');
    CHECK(read(pair[0], &byte, 1) == 1);
    close(pair[0]), close(pair[1]);
    say("the end of one closes nothing\n");
}

enum { THREADS = 8, ROUNDS = 300 };

/* Each thread makes, copies and closes numbers of its own amid the others' changes. */
static void *churn(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        int pair[2];
        CHECK(pipe2(pair, O_CLOEXEC) == 0);
        int copy = dup(pair[1]);
        CHECK(copy >= 0);
        give_byte(copy, (char)i);
        CHECK(close(copy) == 0 && take_byte(pair[0]) == (char)i);
        CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t all[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&all[i], NULL, churn, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(all[i], NULL) == 0);
    for (int fd = 3; fd < 100; fd++)
        CHECK(!is_open(fd));
    say("eight threads at once, nothing left open\n");
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 2)
        return after_exec();
    step = shared_memory(sizeof *step);
    both_ways();
    exec_parts();
    unshare_parts();
    the_end_closes_nothing();
    threads();
    return 0;
}
