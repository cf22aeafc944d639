/* A2: as A1, by those who are no threads: a child that shares the memory, one with a shared mapping, a write(2). */
/* Walls: tree */
/* Walls without namespaces: landlock-files */
#include "attack.h"

static char *name;
static char allowed[PATH_MAX];
static int memfd;
static atomic_int *over;

static int flip(void *by_write)
{
    const char *forbidden = getenv("ATTACK_FORBIDDEN");
    size_t size = strlen(forbidden) + 1, other = strlen(allowed) + 1;
    while (!*over) {
        if (by_write) {
            if (pwrite(memfd, forbidden, size, 0) < 0 || pwrite(memfd, allowed, other, 0) < 0)
                break;
        } else {
            memcpy(name, forbidden, size);
            dwell();
            memcpy(name, allowed, other);
            dwell();
        }
    }
    _exit(0);
}

static void race(pid_t flipper, const char *what)
{
    bool got = false;
    CHECK(flipper > 0);
    for (int64_t since = now_ns(); !got && races(since, 60);)
        got = reads_secret(name);
    *over = 1;
    CHECK(wait_exit(flipper) == 0);
    *over = 0;
    GOT_IF(got, "the secret through a name changed by %s\n", what);
}

int main(void)
{
    begin();
    CHECK(getcwd(allowed, sizeof allowed - 16));
    strcat(allowed, "/allowed");
    make_file(allowed, "allowed\n", 0600);
    over = shared_memory(4096);
    memfd = memfd_create("name", MFD_CLOEXEC);
    CHECK(memfd >= 0 && ftruncate(memfd, 4096) == 0);
    name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    char *stack = malloc(65536);
    CHECK(name != MAP_FAILED && stack);
    strcpy(name, allowed);
    pid_t child = fork_child();
    if (child == 0)
        flip(NULL);
    race(child, "a process with a shared mapping");
    race(clone(flip, stack + 65536, CLONE_VM | SIGCHLD, NULL), "a process in the same memory");
    race(clone(flip, stack + 65536, CLONE_VM | SIGCHLD, stack), "write(2)");
    return 0;
}
