/* Times one system call, or one short sequence of them, and prints nanoseconds per iteration as a JSON line. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static char page[PAGE], hit[PATH_MAX], folded[PATH_MAX], miss[PATH_MAX];
static const char *program;
static int data_fd, to_echo[2], from_echo[2];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void expect(int true_, const char *what)
{
    if (!true_)
        fail(what);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void do_getppid(long n)
{
    while (n-- > 0)
        expect(getppid() >= 0, "getppid");
}

static void do_close_no_range(long n)
{
    while (n-- > 0)
        expect(syscall(SYS_close_range, 1, 0, 0) == -1 && errno == EINVAL, "close_range(1-0)");
}

static void do_pread(long n)
{
    while (n-- > 0)
        expect(pread(data_fd, page, PAGE, 0) == PAGE, "pread");
}

static void do_lseek(long n)
{
    while (n-- > 0)
        expect(lseek(data_fd, 0, SEEK_SET) == 0, "lseek");
}

static void do_fstat(long n)
{
    struct stat st;
    while (n-- > 0)
        expect(fstat(data_fd, &st) == 0 && st.st_size == PAGE, "fstat");
}

static void do_stat_hit(long n)
{
    struct stat st;
    while (n-- > 0)
        expect(stat(hit, &st) == 0 && st.st_size == PAGE, "stat hit");
}

static void do_stat_folded(long n)
{
    struct stat st;
    while (n-- > 0)
        expect(stat(folded, &st) == 0 && st.st_size == PAGE, "stat folded");
}

static void do_stat_miss(long n)
{
    struct stat st;
    while (n-- > 0)
        expect(stat(miss, &st) == -1 && errno == ENOENT, "stat miss");
}

/* Another name each time. */
static void do_stat_miss_new(long n)
{
    static long number;
    char path[PATH_MAX + 32];
    struct stat st;
    while (n-- > 0) {
        snprintf(path, sizeof path, "%s.%ld", miss, ++number);
        expect(stat(path, &st) == -1 && errno == ENOENT, "stat new miss");
    }
}

static void do_open_folded(long n)
{
    while (n-- > 0) {
        int fd = open(folded, O_RDONLY | O_CLOEXEC);
        expect(fd >= 0 && close(fd) == 0, "open folded");
    }
}

static void do_open_close(long n)
{
    while (n-- > 0) {
        int fd = open(hit, O_RDONLY | O_CLOEXEC);
        expect(fd >= 0 && close(fd) == 0, "open+close");
    }
}

static void do_ping_pong(long n)
{
    char byte = 'x';
    while (n-- > 0)
        expect(write(to_echo[1], &byte, 1) == 1 && read(from_echo[0], &byte, 1) == 1, "ping-pong");
}

static void wait_for(pid_t pid)
{
    int status;
    expect(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "wait");
}

static void do_fork_wait(long n)
{
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        wait_for(pid);
    }
}

static void do_fork_exec_wait(long n)
{
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0) {
            execl(program, program, (char *)NULL);
            _exit(127);
        }
        wait_for(pid);
    }
}

/* The partner of the ping-pong ends when our end of the pipe closes at exit. */
static void start_echo(void)
{
    char byte;
    pid_t pid;

    expect(pipe(to_echo) == 0 && pipe(from_echo) == 0, "pipe");
    pid = fork();
    expect(pid >= 0, "fork");
    if (pid != 0)
        return;
    close(to_echo[1]);
    while (read(to_echo[0], &byte, 1) == 1)
        if (write(from_echo[1], &byte, 1) != 1)
            break;
    _exit(0);
}

static void make_data(void)
{
    char here[PATH_MAX / 2];

    expect(getcwd(here, sizeof here) != NULL, "getcwd");
    snprintf(hit, sizeof hit, "%s/calls.data", here);
    snprintf(folded, sizeof folded, "%s/CALLS.DATA", here);
    snprintf(miss, sizeof miss, "%s/calls.absent", here);
    data_fd = open(hit, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    expect(data_fd >= 0 && write(data_fd, page, PAGE) == PAGE, hit);
}

static const struct {
    const char *name;
    void (*batch)(long count);
} rows[] = {
    {"getppid", do_getppid},
    {"close_range(1-0)", do_close_no_range},
    {"pread", do_pread},
    {"lseek", do_lseek},
    {"fstat", do_fstat},
    {"stat-hit", do_stat_hit},
    {"stat-folded", do_stat_folded},
    {"stat-miss", do_stat_miss},
    {"stat-miss-new", do_stat_miss_new},
    {"open-folded", do_open_folded},
    {"open+close", do_open_close},
    {"ping-pong", do_ping_pong},
    {"fork+wait", do_fork_wait},
    {"fork+exec+wait", do_fork_exec_wait},
};

/* Grows the batch until one takes at least half of the budget: a slow way of running makes fewer iterations. */
static double measure(void (*batch)(long), double budget_ns, long *count)
{
    *count = 1;
    batch(1);
    for (;;) {
        double start = now_ns(), spent, factor;
        batch(*count);
        spent = now_ns() - start;
        if (spent >= budget_ns / 2)
            return spent / (double)*count;
        factor = spent > 0 ? budget_ns / spent : 100;
        *count = (long)((double)*count * (factor > 100 ? 100 : factor)) + 1;
    }
}

int main(int argc, char **argv)
{
    double budget_ns;
    long count;

    if (argc != 4 || (budget_ns = atof(argv[2]) * 1e6) <= 0) {
        fprintf(stderr, "usage: calls ROW BUDGET_MS PROGRAM\n");
        return 2;
    }
    program = argv[3];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double ns;
        if (strcmp(argv[1], rows[i].name) != 0)
            continue;
        make_data();
        if (rows[i].batch == do_ping_pong)
            start_echo();
        ns = measure(rows[i].batch, budget_ns, &count);
        printf("{\"row\": \"%s\", \"ns\": %.1f, \"iterations\": %ld}\n", argv[1], ns, count);
        return 0;
    }
    fprintf(stderr, "unknown row %s\n", argv[1]);
    return 2;
}
