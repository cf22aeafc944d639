/* Owns the order in which the stops and deaths of tasks are answered. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/wait.h>

#include "native.h"

/* As many stops may be answered in the kernel's order before the next fair round. */
#define UNFAIR_LIMIT 16

void round_add(struct pb_core *core, int32_t tid, int32_t status)
{
    if (core->round_next == core->round_end)
        core->round_next = core->round_end = 0;
    if (core->round_end == core->round_size) {
        core->round_size = core->round_size ? 2 * core->round_size : 64;
        core->round = realloc(core->round, (size_t)core->round_size * sizeof *core->round);
        if (!core->round)
            abort(); /* as task_get */
    }
    core->round[core->round_end++] = (struct seen){tid, status};
}

void take_round(struct pb_core *core)
{
    int32_t tid, status;
    core->unfair = 0;
    while ((tid = waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG)) > 0)
        round_add(core, tid, status);
}

/* The kernel always offers the youngest stopped task first: a few busy threads would starve all others. So now and
   then every stop there is is taken before any is answered. */
long next_status(struct pb_core *core, int *status)
{
    if (core->round_next == core->round_end && core->task_count > 1 && ++core->unfair >= UNFAIR_LIMIT) {
        resume_last(core);
        take_round(core);
    }
    if (core->round_next < core->round_end) {
        struct seen seen = core->round[core->round_next++];
        *status = seen.status;
        /* A stopped task has no second status, unless it was killed or a sibling's exec took its tid meanwhile: then
           the stop that was taken is void. */
        if (WIFSTOPPED(seen.status))
            waitpid(seen.tid, status, __WALL | __WNOTHREAD | WNOHANG);
        return seen.tid;
    }
    /* __WNOTHREAD: children of the embedding program's other threads are not ours to reap. */
    pthread_mutex_unlock(&core->lock);
    resume_last(core);
    long tid = wait4_interruptible(-1, status, __WALL | __WNOTHREAD, &doorbell_rung);
    pthread_mutex_lock(&core->lock);
    return tid;
}
