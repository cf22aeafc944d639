/* Owns the loop: waits for stops and hands what nobody here can answer to Python. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "native.h"
#include "outcomes.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)

void death_keep(struct pb_core *core, int32_t tid, int32_t status)
{
    pending_push(&core->pending, (struct pending){.tid = tid, .status = status});
}

static void restore_arguments(const struct task *changed, int32_t tid)
{
    for (int i = 0; i < 6; i++)
        if (changed->saved.mask & 1 << i)
            argument_write(tid, i, changed->saved.value[i]);
    if (changed->saved.nr)
        nr_write(tid, changed->saved.nr);
}

/* Some calls that we have made a task leave for a moment end with EINTR (man 2 ptrace, BUGS). If a signal with a handler
   follows at once, EINTR was right after all; see undo_interruption. */
static void halt_undo(struct pb_core *core, struct task *task)
{
    struct interruption found;
    if (!rest_begin(core, task) && interruption_read(task->tid, &found) == 0 && found.by_signal &&
        interruption_undo(task->tid, found.nr) == 0)
        task->interrupted_call = (int32_t)found.nr;
}

static enum outcome on_call_exit(struct pb_core *core, struct task *task, bool halted, struct pb_stop *out)
{
    struct call_info info;
    bool report = task->report_exit;
    bool unseen = task->making || task->replacing || task->is_plain, finds_nothing = task->finds_nothing;
    if (task->makes_name)
        misses_forget(core);
    if (task->copies)
        copy_ended(core, task);
    restore_arguments(task, task->tid);
    call_forget(core, task);
    bool wanted = report || task->recorded;
    if (wanted && call_info_read(task->tid, &info) < 0)
        return ANSWERED;
    if (halted)
        halt_undo(core, task);
    /* The call that is recorded is over when the rest is written. */
    if (!wanted || (!report && task->rest.done))
        return resume_quietly(core, task);
    if (task->interrupted_call >= 0)
        info.result = -ERESTARTNOINTR; /* the call is made once more */
    if (unseen && !(finds_nothing && info.result == -ENOENT) && unseen_fails(core, task, info.result))
        return resume_quietly(core, task);
    recorder_left(core, task, info.result);
    if (!report)
        return resume_quietly(core, task);
    out->kind = PB_STOP_SYSCALL_EXIT;
    out->tid = task->tid;
    out->result = info.result;
    return FOR_PYTHON;
}

static void settle(struct pb_core *core, struct task *task)
{
    pin_task_made(core, task);
    block_born(core, task);
}

static void tell_birth(struct pb_core *core, struct task *task, struct pb_stop *out)
{
    settle(core, task);
    out->kind = PB_STOP_NEW;
    out->tid = task->tid;
    out->other = task->creator;
}

/* A child of a call that was taken for another one has been told by itself, and may be gone as far as we see. */
static bool is_no_tracee(int32_t tid)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) < 0 && errno == ECHILD;
}

static enum outcome on_creation(struct pb_core *core, struct task *task, int event, struct pb_stop *out)
{
    unsigned long message = 0;
    if (ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &message) < 0)
        return ANSWERED;
    struct task *child = task_get(core, (int32_t)message);
    struct pending death;
    if (pending_take(&core->early_deaths, child->tid, &death) && death.order > task->creates_since)
        death_keep(core, child->tid, death.status);
    else if (!child->born && is_no_tracee(child->tid))
        death_keep(core, child->tid, SIGKILL);
    bool is_held = child->born && !child->announced;
    task_set_creating(core, task, false);
    debug_born(task, child, event);
    domain_inherit(task, child);
    child->announced = true;
    child->creator = task->tid;
    child->page = task->page;
    gate_inherit(task, child);
    child->own_gs = task->own_gs;
    child->place = task->place;
    child->own_affinity = task->own_affinity;
    if (task->making) {
        unseen_made(core, task, child);
        child->saved = task->saved;
        restore_arguments(task, task->tid);
        task->saved = (struct saved_arguments){0};
        if (is_held) {
            core->held_count--;
            restore_arguments(child, child->tid);
            settle(core, child);
            task_resume(core, child, 0);
        }
        return resume_quietly(core, task);
    }
    if (is_held) {
        core->held_count--;
        restore_arguments(task, child->tid);
        pending_push(&core->pending, (struct pending){.tid = child->tid, .birth = true});
    } else {
        child->saved = task->saved;
    }
    out->kind = PB_STOP_FORK;
    out->tid = task->tid;
    out->other = child->tid;
    out->event = event;
    return FOR_PYTHON;
}

