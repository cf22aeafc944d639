/* Shows what becomes of requests of ptrace, granted and refused, on children, on others and on nobody. */
#include "check.h"
#include <sys/ptrace.h>

static int gate[2];

static void show(const char *name, long result)
{
    say("%s: %s\n", name, outcome(result));
}

static void trace_me(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        long result = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        show("PTRACE_TRACEME", result);
        /* Not _exit by a signal: a traced process would stop at it. */
        _exit(5);
    }
    CHECK(wait_exit(pid) == 5);
}

/* A child to be traced, which ends by the gate or by SIGKILL. */
static void trace_child(const char *name, int request)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        _exit(6);
    }
    long result = ptrace(request, pid, NULL, NULL);
    show(name, result);
    if (result == 0) {
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK(wait_death(pid) == SIGKILL);
    } else {
        give_byte(gate[1], 'g');
        CHECK(wait_exit(pid) == 6);
    }
}

static void others(void)
{
    show("PTRACE_ATTACH to itself", ptrace(PTRACE_ATTACH, getpid(), NULL, NULL));
    show("PTRACE_CONT of a process that is not traced", ptrace(PTRACE_CONT, getppid(), NULL, NULL));
    show("PTRACE_PEEKDATA of itself", ptrace(PTRACE_PEEKDATA, getpid(), &gate, NULL));
}

int main(void)
{
    begin();
    open_pipe(gate);
    trace_me();
    trace_child("PTRACE_ATTACH", PTRACE_ATTACH);
    trace_child("PTRACE_SEIZE", PTRACE_SEIZE);
    others();
    say("status %d\n", system("exit 3") >> 8);
    return 0;
}
