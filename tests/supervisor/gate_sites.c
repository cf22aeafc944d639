/* Makes as many calls as it is told, in itself and in a child, and ends well if their site is as it is told: "jumps" or not. */
#include "../programs/check.h"

static bool jumps(const void *function)
{
    for (const uint8_t *at = function; at < (const uint8_t *)function + 16; at++)
        if (memcmp(at, "\xff\x24\x65", 3) == 0)
            return true;
    return false;
}

static void make_calls(long count, int parent)
{
    struct stat status;
    for (long i = 0; i < count; i++)
        CHECK(getppid() == parent && fstat(0, &status) == 0 && S_ISCHR(status.st_mode));
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 3);
    long count = atol(argv[1]);
    make_calls(count, getppid());
    CHECK(jumps(getppid) == (strcmp(argv[2], "jumps") == 0));
    int self = getpid();
    pid_t pid = fork_child();
    if (pid == 0) {
        make_calls(count, self);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    return 0;
}
