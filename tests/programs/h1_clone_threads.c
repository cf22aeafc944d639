/* Shows threads and half-threads made by raw clone: CLONE_VM without CLONE_THREAD, and CLONE_THREAD by clone3. */
#include "clone3.h"

#define STACK 65536

static volatile int plain_value;
static char *self;
static atomic_int tid_word, word;

static char *new_stack(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    return stack;
}

static int store_and_end(void *value)
{
    plain_value = (int)(intptr_t)value;
    return 17;
}

static void memory_without_thread(void)
{
    char *stack = new_stack();
    plain_value = 0;
    pid_t pid = clone(store_and_end, stack + STACK, CLONE_VM | SIGCHLD, (void *)5);
    CHECK(pid > 0 && pid != getpid());
    CHECK(wait_exit(pid) == 17 && plain_value == 5);
    munmap(stack, STACK);
    say("CLONE_VM shares memory, not the process\n");
}

static int exec_self(void *status)
{
    char *arguments[] = {self, "exit", status, NULL};
    execv(self, arguments);
    return 99;
}

static void exec_leaves_shared_memory(void)
{
    for (int i = 0; i < 10; i++) {
        char *stack = new_stack();
        pid_t pid = clone(exec_self, stack + STACK, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, "18");
        CHECK(pid > 0);
        /* This process keeps using the memory while the child leaves it. */
        for (int round = 0; round < 200; round++)
            plain_value = (int)syscall(SYS_getppid);
        CHECK(wait_exit(pid) == 18);
        munmap(stack, STACK);
    }
    say("exec leaves shared memory alone\n");
}

static int wait_for_word(void *unused)
{
    (void)unused;
    while (atomic_load(&word) == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    syscall(SYS_exit_group, 19);
    return 99;
}

static void exit_group_ends_the_child_alone(void)
{
    char *stacks[4];
    pid_t children[4];
    atomic_store(&word, 0);
    for (int i = 0; i < 4; i++) {
        stacks[i] = new_stack();
        children[i] = clone(wait_for_word, stacks[i] + STACK, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
        CHECK(children[i] > 0);
    }
    post(&word, 1);
    for (int i = 0; i < 4; i++) {
        CHECK(wait_exit(children[i]) == 19);
        munmap(stacks[i], STACK);
    }
    say("exit_group ends the child alone\n");
}

static _Noreturn int killed_body(void *unused)
{
    (void)unused;
    for (;;)
        syscall(SYS_pause);
}

static void kill_ends_the_child_alone(void)
{
    char *stack = new_stack();
    pid_t pid = clone(killed_body, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
    CHECK(pid > 0 && kill(pid, SIGKILL) == 0 && wait_death(pid) == SIGKILL);
    munmap(stack, STACK);
    say("SIGKILL ends the child alone\n");
}

static int count_and_end(void *unused)
{
    (void)unused;
    plain_value = (int)syscall(SYS_getpid);
    return 0;
}

/* The kernel clears tid_word and wakes it at a thread's end (CLONE_CHILD_CLEARTID). */
static void await_thread_end(void)
{
    int now;
    while ((now = atomic_load(&tid_word)) != 0)
        futex(&tid_word, FUTEX_WAIT, now, NULL);
}

enum {
    THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID
};

/* The older call, whose thread pointer is an argument of its own. */
static void threads_by_clone(void)
{
    char *stack = new_stack();
    *(uint64_t *)stack = (uint64_t)stack;
    for (int i = 0; i < 100; i++) {
        plain_value = 0;
        int tid = clone(count_and_end, stack + STACK, THREAD_FLAGS, NULL, &tid_word, stack, &tid_word);
        CHECK(tid > 0 && tid != getpid());
        await_thread_end();
        CHECK(plain_value == getpid());
    }
    munmap(stack, STACK);
    say("100 threads by clone\n");
}

static void threads_by_clone3(void)
{
    char *stack = new_stack();
    for (int i = 0; i < 100; i++) {
        struct clone3_args args = {
            .flags = THREAD_FLAGS,
            .parent_tid = (uint64_t)&tid_word,
            .child_tid = (uint64_t)&tid_word,
            .stack = (uint64_t)stack + 4096,
            .stack_size = STACK - 4096,
            .tls = (uint64_t)stack,
        };
        *(uint64_t *)stack = (uint64_t)stack;
        plain_value = 0;
        long tid = clone3_run(&args, sizeof args, count_and_end, NULL);
        CHECK(tid > 0 && tid != getpid());
        await_thread_end();
        CHECK(plain_value == getpid());
    }
    CHECK_FAILS(wait(NULL), ECHILD);
    munmap(stack, STACK);
    say("100 threads by clone3\n");
}

int main(int argc, char **argv)
{
    begin();
    self = argv[0];
    if (argc == 3)
        return atoi(argv[2]);
    memory_without_thread();
    exec_leaves_shared_memory();
    exit_group_ends_the_child_alone();
    kill_ends_the_child_alone();
    threads_by_clone();
    threads_by_clone3();
    return 0;
}
