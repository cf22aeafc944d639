/* Owns tasks that guests trace: which of their stops are shown, and how they go on (ptrace(2)). */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../native.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)
#define TOLD_BY_OPTION (PTRACE_O_TRACEEXIT | PTRACE_O_TRACEVFORKDONE)
/* What we need of every guest; see child.c. */
#define OUR_OPTIONS                                                                                                    \
    (PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
     PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP)

bool is_debugged(const struct task *task)
{
    return task->debugging && task->debugging->traced;
}

struct debugging *debugging_of(struct task *task)
{
    if (!task->debugging)
        task->debugging = calloc(1, sizeof *task->debugging);
    return task->debugging;
}

void debugging_drop(struct task *task)
{
    free(task->debugging);
    task->debugging = NULL;
}

bool debug_is_over(const struct task *task)
{
    const struct debugging *debugging = task->debugging;
    bool traces = debugging->tells_waits || debugging->asks || debugging->waits;
    bool stands = debugging->due || debugging->held || debugging->delivers;
    return !debugging->traced && !traces && !stands && !debugging->kernel_options;
}

static int stop_of(int signal, int event)
{
    return signal | event << 8;
}

/* The task stands where it is kept until Python is told. */
static void tell_soon(struct pb_core *core, struct task *task)
{
    pending_push(&core->pending, (struct pending){.tid = task->tid, .debugs = true});
}

/* Options can be set of a task that is stopped. Those that we need for ourselves stay. */
static void give_options(struct pb_core *core, struct task *task)
{
    struct debugging *debugging = task->debugging;
    uint32_t wanted = debugging->traced ? debugging->options & TOLD_BY_OPTION : 0;
    core->has_end_stops |= (wanted & PTRACE_O_TRACEEXIT) != 0;
    if (wanted != debugging->kernel_options &&
        ptrace(PTRACE_SETOPTIONS, task->tid, NULL, (void *)(uintptr_t)(OUR_OPTIONS | wanted)) == 0)
        debugging->kernel_options = wanted;
}

bool debug_keeps(struct pb_core *core, struct task *task)
{
    struct debugging *debugging = task->debugging;
    if (!debugging)
        return false;
    give_options(core, task);
    if (debugging->due) {
        debugging->held = debugging->due;
        debugging->due = 0;
        debugging->interrupt = debugging->is_told = false;
        tell_soon(core, task);
        return true;
    }
    if (debugging->asks) {
        tell_soon(core, task);
        return true;
    }
    /* Every stop, also one that nobody is shown, ends what was asked for (linux: kernel/signal.c, ptrace_stop). */
    if (debugging->interrupt)
        ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
    return false;
}

int debug_request_for(const struct task *task, int how)
{
    const struct debugging *debugging = task->debugging;
    if (how != PTRACE_CONT)
        return how;
    if (debugging->tells_waits || debugging->waits || (debugging->traced && debugging->how == PB_DEBUG_CALLS))
        return PTRACE_SYSCALL;
    return debugging->traced && debugging->how == PB_DEBUG_STEP ? PTRACE_SINGLESTEP : how;
}

static int call_stop(const struct debugging *debugging)
{
    return debugging->options & PTRACE_O_TRACESYSGOOD ? SYSCALL_STOP : SIGTRAP;
}

static bool shows_calls(const struct debugging *debugging)
{
    return debugging->traced && debugging->how == PB_DEBUG_CALLS;
}

static void step_seen(struct debugging *debugging)
{
    debugging->is_step = true;
    debugging->due = SIGTRAP;
}

bool debug_entry_seen(struct pb_core *core, struct task *task)
{
    struct debugging *debugging = task->debugging;
    struct __ptrace_syscall_info info;
    if (!debugging || ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info) < 0)
        return false;
    bool again = debugging->again;
    debugging->is_signal = debugging->is_group = debugging->is_step = false;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        debugging->again = false;
        if (shows_calls(debugging) && !again)
            debugging->due = call_stop(debugging);
        if (debugging->tells_waits)
            wait_entered(task, info.entry.nr);
        task_resume(core, task, 0);
        return true;
    }
    if (info.op != PTRACE_SYSCALL_INFO_EXIT)
        return false;
    if (debugging->waits)
        wait_left(task);
    if (shows_calls(debugging))
        debugging->due = call_stop(debugging);
    else if (debugging->traced && debugging->how == PB_DEBUG_STEP)
        step_seen(debugging); /* it ends behind the call */
    return false;
}

