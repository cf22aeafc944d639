/* Makes processes in the ways that argv[1] names. Those that are to be known to the supervisor ask it a question. */
#include "../programs/check.h"
#include <signal.h>
#include <sched.h>
#include <sys/prctl.h>
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
        while (wait(NULL) > 0)
            ;
    }
    ask(2);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } ways[] = {{"ends", ends},     {"chain", chain},       {"orphan", orphan}, {"image", image},
                {"leaver", leaver}, {"dumpable", dumpable}, {"crowd", crowd},   {"thread", thread},
                {"killed", killed}, {"refused", refused}};
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
