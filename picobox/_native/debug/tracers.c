/* Owns the waits of tasks that trace others: they stop before the filter sees them, for Python to decide. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "../native.h"

/* How a tracer waits, in struct debugging. */
enum { NOT, IN_KERNEL, IN_KERNEL_OR_ZERO, PARKED, ANSWERED };

void wait_entered(struct task *task, uint64_t nr)
{
    task->debugging->waits = NOT;
    task->debugging->asks = nr == SYS_wait4 || nr == SYS_waitid;
    task->debugging->wait_nr = nr;
}

/* The task leaves the call that stood for its wait. */
void wait_left(struct task *task)
{
    struct debugging *debugging = task->debugging;
    struct left_call call;
    int32_t waits = debugging->waits;
    debugging->waits = NOT;
    if (left_call_read(task->tid, &call) < 0)
        return;
    if (waits == IN_KERNEL_OR_ZERO && call.result == -ECHILD)
        result_write(task->tid, 0);
    if (waits != PARKED && waits != ANSWERED)
        return;
    nr_write(task->tid, debugging->wait_nr);
    if (waits == ANSWERED)
        result_write(task->tid, debugging->answer);
    else if (is_restart(call.result))
        result_write(task->tid, -ERESTARTSYS); /* as a wait ends that a signal interrupts */
}

void wait_asked_again(struct task *task)
{
    struct call_info info;
    /* Any other call is made to its end: whoever interrupted that for ever would have it begin anew for ever. */
    bool may_wait = task->debugging->tells_waits && call_info_read(task->tid, &info) == 0 &&
                    (info.nr == SYS_wait4 || info.nr == SYS_waitid);
    if (task->debugging->waits == NOT && !may_wait)
        return;
    task->halted = true;
    ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
}

static int32_t go_on(struct pb_core *core, int32_t tid, int32_t waits, uint64_t nr, int64_t answer)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !task->debugging || !task->debugging->asks)
        return -ESRCH;
    task->debugging->asks = false;
    task->debugging->waits = waits;
    task->debugging->answer = answer;
    int error = nr ? nr_write(tid, nr) : 0;
    return error ? error : task_resume(core, task, 0);
}

int32_t pb_debug_wait_kernel(struct pb_core *core, int32_t tid, int32_t zero_if_none)
{
    return go_on(core, tid, zero_if_none ? IN_KERNEL_OR_ZERO : IN_KERNEL, 0, 0);
}

int32_t pb_debug_wait_parked(struct pb_core *core, int32_t tid)
{
    return go_on(core, tid, PARKED, SYS_pause, 0);
}

int32_t pb_debug_wait_answer(struct pb_core *core, int32_t tid, int64_t result)
{
    return go_on(core, tid, ANSWERED, SYS_sched_yield, result);
}

int32_t pb_debug_tell_waits(struct pb_core *core, int32_t tid, int32_t tells)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || task->starting)
        return -ESRCH;
    if (!tells && !task->debugging)
        return 0;
    struct debugging *debugging = debugging_of(task);
    if (!debugging)
        return -ENOMEM;
    bool told = debugging->tells_waits;
    debugging->tells_waits = tells;
    if (!tells || told)
        return 0;
    /* It may be in a wait already. */
    task->halted = true;
    return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ? -errno : 0;
}

int32_t pb_debug_wake(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !task->debugging)
        return -ESRCH;
    if (task->debugging->waits == NOT)
        return 0;
    task->halted = true;
    return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ? -errno : 0;
}
