/* Shows stops of a whole group under tracers of both kinds: told, listened to, and ended by SIGCONT. */
#include "traced.h"

static int gate[2];

static pid_t fork_waiting(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        _exit(4);
    }
    return pid;
}

static void listens(void)
{
    pid_t pid = fork_waiting();
    int status;
    CHECK(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
    CHECK(kill(pid, SIGSTOP) == 0);
    show_stop("signal", wait_status(pid));
    say("listening before a group stop: %s\n", outcome(ptrace(PTRACE_LISTEN, pid, NULL, NULL)));
    go_on(PTRACE_CONT, pid, SIGSTOP);
    show_stop("group", wait_status(pid));
    CHECK(ptrace(PTRACE_LISTEN, pid, NULL, NULL) == 0);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    show_stop("told", wait_status(pid));
    go_on(PTRACE_CONT, pid, 0);
    show_stop("continue", wait_status(pid));
    go_on(PTRACE_CONT, pid, SIGCONT);
    give_byte(gate[1], 'g');
    show_stop("listened", wait_status(pid));
}

static void attached(void)
{
    pid_t pid = fork_waiting();
    siginfo_t info;
    CHECK(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
    show_stop("signal", wait_status(pid));
    CHECK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0);
    go_on(PTRACE_CONT, pid, SIGSTOP);
    show_stop("group", wait_status(pid));
    say("signal of a group stop: %s\n", outcome(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info)));
    CHECK(kill(pid, SIGCONT) == 0);
    go_on(PTRACE_CONT, pid, 0);
    show_stop("continue", wait_status(pid));
    go_on(PTRACE_CONT, pid, SIGCONT);
    give_byte(gate[1], 'g');
    show_stop("attached", wait_status(pid));
}

/* As strace does: its program stops itself, and is seized then. */
static void seized_when_stopped(void)
{
    pid_t pid = fork_child();
    int status;
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(7);
    }
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
    show_stop("seized", wait_status(pid));
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(ptrace(PTRACE_LISTEN, pid, NULL, NULL) == 0);
    show_stop("told", wait_status(pid));
    go_on(PTRACE_CONT, pid, 0);
    show_stop("continue", wait_status(pid));
    go_on(PTRACE_CONT, pid, SIGCONT);
    show_stop("seized", wait_status(pid));
}

static void attached_when_stopped(void)
{
    pid_t pid = fork_child();
    int status;
    if (pid == 0) {
        raise(SIGSTOP);
        _exit(8);
    }
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
    show_stop("attached", wait_status(pid));
    CHECK(ptrace(PTRACE_DETACH, pid, NULL, SIGCONT) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    show_stop("let go", wait_status(pid));
}

int main(void)
{
    begin();
    open_pipe(gate);
    listens();
    attached();
    seized_when_stopped();
    attached_when_stopped();
    return 0;
}
