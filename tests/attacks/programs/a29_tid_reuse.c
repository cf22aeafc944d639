/* A29: threads are killed inside of calls whose names are in memory that is gone, and their tids are used again. */
/* Walls: supervisor */
#include "attack.h"

static void *opens(void *unused)
{
    char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(name, "own");
    for (;;)
        open(name, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
    return unused;
}

int main(void)
{
    begin();
    char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long round = 0; round < rounds(20); round++) {
        pid_t child = fork_child();
        if (child == 0) {
            pthread_t thread;
            struct rlimit few = {64, 64};
            setrlimit(RLIMIT_NOFILE, &few);
            start(&thread, opens, NULL);
            start(&thread, opens, NULL);
            usleep(500 * (useconds_t)(round % 5));
            munmap(name, 4096);
            raise(SIGKILL);
        }
        CHECK(wait_death(child) == SIGKILL);
        for (int i = 0; i < 5; i++) {
            pid_t next = fork_child();
            if (next == 0)
                _exit(access("own", F_OK) == 0 || round == 0 || errno == ENOENT ? 0 : 1);
            CHECK(wait_exit(next) == 0);
        }
    }
    GOT_IF(access("other", F_OK) == 0, "a name that nobody wrote\n");
    return 0;
}
