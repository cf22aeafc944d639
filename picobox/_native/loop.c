/* Owns the loop: waits for stops, answers what the dispositions let it answer, hands the rest to Python. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "native.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* What a stop leads to inside the loop. */
enum outcome { ANSWERED, FOR_PYTHON };

static enum outcome resume_quietly(struct pb_core *core, struct task *task)
{
    task_resume_soon(core, task, 0);
    return ANSWERED;
}

void death_keep(struct pb_core *core, int32_t tid, int32_t status)
{
    pending_push(&core->pending, (struct pending){.tid = tid, .status = status});
}

static void fill_call(struct pb_core *core, struct pb_stop *out, struct task *task, const struct call_info *info)
{
    recorder_offered(core, task, info);
    out->kind = PB_STOP_SYSCALL;
    out->tid = task->tid;
    out->nr = (int32_t)info->nr;
    out->ip = gate_origin(task, info->ip);
    out->sp = info->sp;
    memcpy(out->args, info->args, sizeof out->args);
}

void call_forget(struct pb_core *core, struct task *task)
{
    task->want_exit = task->report_exit = false;
    task->saved.mask = 0;
    task->saved.nr = 0;
    task->making = 0;
    task->replacing = task->finds_nothing = task->is_plain = task->makes_unstopped = false;
    task_set_creating(core, task, false);
}

/* A new call means that the one before is over, however it ended. */
void call_begin(struct pb_core *core, struct task *task)
{
    call_forget(core, task);
    making_end(core, task);
    task->calls++;
    task->interrupted_call = -1;
    task->noticed = task->has_notified = task->gate_is_new = task->makes_name = task->copies = false;
    if (task->gate)
        task->gate_calls = gate_calls(task->gate);
}

/* The child that is to become a program has installed the notify filter. */
static enum outcome on_hand_over(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (info->nr == HAND_OVER_NR)
        call_skip(task->tid, listener_adopt(core, task->tid, (int)info->args[0]));
    return resume_quietly(core, task);
}

/* The call ends at its entry with a result. */
static enum outcome end_call(struct pb_core *core, struct task *task, int64_t result)
{
    call_skip(task->tid, result);
    recorder_left(core, task, result);
    return resume_quietly(core, task);
}

/* The call's arguments decide against it. Python answers only if every call is shown to it. */
static enum outcome refuse(struct pb_core *core, struct task *task, int32_t error, const struct call_info *info,
                           struct pb_stop *out)
{
    if (info->nr < PB_NR_COUNT && (core->dispositions[info->nr] & 0xff) == PB_DO_CALL) {
        fill_call(core, out, task, info);
        out->code = error;
        return FOR_PYTHON;
    }
    return end_call(core, task, -error);
}

/* Whether the call at whose entry a task stands is one of the gate's. */
static bool makes_own_call(struct pb_core *core, struct task *task)
{
    struct call_info info;
    if (!task->entering || call_info_read(task->tid, &info) < 0)
        return false;
    struct notified_call call = {.nr = info.nr, .ip = info.ip};
    memcpy(call.args, info.args, sizeof call.args);
    return gate_own_call(core, task, &call, -1, 0) > 0;
}

/* A task that died is a zombie for us before it is one for its parent, who may have been told by a pidfd already: taking the
   deaths hands them on before the parent looks. One that looks until there is something need not find it at once. */
static bool looks_once(const uint64_t *args, uint32_t nr)
{
    if (nr == SYS_wait4)
        return args[2] & WNOHANG;
    /* A pidfd may say by itself that nobody is to wait for it (pidfd_open(2), PIDFD_NONBLOCK). */
    return args[3] & WNOHANG || (int32_t)args[0] == P_PIDFD;
}

/* Whether the call is none but that of a guest's code whose ring was full, and which has been read. It is over then. Who was
   taken out of that code while it stood here makes no call. */
static bool is_of_full_ring(const struct task *task, const struct call_info *info)
{
    if (info->verdict != PB_NR_FULL || !task->ring)
        return false;
    bool is_taken_out = (int32_t)info->nr < 0;
    if (!is_taken_out && is_guest_code(info->ip))
        call_skip(task->tid, 0);
    return is_taken_out || is_guest_code(info->ip);
}

