/* What every program of table H needs: checks that name their line, printing, children and synchronisation. */
#ifndef PICOBOX_CHECK_H
#define PICOBOX_CHECK_H
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds after which a process that hangs is killed by SIGALRM; programs with much to do set their own. */
#ifndef WATCHDOG
#define WATCHDOG 20
#endif

/* _exit, not exit: a failed check in a child or a thread must not flush or run anything of its parent's. */
static inline _Noreturn void check_failed(const char *file, int line, const char *what, int error)
{
    const char *slash = strrchr(file, '/');
    dprintf(2, "%s:%d: %s (errno %d)\n", slash ? slash + 1 : file, line, what, error);
    _exit(1);
}

#define CHECK(cond)                                             \
    do {                                                        \
        if (!(cond))                                            \
            check_failed(__FILE__, __LINE__, #cond, errno);     \
    } while (0)

/* The call must give -1 with this errno. */
#define CHECK_FAILS(call, error)                                                   \
    do {                                                                           \
        errno = 0;                                                                 \
        if ((long)(call) != -1 || errno != (error))                                \
            check_failed(__FILE__, __LINE__, #call " fails with " #error, errno);  \
    } while (0)

/* One write for each line, so that lines of several processes never mix. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && (size_t)length < sizeof line);
    CHECK(write(1, line, (size_t)length) == length);
}

/* First statement of each program: the watchdog, and no core files from deaths that are wanted. */
static inline void begin(void)
{
    struct rlimit none = {0, 0};
    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
    alarm(WATCHDOG);
}

/* fork; the child has a watchdog of its own, since alarms are not inherited (fork(2)). */
static inline pid_t fork_child(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        alarm(WATCHDOG);
    return pid;
}

static inline int wait_status(pid_t pid)
{
    int status;
    pid_t got;
    do
        got = waitpid(pid, &status, __WALL);
    while (got == -1 && errno == EINTR);
    CHECK(got == pid);
    return status;
}

/* Exit status of a child that must end by itself. */
static inline int wait_exit(pid_t pid)
{
    int status = wait_status(pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Signal of a child that must die by one. */
static inline int wait_death(pid_t pid)
{
    int status = wait_status(pid);
    CHECK(WIFSIGNALED(status));
    return WTERMSIG(status);
}

static inline void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

static inline long futex(atomic_int *word, int operation, int value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

/* Store and wake; shared futexes, since the words often live in MAP_SHARED memory. */
static inline void post(atomic_int *word, int value)
{
    atomic_store(word, value);
    futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

/* Wait until the word is at least this value. */
static inline void await(atomic_int *word, int value)
{
    int now;
    while ((now = atomic_load(word)) < value)
        futex(word, FUTEX_WAIT, now, NULL);
}

static inline void add_and_wake(atomic_int *word)
{
    atomic_fetch_add(word, 1);
    futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

static inline void open_pipe(int pair[2])
{
    CHECK(pipe2(pair, O_CLOEXEC) == 0);
}

/* Read one byte, through interruptions: what a peer waits for. */
static inline char take_byte(int fd)
{
    char byte;
    ssize_t got;
    do
        got = read(fd, &byte, 1);
    while (got == -1 && errno == EINTR);
    CHECK(got == 1);
    return byte;
}

static inline void give_byte(int fd, char byte)
{
    CHECK(write(fd, &byte, 1) == 1);
}

/* State letter of a thread, or 0 when it is gone (proc_pid_stat(5)). */
static inline char thread_state(pid_t pid, pid_t tid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = 0;
    const char *after_name = strrchr(text, ')');
    CHECK(after_name != NULL);
    return after_name[2];
}

/* Return once the thread sleeps in the kernel. The thread announces its call by a plain store right before it, so
   that no earlier sleep can be taken for this one. */
static inline void await_sleep(pid_t pid, pid_t tid)
{
    for (;;) {
        char state = thread_state(pid, tid);
        CHECK(state != 0 && state != 'Z' && state != 'X');
        if (state == 'S')
            return;
        usleep(200);
    }
}

static inline void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(number, &action, NULL) == 0);
}

static inline void handle_info(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(number, &action, NULL) == 0);
}

static inline sigset_t one_signal(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

static inline void block_signal(int number)
{
    sigset_t set = one_signal(number);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static inline void unblock_signal(int number)
{
    sigset_t set = one_signal(number);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

/* Constant name of an errno, since strerrorname_np is glibc's alone; 0 reads "OK". */
static inline const char *errno_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {0, "OK"}, {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {ESRCH, "ESRCH"}, {EINTR, "EINTR"}, {EIO, "EIO"},
        {E2BIG, "E2BIG"}, {ENOEXEC, "ENOEXEC"}, {EBADF, "EBADF"}, {ECHILD, "ECHILD"}, {EAGAIN, "EAGAIN"},
        {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"}, {EBUSY, "EBUSY"}, {EEXIST, "EEXIST"},
        {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {EINVAL, "EINVAL"}, {EMFILE, "EMFILE"}, {ENOTTY, "ENOTTY"},
        {ETXTBSY, "ETXTBSY"}, {ENOSYS, "ENOSYS"}, {ELOOP, "ELOOP"}, {ENAMETOOLONG, "ENAMETOOLONG"},
        {EOPNOTSUPP, "EOPNOTSUPP"}, {ETIMEDOUT, "ETIMEDOUT"}, {ENXIO, "ENXIO"}, {ENODEV, "ENODEV"},
        {EMSGSIZE, "EMSGSIZE"}, {EAFNOSUPPORT, "EAFNOSUPPORT"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].error == error)
            return names[i].name;
    return "another errno";
}

/* "OK" for a result of 0 or more, else the name of errno. */
static inline const char *outcome(long result)
{
    return result >= 0 ? "OK" : errno_name(errno);
}

static inline int64_t now_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
#endif
