/* A18: numbers that the table does not know, those of kernels to come among them. */
/* Walls: supervisor */
#include "attack.h"

int main(void)
{
    begin();
    for (long nr = 470; nr < 512; nr++)
        GOT_IF(syscall(nr, 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS, "call %ld\n", nr);
    for (long nr = 1000; nr < 1100; nr++)
        GOT_IF(syscall(nr, 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS, "call %ld\n", nr);
    pid_t child = fork_child();
    if (child == 0)
        _exit(syscall(335, 0) != -1 || errno != ENOSYS);
    /* The kernel lets this one past every filter since 6.14, and ends a caller that is no probe with SIGILL. */
    int status = wait_status(child);
    GOT_IF(WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != SIGILL, "uretprobe without a probe\n");
    return 0;
}
