/* Shows that fork copies what it must: memory, masks, offsets and identity, from a thread too, many times over. */
#include "check.h"
#include <pthread.h>

static int private_value = 1;

static void memory_is_copied(void)
{
    pid_t parent = getpid();
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(private_value == 1);
        private_value = 2;
        CHECK(getppid() == parent && getpid() != parent && gettid() == getpid());
        _exit(private_value);
    }
    CHECK(wait_exit(pid) == 2);
    CHECK(private_value == 1);
    say("memory copied\n");
}

static void offsets_are_shared(void)
{
    int fd = memfd_create("offset", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, "abcdef", 6) == 6 && lseek(fd, 0, SEEK_SET) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        char text[3];
        CHECK(read(fd, text, 3) == 3 && memcmp(text, "abc", 3) == 0);
        CHECK(close(fd) == 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 3);
    close(fd);
    say("offset shared, descriptor table not\n");
}

static void signals_are_not_pending(void)
{
    block_signal(SIGUSR1);
    CHECK(raise(SIGUSR1) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        sigset_t set;
        CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGUSR1));
        CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, SIGUSR1));
        CHECK(alarm(0) <= WATCHDOG);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    sigset_t set = one_signal(SIGUSR1);
    struct timespec none = {0, 0};
    CHECK(sigtimedwait(&set, NULL, &none) == SIGUSR1);
    unblock_signal(SIGUSR1);
    say("mask inherited, pending signals not\n");
}

static void *fork_in_thread(void *unused)
{
    (void)unused;
    pid_t thread = gettid();
    pid_t pid = fork_child();
    if (pid == 0) {
        /* Only the forking thread lives on, and it leads the new process. */
        CHECK(gettid() == getpid() && gettid() != thread);
        CHECK(thread_state(getpid(), getpid()) == 'R');
        CHECK(thread_state(getpid(), thread) == 0);
        _exit(9);
    }
    CHECK(wait_exit(pid) == 9);
    return NULL;
}

static void threads_fork(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, fork_in_thread, NULL) == 0);
    for (int i = 0; i < 8; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    say("8 threads forked\n");
}

static void children_keep_their_status(void)
{
    pid_t children[200];
    for (int i = 0; i < 200; i++) {
        children[i] = fork_child();
        if (children[i] == 0)
            _exit(i);
    }
    for (int i = 199; i >= 0; i--)
        CHECK(wait_exit(children[i]) == i);
    CHECK_FAILS(wait(NULL), ECHILD);
    say("200 children, each with its status\n");
}

static void raw_fork_calls(void)
{
    pid_t pid = (pid_t)syscall(SYS_fork);
    if (pid == 0)
        _exit(21);
    CHECK(pid > 0 && wait_exit(pid) == 21);
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(22);
    CHECK(pid > 0 && wait_exit(pid) == 22);
    say("raw fork and clone\n");
}

int main(void)
{
    begin();
    memory_is_copied();
    offsets_are_shared();
    signals_are_not_pending();
    threads_fork();
    children_keep_their_status();
    raw_fork_calls();
    return 0;
}
