/* Shows attaching to processes that run already: siblings, threads of others, with and without a stop; and letting go. */
#include "traced.h"
#include <pthread.h>
#include <sys/time.h>

static int gate[2];

/* A child that waits for a byte and ends with this status. */
static pid_t fork_waiting(int status)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        _exit(status);
    }
    return pid;
}

static void attaches_to_child(void)
{
    pid_t pid = fork_waiting(2);
    CHECK(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
    show_stop("attached", wait_status(pid));
    CHECK(registers_of(pid).rip != 0);
    CHECK(ptrace(PTRACE_DETACH, pid, NULL, 0) == 0);
    say("detached twice: %s\n", outcome(ptrace(PTRACE_DETACH, pid, NULL, 0)));
    give_byte(gate[1], 'g');
    show_stop("let go", wait_status(pid));
}

static void seizes_child(void)
{
    pid_t pid = fork_waiting(3);
    int status;
    CHECK(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) == 0);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    say("registers of one that runs: %s\n", outcome(ptrace(PTRACE_PEEKUSER, pid, NULL, NULL)));
    CHECK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0);
    show_stop("seized", wait_status(pid));
    go_on(PTRACE_CONT, pid, 0);
    give_byte(gate[1], 'g');
    show_stop("seized", wait_status(pid));
    go_on(PTRACE_CONT, pid, 0);
    show_stop("seized", wait_status(pid));
}

/* The tracer is no parent: it has nothing but its tracee to wait for. */
static void attaches_to_sibling(int request)
{
    pid_t pid = fork_waiting(4);
    pid_t tracer = fork_child();
    if (tracer == 0) {
        int status;
        CHECK(ptrace(request, pid, NULL, NULL) == 0);
        if (request == PTRACE_SEIZE)
            CHECK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0);
        show_stop("sibling", wait_status(pid));
        CHECK(waitpid(-1, &status, WNOHANG) == 0);
        go_on(PTRACE_SYSCALL, pid, 0);
        give_byte(gate[1], 'g');
        for (;;) {
            CHECK(waitpid(-1, &status, __WALL) == pid);
            if (!WIFSTOPPED(status))
                break;
            go_on(PTRACE_SYSCALL, pid, 0);
        }
        show_stop("sibling", status);
        CHECK_FAILS(waitpid(-1, &status, __WALL), ECHILD);
        _exit(0);
    }
    CHECK(wait_exit(tracer) == 0);
    show_stop("for its parent", wait_status(pid));
}

static void *wait_in_thread(void *unused)
{
    pause();
    return unused;
}

static void attaches_to_threads(void)
{
    int ready[2];
    open_pipe(ready);
    pid_t pid = fork_child();
    if (pid == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, wait_in_thread, NULL) == 0);
        give_byte(ready[1], 'r');
        take_byte(gate[0]);
        _exit(5);
    }
    take_byte(ready[0]);
    char path[64];
    pid_t tids[4], count = 0;
    for (pid_t tid = pid; tid < pid + 1000 && count < 2; tid++) {
        snprintf(path, sizeof path, "/proc/%d/task/%d", pid, tid);
        if (access(path, F_OK) == 0)
            tids[count++] = tid;
    }
    CHECK(count == 2);
    for (int i = 0; i < count; i++) {
        CHECK(ptrace(PTRACE_ATTACH, tids[i], NULL, NULL) == 0);
        CHECK(waitpid(tids[i], NULL, __WALL) == tids[i]);
        say("thread %d is held: %d\n", i, registers_of(tids[i]).rsp != 0);
    }
    go_on(PTRACE_CONT, tids[1], 0);
    go_on(PTRACE_CONT, tids[0], 0);
    give_byte(gate[1], 'g');
    int status;
    CHECK(waitpid(tids[1], &status, __WALL) == tids[1]);
    show_stop("its thread", status);
    show_stop("its leader", wait_status(pid));
}

/* A signal ends a wait for a tracee that does not stop. */
static void on_alarm(int number)
{
    (void)number;
}

static void wait_is_interrupted(void)
{
    pid_t pid = fork_waiting(6);
    pid_t tracer = fork_child();
    if (tracer == 0) {
        struct itimerval soon = {{0, 0}, {0, 50000}};
        handle(SIGALRM, on_alarm, 0);
        CHECK(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
        CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        CHECK_FAILS(waitpid(pid, NULL, 0), EINTR);
        say("the wait was interrupted\n");
        _exit(0);
    }
    CHECK(wait_exit(tracer) == 0);
    give_byte(gate[1], 'g');
    show_stop("after its tracer", wait_status(pid));
}

int main(void)
{
    begin();
    open_pipe(gate);
    attaches_to_child();
    seizes_child();
    attaches_to_sibling(PTRACE_ATTACH);
    attaches_to_sibling(PTRACE_SEIZE);
    attaches_to_threads();
    wait_is_interrupted();
    return 0;
}
