/* Owns which gate a task has that has just come to be: its creator's, or what its memory shows. */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "gate.h"

void gate_inherit(const struct task *creator, struct task *child)
{
    if (!creator->gate || child->gate)
        return;
    /* A copy of the memory was made before another task's gate came into it. */
    if (creator->gate_is_new && !pb_shares_memory(creator->tid, child->tid))
        return;
    child->gate = gate_share(creator->gate);
}

static void take_over(struct task *child, const struct task *other)
{
    child->page = other->page;
    if (!child->gate)
        child->gate = gate_share(other->gate);
}

void gate_adopt(struct pb_core *core, struct task *child)
{
    struct mapping mapping;
    struct stat counters;
    char rights[5];
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task != child && (task->page || task->gate) && pb_shares_memory(task->tid, child->tid)) {
                take_over(child, task);
                return;
            }
    if (child->gate || !core->stubs || !mapping_read(child->tid, GATE_COUNTERS, &mapping, rights) ||
        fstat(core->stubs->fds[1], &counters) < 0 || mapping.inode != counters.st_ino)
        return;
    for (struct gate *gate = core->gates; gate; gate = gate->next)
        if (gate->number == mapping.offset / GATE_COUNTERS_SIZE)
            child->gate = gate_share(gate);
}
