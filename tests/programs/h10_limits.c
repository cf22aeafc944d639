/* Shows EMFILE in every call that makes a descriptor, that nothing leaks by it, and limits changed while open. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "pidfd.h"

enum { LIMIT = 64 };

static void set_limit(rlim_t soft)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = soft;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == soft);
}

static void fill(int first, int end)
{
    for (int fd = first; fd < end; fd++)
        CHECK(dup(1) == fd);
}

static void full_table(void)
{
    int pair[2] = {-7, -7};
    CHECK_FAILS(dup(1), EMFILE);
    CHECK_FAILS(open("/dev/null", O_RDONLY), EMFILE);
    CHECK_FAILS(open("made", O_CREAT | O_EXCL | O_WRONLY, 0600), EMFILE);
    CHECK_FAILS(access("made", F_OK), ENOENT);
    CHECK_FAILS(pipe(pair), EMFILE);
    CHECK(pair[0] == -7 && pair[1] == -7);
    CHECK_FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EMFILE);
    CHECK_FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
    CHECK_FAILS(memfd_create("x", 0), EMFILE);
    CHECK_FAILS(eventfd(0, 0), EMFILE);
    CHECK_FAILS(epoll_create1(0), EMFILE);
    CHECK_FAILS(fcntl(1, F_DUPFD, 0), EMFILE);
    CHECK_FAILS(fcntl(1, F_DUPFD, LIMIT), EINVAL);
    CHECK_FAILS(dup2(1, LIMIT), EBADF);
    CHECK_FAILS(dup3(1, LIMIT, 0), EBADF);
    CHECK_FAILS(pidfd_open(getpid(), 0), EMFILE);
    CHECK(dup2(1, LIMIT - 1) == LIMIT - 1);
    /* One free number is too little for a pair. */
    CHECK(close(30) == 0);
    CHECK_FAILS(pipe(pair), EMFILE);
    CHECK(dup(1) == 30);
    say("full table: EMFILE everywhere, nothing leaked\n");
}

static void lowered(void)
{
    set_limit(10);
    CHECK(fcntl(LIMIT - 1, F_GETFD) == 0 && write(LIMIT - 1, "", 0) == 0);
    CHECK(close(40) == 0);
    CHECK_FAILS(dup(1), EMFILE);
    CHECK(close(5) == 0 && dup(1) == 5);
    set_limit(LIMIT);
    CHECK(dup(1) == 40);
    say("lowered below open numbers, then raised\n");
}

static void by_fork(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK_FAILS(dup(1), EMFILE);
        CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0 && dup(1) == 3);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    CHECK_FAILS(dup(1), EMFILE);
    say("inherited by fork\n");
}

static void many(void)
{
    struct rlimit limit;
    CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    int count = limit.rlim_max < 3000 ? (int)limit.rlim_max : 3000;
    set_limit((rlim_t)count);
    fill(3, count);
    CHECK_FAILS(dup(1), EMFILE);
    for (int fd = 3; fd < count; fd += 2)
        CHECK(close(fd) == 0);
    for (int fd = 3; fd < count; fd += 2)
        CHECK(dup(1) == fd);
    CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0);
    say("thousands of numbers, each reused\n");
}

int main(void)
{
    begin();
    set_limit(LIMIT);
    fill(3, LIMIT);
    full_table();
    lowered();
    by_fork();
    many();
    return 0;
}
