/* A30: blocked in every call that waits: an interrupt ends the wait, SIGKILL ends the process. */
/* Walls: supervisor */
#include "attack.h"
#include <sys/file.h>

static int pair[2];
static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "listener"};

static void wait_in(int way)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char byte;
    int fd;
    switch (way) {
    case 0:
        fd = open("fifo", O_RDONLY | O_CLOEXEC);
        break;
    case 1:
        fd = open("locked", O_RDWR | O_CLOEXEC);
        fd = flock(fd, LOCK_EX);
        break;
    case 2:
        fd = open("locked", O_RDWR | O_CLOEXEC);
        fd = fcntl(fd, F_SETLKW, &lock);
        break;
    case 3:
        fd = (int)read(pair[0], &byte, 1);
        break;
    case 4:
        for (;;) {
            fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
                break;
        }
        fd = -1;
        break;
    default:
        fd = (int)syscall(SYS_wait4, -1, NULL, 0, NULL);
        break;
    }
    _exit(fd == -1 && (errno == EINTR || errno == ECHILD) ? 0 : 9);
}

static void nothing(int number)
{
    (void)number;
}

int main(void)
{
    begin();
    handle(SIGINT, nothing, 0); /* for the children: they may not have begun when it comes */
    open_pipe(pair);
    CHECK(mkfifo("fifo", 0600) == 0);
    make_file("locked", "x", 0600);
    int held = open("locked", O_RDWR | O_CLOEXEC), server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(held >= 0 && flock(held, LOCK_EX) == 0 && fcntl(held, F_SETLK, &lock) == 0);
    CHECK(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 0) == 0);
    for (int way = 0; way < 6; way++)
        for (int by_kill = 0; by_kill < 2; by_kill++) {
            pid_t child = fork_child();
            if (child == 0)
                wait_in(way);
            usleep(15000);
            CHECK(kill(child, by_kill ? SIGKILL : SIGINT) == 0);
            int status = 0, passed = 0;
            while (waitpid(child, &status, WNOHANG) == 0 && passed++ < 3000) {
                usleep(1000);
                if (!by_kill && passed % 100 == 0)
                    kill(child, SIGINT); /* it had not begun to wait */
            }
            CHECK(passed < 3000);
            /* A connect that the supervisor makes does not wait, and the last way has nothing to wait for. */
            CHECK(by_kill ? WIFSIGNALED(status) || way >= 4 : WIFEXITED(status) && (WEXITSTATUS(status) == 0 || way == 4));
        }
    return 0;
}