static enum outcome on_call(struct pb_core *core, struct task *task, struct pb_stop *out)
{
    struct call_info info;
    if (makes_own_call(core, task))
        return resume_quietly(core, task);
    if (call_info_read(task->tid, &info) < 0)
        return ANSWERED;
    if (is_of_full_ring(task, &info)) {
        pin_stop_seen(core, task, false);
        return resume_quietly(core, task);
    }
    bool goes_on = recorder_goes_on(core, task);
    call_begin(core, task);
    if (task->starting)
        return on_hand_over(core, task, &info);
    /* The filter returns the number as the verdict's data, PB_NR_UNKNOWN's stand-in for all it does not know. */
    uint32_t nr = info.verdict < PB_NR_COUNT ? info.verdict : PB_NR_UNKNOWN;
    uint32_t disposition = core->dispositions[nr];
    bool recorded = recorder_wants(core, nr) && (disposition & 0xff) != PB_DO_CALL;
    if (goes_on && !recorded)
        recorder_drop(task);
    pin_stop_seen(core, task, disposition & PB_FLAG_REAP);
    core->counters[disposition & 3][nr]++;
    if (task->gate && nr < PB_NR_UNKNOWN)
        gate_uncount(core, task, nr, info.ip);
    if (changes_root(nr))
        roots_differ(core);
    if (disposition & PB_FLAG_RECEIVES)
        receipt_seen(core, task);
    if (task->gate && nr == SYS_rt_sigreturn)
        gate_sigreturn_seen(core, task, info.sp);
    if (recorded && !goes_on && !task->rest.done) {
        if (nr != PB_NR_UNKNOWN && (gate_opens(core, task, &info) || rings_open(core, task, info.nr)))
            return resume_quietly(core, task);
        recorder_entered(core, task, nr, &info);
    }
    if (task->block && nr == SYS_arch_prctl && (info.args[0] == ARCH_GET_GS || info.args[0] == ARCH_SET_GS))
        block_hide(core, task);
    if (disposition & PB_FLAG_ARGUMENTS || (disposition & PB_FLAG_GUARD && (task->page || task->gate))) {
        int32_t error = argument_error(core, task, nr, info.args);
        if (error)
            return refuse(core, task, error, &info, out);
        if (changes_sites(task, nr, info.args))
            sites_restore(core, task, info.args[0], info.args[1]);
    }
    if (disposition & PB_FLAG_REAP && looks_once(info.args, nr))
        take_round(core);
    if (nr == SYS_mmap && gate_maps_copy(core, task, recorded))
        return resume_quietly(core, task);
    switch (disposition & 0xff) {
    case PB_DO_NATIVE:
        name_call_seen(core, task, nr, NULL);
        task->want_exit = recorded;
        return resume_quietly(core, task);
    case PB_DO_CALL:
        if (is_unshown(core, task, &info) || copy_seen(core, task, &info) || is_repeat(core, task, &info) || gate_opens(core, task, &info) ||
            unseen_answers(core, task, &info))
            return resume_quietly(core, task);
        if (nr == SYS_close)
            close_seen(core, task, (int32_t)info.args[0], false);
        name_call_seen(core, task, nr, info.args);
        /* What it makes is there when it is over. */
        task->want_exit = task->makes_name;
        fill_call(core, out, task, &info);
        return FOR_PYTHON;
    case PB_DO_ERRNO:
        return end_call(core, task, -(int64_t)(disposition >> 16 & 0xfff));
    default:
        return end_call(core, task, -ENOSYS);
    }
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
    task->own_gs = false;
    task->table = 0;
    tell_making(task, out);
    core->lost_creator |= task->creating;
    out->nr = task->replacing;
    call_forget(core, task);
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
    switch (status >> 16) {
    case 0:
        if (signal == SYSCALL_STOP && task->rest.done) {
            rest_seen(core, task, halted);
            return ANSWERED;
        }
        if (signal == SYSCALL_STOP)
            return on_call_exit(core, task, halted, out);
        if (gate_signal_seen(core, task, signal))
            return ANSWERED;
        gate_signal_told(core, task, signal);
        return signal_seen(core, task, signal, out) ? FOR_PYTHON : ANSWERED;
    case PTRACE_EVENT_SECCOMP:
        return on_call(core, task, out);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        return on_creation(core, task, status >> 16, out);
    case PTRACE_EVENT_EXEC:
        return on_exec(core, task, out);
    case PTRACE_EVENT_STOP:
        return on_event_stop(core, task, signal, halted, out);
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
