/* A19: a child that asks to be left alone by tracers: its calls must arrive as its parent's do, or fail. */
/* Walls: untraced-flag */
#include "attack.h"

int main(void)
{
    begin();
    /* What no supervisor lets pass shows whether one is there. */
    pid_t own = getpid();
    long pid = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        struct {
            char bytes[128];
        } parameters = {{0}};
        long ring = syscall(SYS_io_uring_setup, 1, &parameters);
        int fd = open("made", O_CREAT | O_WRONLY, 0600);
        _exit(ring >= 0 ? 1 : fd < 0 ? 2 : 0);
    }
    CHECK(pid > 0 && own == getpid());
    GOT_IF(wait_exit((pid_t)pid) == 1, "a child whose calls nobody sees\n");
    pid = syscall(SYS_clone, CLONE_PTRACE | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return 0;
}
