/* Owns who may have received descriptors that it has not opened: the kernel is asked which, when that counts. */
#define _GNU_SOURCE
#include <errno.h>

#include "native.h"

void receipt_seen(struct pb_core *core, struct task *task)
{
    core->receiver_count += !task->receives;
    task->receives = true;
    untold_add(core, task);
    task->received = task->calls;
}

static void forget(struct pb_core *core, struct task *task)
{
    core->receiver_count -= task->receives;
    task->receives = false;
}

void receipt_lost(struct pb_core *core, struct task *task)
{
    core->receiver_gone |= task->receives;
    untold_lost(core, task);
    forget(core, task);
}

static int32_t take(struct pb_core *core, int32_t *tids, int32_t limit)
{
    int32_t count = 0;
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next) {
            if (!task->receives)
                continue;
            if (count < limit)
                tids[count] = task->tid;
            count++;
            /* A task that has entered no other call may be in this one still, and receive later. */
            if (task->calls != task->received)
                forget(core, task);
        }
    return count;
}

int32_t pb_expect(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -ESRCH;
    receipt_seen(core, task);
    return 0;
}

int32_t pb_take_receivers(struct pb_core *core, int32_t *tids, int32_t limit)
{
    LOCKED(core);
    int32_t count = core->receiver_count ? take(core, tids, limit) : 0;
    bool any = core->receiver_gone || count > limit;
    core->receiver_gone = false;
    return any ? -1 : count;
}
