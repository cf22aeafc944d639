/* Shows close_range: ranges with holes, CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE with a shared table, refusals. */
#include "check.h"

#define RANGE_UNSHARE 2U
#define RANGE_CLOEXEC 4U

static long range(unsigned first, unsigned last, unsigned flags)
{
    return syscall(SYS_close_range, first, last, flags);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void fill(void)
{
    for (int fd = 20; fd < 40; fd++)
        CHECK(fd % 5 == 0 || dup2(1, fd) == fd);
}

static void closing(void)
{
    fill();
    CHECK(range(24, 33, 0) == 0);
    for (int fd = 20; fd < 40; fd++)
        CHECK(is_open(fd) == ((fd < 24 || fd > 33) && fd % 5 != 0));
    CHECK(range(24, 33, 0) == 0);
    CHECK(range(3, ~0U, 0) == 0 && !is_open(21) && is_open(1));
    say("closes a range with holes, and all\n");
}

static void marking(void)
{
    fill();
    CHECK(range(21, 30, RANGE_CLOEXEC) == 0);
    for (int fd = 20; fd < 40; fd++)
        if (fd % 5 != 0)
            CHECK(fcntl(fd, F_GETFD) == (fd <= 30 ? FD_CLOEXEC : 0));
    CHECK(range(3, ~0U, RANGE_CLOEXEC) == 0 && fcntl(39, F_GETFD) == FD_CLOEXEC && fcntl(1, F_GETFD) == 0);
    CHECK(range(3, ~0U, 0) == 0);
    say("marks close-on-exec\n");
}

static void unsharing(bool unshare)
{
    fill();
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        CHECK(range(21, 40, unshare ? RANGE_UNSHARE : 0) == 0);
        CHECK(!is_open(21) && is_open(1));
        CHECK(dup2(1, 50) == 50);
        _exit(0);
    }
    CHECK(pid > 0 && wait_exit(pid) == 0);
    CHECK(is_open(21) == unshare && is_open(39) == unshare && is_open(50) == !unshare);
    CHECK(range(3, ~0U, 0) == 0);
    say("%s\n", unshare ? "CLOSE_RANGE_UNSHARE leaves the other process alone" : "shared table: closed for both");
}

static void refusals(void)
{
    CHECK_FAILS(range(10, 9, 0), EINVAL);
    CHECK_FAILS(range(3, 4, 1), EINVAL);
    CHECK_FAILS(range(3, 4, 64), EINVAL);
    say("refusals\n");
}

int main(void)
{
    begin();
    closing();
    marking();
    unsharing(false);
    unsharing(true);
    refusals();
    return 0;
}
