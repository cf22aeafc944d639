/* Shows that a lock whose holder dies is the next one's at once: what waited for it can unlock it before the death is told. */
/* profile: windows11 */
#include "check.h"

enum { ROUNDS = 60 };

static int lock(int fd, int command, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 4};
    return fcntl(fd, command, &range);
}

static void hold_and_die(int round, int ready)
{
    int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && lock(fd, F_SETLK, F_WRLCK) == 0);
    give_byte(ready, '.');
    if (round % 2)
        usleep(1000);
    if (round % 3)
        _exit(0);
    raise(SIGKILL);
}

int main(void)
{
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        int ready[2];
        open_pipe(ready);
        pid_t pid = fork_child();
        if (pid == 0)
            hold_and_die(round, ready[1]);
        take_byte(ready[0]);
        int fd = open("file", O_RDWR | O_CLOEXEC), other = open("file", O_RDWR | O_CLOEXEC);
        char byte = 'x';
        CHECK(fd >= 0 && other >= 0);
        CHECK(lock(fd, F_SETLKW, F_WRLCK) == 0 && lock(fd, F_SETLK, F_RDLCK) == 0 && lock(fd, F_SETLK, F_UNLCK) == 0);
        wait_status(pid);
        CHECK(pwrite(other, &byte, 1, 0) == 1 && lock(fd, F_SETLK, F_WRLCK) == 0);
        CHECK_FAILS(pwrite(other, &byte, 1, 0), EACCES);
        CHECK(close(fd) == 0 && close(other) == 0 && close(ready[0]) == 0 && close(ready[1]) == 0);
    }
    say("a lock of the dead is free\n");
    return 0;
}
