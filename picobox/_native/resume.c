/* Owns how tasks go on after a stop. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ptrace.h>

#include "native.h"

void resume_last(struct pb_core *core)
{
    struct resumption last = core->resumption;
    core->resumption.tid = 0;
    /* ESRCH: killed at this very moment; wait4 will tell. */
    if (last.tid)
        ptrace(last.how, last.tid, NULL, (void *)(uintptr_t)last.signal);
}

static int how_to_resume(struct pb_core *core, struct task *task, int signal)
{
    int how = task->group_stopped ? PTRACE_LISTEN : task->want_exit || task->rest.done ? PTRACE_SYSCALL : PTRACE_CONT;
    task->stepping = signal && how == PTRACE_CONT && gate_delivers(core, task, signal);
    task->looked_at = 0;
    if (task->debugging && debug_is_over(task))
        debugging_drop(task);
    if (task->debugging && !task->stepping)
        how = debug_request_for(task, how);
    return task->stepping ? PTRACE_SINGLESTEP : how;
}

int task_resume(struct pb_core *core, struct task *task, int signal)
{
    if (task->debugging && debug_keeps(core, task))
        return 0;
    int how = how_to_resume(core, task, signal);
    return ptrace(how, task->tid, NULL, (void *)(uintptr_t)signal) < 0 ? -errno : 0;
}

void task_resume_soon(struct pb_core *core, struct task *task, int signal)
{
    if (task->debugging && debug_keeps(core, task))
        return;
    resume_last(core);
    core->resumption = (struct resumption){task->tid, how_to_resume(core, task, signal), signal};
}
