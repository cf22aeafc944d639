/* Owns the entries of calls: counts them, answers what the dispositions let it answer, hands the rest to Python. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "native.h"
#include "outcomes.h"

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
    return args[3] & WNOHANG || waits_by_pidfd(nr, args[0]);
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

/* Counts it, and notes what it may change of the task. */
static void note_call(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info)
{
    uint32_t disposition = core->dispositions[nr];
    pin_stop_seen(core, task, disposition & PB_FLAG_REAP);
    core->counters[disposition & 3][nr]++;
    if (task->gate && nr < PB_NR_UNKNOWN)
        gate_uncount(core, task, nr, info->ip);
    if (changes_root(nr))
        roots_differ(core);
    if (disposition & PB_FLAG_RECEIVES)
        receipt_seen(core, task);
    if (task->gate && nr == SYS_rt_sigreturn)
        gate_sigreturn_seen(core, task, info->sp);
    if (task->block && nr == SYS_arch_prctl && (info->args[0] == ARCH_GET_GS || info->args[0] == ARCH_SET_GS))
        block_hide(core, task);
}

/* A call of the gate that could not be recorded there is made once more, with rings. */
static bool gets_rings(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info)
{
    if (!rings_open(core, task, info->nr))
        return false;
    core->counters[core->dispositions[nr] & 3][nr]--;
    return true;
}

/* A mapping that a check is not shown may as well be that of a copy. */
static bool goes_unshown(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info)
{
    bool unshown = is_unshown(core, task, info);
    if (unshown && nr == SYS_mmap)
        gate_maps_copy(core, task, info);
    return unshown;
}

/* A call that Python decides unless something here knows that it need not. */
static enum outcome decide_call(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info, struct pb_stop *out)
{
    bool is_guests = core->dispositions[nr] & PB_FLAG_DECIDED && recorder_wants(core, nr);
    brief_call_seen(core, info);
    /* First of all: what only stops to go on is to stop no more. */
    if (gate_opens(core, task, info) || reading_passes(core, task, info) || is_repeat(core, task, info) ||
        change_passes(core, task, info) || goes_unshown(core, task, nr, info) || copy_seen(core, task, info) ||
        (is_guests && gets_rings(core, task, nr, info)) || unseen_answers(core, task, info))
        return resume_quietly(core, task);
    if (nr == SYS_close)
        close_seen(core, task, (int32_t)info->args[0], false);
    name_call_seen(core, task, nr, info->args);
    /* What it makes is there when it is over. */
    task->want_exit = task->makes_name;
    fill_call(core, out, task, info);
    return FOR_PYTHON;
}

static enum outcome do_call(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info, bool recorded,
                            struct pb_stop *out)
{
    uint32_t disposition = core->dispositions[nr];
    switch (disposition & 0xff) {
    case PB_DO_NATIVE:
        if (!recorded && may_be_taken(core, nr) && gate_opens(core, task, info))
            return resume_quietly(core, task);
        name_call_seen(core, task, nr, NULL);
        task->want_exit = recorded;
        return resume_quietly(core, task);
    case PB_DO_CALL:
        return decide_call(core, task, nr, info, out);
    case PB_DO_ERRNO:
        return end_call(core, task, -(int64_t)(disposition >> 16 & 0xfff));
    default:
        return end_call(core, task, -ENOSYS);
    }
}

enum outcome on_call(struct pb_core *core, struct task *task, struct pb_stop *out)
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
    note_call(core, task, nr, &info);
    if (recorded && !goes_on && !task->rest.done) {
        if (nr != PB_NR_UNKNOWN && (gate_opens(core, task, &info) || gets_rings(core, task, nr, &info)))
            return resume_quietly(core, task);
        recorder_entered(core, task, nr, &info);
    }
    if (disposition & PB_FLAG_ARGUMENTS || (disposition & PB_FLAG_GUARD && (task->page || task->gate))) {
        int32_t error = argument_error(core, task, nr, info.args);
        if (error)
            return refuse(core, task, error, &info, out);
        if (changes_sites(task, nr, info.args))
            sites_restore(core, task, info.args[0], info.args[1]);
    }
    if (disposition & PB_FLAG_REAP && looks_once(info.args, nr))
        take_round(core);
    if (nr == SYS_mmap && gate_records_copy(core, task, &info, recorded))
        return resume_quietly(core, task);
    return do_call(core, task, nr, &info, recorded, out);
}
