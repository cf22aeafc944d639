/* Guests for the test of the pico contract; argv[1] names a behaviour, or the call that is to be made. */
#include "../programs/check.h"
#include <pthread.h>

static void checkpoint(void)
{
    CHECK_FAILS(syscall(SYS_getpriority, 0x7bad, 0), EINVAL);
}

static void *end_thread(void *unused)
{
    return unused;
}

static void make_threads(int count)
{
    pthread_t threads[8];
    for (int i = 0; i < count; i++)
        CHECK(pthread_create(&threads[i], NULL, end_thread, NULL) == 0);
    for (int i = 0; i < count; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* 4 threads here, 3 in the first child; the second child has one, and so has the image that it executes. */
static void family(void)
{
    make_threads(3);
    pid_t first = fork_child();
    if (first == 0) {
        make_threads(2);
        _exit(0);
    }
    pid_t second = fork_child();
    if (second == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    CHECK(wait_exit(first) == 0 && wait_exit(second) == 0);
}

static int end_process(void *unused)
{
    (void)unused;
    return 0;
}

/* Tells on standard error what errno each way of making a process or thread gets; the process lives on. */
static void creation(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    pthread_t thread;
    checkpoint();
    dprintf(2, "fork %d\n", fork() == -1 ? errno : 0);
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    dprintf(2, "vfork %d\n", pid == -1 ? errno : 0);
    pid = clone(end_process, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    dprintf(2, "clone %d\n", pid == -1 ? errno : 0);
    uint64_t arguments[8] = {0, 0, 0, 0, SIGCHLD};
    pid = (pid_t)syscall(SYS_clone3, arguments, sizeof arguments);
    if (pid == 0)
        _exit(0);
    dprintf(2, "clone3 %d\n", pid == -1 ? errno : 0);
    int error = pthread_create(&thread, NULL, end_thread, NULL);
    dprintf(2, "thread %d\n", error);
    CHECK(error || pthread_join(thread, NULL) == 0);
    checkpoint();
    CHECK(pthread_create(&thread, NULL, end_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    pid = fork_child();
    if (pid == 0)
        _exit(5);
    CHECK(wait_exit(pid) == 5);
}

static void skip_fault(int number)
{
    _exit(number);
}

static void faults(void)
{
    static const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            handle(signals[i], skip_fault, 0);
            switch (signals[i]) {
            case SIGSEGV:
                *(volatile int *)8 = 1;
                break;
            case SIGFPE:
                __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" : : "a"(1) : "ecx", "edx", "cc");
                break;
            case SIGILL:
                __asm__ volatile("ud2");
                break;
            case SIGTRAP:
                __asm__ volatile("int3");
                break;
            default: {
                int fd = memfd_create("empty", 0);
                *(volatile char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) = 1;
            }
            }
            _exit(0);
        }
        int status = wait_status(pid);
        dprintf(2, "%d %s %d\n", signals[i], WIFEXITED(status) ? "handled" : "killed",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    pid_t pid = fork_child();
    if (pid == 0)
        raise(SIGSEGV);
    CHECK(wait_death(pid) == SIGSEGV);
}

/* The child is ended from outside while it stands at its checkpoint. */
static void ended(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        checkpoint();
        for (;;)
            pause();
    }
    CHECK(wait_death(pid) == SIGKILL);
    CHECK(getppid() > 0);
}

/* Calls of every disposition, the same number of each in every run. */
static void counted(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    for (int i = 0; i < 10; i++) {
        CHECK(syscall(SYS_getpid) > 0 && dup2(0, 10) == 10 && close(10) == 0);
        CHECK_FAILS(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
        CHECK_FAILS(syscall(SYS_seccomp, 1, 0, NULL), EINVAL);
        CHECK_FAILS(syscall(500 + i), ENOSYS);
        CHECK_FAILS(syscall(0x40000000 + i), ENOSYS);
        CHECK_FAILS(close(999), EBADF);
    }
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(0);
    CHECK(wait_exit(pid) == 0);
    pid = clone(end_process, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    CHECK(pid > 0 && wait_exit(pid) == 0);
}

static void *exit_thread(void *unused)
{
    (void)unused;
    syscall(SYS_exit, 0);
    return NULL;
}

/* Makes a call that has an NT service. Handles are made when somebody looks, so the descriptors are copied first. */
static void make_call(const char *name)
{
    pthread_t thread;
    cpu_set_t mask;
    int fd = dup(0);
    CHECK(fd >= 0 && sched_getaffinity(0, sizeof mask, &mask) == 0);
    checkpoint();
    if (strcmp(name, "close") == 0)
        CHECK(close(fd) == 0);
    else if (strcmp(name, "dup") == 0)
        CHECK(dup(fd) >= 0);
    else if (strcmp(name, "dup2") == 0)
        CHECK(dup2(fd, 20) == 20);
    else if (strcmp(name, "dup3") == 0)
        CHECK(dup3(fd, 20, O_CLOEXEC) == 20);
    else if (strcmp(name, "fcntl") == 0)
        CHECK(fcntl(fd, F_DUPFD, 20) == 20);
    else if (strcmp(name, "close_range") == 0)
        CHECK(syscall(SYS_close_range, fd, fd, 0) == 0);
    else if (strcmp(name, "sched_setaffinity") == 0)
        CHECK(sched_setaffinity(0, sizeof mask, &mask) == 0);
    else if (strcmp(name, "sched_getaffinity") == 0)
        CHECK(sched_getaffinity(0, sizeof mask, &mask) == 0);
    else if (strcmp(name, "exit") == 0)
        CHECK(pthread_create(&thread, NULL, exit_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    else
        CHECK(strcmp(name, "exit_group") == 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } behaviours[] = {
        {"family", family}, {"creation", creation}, {"faults", faults}, {"ended", ended}, {"counted", counted},
    };
    begin();
    CHECK(argc == 2);
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (strcmp(behaviours[i].name, argv[1]) == 0) {
            behaviours[i].run();
            return 0;
        }
    make_call(argv[1]);
    return 0;
}
