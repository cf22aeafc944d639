/* Makes processes in the ways that argv[1] names. Those that are to be known to the supervisor ask it a question. */
#include "../programs/check.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <pthread.h>

#define QUESTION 41000

static const char *self;

/* No option of prctl(2): the kernel says EINVAL, and the supervisor has seen who asks. */
static void ask(int number)
{
    CHECK(prctl(QUESTION + number, 0, 0, 0, 0) == -1 && errno == EINVAL);
}

static void reap(pid_t pid)
{
    CHECK(pid > 0 && wait_exit(pid) == 0);
}

/* A byte from whoever lets the reader go on. */
static void await_byte(int fd)
{
    char byte;
    CHECK(read(fd, &byte, 1) == 1);
}

static void let(int fd, int times)
{
    while (times-- > 0)
        CHECK(write(fd, "x", 1) == 1);
}

/* By clone3, with all registers that it must leave alone at values of their own; `stacked`: the child has another stack. */
static void by_clone3(uint64_t flags, bool stacked)
{
    static char stack[4096] __attribute__((aligned(16)));
    static volatile pid_t told, child_told;
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD, .parent_tid = (uintptr_t)&told,
                              .child_tid = (uintptr_t)&child_told};
    if (stacked) {
        args.stack = (uintptr_t)stack;
        args.stack_size = sizeof stack;
    }
    register long third __asm__("rdx") = 0x3333, fourth __asm__("r10") = 0x4444, fifth __asm__("r8") = 0x5555;
    register void *first __asm__("rdi") = &args;
    register size_t second __asm__("rsi") = CLONE_ARGS_SIZE_VER0;
    long pid = SYS_clone3, wrong;
    /* The child has perhaps no stack of ours: it ends here, with what it found. */
    __asm__ volatile("movq %%rdi, %%r12\n syscall\n"
                     "xorl %k1, %k1\n"
                     "cmpq %%rdi, %%r12\n setne %b1\n"
                     "cmpq $64, %%rsi\n je 1f\n orl $2, %k1\n 1:\n"
                     "cmpq $0x3333, %%rdx\n je 1f\n orl $4, %k1\n 1:\n"
                     "cmpq $0x4444, %%r10\n je 1f\n orl $8, %k1\n 1:\n"
                     "cmpq $0x5555, %%r8\n je 1f\n orl $16, %k1\n 1:\n"
                     "testq %%rax, %%rax\n jne 2f\n"
                     "movl %k1, %%edi\n movl $231, %%eax\n syscall\n"
                     "2:\n"
                     : "+a"(pid), "=&b"(wrong), "+r"(first), "+r"(second), "+r"(third), "+r"(fourth), "+r"(fifth)
                     :
                     : "rcx", "r11", "r12", "memory");
    CHECK(pid > 0 && (int)wrong == 0);
    CHECK(!(flags & CLONE_PARENT_SETTID) || told == pid);
    reap((pid_t)pid);
}

/* Children that end, of every plain kind. */
static void ends(void)
{
    for (volatile int i = 0; i < 50; i++) {
        pid_t pid = i % 2 ? fork() : vfork();
        if (pid == 0)
            _exit(0);
        reap(pid);
    }
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        syscall(SYS_exit, 0);
    reap(pid);
    for (volatile int i = 0; i < 20; i++)
        by_clone3(i % 2 ? CLONE_VM | CLONE_VFORK : CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, i % 4 < 2);
    ask(1);
}

/* A chain of three, of which the last one asks: 1. Then the program, with all of them there: 2. */
static void chain(void)
{
    int up[2], down[2];
    CHECK(pipe(up) == 0 && pipe(down) == 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            ask(1);
            let(up[1], 1);
            await_byte(down[0]);
            _exit(0);
        }
        reap(grandchild);
        _exit(0);
    }
    await_byte(up[0]);
    ask(2);
    let(down[1], 1);
    reap(child);
    ask(3);
}

/* The middle one ends first: the last one asks as an orphan. */
static void orphan(void)
{
    int up[2], down[2];
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && pipe(up) == 0 && pipe(down) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            await_byte(down[0]);
            ask(1);
            _exit(0);
        }
        _exit(0);
    }
    reap(child);
    let(down[1], 1);
    int status;
    CHECK(wait(&status) > 0 && status == 0);
    ask(2);
}

/* A new image, which asks. */
static void image(void)
{
    for (volatile int i = 0; i < 2; i++) {
        pid_t pid = i ? fork() : vfork();
        if (pid == 0) {
            execl(self, self, "asks", (char *)NULL);
            _exit(1);
        }
        reap(pid);
    }
    ask(2);
}

