/* Owns the table of traced tasks, keyed by tid, and the lists of what is still to be told about them. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "native.h"

static struct task **bucket_of(struct pb_core *core, int32_t tid)
{
    return &core->buckets[(uint32_t)tid % TASK_BUCKETS];
}

struct task *task_find(struct pb_core *core, int32_t tid)
{
    for (struct task *task = *bucket_of(core, tid); task; task = task->next)
        if (task->tid == tid)
            return task;
    return NULL;
}

struct task *task_get(struct pb_core *core, int32_t tid)
{
    struct task *task = task_find(core, tid);
    if (task)
        return task;
    task = calloc(1, sizeof *task);
    if (!task)
        abort(); /* a task that nobody answers would hang for ever; EXITKILL ends it with us */
    struct task **bucket = bucket_of(core, tid);
    task->tid = tid;
    task->interrupted_call = -1;
    task->next = *bucket;
    *bucket = task;
    core->task_count++;
    return task;
}

void task_set_creating(struct pb_core *core, struct task *task, bool creating)
{
    if (task->creating != creating)
        core->creating_count += creating ? 1 : -1;
    task->creating = creating;
    if (creating)
        task->creates_since = ++core->order;
    if (!core->creating_count)
        pending_clear(&core->early_deaths);
}

void pending_push(struct pending **list, struct pending what)
{
    struct pending *pending = malloc(sizeof *pending);
    if (!pending)
        abort(); /* as task_get */
    *pending = what;
    pending->next = *list;
    *list = pending;
}

bool pending_take(struct pending **list, int32_t tid, struct pending *what)
{
    for (; *list; list = &(*list)->next) {
        struct pending *found = *list;
        if (found->tid != tid)
            continue;
        *what = *found;
        *list = found->next;
        free(found);
        return true;
    }
    return false;
}

void pending_clear(struct pending **list)
{
    while (*list) {
        struct pending *first = *list;
        *list = first->next;
        free(first);
    }
}

void task_remove(struct pb_core *core, int32_t tid)
{
    for (struct task **link = bucket_of(core, tid); *link; link = &(*link)->next) {
        struct task *task = *link;
        if (task->tid != tid)
            continue;
        task_set_creating(core, task, false);
        making_end(core, task);
        receipt_lost(core, task);
        unseen_is_no_more(core, task);
        recorder_forget(task);
        block_leave(core, task);
        gate_leave(core, task->gate);
        debugging_drop(task);
        reader_forget(task);
        domain_leave(task);
        if (task->born && !task->announced)
            core->held_count--;
        *link = task->next;
        core->task_count--;
        free(task);
        return;
    }
}
