/* Runs a command with every system call stopped once by seccomp and resumed at once: the limit of the mechanism. */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_OURS = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(EXIT_OURS);
}

/* Waits until the parent has seized us: RET_TRACE without a tracer answers ENOSYS to every call. */
static _Noreturn void run_guest(int seized, char **argv)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)};
    struct sock_fprog filter = {.len = sizeof code / sizeof code[0], .filter = code};
    char byte;

    if (read(seized, &byte, 1) != 1)
        _exit(EXIT_OURS);
    close(seized);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        perror("seccomp");
        _exit(EXIT_OURS);
    }
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

static pid_t start_guest(char **argv)
{
    const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    int seized[2];
    pid_t guest;

    if (pipe(seized) != 0)
        fail("pipe");
    guest = fork();
    if (guest < 0)
        fail("fork");
    if (guest == 0) {
        close(seized[1]);
        run_guest(seized[0], argv);
    }
    close(seized[0]);
    if (ptrace(PTRACE_SEIZE, guest, 0, options) != 0)
        fail("PTRACE_SEIZE");
    if (write(seized[1], "", 1) != 1)
        fail("write");
    close(seized[1]);
    return guest;
}

/* A failing request means that the guest was killed meanwhile: the next wait reports its end. */
static void resume(pid_t pid, int status)
{
    const int event = status >> 16, sig = WSTOPSIG(status);

    if (event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU))
        ptrace(PTRACE_LISTEN, pid, 0, 0);
    else
        ptrace(PTRACE_CONT, pid, 0, event == 0 ? (long)sig : 0L);
}

int main(int argc, char **argv)
{
    int status, answer = EXIT_OURS;
    pid_t guest, pid;

    if (argc < 2) {
        fprintf(stderr, "usage: bare_loop COMMAND [ARGUMENT]...\n");
        return EXIT_OURS;
    }
    guest = start_guest(argv + 1);
    while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (pid < 0)
            continue;
        if (WIFSTOPPED(status))
            resume(pid, status);
        else if (pid == guest)
            answer = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return answer;
}
