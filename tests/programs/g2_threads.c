/* Shows 64 threads that make calls from one place, busy and asleep in it, while it may be changed under them, and the same
   for processes: forked ones, ones that share memory, and a program that is run anew. */
#include "check.h"
#include <pthread.h>

enum { THREADS = 64, CALLS = 100, SITES = 5, PROCESSES = 20 };

/* Call sites of this program's own, one for each round: new to whoever watches. */
#define SITE(name)                                                             \
    __asm__(".text\n.p2align 4\n.type " #name ", @function\n" #name ":\n"      \
            "  movq %rdi, %rax\n  movq %rsi, %rdi\n  movq %rdx, %rsi\n"        \
            "  movq %rcx, %rdx\n  syscall\n  cmpq $-4096, %rax\n  ja 1f\n"     \
            "1: ret\n.size " #name ", . - " #name "\n");                       \
    long name(long nr, long first, long second, long third)
SITE(site0); SITE(site1); SITE(site2); SITE(site3); SITE(site4);
static long (*const sites[SITES])(long, long, long, long) = {site0, site1, site2, site3, site4};

static long (*site)(long, long, long, long);
static int pair[2], parent;
static atomic_int asleep, finished;

static void make_calls(int count)
{
    for (int i = 0; i < count; i++) {
        CHECK(site(SYS_getppid, 0, 0, 0) == parent);
        CHECK(site(SYS_lseek, -1, 0, SEEK_SET) == -EBADF);
    }
}

static void *work(void *number)
{
    char byte;
    if ((intptr_t)number % 4 == 0) {
        atomic_fetch_add(&asleep, 1);
        CHECK(site(SYS_read, pair[0], (long)&byte, 1) == 1);
    }
    make_calls(CALLS);
    atomic_fetch_add(&finished, 1);
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[THREADS];
    atomic_store(&asleep, 0);
    atomic_store(&finished, 0);
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    while (atomic_load(&finished) < THREADS - THREADS / 4)
        usleep(100);
    for (int i = 0; i < THREADS / 4; i++)
        give_byte(pair[1], 'x');
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(atomic_load(&asleep) == THREADS / 4);
}

static int share_memory(void *argument)
{
    (void)argument;
    parent = (int)syscall(SYS_getppid);
    make_calls(CALLS);
    return 7;
}

/* A child that shares the memory and nothing else, and one for which its parent waits in vfork. */
static void run_shared(void)
{
    static char stack[65536];
    int before = parent;
    pid_t pid = clone(share_memory, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    CHECK(pid > 0 && wait_exit(pid) == 7);
    parent = before;
    make_calls(CALLS);
    pid = vfork();
    if (pid == 0) {
        for (int i = 0; i < CALLS; i++)
            if (site(SYS_lseek, -1, 0, SEEK_SET) != -EBADF)
                _exit(1);
        _exit(8);
    }
    CHECK(pid > 0 && wait_exit(pid) == 8);
    make_calls(CALLS);
}

static void run_processes(void)
{
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0) {
            parent = getppid();
            site = sites[i % SITES];
            make_calls(CALLS);
            _exit(i);
        }
    }
    for (int i = 0; i < PROCESSES; i++)
        CHECK(wait_exit(pids[i]) == i);
}

int main(int argc, char **argv)
{
    begin();
    parent = getppid();
    open_pipe(pair);
    for (int i = 0; i < SITES - 2; i++) {
        site = sites[i];
        run_threads();
    }
    site = sites[SITES - 2];
    run_shared();
    run_processes();
    if (argc == 1) {
        say("threads, processes and those between them call\n");
        execl("/proc/self/exe", argv[0], "again", NULL);
    }
    CHECK(argc == 2);
    say("and once more in a new program\n");
    return 0;
}
