/* Owns the life of a core and what Python asks of it between stops. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "names.h"
#include "native.h"

struct pb_core *pb_core_new(void)
{
    struct pb_core *core = calloc(1, sizeof *core);
    if (!core)
        return NULL;
    core->mmap_nr = -1;
    core->plan_directory = -1;
    core->mount_table = -1;
    core->spawner = -1;
    core->brief.inotify = -1;
    pthread_mutex_init(&core->lock, NULL);
    return core;
}

struct pb_core *core_lock(struct pb_core *core)
{
    pthread_mutex_lock(&core->lock);
    return core;
}

void core_unlock(struct pb_core **core)
{
    pthread_mutex_unlock(&(*core)->lock);
}

/* Where there is no other, there is one at once after a close. */
static void spare_brief_instance(struct pb_core *core)
{
    LOCKED(core);
    int inotify = brief_leave_inotify(core);
    if (inotify >= 0)
        close(inotify);
}

void pb_spare_instance(struct pb_core *core)
{
    int another = inotify_init1(IN_CLOEXEC);
    if (another >= 0) {
        close(another);
        return;
    }
    misses_spare_instance(core);
    spare_brief_instance(core);
}

void pb_core_free(struct pb_core *core)
{
    listeners_close(core);
    misses_close(core);
    if (core->resolver)
        names_end(core->resolver);
    gate_close(core);
    closes_clear(core);
    repeats_clear(core);
    unshown_clear(core);
    readings_clear(core);
    changes_clear(core);
    brief_clear(core);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        while (core->buckets[bucket])
            task_remove(core, core->buckets[bucket]->tid);
    pending_clear(&core->pending);
    pending_clear(&core->early_deaths);
    pin_close(core);
    stubs_close(core);
    images_close(core);
    plans_close(core);
    mounts_close(core);
    recorder_close(core);
    free(core->round);
    kept_stats_close(core);
    if (core->spawner >= 0)
        close(core->spawner);
    pthread_mutex_destroy(&core->lock);
    free(core);
}

void pb_set_dispositions(struct pb_core *core, const uint32_t *dispositions)
{
    LOCKED(core);
    for (int nr = 0; nr < PB_NR_COUNT; nr++) {
        bool was_native = core->taken[nr] || (core->dispositions[nr] & 0xff) == PB_DO_NATIVE;
        core->taken[nr] = was_native && (dispositions[nr] & 0xff) != PB_DO_NATIVE;
    }
    memcpy(core->dispositions, dispositions, sizeof core->dispositions);
    gate_kinds_change(core);
}

void pb_set_guards(struct pb_core *core, const uint32_t *guards, int32_t mmap_nr)
{
    memcpy(core->guards, guards, sizeof core->guards);
    core->mmap_nr = mmap_nr;
}

int64_t pb_call(int64_t nr, const uint64_t *args)
{
    long result = syscall((long)nr, args[0], args[1], args[2], args[3], args[4], args[5]);
    return result < 0 ? -errno : result;
}

int32_t pb_take_descriptor(int32_t tid, int32_t fd)
{
    return open_descriptor_of(tid, fd);
}

void pb_set_report_signals(struct pb_core *core, int32_t report)
{
    core->report_signals = report;
}

const uint64_t *pb_counters(struct pb_core *core, int32_t disposition)
{
    return disposition >= 0 && disposition < 4 ? core->counters[disposition] : NULL;
}

uint32_t pb_calls_entered(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    return task ? task->calls + gate_has_left(core, task) : 0;
}

uint64_t pb_calls(struct pb_core *core, const int32_t *tids, int32_t count)
{
    LOCKED(core);
    const struct gate *counted = NULL;
    uint64_t calls = 0;
    for (int32_t i = 0; i < count; i++) {
        const struct task *task = task_find(core, tids[i]);
        if (!task)
            continue;
        calls += task->calls;
        /* It belongs to the address space, which threads share. */
        if (task->gate && task->gate != counted)
            calls += gate_calls(counted = task->gate);
    }
    return calls;
}

int32_t pb_is_task(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    return task_find(core, tid) != NULL;
}

int32_t pb_task_count(struct pb_core *core)
{
    return core->task_count;
}

int32_t pb_resume(struct pb_core *core, int32_t tid, int32_t signal, int32_t want_exit)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -ESRCH;
    if (want_exit)
        task->want_exit = task->report_exit = true;
    if (task->makes_name)
        misses_forget(core);
    int delivered = signal_to_deliver(core, task, signal);
    return delivered < 0 ? delivered : task_resume(core, task, delivered);
}

int32_t pb_set_creating(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -ESRCH;
    task_set_creating(core, task, true);
    /* A failure has to be seen too: nobody can be born of this call any more. */
    task->want_exit = true;
    return 0;
}

int32_t pb_answer(struct pb_core *core, int32_t tid, int64_t result)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    int error = task ? call_skip(tid, result) : -ESRCH;
    /* No exit stop will come that puts changed arguments back. */
    for (int i = 0; i < 6 && !error; i++)
        if (task->saved.mask & 1 << i)
            error = argument_write(tid, i, task->saved.value[i]);
    if (error)
        return error;
    call_forget(core, task);
    return task_resume(core, task, 0);
}

int32_t pb_rewrite(struct pb_core *core, int32_t tid, int32_t index, uint64_t value)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    uint64_t before;
    if (!task || index < 0 || index > 5)
        return task ? -EINVAL : -ESRCH;
    int error = argument_read(tid, index, &before);
    if (!error)
        error = argument_write(tid, index, value);
    if (error)
        return error;
    if (!(task->saved.mask & 1 << index)) {
        task->saved.mask |= (uint8_t)(1 << index);
        task->saved.value[index] = before;
    }
    task->want_exit = true;
    return 0;
}

int32_t pb_set_result(struct pb_core *core, int32_t tid, int64_t result)
{
    LOCKED(core);
    return task_find(core, tid) ? result_write(tid, result) : -ESRCH;
}

int32_t pb_get_registers(struct pb_core *core, int32_t tid, uint64_t *registers)
{
    LOCKED(core);
    return task_find(core, tid) ? registers_read(tid, registers) : -ESRCH;
}

int32_t pb_set_registers(struct pb_core *core, int32_t tid, const uint64_t *registers)
{
    LOCKED(core);
    return task_find(core, tid) ? registers_write(tid, registers) : -ESRCH;
}

struct pb_kills pb_kills(struct pb_core *core)
{
    LOCKED(core);
    return core->kills;
}

void kill_noted(struct pb_core *core, int32_t tid, int status)
{
    if (!core->kills.count++) {
        core->kills.tid = tid;
        core->kills.status = status;
    }
    kill(tid, SIGKILL);
}

void pb_kill_all(struct pb_core *core)
{
    LOCKED(core);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            kill(task->tid, SIGKILL);
}
