/* Shows that a process lives on when its leader thread ends first, and which status its end has. */
#include "check.h"
#include <pthread.h>

static int ready[2], gate[2];

static void open_pipes(void)
{
    open_pipe(ready);
    open_pipe(gate);
}

static void close_pipes(void)
{
    close(ready[0]), close(ready[1]), close(gate[0]), close(gate[1]);
}

/* Returns once the leader is a zombie inside a living process. */
static void await_dead_leader(void)
{
    while (thread_state(getpid(), getpid()) != 'Z')
        sched_yield();
}

static void *survive(void *ending)
{
    await_dead_leader();
    CHECK(getpid() != gettid() && kill(getpid(), 0) == 0);
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(5);
    CHECK(wait_exit(pid) == 5);
    give_byte(ready[1], 'r');
    take_byte(gate[0]);
    switch ((intptr_t)ending) {
    case 0:
        syscall(SYS_exit_group, 61);
        break;
    case 1:
        syscall(SYS_exit, 62);
        break;
    default:
        for (;;)
            pause();
    }
    return NULL;
}

static pid_t start(intptr_t ending, bool raw)
{
    open_pipes();
    pid_t pid = fork_child();
    if (pid == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, survive, (void *)ending) == 0);
        if (raw)
            syscall(SYS_exit, 60);
        pthread_exit(NULL);
    }
    take_byte(ready[0]);
    /* The dead leader cannot be waited for while a thread lives (wait(2), ptrace(2) "exit stops"). */
    siginfo_t info = {0};
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
    return pid;
}

static void ends_by_exit_group(void)
{
    pid_t pid = start(0, false);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(pid) == 61);
    close_pipes();
    say("exit_group by the last thread gives its status\n");
}

static void ends_by_exit(void)
{
    pid_t pid = start(1, true);
    give_byte(gate[1], 'g');
    /* Kernels before 6.2 answer with the leader's status, later ones with the last thread's. */
    int status = wait_exit(pid);
    CHECK(status == 60 || status == 62);
    close_pipes();
    say("exit by the last thread gives %d\n", status);
}

static void ends_by_signal(int number)
{
    pid_t pid = start(2, true);
    give_byte(gate[1], 'g');
    CHECK(kill(pid, number) == 0);
    CHECK(wait_death(pid) == number);
    close_pipes();
    say("signal %d after the leader\n", number);
}

static void note(int number)
{
    give_byte(ready[1], (char)number);
}

static void signals_reach_the_survivor(void)
{
    handle(SIGUSR1, note, 0);
    pid_t pid = start(2, false);
    give_byte(gate[1], 'g');
    CHECK(kill(pid, SIGUSR1) == 0);
    CHECK(take_byte(ready[0]) == SIGUSR1);
    CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) != 0);
    close_pipes();
    say("signals reach the survivor\n");
}

int main(void)
{
    begin();
    for (int i = 0; i < 5; i++)
        ends_by_exit_group();
    for (int i = 0; i < 5; i++)
        ends_by_exit();
    ends_by_signal(SIGKILL);
    ends_by_signal(SIGTERM);
    signals_reach_the_survivor();
    return 0;
}
