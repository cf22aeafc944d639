/* Shows zombies: visible and answering until reaped, hidden when SIGCHLD is ignored, and SIGCHLD's own siginfo. */
#include "check.h"

static int gate[2];
static volatile sig_atomic_t count, code, status, sender;

static void take(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    code = info->si_code;
    status = info->si_status;
    sender = info->si_pid;
    count++;
}

static void visible(void)
{
    siginfo_t info;
    pid_t pids[10];
    for (int i = 0; i < 10; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0)
            _exit(i);
    }
    for (int i = 0; i < 10; i++) {
        CHECK(waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT) == 0);
        CHECK(thread_state(pids[i], pids[i]) == 'Z');
        CHECK(kill(pids[i], 0) == 0 && kill(pids[i], SIGKILL) == 0);
        CHECK(getpgid(pids[i]) == getpgrp() && getsid(pids[i]) == getsid(0));
        CHECK_FAILS(setpgid(pids[i], 1 << 22), EPERM);
    }
    for (int i = 9; i >= 0; i--) {
        CHECK(wait_exit(pids[i]) == i);
        CHECK(thread_state(pids[i], pids[i]) == 0);
        CHECK_FAILS(kill(pids[i], 0), ESRCH);
    }
    say("ten zombies, each reaped\n");
}

static void hidden(bool by_flag)
{
    struct sigaction action = {.sa_handler = by_flag ? SIG_DFL : SIG_IGN, .sa_flags = by_flag ? SA_NOCLDWAIT : 0};
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork_child();
        if (pid == 0)
            _exit(i);
        /* Such a wait blocks until all children have ended, then fails (wait(2)). */
        CHECK_FAILS(waitpid(pid, NULL, 0), ECHILD);
        /* The id goes a moment after the child can no longer be waited for. */
        while (kill(pid, 0) == 0)
            sched_yield();
        CHECK(errno == ESRCH);
    }
    handle(SIGCHLD, SIG_DFL, 0);
    say("%s: no zombies\n", by_flag ? "SA_NOCLDWAIT" : "SIGCHLD ignored");
}

static void signal_to_parent(int flags)
{
    handle_info(SIGCHLD, take, flags);
    sigset_t old, none;
    sigemptyset(&none);
    sigset_t set = one_signal(SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    count = 0;
    pid_t pid = fork_child();
    if (pid == 0) {
        raise(SIGSTOP);
        take_byte(gate[0]);
        _exit(9);
    }
    int result;
    CHECK(waitpid(pid, &result, WUNTRACED) == pid && WIFSTOPPED(result));
    if (!(flags & SA_NOCLDSTOP)) {
        CHECK_FAILS(sigsuspend(&none), EINTR);
        CHECK(count == 1 && code == CLD_STOPPED && status == SIGSTOP && sender == pid);
    }
    sigset_t pending;
    CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGCHLD));
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(waitpid(pid, &result, WCONTINUED) == pid && WIFCONTINUED(result));
    if (!(flags & SA_NOCLDSTOP)) {
        CHECK_FAILS(sigsuspend(&none), EINTR);
        CHECK(count == 2 && code == CLD_CONTINUED && status == SIGCONT && sender == pid);
    }
    give_byte(gate[1], 'g');
    CHECK_FAILS(sigsuspend(&none), EINTR);
    CHECK(count == (flags & SA_NOCLDSTOP ? 1 : 3) && code == CLD_EXITED && status == 9 && sender == pid);
    CHECK(wait_exit(pid) == 9);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    handle(SIGCHLD, SIG_DFL, 0);
    say("SIGCHLD%s\n", flags & SA_NOCLDSTOP ? " with SA_NOCLDSTOP" : " for stop, continuation and end");
}

static void deaths_in_handler(void)
{
    handle_info(SIGCHLD, take, 0);
    sigset_t set = one_signal(SIGCHLD), none;
    sigemptyset(&none);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    const int numbers[] = {SIGKILL, SIGSEGV, SIGTRAP, SIGSYS};
    for (int i = 0; i < 4; i++) {
        count = 0;
        pid_t pid = fork_child();
        if (pid == 0) {
            handle(numbers[i] == SIGKILL ? SIGUSR1 : numbers[i], SIG_DFL, 0);
            raise(numbers[i]);
            _exit(99);
        }
        CHECK_FAILS(sigsuspend(&none), EINTR);
        CHECK(count == 1 && code == CLD_KILLED && status == numbers[i] && sender == pid);
        CHECK(wait_death(pid) == numbers[i]);
    }
    say("SIGCHLD names the deadly signal\n");
}

int main(void)
{
    begin();
    open_pipe(gate);
    visible();
    hidden(false);
    hidden(true);
    signal_to_parent(0);
    signal_to_parent(SA_NOCLDSTOP);
    deaths_in_handler();
    CHECK_FAILS(wait(NULL), ECHILD);
    return 0;
}
