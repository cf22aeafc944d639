/* What programs that trace others share: names of stops, and going on from them. */
#ifndef PICOBOX_TRACED_H
#define PICOBOX_TRACED_H
#include "check.h"
#include <sys/ptrace.h>
#include <stddef.h>
#include <sys/user.h>

static inline const char *event_name(int event)
{
    switch (event) {
    case 0:
        return "none";
    case PTRACE_EVENT_FORK:
        return "fork";
    case PTRACE_EVENT_VFORK:
        return "vfork";
    case PTRACE_EVENT_CLONE:
        return "clone";
    case PTRACE_EVENT_EXEC:
        return "exec";
    case PTRACE_EVENT_VFORK_DONE:
        return "vfork done";
    case PTRACE_EVENT_EXIT:
        return "exit";
    case PTRACE_EVENT_STOP:
        return "stop";
    default:
        return "another";
    }
}

static inline void show_stop(const char *who, int status)
{
    if (WIFEXITED(status))
        say("%s: ends with %d\n", who, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        say("%s: dies of %d\n", who, WTERMSIG(status));
    else
        say("%s: stops by %d%s, event %s\n", who, WSTOPSIG(status) & 0x7f, WSTOPSIG(status) & 0x80 ? " in a call" : "",
            event_name(status >> 16));
}

static inline void go_on(int request, pid_t pid, long signal)
{
    CHECK(ptrace(request, pid, NULL, signal) == 0);
}

/* Waits for a stop of a tracee, which must be by this signal. */
static inline void await_stop(pid_t pid, int signal)
{
    int status = wait_status(pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == signal);
}

static inline struct user_regs_struct registers_of(pid_t pid)
{
    struct user_regs_struct registers;
    CHECK(ptrace(PTRACE_GETREGS, pid, NULL, &registers) == 0);
    return registers;
}

/* A child that asks to be traced and stops before it goes on; 0 in the child. */
static inline pid_t fork_traced(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
        CHECK(raise(SIGSTOP) == 0);
        return 0;
    }
    await_stop(pid, SIGSTOP);
    return pid;
}
#endif
