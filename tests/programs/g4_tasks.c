/* Shows tasks that come to be and end around calls that are made again and again: forks, vforks and clone3 between them and
   at once with them, programs that are run from a thread, memory in common without a common group, creators that are killed. */
#define WATCHDOG 90
#include "check.h"
#include "clone3.h"
#include <pthread.h>

enum { CALLS = 70, ROUNDS = 3, THREADS = 4, STACK = 65536, PLACES = 64, PLACE = 32 };

/* Sites of this program's own, each new to whoever watches. */
__asm__(".text\n.p2align 5\nplaces:\n.rept 64\n.p2align 5\n"
        "  movq %rdi, %rax\n  movq %rsi, %rdi\n  movq %rdx, %rsi\n  movq %rcx, %rdx\n"
        "  syscall\n  cmpq $-4096, %rax\n  ret\n.endr\n");
extern char places[];
typedef long site(long nr, long first, long second, long third);

static int parent;
static atomic_int next_place, over;

static site *new_site(void)
{
    return (site *)(uintptr_t)(places + PLACE * (atomic_fetch_add(&next_place, 1) % PLACES));
}

static void make_calls(site *at)
{
    for (int i = 0; i < CALLS; i++) {
        CHECK(at(SYS_getppid, 0, 0, 0) == parent);
        CHECK(at(SYS_lseek, -1, 0, SEEK_SET) == -EBADF);
    }
}

static void *call_all_the_time(void *unused)
{
    (void)unused;
    while (!atomic_load(&over))
        make_calls(new_site());
    return NULL;
}

static _Noreturn void be_child(int status)
{
    parent = getppid();
    make_calls(new_site());
    make_calls((site *)(uintptr_t)places);
    _exit(status);
}

/* The child has the parent's memory for itself for a time, and leaves only what it has written. */
static void make_vfork(int status)
{
    site *at = new_site();
    pid_t pid = vfork();
    if (pid == 0) {
        for (int i = 0; i < CALLS; i++)
            if (at(SYS_lseek, -1, 0, SEEK_SET) != -EBADF)
                _exit(99);
        _exit(status);
    }
    CHECK(pid > 0 && wait_exit(pid) == status);
    make_calls(at);
}

static void make_clone3(int status)
{
    struct clone3_args args = {.exit_signal = SIGCHLD};
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    CHECK(pid >= 0);
    if (pid == 0)
        be_child(status);
    CHECK(wait_exit(pid) == status);
}

static void make_fork(int status)
{
    pid_t pid = fork_child();
    if (pid == 0)
        be_child(status);
    make_calls(new_site());
    CHECK(wait_exit(pid) == status);
}

static int call_in_common(void *unused)
{
    site *at = new_site();
    (void)unused;
    for (int i = 0; i < 4 * CALLS; i++)
        if (at(SYS_lseek, -1, 0, SEEK_SET) != -EBADF || places[0] == 0)
            return 98;
    return 11;
}

/* Memory in common, and nothing else. */
static void share_memory(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    pid_t pid = clone(call_in_common, stack + STACK, CLONE_VM | SIGCHLD, NULL);
    CHECK(pid > 0);
    for (int i = 0; i < 4; i++)
        make_calls(new_site());
    CHECK(wait_exit(pid) == 11 && munmap(stack, STACK) == 0);
}

static void run_all(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        make_fork(i);
        make_vfork(i + 1);
        make_clone3(i + 2);
        share_memory();
    }
}

static void run_beside_threads(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, call_all_the_time, NULL) == 0);
    run_all();
    atomic_store(&over, 1);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static int call_orphaned(void *pipe_end)
{
    site *at = new_site();
    for (int i = 0; i < CALLS; i++)
        if (at(SYS_lseek, -1, 0, SEEK_SET) != -EBADF)
            _exit(97);
    give_byte((int)(intptr_t)pipe_end, 'o');
    _exit(0);
}

/* A creator that is killed at any moment of its call, after calls of its own; its children say that they live. */
static void kill_creator(int flags, unsigned delay)
{
    int pair[2];
    char byte;
    open_pipe(pair);
    pid_t pid = fork_child();
    if (pid == 0) {
        static char stacks[16][STACK];
        parent = getppid();
        make_calls((site *)(uintptr_t)places);
        for (int i = 0; i < 16; i++)
            if (clone(call_orphaned, stacks[i] + STACK, flags | SIGCHLD, (void *)(intptr_t)pair[1]) < 0)
                _exit(1);
        pause();
    }
    close(pair[1]);
    usleep(2000 + delay);
    CHECK(kill(pid, SIGKILL) == 0 && wait_death(pid) == SIGKILL);
    while (read(pair[0], &byte, 1) == 1)
        CHECK(byte == 'o');
    close(pair[0]);
}

static void *run_program(void *argument)
{
    char **argv = argument;
    make_calls(new_site());
    execl("/proc/self/exe", argv[0], "again", NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    begin();
    parent = getppid();
    if (argc > 1) {
        make_calls((site *)(uintptr_t)places);
        run_all();
        say("and once more in a program that a thread has run\n");
        return 0;
    }
    run_all();
    say("children and parents call\n");
    run_beside_threads();
    say("beside threads that call\n");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (unsigned i = 0; i < 10; i++)
        kill_creator(i % 2 ? CLONE_VM : 0, 300 * i);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    say("and after their creator was killed\n");
    CHECK(pthread_create(&thread, NULL, run_program, argv) == 0);
    pthread_join(thread, NULL);
    return 1;
}
