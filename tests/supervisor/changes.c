/* Processes and threads that make, open, rename and delete the same few names, and are killed in the middle of it. */
#include "../programs/check.h"
#include <pthread.h>

#define ROUNDS 150

static const char *const NAMES[] = {"one", "ONE", "two"};

static bool is_expected(int error)
{
    /* The host's own EISDIR is for a directory that was made only after the executive was asked. */
    return error == ENOENT || error == EACCES || error == EEXIST || error == ENOTEMPTY || error == ENOTDIR ||
           error == EISDIR;
}

static void change(unsigned int *seed)
{
    const char *name = NAMES[rand_r(seed) % 3], *other = NAMES[rand_r(seed) % 3];
    int result;
    switch (rand_r(seed) % 6) {
    case 0:
        result = unlink(name);
        break;
    case 1:
        result = rename(name, other);
        break;
    case 2:
        result = mkdir(name, 0755);
        break;
    case 3:
        result = rmdir(name);
        break;
    case 4:
        result = truncate(name, 1);
        break;
    default:
        result = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
        if (result >= 0)
            result = close(result);
    }
    CHECK(result == 0 || is_expected(errno));
}

static void *work(void *seed)
{
    unsigned int own = (unsigned int)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++)
        change(&own);
    return NULL;
}

int main(void)
{
    begin();
    for (unsigned int round = 0; round < 6; round++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            pthread_t thread;
            CHECK(pthread_create(&thread, NULL, work, (void *)(uintptr_t)(round * 3 + 1)) == 0);
            work((void *)(uintptr_t)(round * 3 + 2));
            pthread_join(thread, NULL);
            _exit(0);
        }
        unsigned int seed = round;
        for (int i = 0; i < ROUNDS / 3; i++)
            change(&seed);
        int status;
        if (round % 2)
            CHECK(kill(pid, SIGKILL) == 0);
        CHECK(waitpid(pid, &status, 0) == pid && (round % 2 || status == 0));
    }
    return 0;
}
