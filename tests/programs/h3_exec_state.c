/* Shows what a process keeps and what it loses at exec: signals, descriptors, timers, names, argv[0] and its ids. */
#include "check.h"
#include <sys/auxv.h>
#include <sys/time.h>

enum { KEPT_FD = 50, LOST_FD = 51 };

static void handler(int number)
{
    (void)number;
}

static void prepare(void)
{
    handle(SIGUSR1, handler, 0);
    handle(SIGUSR2, SIG_IGN, 0);
    handle(SIGCHLD, SIG_IGN, 0);
    block_signal(SIGTERM);
    block_signal(SIGRTMIN);
    CHECK(raise(SIGTERM) == 0);
    CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77}) == 0);
    CHECK(dup3(1, KEPT_FD, 0) == KEPT_FD && dup3(1, LOST_FD, O_CLOEXEC) == LOST_FD);
    stack_t stack = {.ss_sp = malloc(SIGSTKSZ), .ss_size = (size_t)SIGSTKSZ};
    CHECK(sigaltstack(&stack, NULL) == 0);
    struct itimerval interval = {.it_value = {.tv_sec = 1000}};
    CHECK(setitimer(ITIMER_VIRTUAL, &interval, NULL) == 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    timer_t timer;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    umask(027);
    CHECK(mkdir("below", 0755) == 0 && chdir("below") == 0);
    CHECK(prctl(PR_SET_NAME, "renamed") == 0);
    CHECK(prctl(PR_SET_PDEATHSIG, SIGHUP) == 0);
    CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0);
}

static struct sigaction action_of(int number)
{
    struct sigaction action;
    CHECK(sigaction(number, NULL, &action) == 0);
    return action;
}

static void check_signals(void)
{
    sigset_t set;
    CHECK(action_of(SIGUSR1).sa_handler == SIG_DFL);
    CHECK(action_of(SIGUSR2).sa_handler == SIG_IGN);
    CHECK(action_of(SIGCHLD).sa_handler == SIG_IGN);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGRTMIN) && !sigismember(&set, SIGINT));
    struct timespec none = {0, 0};
    siginfo_t info;
    set = one_signal(SIGTERM);
    CHECK(sigtimedwait(&set, &info, &none) == SIGTERM);
    set = one_signal(SIGRTMIN);
    CHECK(sigtimedwait(&set, &info, &none) == SIGRTMIN && info.si_value.sival_int == 77);
    stack_t stack;
    CHECK(sigaltstack(NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE);
    say("signals: handlers reset, ignored and blocked kept, pending kept\n");
}

static void check_rest(char **argv)
{
    char text[PATH_MAX];
    CHECK(getpid() == atoi(argv[1]) && getppid() == atoi(argv[2]));
    CHECK(fcntl(KEPT_FD, F_GETFD) == 0);
    CHECK_FAILS(fcntl(LOST_FD, F_GETFD), EBADF);
    struct itimerval interval;
    CHECK(getitimer(ITIMER_VIRTUAL, &interval) == 0 && interval.it_value.tv_sec > 900);
    CHECK_FAILS(syscall(SYS_timer_getoverrun, 0), EINVAL);
    CHECK(umask(022) == 027);
    CHECK(getcwd(text, sizeof text) != NULL && strcmp(strrchr(text, '/'), "/below") == 0);
    CHECK(getpriority(PRIO_PROCESS, 0) == 3);
    int number = 0;
    CHECK(prctl(PR_GET_PDEATHSIG, &number) == 0 && number == SIGHUP);
    say("descriptors, timers, directory, umask, nice value\n");
    CHECK(prctl(PR_GET_NAME, text) == 0);
    char *base = strrchr((char *)getauxval(AT_EXECFN), '/');
    CHECK(base != NULL && strncmp(text, base + 1, 15) == 0);
    ssize_t length = readlink("/proc/self/exe", text, sizeof text - 1);
    CHECK(length > 0);
    text[length] = 0;
    say("argv[0] %s, exe %s, name %s\n", argv[0], strrchr(text, '/') + 1, base + 1);
}

static void check_environment(void)
{
    CHECK(environ[0] != NULL && strcmp(environ[0], "ONE=1") == 0);
    CHECK(environ[1] != NULL && strcmp(environ[1], "TWO=two words") == 0);
    CHECK(environ[2] == NULL);
    say("environment as given\n");
}

static void exec_self(const char *path)
{
    char me[16], parent[16];
    snprintf(me, sizeof me, "%d", getpid());
    snprintf(parent, sizeof parent, "%d", getppid());
    char *arguments[] = {"any name at all", me, parent, NULL};
    char *environment[] = {"ONE=1", "TWO=two words", NULL};
    execve(path, arguments, environment);
    CHECK(!"exec failed");
}

/* An empty argument list becomes one empty string (Linux 5.18, execve(2)); earlier kernels pass none. */
static void empty_argument_list(const char *path)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        char *none[] = {NULL};
        execve(path, none, none);
        CHECK(!"exec failed");
    }
    CHECK(wait_exit(pid) == 44);
    say("empty argument list\n");
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    begin();
    if (argc == 0 || argv[0][0] == 0)
        return 44;
    if (argc == 3) {
        check_signals();
        check_rest(argv);
        check_environment();
        return 0;
    }
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(length > 0);
    path[length] = 0;
    empty_argument_list(path);
    pid_t pid = fork_child();
    if (pid == 0) {
        prepare();
        exec_self(path);
    }
    CHECK(wait_exit(pid) == 0);
    return 0;
}