static void group_stop_seen(struct task *task, int signal, bool listened, bool halted)
{
    struct debugging *debugging = task->debugging;
    bool stops = is_stop_signal(signal);
    bool was_asked = debugging->interrupt;
    if (!task->born || (stops && listened && halted && !was_asked))
        return;
    debugging->is_group = stops;
    /* That its group goes on is told to who has seized it alone. */
    if (stops || was_asked || (listened && debugging->seized))
        debugging->due = debugging->seized ? stop_of(signal, PTRACE_EVENT_STOP) : signal;
}

bool debug_signal_seen(struct task *task, int signal)
{
    if (!is_debugged(task))
        return false;
    rest_give(task);
    task->debugging->is_signal = true;
    task->debugging->is_group = task->debugging->is_step = false;
    task->debugging->due = signal;
    return true;
}

void debug_stop_seen(struct task *task, int status, bool halted)
{
    struct debugging *debugging = task->debugging;
    int event = status >> 16, signal = status >> 8 & 0xff;
    if (!is_debugged(task) || !event)
        return;
    debugging->is_signal = debugging->is_group = debugging->is_step = false;
    if (event == PTRACE_EVENT_STOP) {
        group_stop_seen(task, signal, task->group_stopped, halted);
        if (debugging->due)
            rest_give(task);
    } else if ((event == PTRACE_EVENT_EXIT || event == PTRACE_EVENT_VFORK_DONE) && debugging->options & 1u << event) {
        debugging->due = stop_of(SIGTRAP, event);
    }
}

static long group_of(int32_t tid)
{
    char status[4096];
    const char *group = proc_read(tid, "status", status, sizeof status) ? strstr(status, "\nTgid:") : NULL;
    return group ? strtol(group + strlen("\nTgid:"), NULL, 10) : 0;
}

void debug_born(struct task *task, struct task *child, int event)
{
    const struct debugging *creator = task->debugging;
    if (creator && creator->tells_waits && group_of(task->tid) == group_of(child->tid) && debugging_of(child))
        child->debugging->tells_waits = true;
    if (!is_debugged(task) || !(creator->options & 1u << event) || !debugging_of(child))
        return;
    task->debugging->is_signal = task->debugging->is_group = task->debugging->is_step = false;
    task->debugging->due = stop_of(SIGTRAP, event);
    child->debugging->traced = true;
    child->debugging->seized = creator->seized;
    child->debugging->tracer = creator->tracer;
    child->debugging->options = creator->options;
    child->debugging->due = creator->seized ? stop_of(SIGTRAP, PTRACE_EVENT_STOP) : SIGSTOP;
}

void debug_move(struct task *from, struct task *to)
{
    debugging_drop(to);
    to->debugging = from->debugging;
    from->debugging = NULL;
}

void debug_exec_seen(struct task *task)
{
    struct debugging *debugging = task->debugging;
    debugging->is_signal = debugging->is_group = debugging->is_step = debugging->again = false;
    if (!debugging->traced)
        return;
    if (debugging->options & PTRACE_O_TRACEEXEC)
        debugging->due = stop_of(SIGTRAP, PTRACE_EVENT_EXEC);
    else if (!debugging->seized)
        syscall(SYS_tgkill, task->tid, task->tid, SIGTRAP);
}

