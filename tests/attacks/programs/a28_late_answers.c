/* A28: a signal comes while a call that makes something is decided: with and without SA_RESTART it is made once or not. */
/* Walls: supervisor */
#include "attack.h"

static atomic_int *over;

static void nothing(int number)
{
    (void)number;
}

static pid_t pester(pid_t target)
{
    pid_t child = fork_child();
    if (child == 0) {
        while (!*over)
            kill(target, SIGUSR1);
        _exit(0);
    }
    return child;
}

int main(void)
{
    begin();
    over = shared_memory(4096);
    for (int restart = 0; restart < 2; restart++) {
        handle(SIGUSR1, nothing, restart ? SA_RESTART : 0);
        *over = 0;
        pid_t other = pester(getpid());
        for (long round = 0; round < rounds(10); round++) {
            int fd;
            while ((fd = open("once", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)) < 0 && errno == EINTR)
                ;
            GOT_IF(fd < 0, "a file that was made twice\n");
            close(fd);
            CHECK(unlink("once") == 0);
            GOT_IF(mkdir("once", 0700) < 0, "a directory that was made twice\n");
            CHECK(rmdir("once") == 0);
            /* A descriptor for each call, no more: the next is the same number. */
            int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            CHECK(first >= 0 && close(first) == 0);
            int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            GOT_IF(first != second, "a descriptor that nobody asked for\n");
            close(second);
        }
        *over = 1;
        CHECK(wait_exit(other) == 0);
    }
    return 0;
}
