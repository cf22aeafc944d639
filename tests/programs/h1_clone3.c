/* Shows clone3 with every legal flag alone and in pairs, with every size of its structure, and its refusals. */
#include <poll.h>

#include "clone3.h"

#define STACK 65536

struct shared {
    atomic_int parent_tid, child_tid, seen_tid, left, wrong;
    pid_t maker;
    uint64_t flags;
};

static struct shared *shared;
static char *stack;

static const struct {
    uint64_t flag;
    const char *name;
} flags[] = {
    {CLONE_VM, "VM"},
    {CLONE_FS, "FS"},
    {CLONE_FILES, "FILES"},
    {CLONE_SIGHAND | CLONE_VM, "SIGHAND"},
    {CLONE_PTRACE, "PTRACE"},
    {CLONE_VFORK, "VFORK"},
    {CLONE_SYSVSEM, "SYSVSEM"},
    {CLONE_SETTLS, "SETTLS"},
    {CLONE_PARENT_SETTID, "PARENT_SETTID"},
    {CLONE_CHILD_CLEARTID, "CHILD_CLEARTID"},
    {CLONE_CHILD_SETTID, "CHILD_SETTID"},
    {CLONE_UNTRACED, "UNTRACED"},
    {CLONE_IO, "IO"},
    {CLONE3_PIDFD, "PIDFD"},
    {CLONE3_CLEAR_SIGHAND, "CLEAR_SIGHAND"},
};
enum { FLAGS = sizeof flags / sizeof flags[0] };

static long raw(long number, long first, long second)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second) : "rcx", "r11", "memory");
    return result;
}

/* Runs in the child, maybe with another thread pointer: nothing of libc, raw calls alone. */
static int child_body(void *unused)
{
    (void)unused;
    int tid = (int)raw(SYS_gettid, 0, 0);
    if (shared->flags & CLONE_CHILD_SETTID && atomic_load(&shared->child_tid) != tid)
        atomic_fetch_add(&shared->wrong, 1);
    if (shared->flags & CLONE_SETTLS) {
        uint64_t base;
        __asm__ volatile("mov %%fs:0, %0" : "=r"(base));
        if (base != (uint64_t)stack)
            atomic_fetch_add(&shared->wrong, 1);
    }
    if (raw(SYS_getppid, 0, 0) != shared->maker)
        atomic_fetch_add(&shared->wrong, 1);
    atomic_store(&shared->seen_tid, tid);
    atomic_store(&shared->left, 1);
    return 33;
}

static struct clone3_args arguments(uint64_t set, int *pidfd)
{
    struct clone3_args args = {.flags = set, .exit_signal = SIGCHLD};
    if (set & CLONE_VM) {
        args.stack = (uint64_t)stack + 4096;
        args.stack_size = STACK - 4096;
    }
    args.pidfd = (uint64_t)pidfd;
    args.parent_tid = (uint64_t)&shared->parent_tid;
    args.child_tid = (uint64_t)&shared->child_tid;
    if (set & CLONE_SETTLS)
        args.tls = (uint64_t)stack;
    return args;
}

static void run_set(uint64_t set)
{
    int pidfd = -1;
    struct clone3_args args = arguments(set, &pidfd);
    memset(shared, 0, sizeof *shared);
    shared->flags = set;
    shared->maker = getpid();
    atomic_store(&shared->child_tid, -5);
    pid_t pid = (pid_t)clone3_run(&args, sizeof args, child_body, NULL);
    CHECK(pid > 0);
    if (set & CLONE_VFORK)
        CHECK(atomic_load(&shared->left) == 1);
    if (set & CLONE_PARENT_SETTID)
        CHECK(atomic_load(&shared->parent_tid) == pid);
    if (set & CLONE3_PIDFD) {
        struct pollfd item = {.fd = pidfd, .events = POLLIN};
        CHECK(poll(&item, 1, -1) == 1);
        CHECK(close(pidfd) == 0);
    }
    CHECK(wait_exit(pid) == 33);
    CHECK(atomic_load(&shared->seen_tid) == pid && atomic_load(&shared->wrong) == 0);
    /* The word is cleared at exit when another process uses the same memory (set_tid_address(2)). */
    if (set & CLONE_CHILD_CLEARTID && set & CLONE_VM)
        CHECK(atomic_load(&shared->child_tid) == 0);
    else if (set & CLONE_CHILD_SETTID)
        CHECK(atomic_load(&shared->child_tid) == pid);
}