bool debug_tell(struct pb_core *core, int32_t tid, struct pb_stop *out)
{
    struct task *task = task_find(core, tid);
    struct debugging *debugging = task ? task->debugging : NULL;
    if (!debugging)
        return false;
    if (debugging->delivers) {
        int signal = debugging->delivers;
        debugging->delivers = 0;
        gate_signal_told(core, task, signal);
        return signal_seen(core, task, signal, out);
    }
    out->tid = tid;
    if (debugging->held && !debugging->is_told) {
        debugging->is_told = true;
        out->kind = PB_STOP_DEBUGGED;
        out->signal = debugging->held & 0xff;
        out->status = debugging->held >> 8;
        out->other = debugging->tracer;
        out->nr = debugging->is_signal ? 1 : debugging->is_step ? 2 : 0;
        out->code = debugging->is_group;
        return true;
    }
    struct call_info info;
    if (debugging->held || !debugging->asks || call_info_read(tid, &info) < 0)
        return false;
    out->kind = PB_STOP_WAIT;
    out->nr = (int32_t)info.nr;
    for (int i = 0; i < 6; i++)
        out->args[i] = info.args[i];
    return true;
}

int32_t pb_debug_begin(struct pb_core *core, int32_t tid, int32_t tracer, int32_t seized, uint32_t options)
{
    LOCKED(core);
    struct task *task = task_find(core, tid), *by = task_find(core, tracer);
    /* The walls of one that is being launched are not up yet. */
    if (!task || !by || task->starting || by->starting)
        return -ESRCH;
    if (!domain_allows(by, task))
        return -EPERM;
    struct debugging *debugging = debugging_of(task);
    if (!debugging)
        return -ENOMEM;
    debugging->traced = true;
    debugging->seized = seized;
    debugging->tracer = tracer;
    debugging->options = options;
    debugging->how = PB_DEBUG_CONT;
    debugging->interrupt = task->group_stopped;
    if (task->group_stopped)
        ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
    return task->group_stopped;
}

static struct task *find_held(struct pb_core *core, int32_t tid)
{
    struct task *task = task_find(core, tid);
    return task && !task->starting && is_debugged(task) && task->debugging->held ? task : NULL;
}

int32_t pb_debug_options(struct pb_core *core, int32_t tid, uint32_t options)
{
    LOCKED(core);
    struct task *task = find_held(core, tid);
    if (!task)
        return -ESRCH;
    task->debugging->options = options;
    return 0;
}

/* A signal that is given where none is delivered comes to a call's end by the kernel, else as one that is sent. */
static int32_t let_go(struct pb_core *core, struct task *task, int32_t signal)
{
    struct debugging *debugging = task->debugging;
    int32_t held = debugging->held;
    debugging->held = 0;
    if (debugging->is_signal && signal) {
        debugging->delivers = signal;
        tell_soon(core, task);
        return 0;
    }
    if (held == SIGSTOP && !debugging->is_group && signal)
        syscall(SYS_tkill, task->tid, signal);
    bool at_call = held == SYSCALL_STOP || held == SIGTRAP;
    return task_resume(core, task, at_call ? signal : 0);
}

int32_t pb_debug_resume(struct pb_core *core, int32_t tid, int32_t how, int32_t signal)
{
    LOCKED(core);
    struct task *task = find_held(core, tid);
    if (!task)
        return -ESRCH;
    if (how == PB_DEBUG_LISTEN && (!task->debugging->seized || task->debugging->held >> 8 != PTRACE_EVENT_STOP))
        return -EIO;
    if (how == PB_DEBUG_LISTEN)
        how = PB_DEBUG_CONT;
    else
        task->group_stopped = false;
    task->debugging->how = how;
    return let_go(core, task, signal);
}

int32_t pb_debug_end(struct pb_core *core, int32_t tid, int32_t signal)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !is_debugged(task))
        return -ESRCH;
    struct debugging *debugging = task->debugging;
    debugging->traced = debugging->interrupt = debugging->again = false;
    debugging->due = 0;
    return debugging->held ? let_go(core, task, signal) : 0;
}

int32_t pb_debug_interrupt(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !is_debugged(task))
        return -ESRCH;
    if (task->debugging->held)
        return 0;
    task->debugging->interrupt = true;
    return ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 ? -errno : 0;
}

int64_t pb_debug_request(struct pb_core *core, int32_t tid, int32_t request, uint64_t address, void *data)
{
    LOCKED(core);
    if (!find_held(core, tid))
        return -ESRCH;
    /* The kernel's own result: what a word holds comes by `data`, not as the C library has it. */
    long result = syscall(SYS_ptrace, (long)request, (long)tid, address, data);
    return result < 0 ? -errno : result;
}
