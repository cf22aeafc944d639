/* Owns signal-delivery stops: what is told to Python, and keeping ignored signals from ending calls. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

/* Hardware reports a fault through the kernel, whose signals have a positive si_code (man 2 sigaction). */
static bool is_fault_signal(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP;
}

bool is_stop_signal(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static bool is_ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

/* Whether the task would not have noticed the signal at all without a tracer. */
static bool is_ignored(struct pb_core *core, struct task *task, int signal)
{
    struct signal_actions actions;
    uint64_t bit = UINT64_C(1) << (signal - 1);
    if (task->looked_at == signal || task->looked_at == -signal)
        return task->ignores;
    if (!signal_actions_read(core, task->tid, signal, &actions))
        return false;
    bool caught = actions.caught & bit;
    task->looked_at = caught ? signal : -signal;
    task->ignores = actions.ignored & bit || (is_ignored_by_default(signal) && !caught);
    return task->ignores;
}

/* Whether we were not told of the call that a task leaves. */
static bool was_unseen(const struct pb_core *core, const struct task *task, const struct left_call *call)
{
    return gate_was_called(core, task, call) || waits_unseen(core, call->nr, call->first);
}

/* What the task noticed in a call before is no news in one that was made unseen. */
static bool has_noticed(const struct task *task, bool unseen)
{
    return task->noticed && (task->by_stop_signal || !unseen);
}

bool goes_unnoticed(struct pb_core *core, struct task *task, int signal)
{
    struct left_call call;
    bool unseen = left_call_read(task->tid, &call) == 0 && was_unseen(core, task, &call);
    return !has_noticed(task, unseen) && is_ignored(core, task, signal);
}

/* Most tasks that get SIGCHLD leave a wait that has found the child: whatever the signal means to them, which takes long to
   find out, neither it nor another one has cut that wait short. */
static bool is_told_of_found(const struct task *task, int signal, const struct left_call *call)
{
    return signal == SIGCHLD && task->interrupted_call < 0 && (call->nr == SYS_wait4 || call->nr == SYS_waitid) &&
           call->result >= 0;
}

bool is_caught(struct pb_core *core, const struct task *task, int signal)
{
    struct signal_actions actions;
    if (task->looked_at == signal || task->looked_at == -signal)
        return task->looked_at == signal;
    return signal_actions_read(core, task->tid, signal, &actions) && actions.caught & UINT64_C(1) << (signal - 1);
}

/* A signal can withdraw a call from the notify channel before we have seen it. The kernel then says -ERESTARTSYS, which
   a handler without SA_RESTART turns into EINTR, also for a call that never ends so. Such a call begins anew. Whether
   it was withdrawn is plain unless the task repeats an interruptible call with the same arguments: then EINTR stays if
   the call would have to wait now. If not, it had not begun, or what it waited for came before the handler. */
static void begin_anew(const struct pb_core *core, const struct task *task)
{
    struct notified_call call;
    if (!withdrawal_read(task->tid, &call) || call.nr >= PB_NR_COUNT)
        return;
    uint32_t disposition = core->dispositions[call.nr];
    if (!(disposition & PB_FLAG_NOTIFY) || waits_by_pidfd(call.nr, call.args[0]))
        return;
    bool seen = task->has_notified && memcmp(&call, &task->notified, sizeof call) == 0;
    if (!seen || !(disposition & PB_FLAG_INTERRUPTIBLE) || ends_at_once(task->tid, &call))
        result_write(task->tid, -ERESTARTNOINTR);
}

/* Signals that a task ignores reach its tracer all the same and end some calls with EINTR (man 2 ptrace, BUGS). Such a
   call is run again. If a signal with a handler follows at once, EINTR was right after all. */
static int undo_interruption(struct pb_core *core, struct task *task, int signal)
{
    struct interruption found;
    struct left_call call;
    /* ESRCH: killed at this very moment; wait4 will tell. */
    if (left_call_read(task->tid, &call) < 0 || is_told_of_found(task, signal, &call))
        return signal;
    bool unseen = was_unseen(core, task, &call);
    task->noticed = has_noticed(task, unseen);
    if (core->listeners && !unseen && call.result == -ERESTARTSYS)
        begin_anew(core, task);
    task->by_stop_signal = is_stop_signal(signal);
    bool ignored = is_ignored(core, task, signal);
    /* A stop signal justifies EINTR too, also when the SIGCONT that ends the stop is ignored (man 7 signal). */
    task->noticed = task->noticed || !ignored;
    if (!ignored)
        rest_give(task);
    if (task->interrupted_call >= 0 && !ignored) {
        int error = interruption_give(task->tid, (uint64_t)task->interrupted_call);
        task->interrupted_call = -1;
        return error ? error : signal;
    }
    if (!task->noticed && rest_begin(core, task))
        return 0;
    if (task->noticed || interruption_read(task->tid, &found) < 0 || !found.by_signal)
        return signal;
    if (interruption_undo(task->tid, found.nr) == 0)
        task->interrupted_call = (int32_t)found.nr;
    return 0;
}

static bool is_of_program(const struct pb_core *core, const struct task *task)
{
    return core->program && syscall(SYS_tgkill, core->program, task->tid, 0) == 0;
}

static bool stands_before(const struct task *task, int signal)
{
    siginfo_t info;
    return ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) == 0 && info.si_signo == signal &&
           info.si_code >> 8 != PTRACE_EVENT_STOP;
}

/* The kernel takes a signal off the pending set and stops the thread in one step, so the order matters. */
bool signal_is_due(struct pb_core *core, int signal)
{
    char status[4096];
    if (!core->program || !proc_read(core->program, "status", status, sizeof status))
        return false;
    if (mask_in(status, "\nShdPnd:") & UINT64_C(1) << (signal - 1))
        return true;
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            if (is_of_program(core, task) && stands_before(task, signal))
                return true;
    return false;
}

bool signal_seen(struct pb_core *core, struct task *task, int signal, struct pb_stop *out)
{
    siginfo_t info;
    /* The trace tells first how the call has ended that the signal is noticed behind. */
    if (recorder_waits(task) && !goes_unnoticed(core, task, signal))
        recorder_settle(core, task);
    /* Two signals of a kind that come before the first is handled are one (man 7 signal). So what the program is about
       to be given and we have got as well is one signal, sent to our whole group (man 2 kill). */
    if (doorbell_has(signal) && is_of_program(core, task))
        doorbell_drop(signal);
    if (is_fault_signal(signal) || core->report_signals) {
        if (ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) < 0)
            return false;
        bool reports = core->report_signals && !recorder_signalled(core, task, &info);
        if (reports || (is_fault_signal(signal) && info.si_code > 0)) {
            out->kind = PB_STOP_SIGNAL;
            out->tid = task->tid;
            out->signal = signal;
            out->code = info.si_code;
            memcpy(out->args, &info, sizeof out->args);
            return true;
        }
    }
    signal = undo_interruption(core, task, signal);
    if (signal >= 0)
        task_resume_soon(core, task, signal);
    return false;
}

int signal_to_deliver(struct pb_core *core, struct task *task, int signal)
{
    return signal ? undo_interruption(core, task, signal) : 0;
}
