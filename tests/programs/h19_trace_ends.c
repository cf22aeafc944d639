/* Shows ends: of tracers that leave their tracees to themselves or take them along, and of tracees that are held. */
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

/* A tracer that holds its tracee, or lets it run, and is killed. */
static void tracer_dies(const char *how, bool holds, long options)
{
    pid_t pid = fork_waiting();
    int ready[2];
    open_pipe(ready);
    pid_t tracer = fork_child();
    if (tracer == 0) {
        CHECK(ptrace(PTRACE_SEIZE, pid, NULL, options) == 0);
        if (holds) {
            CHECK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0);
            wait_status(pid);
        }
        give_byte(ready[1], 'r');
        for (;;)
            pause();
    }
    take_byte(ready[0]);
    CHECK(kill(tracer, SIGKILL) == 0);
    CHECK(wait_death(tracer) == SIGKILL);
    if (!(options & PTRACE_O_EXITKILL))
        give_byte(gate[1], 'g');
    show_stop(how, wait_status(pid));
}

static void tracee_is_killed(bool sibling)
{
    pid_t pid = fork_waiting();
    pid_t tracer = sibling ? fork_child() : 0;
    if (tracer == 0) {
        CHECK(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
        await_stop(pid, SIGSTOP);
        CHECK(kill(pid, SIGKILL) == 0);
        show_stop(sibling ? "killed, to its tracer" : "killed", wait_status(pid));
        if (!sibling)
            return;
        _exit(0);
    }
    CHECK(wait_exit(tracer) == 0);
    show_stop("killed, to its parent", wait_status(pid));
}

/* One that another one kills while its tracer waits for it. */
static void is_killed_by_another(void)
{
    pid_t pid = fork_waiting();
    int ready[2];
    open_pipe(ready);
    pid_t tracer = fork_child();
    if (tracer == 0) {
        CHECK(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
        give_byte(ready[1], 'r');
        show_stop("killed by another one", wait_status(pid));
        _exit(0);
    }
    take_byte(ready[0]);
    await_sleep(tracer, tracer);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(wait_exit(tracer) == 0);
    CHECK(wait_death(pid) == SIGKILL);
}

/* A tracer ends by itself with a tracee in the middle of a call. */
static void tracer_leaves(void)
{
    pid_t pid = fork_waiting();
    pid_t tracer = fork_child();
    if (tracer == 0) {
        CHECK(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
        await_stop(pid, SIGSTOP);
        go_on(PTRACE_SYSCALL, pid, 0);
        give_byte(gate[1], 'g');
        await_stop(pid, SIGTRAP);
        _exit(0);
    }
    CHECK(wait_exit(tracer) == 0);
    show_stop("left at a call", wait_status(pid));
}

/* One that is stopped with its group is killed, and its tracer dies where it sees the end. */
static void is_killed_while_stopped(void)
{
    pid_t pid = fork_waiting();
    int ready[2];
    open_pipe(ready);
    pid_t tracer = fork_child();
    if (tracer == 0) {
        CHECK(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) == 0);
        CHECK(kill(pid, SIGSTOP) == 0);
        go_on(PTRACE_CONT, pid, WSTOPSIG(wait_status(pid)));
        show_stop("stopped with its group", wait_status(pid));
        CHECK(kill(pid, SIGKILL) == 0);
        show_stop("killed then", wait_status(pid));
        give_byte(ready[1], 'r');
        for (;;)
            pause();
    }
    take_byte(ready[0]);
    CHECK(kill(tracer, SIGKILL) == 0);
    CHECK(wait_death(tracer) == SIGKILL);
    show_stop("left at its end", wait_status(pid));
}

int main(void)
{
    begin();
    open_pipe(gate);
    tracer_dies("held when its tracer died", true, 0);
    tracer_dies("running when its tracer died", false, 0);
    tracer_dies("taken along while held", true, PTRACE_O_EXITKILL);
    tracer_dies("taken along while it ran", false, PTRACE_O_EXITKILL);
    tracee_is_killed(false);
    tracee_is_killed(true);
    is_killed_by_another();
    is_killed_while_stopped();
    tracer_leaves();
    return 0;
}