/* Sharing and resetting the same table of handlers contradict each other (clone(2)). */
static bool legal(uint64_t set)
{
    return !(set & CLONE_SIGHAND && set & CLONE3_CLEAR_SIGHAND);
}

static void every_flag_and_pair(void)
{
    int runs = 0;
    run_set(0);
    for (int i = 0; i < FLAGS; i++) {
        for (int j = i; j < FLAGS; j++) {
            if (!legal(flags[i].flag | flags[j].flag))
                continue;
            run_set(flags[i].flag | flags[j].flag);
            runs++;
        }
        say("%s with each other flag\n", flags[i].name);
    }
    uint64_t all = 0;
    for (int i = 0; i < FLAGS; i++)
        all |= flags[i].flag;
    run_set(all & ~CLONE3_CLEAR_SIGHAND);
    run_set(all & ~(uint64_t)CLONE_SIGHAND);
    run_set(all & ~(uint64_t)(CLONE_VM | CLONE_SIGHAND));
    say("%d pairs and all at once\n", runs);
}

static int end_at_once(void *unused)
{
    (void)unused;
    return 2;
}

static void sizes(void)
{
    static char big[8192] __attribute__((aligned(8)));
    struct clone3_args args = {.exit_signal = SIGCHLD};
    const size_t good[] = {64, 80, 88, 96, 128, 4096};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        memset(big, 0, sizeof big);
        memcpy(big, &args, sizeof args);
        pid_t pid = (pid_t)clone3_run(big, good[i], end_at_once, NULL);
        CHECK(pid > 0 && wait_exit(pid) == 2);
    }
    CHECK(clone3_run(big, 4097, end_at_once, NULL) == -E2BIG);
    CHECK(clone3_run(big, 63, end_at_once, NULL) == -EINVAL);
    CHECK(clone3_run(big, 0, end_at_once, NULL) == -EINVAL);
    big[200] = 1;
    CHECK(clone3_run(big, 256, end_at_once, NULL) == -E2BIG);
    pid_t pid = (pid_t)clone3_run(big, 128, end_at_once, NULL);
    CHECK(pid > 0 && wait_exit(pid) == 2);
    say("sizes\n");
}

static long with(struct clone3_args args)
{
    return clone3_run(&args, sizeof args, end_at_once, NULL);
}

static void refusals(void)
{
    CHECK(with((struct clone3_args){.flags = CLONE_SIGHAND}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = CLONE_VM | CLONE_THREAD}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = SIGCHLD}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = CLONE_DETACHED}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = 1ULL << 60}) == -EINVAL);
    CHECK(with((struct clone3_args){.exit_signal = 65}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD}) == -EINVAL);
    CHECK(with((struct clone3_args){.stack = 4096}) == -EINVAL);
    CHECK(with((struct clone3_args){.stack_size = 4096}) == -EINVAL);
    CHECK(with((struct clone3_args){.set_tid_size = 1}) == -EINVAL);
    CHECK(with((struct clone3_args){.set_tid_size = 33, .set_tid = (uint64_t)stack}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = CLONE3_PIDFD, .pidfd = 8}) == -EFAULT);
    CHECK(with((struct clone3_args){.flags = CLONE3_INTO_CGROUP, .cgroup = 1ULL << 32}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = CLONE_VM | CLONE_SIGHAND | CLONE3_CLEAR_SIGHAND}) == -EINVAL);
    CHECK(with((struct clone3_args){.flags = CLONE_FS | CLONE_NEWNS}) == -EINVAL);
    CHECK(clone3_run((void *)8, sizeof(struct clone3_args), end_at_once, NULL) == -EFAULT);
    CHECK_FAILS(wait(NULL), ECHILD);
    say("refusals\n");
}

int main(void)
{
    begin();
    shared = shared_memory(sizeof *shared);
    stack = shared_memory(STACK);
    /* The thread control block of a child with CLONE_SETTLS points to itself, as the x86-64 ABI wants. */
    *(uint64_t *)stack = (uint64_t)stack;
    every_flag_and_pair();
    sizes();
    refusals();
    return 0;
}