/* A file of the least that makes a program of 32 bits, or a script. */
static void write_file(const char *name, const char *content, size_t size)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0700);
    CHECK(fd >= 0 && write(fd, content, size) == (ssize_t)size && close(fd) == 0);
}

static void refused(void)
{
    static const struct {
        const char *name;
        int error;
    } images[] = {{"./narrow", ENOEXEC}, {"./script", ENOEXEC}, {"./absent", ENOENT}};
    static const char narrow[52] = "\177ELF\1\1\1";
    write_file("narrow", narrow, sizeof narrow);
    write_file("script", "#! ./narrow x\n", 14);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            CHECK_FAILS(execl(images[i].name, "x", (char *)NULL), images[i].error);
            _exit(0);
        }
        reap(pid);
    }
}

/* A child that leaves one of its own behind with another image. */
static void leaver(void)
{
    int up[2], down[2];
    CHECK(pipe(up) == 0 && pipe(down) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            await_byte(down[0]);
            ask(2);
            let(up[1], 1);
            _exit(0);
        }
        execl(self, self, "asks", (char *)NULL);
        _exit(1);
    }
    reap(child);
    let(down[1], 1);
    await_byte(up[0]);
}

/* What the program sets after the fork is not its child's. */
static void dumpable(void)
{
    int down[2];
    CHECK(pipe(down) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        await_byte(down[0]);
        CHECK(prctl(PR_GET_DUMPABLE) == 0);
        _exit(0);
    }
    CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
    let(down[1], 1);
    reap(child);
}

/* As many children as there may be; one more is refused, until there is room again. */
static void crowd(void)
{
    int down[2], count = 0;
    pid_t pid;
    CHECK(pipe(down) == 0);
    while ((pid = fork()) > 0 && count < 100)
        count++;
    if (pid == 0) {
        await_byte(down[0]);
        _exit(0);
    }
    CHECK(pid == -1 && errno == EAGAIN);
    let(down[1], count);
    for (int i = 0; i < count; i++)
        CHECK(wait(NULL) > 0);
    reap((pid = fork()) ? pid : (_exit(0), 0));
    printf("%d\n", count);
}

static void *execute(void *argument)
{
    (void)argument;
    execl(self, self, "asks", (char *)NULL);
    return NULL;
}

/* A thread that is not the leader, whose child lives on, executes. */
static void thread(void)
{
    int down[2];
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && pipe(down) == 0);
    pid_t child = fork();
    if (child == 0) {
        pthread_t executor;
        pid_t grandchild = fork();
        if (grandchild == 0) {
            close(down[1]);
            char byte;
            CHECK(read(down[0], &byte, 1) == 0);
            ask(2);
            _exit(0);
        }
        CHECK(pthread_create(&executor, NULL, execute, NULL) == 0);
        pause();
    }
    close(down[1]);
    for (int i = 0; i < 2; i++) {
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
}

/* Creators that are killed while they create; whoever was made asks. */
static void killed(void)
{
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    for (int round = 0; round < 60; round++) {
        pid_t creator = fork();
        if (creator == 0)
            for (;;)
                if (fork() == 0) {
                    ask(1);
                    _exit(0);
                }
        struct timespec moment = {.tv_nsec = round * 30000};
        nanosleep(&moment, NULL);
        CHECK(kill(creator, SIGKILL) == 0);
        /* All of our group. */
        while (waitpid(0, NULL, 0) > 0)
            ;
    }
    ask(2);
}

/* The same beside somebody whose fork has failed, and who makes no call since. */
static void failed(void)
{
    volatile int *moment = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(moment != MAP_FAILED);
    pid_t failing = fork();
    if (failing == 0) {
        CHECK(setpgid(0, 0) == 0 && setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}) == 0);
        CHECK(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
        CHECK_FAILS(fork(), EAGAIN);
        *moment = 1;
        while (*moment == 1)
            ;
        _exit(0);
    }
    while (!*moment)
        sched_yield();
    killed();
    *moment = 2;
    reap(failing);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } ways[] = {{"ends", ends},     {"chain", chain},       {"orphan", orphan}, {"image", image},
                {"leaver", leaver}, {"dumpable", dumpable}, {"crowd", crowd},   {"thread", thread},
                {"killed", killed}, {"failed", failed},     {"refused", refused}};
    begin();
    CHECK(argc == 2);
    self = argv[0];
    if (strcmp(argv[1], "asks") == 0) {
        ask(1);
        return 0;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(argv[1], ways[i].name) == 0) {
            ways[i].act();
            return 0;
        }
    return 1;
}