static enum outcome on_birth(struct pb_core *core, struct task *task, struct pb_stop *out)
{
    task->born = true;
    if (!task->announced) {
        core->held_count++;
        core->held_at = ++core->order;
        return ANSWERED; /* held until its creator's event, see release_held */
    }
    restore_arguments(task, task->tid);
    task->saved = (struct saved_arguments){0};
    if (task->unseen) {
        settle(core, task);
        recorder_born(core, task);
        return resume_quietly(core, task);
    }
    tell_birth(core, task, out);
    return FOR_PYTHON;
}

/* Whether somebody is inside a call that may have made one of those that are held. Who does not tell whether that fails is
   made to stop, once somebody may wait in vain. */
static bool is_creator_awaited(struct pb_core *core)
{
    bool awaited = false;
    if (!core->creating_count || !core->lost_creator)
        return core->creating_count > 0;
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next) {
            if (!task->creating || task->creates_since > core->held_at)
                continue;
            awaited = true;
            if (task->makes_unstopped && !task->halted) {
                task->halted = true;
                ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
            }
        }
    return awaited;
}

/* A creator that was killed inside its call never reports the event: its child must not wait for ever. */
static bool release_held(struct pb_core *core, struct pb_stop *out)
{
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next) {
            if (!task->born || task->announced)
                continue;
            task->announced = true;
            core->held_count--;
            gate_adopt(core, task);
            domain_adopt(core, task);
            tell_birth(core, task, out);
            return true;
        }
    return false;
}

/* A task is gone: who was to be made by its call may have been. */
static void tell_making(const struct task *task, struct pb_stop *out)
{
    out->code = task->making != 0;
    out->args[0] = task->making & ~MAKES_UNSEEN;
}

static enum outcome on_exec(struct pb_core *core, struct task *task, struct pb_stop *out)
{
    unsigned long former = 0;
    if (ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &former) < 0)
        return ANSWERED;
    if ((int32_t)former != task->tid) {
        /* The executing thread took the leader's tid; its own record goes, what it was doing comes along. */
        struct task *executor = task_find(core, (int32_t)former);
        if (executor) {
            task->pinned = executor->pinned;
            task->place = executor->place;
            task->cpu = executor->cpu;
            task->own_affinity = executor->own_affinity;
            recorder_move(executor, task);
            debug_move(executor, task);
            domain_move(executor, task);
            task_remove(core, (int32_t)former);
        }
    }
    if (task->starting)
        place_begin(core, task);
    task->starting = task->group_stopped = false;
    task->page = 0;
    /* Of the leader whose number it has now. */
    making_end(core, task);
    block_leave(core, task);
    gate_leave(core, task->gate);
    task->gate = NULL;
    reader_forget(task);
    task->own_gs = false;
    task->table = 0;
    tell_making(task, out);
    core->lost_creator |= task->creating;
    out->nr = task->replacing;
    call_forget(core, task);
    if (task->debugging)
        debug_exec_seen(task);
    else
        gate_exec_seen(core, task);
    if (task->unseen) {
        task->has_image = true;
        recorder_replaced(core, task);
        return resume_quietly(core, task);
    }
    out->kind = PB_STOP_EXEC;
    out->tid = task->tid;
    out->other = (int32_t)former;
    return FOR_PYTHON;
}

static enum outcome on_event_stop(struct pb_core *core, struct task *task, int signal, bool halted, struct pb_stop *out)
{
    bool listened = task->group_stopped;
    task->group_stopped = is_stop_signal(signal);
    if (!task->born)
        return on_birth(core, task, out);
    if (task->group_stopped && listened && halted)
        return resume_quietly(core, task);
    if (task->group_stopped) {
        out->kind = PB_STOP_GROUP;
        out->tid = task->tid;
        out->signal = signal;
        return FOR_PYTHON;
    }
    /* Nobody but us asks for such a stop, though another one that it met may have been taken for it. */
    if (!listened)
        halt_undo(core, task);
    return resume_quietly(core, task);
}

static enum outcome on_death(struct pb_core *core, int32_t tid, int status, struct pb_stop *out)
{
    struct task *task = task_find(core, tid);
    bool known = task && task->announced;
    if (known && unseen_leaves(task)) {
        out->kind = PB_STOP_PARTING;
        out->tid = tid;
        tell_making(task, out);
        task->making = 0;
        death_keep(core, tid, status);
        return FOR_PYTHON;
    }
    /* The last one is told in any case: it may be who is waited for. */
    bool unseen = task && task->unseen, quiet = unseen && core->task_count > 1;
    /* Else an orphan of ours whose death as a tracee was told before, or a child that did not live to its first stop. */
    if (!known && core->creating_count)
        pending_push(&core->early_deaths, (struct pending){.tid = tid, .status = status, .order = ++core->order});
    if (task) {
        core->lost_creator |= task->creating;
        ring_leave(core, task);
        recorder_lost(core, task);
        if (unseen)
            recorder_ended(core, task, status);
    }
    task_remove(core, tid);
    if (tid == core->program)
        core->program = 0;
    if (!known || quiet)
        return ANSWERED;
    out->kind = PB_STOP_DEAD;
    out->tid = tid;
    out->code = unseen;
    out->status = status;
    return FOR_PYTHON;
}

