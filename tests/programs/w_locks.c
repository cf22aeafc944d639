/* Shows that a lock on Windows keeps others from reading and writing what is locked, and even its owner's other opens. */
/* profile: windows10 */
/* profile: windows11 */
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "check.h"

static int open_file(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    return fd;
}

static int lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &range);
}

static void ranges(void)
{
    char bytes[16];
    struct iovec vector[2] = {{bytes, 4}, {bytes + 4, 8}};
    int owner = open_file(), other = open_file(), elsewhere = open("copy", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    off_t from = 8;
    CHECK(elsewhere >= 0 && write(owner, "0123456789abcdef", 16) == 16);
    CHECK(lock(owner, F_SETLK, F_WRLCK, 8, 4) == 0);
    CHECK(pread(owner, bytes, 16, 0) == 16 && pwrite(owner, "x", 1, 8) == 1);
    CHECK(pread(other, bytes, 8, 0) == 8 && pread(other, bytes, 4, 12) == 4 && pwrite(other, "y", 1, 7) == 1);
    CHECK_FAILS(pread(other, bytes, 16, 0), EACCES);
    CHECK_FAILS(pwrite(other, "y", 1, 11), EACCES);
    CHECK_FAILS(preadv(other, vector, 2, 0), EACCES);
    CHECK_FAILS(readv(other, vector, 2), EACCES);
    CHECK(read(other, bytes, 8) == 8);
    CHECK_FAILS(read(other, bytes, 1), EACCES);
    CHECK_FAILS(write(other, "y", 1), EACCES);
    CHECK_FAILS(sendfile(elsewhere, other, &from, 1), EACCES);
    CHECK_FAILS(copy_file_range(other, NULL, elsewhere, NULL, 1, 0), EACCES);
    CHECK_FAILS(lock(other, F_SETLK, F_WRLCK, 8, 1), EACCES);
    CHECK_FAILS(lock(other, F_SETLKW, F_WRLCK, 8, 1), EDEADLK);
    CHECK_FAILS(lock(owner, F_SETLK, F_UNLCK, 8, 2), EACCES);
    CHECK(lock(owner, F_SETLK, F_RDLCK, 8, 4) == 0 && pread(other, bytes, 16, 0) == 16);
    CHECK_FAILS(pwrite(owner, "x", 1, 8), EACCES);
    CHECK(lock(owner, F_SETLK, F_UNLCK, 0, 0) == 0 && pwrite(other, "y", 1, 8) == 1);
    CHECK(lock(owner, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
    CHECK_FAILS(pread(other, bytes, 1, 1000), EACCES);
    CHECK(close(owner) == 0 && pread(other, bytes, 1, 0) == 1 && close(other) == 0 && close(elsewhere) == 0);
    say("a range that is locked is its owner's alone\n");
}

static void processes(void)
{
    int ready[2], owner = open_file();
    char byte;
    CHECK(pipe(ready) == 0 && flock(owner, LOCK_EX) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        int other = open_file();
        CHECK_FAILS(flock(other, LOCK_SH | LOCK_NB), EACCES);
        CHECK_FAILS(read(other, &byte, 1), EACCES);
        CHECK(write(ready[1], ".", 1) == 1 && flock(other, LOCK_EX) == 0 && read(other, &byte, 1) == 1);
        CHECK(write(ready[1], ".", 1) == 1);
        for (;;)
            pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1 && flock(owner, LOCK_UN) == 0 && read(ready[0], &byte, 1) == 1);
    CHECK_FAILS(pread(owner, &byte, 1, 0), EACCES);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid && pread(owner, &byte, 1, 0) == 1);
    CHECK(close(owner) == 0);
    say("another process waits for it, and its death gives it up\n");
}

int main(void)
{
    begin();
    ranges();
    processes();
    return 0;
}
