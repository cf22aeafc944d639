/* A27: a fork bomb, in processes and in threads: it meets a limit, and who was there before still works. */
/* Walls: limit-processes */
/* Options: --limit processes=60 */
#include "attack.h"

int main(void)
{
    begin();
    atomic_int *made = shared_memory(4096), *over = made + 1, *refused = made + 2;
    pid_t bomb = fork_child();
    if (bomb == 0) {
        for (;;) {
            pid_t pid = *made < 400 && !*over ? fork() : -2;
            if (pid > 0)
                (*made)++;
            if (pid == -1)
                (*refused)++;
            if (pid < 0 && *over)
                _exit(0);
            if (pid < 0)
                usleep(1000);
        }
    }
    for (int passed = 0; passed < 3000 && *made < 400 && *refused < 50; passed++)
        usleep(1000);
    GOT_IF(*made >= 400, "as many processes as it likes\n");
    CHECK(access("/", F_OK) == 0);
    *over = 1;
    wait_status(bomb);
    while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
        ;
    return 0;
}
