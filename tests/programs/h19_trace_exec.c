/* Shows a tracee that asks to be traced and runs a program: its stop, its signals, and how it ends. */
#include "traced.h"

static void runs_a_program(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
        execl("/bin/sh", "sh", "-c", "kill -USR1 $$; exit 5", NULL);
        _exit(99);
    }
    int status;
    for (;;) {
        CHECK(waitpid(pid, &status, 0) == pid);
        show_stop("program", status);
        if (!WIFSTOPPED(status))
            return;
        /* What stopped it is not given to it: it would be the end. */
        go_on(PTRACE_CONT, pid, 0);
    }
}

static void gets_another_signal(void)
{
    pid_t pid = fork_traced();
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(1);
    }
    siginfo_t info;
    go_on(PTRACE_CONT, pid, 0);
    await_stop(pid, SIGUSR1);
    CHECK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0);
    say("signal %d from itself: %d\n", info.si_signo, info.si_pid == pid);
    go_on(PTRACE_CONT, pid, SIGTERM);
    show_stop("signalled", wait_status(pid));
}

static void is_waited_for_by_id(void)
{
    pid_t pid = fork_traced();
    if (pid == 0)
        _exit(6);
    go_on(PTRACE_SYSCALL, pid, 0);
    siginfo_t info;
    CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) == 0);
    say("by id: code %d status %d signal %d\n", info.si_code, info.si_status, info.si_signo);
    CHECK(info.si_pid == pid);
    CHECK(waitid(P_ALL, 0, &info, WSTOPPED | WEXITED) == 0);
    say("by id: code %d status %d\n", info.si_code, info.si_status);
    CHECK(waitpid(pid, NULL, WNOHANG) == 0);
    go_on(PTRACE_CONT, pid, 0);
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
    say("by id: code %d status %d\n", info.si_code, info.si_status);
    CHECK_FAILS(waitpid(pid, NULL, 0), ECHILD);
}

static volatile sig_atomic_t told;

static void on_child(int number)
{
    (void)number;
    told++;
}

static void is_told_by_signal(void)
{
    sigset_t none;
    sigemptyset(&none);
    block_signal(SIGCHLD);
    handle(SIGCHLD, on_child, 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
        raise(SIGSTOP);
        _exit(7);
    }
    while (!told)
        sigsuspend(&none);
    await_stop(pid, SIGSTOP);
    told = 0;
    go_on(PTRACE_CONT, pid, 0);
    while (!told)
        sigsuspend(&none);
    show_stop("told by a signal", wait_status(pid));
    handle(SIGCHLD, SIG_DFL, 0);
    unblock_signal(SIGCHLD);
}

static void refusals(void)
{
    pid_t pid = fork_traced();
    if (pid == 0)
        _exit(0);
    say("attached twice: %s\n", outcome(ptrace(PTRACE_ATTACH, pid, NULL, NULL)));
    say("an unknown request: %s\n", outcome(ptrace(0x7777, pid, NULL, NULL)));
    say("unknown options: %s\n", outcome(ptrace(PTRACE_SETOPTIONS, pid, NULL, 1 << 30)));
    say("an interrupt of one that was not seized: %s\n", outcome(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL)));
    say("itself: %s\n", outcome(ptrace(PTRACE_ATTACH, getpid(), NULL, NULL)));
    say("nobody: %s\n", outcome(ptrace(PTRACE_ATTACH, 0x3fffffff, NULL, NULL)));
    go_on(PTRACE_CONT, pid, 0);
    CHECK(wait_exit(pid) == 0);
    say("one that has ended: %s\n", outcome(ptrace(PTRACE_CONT, pid, NULL, NULL)));
    say("not traced: %s\n", outcome(ptrace(PTRACE_CONT, getppid(), NULL, NULL)));
}

int main(void)
{
    begin();
    runs_a_program();
    gets_another_signal();
    is_waited_for_by_id();
    is_told_by_signal();
    refusals();
    return 0;
}
