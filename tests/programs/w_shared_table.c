/* Shows that the working directory of a process that has gone is held by nobody, though others share its descriptors. */
/* profile: windows11 */
#include "check.h"

static char stack[1 << 16] __attribute__((aligned(16)));
static int ready[2], done[2];

/* A child that outlives its parent, whose descriptors it shares. */
static int stay(void *unused)
{
    (void)unused;
    alarm(WATCHDOG);
    CHECK(chdir("..") == 0);
    give_byte(ready[1], '.');
    take_byte(done[0]);
    return 0;
}

static int unshared(void)
{
    give_byte(ready[1], '.');
    take_byte(done[0]);
    CHECK(unshare(CLONE_FILES) == 0);
    give_byte(ready[1], '.');
    take_byte(done[0]);
    return 0;
}

static int parent(const char *what)
{
    CHECK(chdir("held") == 0);
    if (strcmp(what, "unshares") == 0)
        return unshared();
    CHECK(clone(stay, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL) > 0);
    take_byte(ready[0]);
    give_byte(ready[1], '.');
    take_byte(done[0]);
    return 0;
}

static pid_t start(char *self, char *what)
{
    char ends[4][16];
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < 4; i++)
            snprintf(ends[i], sizeof ends[i], "%d", i < 2 ? ready[i] : done[i - 2]);
        execl(self, self, what, ends[0], ends[1], ends[2], ends[3], NULL);
        _exit(127);
    }
    take_byte(ready[0]);
    return pid;
}

int main(int count, char **arguments)
{
    begin();
    if (count > 1) {
        for (int i = 0; i < 4; i++)
            (i < 2 ? ready : done)[i % 2] = atoi(arguments[2 + i]);
        return parent(arguments[1]);
    }
    char self[PATH_MAX] = {0};
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    CHECK(pipe(ready) == 0 && pipe(done) == 0);
    CHECK(mkdir("held", 0755) == 0);
    pid_t pid = start(self, "shares");
    bool holds = rmdir("held") < 0 && errno == EACCES;
    CHECK(kill(pid, SIGKILL) == 0 && wait_death(pid) == SIGKILL);
    bool is_free = holds && rmdir("held") == 0;
    /* The child that is left ends in any case. */
    give_byte(done[1], '.');
    CHECK(holds && is_free);
    CHECK(mkdir("held", 0755) == 0);
    pid = start(self, "unshares");
    CHECK_FAILS(rmdir("held"), EACCES);
    give_byte(done[1], '.');
    take_byte(ready[0]);
    CHECK_FAILS(rmdir("held"), EACCES);
    give_byte(done[1], '.');
    CHECK(wait_exit(pid) == 0 && rmdir("held") == 0);
    say("who is gone holds nothing\n");
    return 0;
}
