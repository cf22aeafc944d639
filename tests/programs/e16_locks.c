/* Shows POSIX record locks, OFD locks and flock of Linux: conflicts, what F_GETLK tells, whose they are, how they end. */
#include <sys/file.h>

#include "check.h"

static int open_file(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static struct flock range(short type, short whence, off_t start, off_t length)
{
    return (struct flock){.l_type = type, .l_whence = whence, .l_start = start, .l_len = length};
}

static int set(int fd, int command, short type, off_t start, off_t length)
{
    struct flock lock = range(type, SEEK_SET, start, length);
    return fcntl(fd, command, &lock);
}

/* Whether another process could lock the range: the answer comes from a child, since a process has no conflict with itself. */
static bool free_for_others(const char *name, short type, off_t start, off_t length)
{
    pid_t child = fork_child();
    if (child == 0) {
        int fd = open_file(name);
        int got = set(fd, F_SETLK, type, start, length);
        CHECK(got == 0 || errno == EAGAIN || errno == EACCES);
        _exit(got == 0);
    }
    return wait_exit(child);
}

static void posix_conflicts(void)
{
    int fd = open_file("posix");
    CHECK(set(fd, F_SETLK, F_WRLCK, 10, 10) == 0);
    CHECK(!free_for_others("posix", F_RDLCK, 19, 1));
    CHECK(!free_for_others("posix", F_WRLCK, 0, 0));
    CHECK(free_for_others("posix", F_WRLCK, 20, 5) && free_for_others("posix", F_WRLCK, 0, 10));
    CHECK(set(fd, F_SETLK, F_UNLCK, 13, 2) == 0);
    CHECK(free_for_others("posix", F_WRLCK, 13, 2) && !free_for_others("posix", F_WRLCK, 15, 1));
    CHECK(set(fd, F_SETLK, F_RDLCK, 0, 0) == 0);
    CHECK(free_for_others("posix", F_RDLCK, 0, 0) && !free_for_others("posix", F_WRLCK, 1 << 20, 1));
    int other = open_file("posix");
    CHECK(close(other) == 0);
    CHECK(free_for_others("posix", F_WRLCK, 0, 0));
    CHECK(close(fd) == 0);
    say("posix: conflicts, split, shared, gone with any descriptor\n");
}

/* fcntl(2): l_whence is SEEK_SET in the answer, l_len is 0 to the end, l_pid is the holder. */
static void posix_getlk(void)
{
    int fd = open_file("getlk");
    CHECK(ftruncate(fd, 100) == 0 && lseek(fd, 30, SEEK_SET) == 30);
    struct flock lock = range(F_WRLCK, SEEK_CUR, 10, -5);
    CHECK(fcntl(fd, F_SETLK, &lock) == 0);
    lock = range(F_WRLCK, SEEK_END, -10, 0);
    CHECK(fcntl(fd, F_SETLK, &lock) == 0);
    pid_t holder = getpid();
    pid_t child = fork_child();
    if (child == 0) {
        struct flock asked = range(F_WRLCK, SEEK_SET, 0, 0);
        CHECK(fcntl(fd, F_GETLK, &asked) == 0);
        CHECK(asked.l_type == F_WRLCK && asked.l_whence == SEEK_SET && asked.l_pid == holder);
        CHECK(asked.l_start == 35 && asked.l_len == 5);
        asked = range(F_RDLCK, SEEK_END, -1, 1);
        CHECK(fcntl(fd, F_GETLK, &asked) == 0 && asked.l_start == 90 && asked.l_len == 0);
        asked = range(F_RDLCK, SEEK_SET, 0, 35);
        CHECK(fcntl(fd, F_GETLK, &asked) == 0 && asked.l_type == F_UNLCK);
        asked = range(F_RDLCK, SEEK_SET, -1, 1);
        CHECK_FAILS(fcntl(fd, F_GETLK, &asked), EINVAL);
        _exit(0);
    }
    CHECK(wait_exit(child) == 0 && close(fd) == 0);
    say("posix: F_GETLK tells the holder and the range from the beginning\n");
}

static void nothing(int number) { (void)number; }

static void posix_waits(void)
{
    int fd = open_file("waits");
    int released[2];
    open_pipe(released);
    CHECK(set(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
    pid_t child = fork_child();
    if (child == 0) {
        CHECK(set(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
        give_byte(released[1], 'r');
        CHECK(set(fd, F_SETLKW, F_WRLCK, 0, 1) == 0);
        _exit(7);
    }
    CHECK(take_byte(released[0]) == 'r');
    await_sleep(child, child);
    CHECK_FAILS(set(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
    CHECK(set(fd, F_SETLK, F_UNLCK, 0, 1) == 0 && wait_exit(child) == 7);

    CHECK(set(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
    child = fork_child();
    if (child == 0) {
        handle(SIGUSR1, nothing, 0);
        give_byte(released[1], 's');
        CHECK_FAILS(set(fd, F_SETLKW, F_RDLCK, 0, 1), EINTR);
        _exit(8);
    }
    CHECK(take_byte(released[0]) == 's');
    await_sleep(child, child);
    CHECK(kill(child, SIGUSR1) == 0 && wait_exit(child) == 8 && close(fd) == 0);
    say("posix: waits end by release, by EDEADLK and by EINTR\n");
}

static void ofd_locks(void)
{
    int fd = open_file("ofd"), other = open_file("ofd");
    CHECK(set(fd, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
    CHECK_FAILS(set(other, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
    CHECK_FAILS(set(other, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
    struct flock asked = range(F_RDLCK, SEEK_SET, 0, 0);
    CHECK(fcntl(other, F_OFD_GETLK, &asked) == 0 && asked.l_type == F_WRLCK && asked.l_pid == -1);
    asked.l_pid = 1;
    CHECK_FAILS(fcntl(other, F_OFD_SETLK, &asked), EINVAL);
    int copy = dup(fd);
    CHECK(close(other) == 0 && close(fd) == 0);
    CHECK(!free_for_others("ofd", F_WRLCK, 0, 1));
    pid_t child = fork_child();
    if (child == 0)
        _exit(set(copy, F_OFD_SETLK, F_UNLCK, 0, 1) == 0 ? 0 : 1);
    CHECK(wait_exit(child) == 0);
    CHECK(free_for_others("ofd", F_WRLCK, 0, 1) && !free_for_others("ofd", F_WRLCK, 1, 1));
    CHECK(close(copy) == 0 && free_for_others("ofd", F_WRLCK, 0, 0));
    say("ofd: locks belong to the description, through dup and fork\n");
}

static void flock_locks(void)
{
    int fd = open_file("flock"), other = open_file("flock");
    CHECK(flock(fd, LOCK_SH) == 0 && flock(other, LOCK_SH) == 0);
    CHECK_FAILS(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK(flock(other, LOCK_UN) == 0 && flock(fd, LOCK_EX) == 0);
    CHECK_FAILS(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK(set(other, F_SETLK, F_WRLCK, 0, 0) == 0);
    pid_t child = fork_child();
    if (child == 0) {
        CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
        CHECK(flock(other, LOCK_EX) == 0);
        _exit(9);
    }
    await_sleep(child, child);
    CHECK(close(fd) == 0);
    usleep(20000);
    CHECK(waitpid(child, NULL, WNOHANG) == 0);
    CHECK(kill(child, SIGKILL) == 0 && wait_death(child) == SIGKILL);
    CHECK(flock(other, LOCK_EX | LOCK_NB) == 0 && close(other) == 0);
    CHECK_FAILS(flock(-1, LOCK_SH), EBADF);
    say("flock: shared, exclusive, kept by every copy of the description\n");
}

int main(void)
{
    begin();
    posix_conflicts();
    posix_getlk();
    posix_waits();
    ofd_locks();
    flock_locks();
    return 0;
}
