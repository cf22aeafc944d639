/* Shows pidfd_getfd: descriptors taken from a child, from a sibling and from the process itself, and refusals. */
#include "pidfd.h"

static int ready[2], gate[2];

static void from_child(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        int memory = memfd_create("own", MFD_CLOEXEC);
        CHECK(memory >= 0 && write(memory, "secret", 6) == 6 && dup2(memory, 80) == 80);
        give_byte(ready[1], 'r');
        take_byte(gate[0]);
        CHECK(lseek(80, 0, SEEK_CUR) == 1);
        _exit(0);
    }
    take_byte(ready[0]);
    int pidfd = pidfd_open(pid, 0), fd = pidfd_getfd(pidfd, 80, 0);
    char text[6];
    CHECK(pidfd >= 0 && fd > pidfd && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(pread(fd, text, 6, 0) == 6 && memcmp(text, "secret", 6) == 0);
    CHECK(lseek(fd, 1, SEEK_SET) == 1);
    CHECK_FAILS(pidfd_getfd(pidfd, 81, 0), EBADF);
    CHECK_FAILS(pidfd_getfd(pidfd, 80, 1), EINVAL);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(pid) == 0);
    CHECK(pread(fd, text, 6, 0) == 6);
    CHECK_FAILS(pidfd_getfd(pidfd, 80, 0), ESRCH);
    close(fd), close(pidfd);
    say("from a child, open after its end\n");
}

static void from_sibling(void)
{
    pid_t owner = fork_child();
    if (owner == 0) {
        int pair[2];
        CHECK(pipe(pair) == 0 && dup2(pair[1], 80) == 80);
        close(pair[1]);
        give_byte(ready[1], 'r');
        CHECK(take_byte(pair[0]) == 's');
        _exit(0);
    }
    take_byte(ready[0]);
    pid_t taker = fork_child();
    if (taker == 0) {
        int pidfd = pidfd_open(owner, 0), fd = pidfd_getfd(pidfd, 80, 0);
        CHECK(fd >= 0);
        give_byte(fd, 's');
        _exit(0);
    }
    CHECK(wait_exit(taker) == 0 && wait_exit(owner) == 0);
    say("from a sibling\n");
}

static void from_itself(void)
{
    int pidfd = pidfd_open(getpid(), 0), pair[2];
    open_pipe(pair);
    int copy = pidfd_getfd(pidfd, pair[1], 0);
    CHECK(copy > pair[1]);
    give_byte(copy, 'i');
    CHECK(take_byte(pair[0]) == 'i');
    CHECK(close(copy) == 0 && close(pair[0]) == 0 && close(pair[1]) == 0 && close(pidfd) == 0);
    CHECK_FAILS(pidfd_getfd(1, 1, 0), EBADF);
    CHECK_FAILS(pidfd_getfd(999, 1, 0), EBADF);
    say("from itself\n");
}

int main(void)
{
    begin();
    open_pipe(ready);
    open_pipe(gate);
    from_child();
    from_sibling();
    from_itself();
    return 0;
}
