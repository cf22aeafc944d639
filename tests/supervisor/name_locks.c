/* Three processes have one name as their lock, in two spellings: whoever makes it holds it, and nobody else meanwhile.
   `name_locks DIRECTORY ROUNDS` */
#include "../programs/check.h"
#include <sys/wait.h>

enum { LOCKERS = 3, TURNS = 20 };

static void take_turns(const char *name, atomic_int *holders)
{
    for (int i = 0; i < TURNS; i++) {
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(fd >= 0 || errno == EEXIST);
        if (fd < 0)
            continue;
        CHECK(close(fd) == 0 && atomic_fetch_add(holders, 1) == 0);
        if (i % 4 == 0)
            usleep(100);
        CHECK(atomic_fetch_sub(holders, 1) == 1 && unlink(name) == 0);
    }
}

int main(int argc, char **argv)
{
    static const char *const names[LOCKERS] = {"lock", "LOCK", "lock"};
    pid_t pids[LOCKERS];
    begin();
    CHECK(argc == 3 && chdir(argv[1]) == 0);
    atomic_int *holders = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(holders != MAP_FAILED);
    for (int i = 0; i < LOCKERS; i++) {
        pids[i] = fork_child();
        if (pids[i])
            continue;
        /* In bursts, so that now and then each is alone. */
        for (long round = strtol(argv[2], NULL, 0); round > 0; round--) {
            take_turns(names[i], holders);
            usleep((useconds_t)(i * 300 + round % 30 * 100));
        }
        _exit(0);
    }
    for (int i = 0; i < LOCKERS; i++)
        CHECK(wait_exit(pids[i]) == 0);
    return 0;
}
