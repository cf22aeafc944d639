/* What the test of the C core runs: argv[1] names a behaviour, the exit status tells whether it saw what it should. */
#include "../programs/check.h"
#include "core_guest.h"
#include <pthread.h>

static void *call_a_lot(void *unused)
{
    for (int i = 0; i < 50; i++)
        CHECK(syscall(SYS_getppid) > 0);
    return unused;
}

static void threads(void)
{
    pthread_t made[GUEST_THREADS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < GUEST_THREADS; i++)
            CHECK(pthread_create(&made[i], NULL, call_a_lot, NULL) == 0);
        for (int i = 0; i < GUEST_THREADS; i++)
            CHECK(pthread_join(made[i], NULL) == 0);
    }
}

/* Every process forks at each level: 2^levels processes in all, most of them at once. */
static void bomb(void)
{
    int made = 0;
    for (int level = 0; level < GUEST_BOMB_LEVELS; level++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        made = pid ? made + 1 : 0;
    }
    for (int status; made; made--)
        CHECK(wait(&status) > 0 && status == 0);
}

/* The call with this second argument; gives the result, and the argument's register after the call. */
static long call_and_look(long nr, long first, uint64_t *second, long third)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result), "+S"(*second)
                     : "0"(nr), "D"(first), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

/* See test_repeats. */
static void repeats(void)
{
    const char *alike = "/alike", *other = "/other";
    for (int i = 0; i < 5; i++)
        access(alike, F_OK);
    access(alike, R_OK);
    access(other, F_OK);
    access(alike, F_OK);
    access((const char *)GUEST_EDGE, F_OK);
    for (int fd = 20; fd < 23; fd++)
        for (int i = 0; i < 5; i++)
            CHECK(lseek(fd, GUEST_OFFSET, SEEK_SET) < 0);
    access(other, R_OK);
    access(alike, F_OK);
}

static void answers(void)
{
    CHECK(syscall(SYS_getpgid, 0) == GUEST_ANSWER);
    CHECK_FAILS(syscall(SYS_getsid, 0), EXDEV);
    CHECK_FAILS(syscall(SYS_sched_get_priority_max, SCHED_OTHER), ENOSYS);
    CHECK_FAILS(syscall(500), ENOSYS);
    CHECK_FAILS(syscall(0x40000000 + SYS_getpid), ENOSYS);
    CHECK_FAILS(syscall(-1), ENOSYS);
    CHECK(syscall(SYS_getpid) == getpid());
}

static void rewritten(void)
{
    uint64_t offset = GUEST_OFFSET;
    int fd = memfd_create("file", 0);
    CHECK(fd >= 0);
    CHECK(call_and_look(SYS_lseek, fd, &offset, SEEK_SET) == GUEST_OFFSET + 1);
    CHECK(offset == GUEST_OFFSET);
    CHECK(lseek(fd, 0, SEEK_CUR) == GUEST_OFFSET + 1);
    /* The supervisor replaces this one's result. */
    CHECK(syscall(SYS_getpgrp) == GUEST_ANSWER);
}

static void memory(void)
{
    char *page = mmap((void *)GUEST_EDGE, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(page == (char *)GUEST_EDGE);
    char *forbidden = (char *)GUEST_FORBIDDEN;
    CHECK(mmap(forbidden, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == forbidden);
    memset(page, 'a', 4096);
    memcpy(page + 1000, "short", 6);
    syscall(SYS_getpriority, GUEST_CHECKPOINT, 0);
    CHECK(memcmp(page + 4093, "end", 3) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
    syscall(SYS_getpriority, GUEST_CHECKPOINT, 1);
    CHECK(memcmp(page + 4093, "end", 3) == 0);
}

/* Where the supervisor has put the argument page. */
static char *find_page(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "/memfd:picobox")) {
            CHECK(strstr(line, " r--s "));
            CHECK(fclose(maps) == 0);
            return (char *)strtoul(line, NULL, 16);
        }
    CHECK(!"a page in the maps");
    return NULL;
}

static char *use_page(void)
{
    CHECK(access("/no/such/file", F_OK) == 0);
    char *page = find_page();
    CHECK_FAILS(munmap(page, 4096), EPERM);
    CHECK_FAILS(munmap(page - 4096, 8192), EPERM);
    CHECK_FAILS(mprotect(page, 4096, PROT_READ | PROT_WRITE), EPERM);
    CHECK(mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EPERM);
    /* More than there are addresses: the kernel's own answer. */
    CHECK_FAILS(munmap(page - 4096, UINT64_MAX & ~4095UL), EINVAL);
    /* Without MAP_FIXED the address is a hint, and the kernel finds another place. */
    void *other = mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(other != MAP_FAILED && other != page && munmap(other, 4096) == 0);
    /* The kernel reads what the guest may read. */
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    char byte;
    CHECK(fd >= 0 && pread(fd, &byte, 1, (off_t)page) == 1);
    CHECK(pwrite(fd, "x", 1, (off_t)page) == -1);
    CHECK(close(fd) == 0);
    return page;
}

static void page(void)
{
    char *page = use_page();
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(use_page() == page);
        *(volatile char *)page = 'x';
        _exit(1);
    }
    CHECK(wait_death(pid) == SIGSEGV);
    use_page();
}

/* The place that the supervisor prefers is taken. */
static void crowded(void)
{
    char *mine = (char *)GUEST_TAKEN;
    CHECK(mmap(mine, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mine);
    *mine = 'm';
    page();
    CHECK(*mine == 'm' && munmap(mine, 4096) == 0);
}

static atomic_int seen;

static void note(int number)
{
    atomic_fetch_or(&seen, 1 << number);
}

static void signals(void)
{
    handle(SIGUSR1, note, 0);
    handle(SIGUSR2, note, 0);
    CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0);
    CHECK(seen == (1 << SIGUSR1 | 1 << SIGUSR2));
    pid_t pid = fork_child();
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(kill(pid, SIGCONT) == 0 && wait_exit(pid) == 0);
    *(volatile int *)8 = 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } behaviours[] = {
        {"threads", threads}, {"bomb", bomb}, {"answers", answers}, {"repeats", repeats}, {"rewritten", rewritten},
        {"memory", memory}, {"page", page}, {"crowded", crowded},
        {"signals", signals},
    };
    begin();
    CHECK(argc == 2);
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (strcmp(behaviours[i].name, argv[1]) == 0) {
            behaviours[i].run();
            return 0;
        }
    CHECK(!"known behaviour");
}