static enum outcome tell_pending(struct pb_core *core, struct pb_stop *out)
{
    struct pending pending;
    pending_take(&core->pending, core->pending->tid, &pending);
    if (pending.debugs)
        return debug_tell(core, pending.tid, out) ? FOR_PYTHON : ANSWERED;
    if (!pending.birth)
        return on_death(core, pending.tid, pending.status, out);
    struct task *task = task_find(core, pending.tid);
    if (!task)
        return ANSWERED;
    tell_birth(core, task, out);
    return FOR_PYTHON;
}

/* A stop in which a call that makes a task may yet be unfinished: what it makes is told, or another thread has replaced it. */
static bool tells_child(int event)
{
    return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE ||
           event == PTRACE_EVENT_EXEC;
}

static enum outcome dispatch(struct pb_core *core, int32_t tid, int status, struct pb_stop *out)
{
    if (!WIFSTOPPED(status))
        return on_death(core, tid, status, out);
    struct task *task = task_get(core, tid);
    int signal = WSTOPSIG(status);
    /* A stop that begins after another was asked for is that one, too: the kernel forgets that it was. */
    bool halted = task->halted;
    task->halted = false;
    ring_stopped(core, task);
    making_stopped(core, task, status);
    if (!tells_child(status >> 16))
        unseen_not_made(core, task);
    if (task->debugging)
        debug_stop_seen(task, status, halted);
    switch (status >> 16) {
    case 0:
        if (signal == SYSCALL_STOP && task->rest.done) {
            rest_seen(core, task, halted);
            return ANSWERED;
        }
        if (signal == SYSCALL_STOP && debug_entry_seen(core, task))
            return ANSWERED;
        if (signal == SYSCALL_STOP)
            return on_call_exit(core, task, halted, out);
        if (gate_signal_seen(core, task, signal))
            return ANSWERED;
        if (debug_signal_seen(task, signal))
            return resume_quietly(core, task);
        gate_signal_told(core, task, signal);
        return signal_seen(core, task, signal, out) ? FOR_PYTHON : ANSWERED;
    case PTRACE_EVENT_SECCOMP:
        if (halted && task->debugging)
            wait_asked_again(task);
        return on_call(core, task, out);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        return on_creation(core, task, status >> 16, out);
    case PTRACE_EVENT_EXEC:
        return on_exec(core, task, out);
    case PTRACE_EVENT_STOP:
        return on_event_stop(core, task, signal, halted, out);
    case PTRACE_EVENT_EXIT:
        task->group_stopped = false; /* it was, until it was killed: PTRACE_LISTEN would fail and leave it there for ever */
        return resume_quietly(core, task);
    default:
        return resume_quietly(core, task);
    }
}

static void take_stop(struct pb_core *core, struct pb_stop *out)
{
    for (;;) {
        int status;
        bool is_full = recorder_is_full(core);
        if (doorbell_rung || core->pending || core->waits || core->held_count || core->round_next < core->round_end || is_full)
            resume_last(core);
        if (is_full && !recorder_writes(core)) {
            out->kind = PB_STOP_TRACE;
            return;
        }
        if (doorbell_rung && core->was_asked) {
            core->was_asked = false;
            if (core->round_next == core->round_end)
                take_round(core);
        } else if (doorbell_rung && doorbell_take(core, out)) {
            /* Whoever asks without end must not keep the tasks waiting. */
            core->was_asked = out->nr == SIGIO;
            return;
        }
        pin_tick_seen(core);
        if (core->pending) {
            if (tell_pending(core, out) == FOR_PYTHON)
                return;
            continue;
        }
        if (core->waits)
            gate_serve(core);
        if (core->held_count && !is_creator_awaited(core) && release_held(core, out))
            return;
        long tid = next_status(core, &status);
        if (tid == -ECHILD) {
            out->kind = PB_STOP_EMPTY;
            return;
        }
        if (tid > 0 && dispatch(core, (int32_t)tid, status, out) == FOR_PYTHON)
            return;
    }
}

void pb_next(struct pb_core *core, struct pb_stop *out)
{
    LOCKED(core);
    memset(out, 0, sizeof *out);
    take_stop(core, out);
    resume_last(core);
    out->changed = core->changes != NULL;
}
