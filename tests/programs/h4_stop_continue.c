/* Shows SIGSTOP, SIGTSTP and SIGCONT: reports, what cancels what, handlers, threads, deaths. */
#include "check.h"
#include <pthread.h>

static int ready[2], gate[2];
static atomic_int *counter;

/* A child in a group of its own: the terminal's stop signals are dropped in an orphaned group, and the program's own
   may be one (setpgid(2)). */
static pid_t job_child(void)
{
    pid_t pid = fork_child();
    CHECK(setpgid(pid, pid) == 0);
    return pid;
}

static void expect(pid_t pid, int options, int code, int status)
{
    siginfo_t info = {0};
    CHECK(waitid(P_PID, (id_t)pid, &info, options) == 0);
    CHECK(info.si_pid == pid && info.si_signo == SIGCHLD);
    CHECK(info.si_code == code && info.si_status == status);
}

static void stop(pid_t pid, int number)
{
    CHECK(kill(pid, number) == 0);
    expect(pid, WSTOPPED, CLD_STOPPED, number);
}

static void resume(pid_t pid)
{
    CHECK(kill(pid, SIGCONT) == 0);
    expect(pid, WCONTINUED, CLD_CONTINUED, SIGCONT);
}

static void end(pid_t pid)
{
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(wait_death(pid) == SIGKILL);
}

static void count_on(int number)
{
    (void)number;
    atomic_fetch_add(counter, 1);
}

static pid_t counting_child(void)
{
    atomic_store(counter, 0);
    pid_t pid = job_child();
    if (pid == 0)
        for (;;)
            atomic_fetch_add(counter, 1), syscall(SYS_getppid);
    return pid;
}

static void a_stopped_process_stands_still(void)
{
    pid_t pid = counting_child();
    for (int i = 0; i < 10; i++) {
        int before = atomic_load(counter);
        while (atomic_load(counter) < before + 10)
            sched_yield();
        stop(pid, i % 2 ? SIGTSTP : SIGSTOP);
        before = atomic_load(counter);
        usleep(2000);
        CHECK(atomic_load(counter) == before);
        resume(pid);
    }
    stop(pid, SIGTTIN);
    end(pid);
    say("stands still while stopped\n");
}

static void by_itself(void)
{
    pid_t pid = job_child();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) {
            CHECK(raise(SIGSTOP) == 0);
            take_byte(gate[0]);
        }
        _exit(7);
    }
    /* The gate: a new stop or the end would take the report of the continuation away. */
    for (int i = 0; i < 5; i++) {
        expect(pid, WSTOPPED, CLD_STOPPED, SIGSTOP);
        resume(pid);
        give_byte(gate[1], 'g');
    }
    CHECK(wait_exit(pid) == 7);
    say("raise(SIGSTOP)\n");
}

static void continue_handler(void)
{
    atomic_store(counter, 0);
    pid_t pid = job_child();
    if (pid == 0) {
        handle(SIGCONT, count_on, 0);
        handle(SIGTSTP, count_on, 0);
        give_byte(ready[1], 'r');
        CHECK(raise(SIGSTOP) == 0);
        CHECK(atomic_load(counter) == 1);
        CHECK(raise(SIGTSTP) == 0);
        CHECK(atomic_load(counter) == 2);
        take_byte(gate[0]);
        _exit(8);
    }
    take_byte(ready[0]);
    expect(pid, WSTOPPED, CLD_STOPPED, SIGSTOP);
    resume(pid);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(pid) == 8);
    say("handlers of SIGCONT and SIGTSTP\n");
}

/* Each of the two takes the other out of the queue (signal(7)); a blocked SIGCONT still wakes. */
static void cancelling(void)
{
    pid_t pid = job_child();
    if (pid == 0) {
        sigset_t set;
        block_signal(SIGTSTP);
        block_signal(SIGCONT);
        CHECK(raise(SIGTSTP) == 0);
        CHECK(sigpending(&set) == 0 && sigismember(&set, SIGTSTP));
        handle(SIGCONT, count_on, 0);
        CHECK(raise(SIGCONT) == 0);
        CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGTSTP) && sigismember(&set, SIGCONT));
        CHECK(raise(SIGTSTP) == 0);
        CHECK(sigpending(&set) == 0 && sigismember(&set, SIGTSTP) && !sigismember(&set, SIGCONT));
        CHECK(raise(SIGSTOP) == 0);
        CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGTSTP) && sigismember(&set, SIGCONT));
        take_byte(gate[0]);
        _exit(9);
    }
    expect(pid, WSTOPPED, CLD_STOPPED, SIGSTOP);
    resume(pid);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(pid) == 9);
    say("stop and continue cancel each other\n");
}

static _Noreturn void *count_in_thread(void *unused)
{
    (void)unused;
    for (;;)
        atomic_fetch_add(counter, 1), syscall(SYS_getppid);
}

static void all_threads_stop(void)
{
    atomic_store(counter, 0);
    pid_t pid = job_child();
    if (pid == 0) {
        pthread_t thread;
        for (int i = 0; i < 8; i++)
            CHECK(pthread_create(&thread, NULL, count_in_thread, NULL) == 0);
        for (;;)
            pause();
    }
    for (int i = 0; i < 10; i++) {
        int before = atomic_load(counter);
        while (atomic_load(counter) < before + 100)
            sched_yield();
        stop(pid, SIGSTOP);
        before = atomic_load(counter);
        usleep(2000);
        CHECK(atomic_load(counter) == before);
        resume(pid);
    }
    end(pid);
    say("all of 9 threads stop and go on\n");
}

static void signals_while_stopped(void)
{
    atomic_store(counter, 0);
    pid_t pid = job_child();
    if (pid == 0) {
        handle(SIGUSR1, count_on, 0);
        give_byte(ready[1], 'r');
        for (;;)
            pause();
    }
    take_byte(ready[0]);
    stop(pid, SIGSTOP);
    CHECK(kill(pid, SIGUSR1) == 0);
    usleep(2000);
    CHECK(atomic_load(counter) == 0);
    resume(pid);
    while (atomic_load(counter) == 0)
        sched_yield();
    stop(pid, SIGSTOP);
    CHECK(kill(pid, SIGTERM) == 0);
    usleep(2000);
    CHECK(waitpid(pid, NULL, WNOHANG) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(wait_death(pid) == SIGTERM);
    pid = counting_child();
    stop(pid, SIGSTOP);
    end(pid);
    say("signals wait for SIGCONT, SIGKILL does not\n");
}

int main(void)
{
    begin();
    open_pipe(ready);
    open_pipe(gate);
    counter = shared_memory(sizeof *counter);
    a_stopped_process_stands_still();
    by_itself();
    continue_handler();
    cancelling();
    all_threads_stop();
    signals_while_stopped();
    return 0;
}
