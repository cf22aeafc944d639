/* Owns permits: who makes a name again and again, as a journal or a lock, need not ask each time. What a task was allowed to
   make stays reserved until its next call that is seen; as long as it is, nothing gets the name in another spelling, and the
   gate is told so: the task makes it there again, and finds nothing where it has removed it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate.h"
#include "guest.h"
#include "misses.h"

/* Each has a descriptor. */
#define MOST_PERMITS 64

_Static_assert(GATE_GENERATION + 8 <= GATE_PERMITS && GATE_PERMITS + 8 * PERMIT_COUNT <= GATE_PLACES, "the table fits");

static uint64_t *told_at(const struct pb_core *core, const struct permit *permit)
{
    return in_gate(core, GATE_PERMITS) + permit->block % PERMIT_COUNT;
}

void permit_end(struct pb_core *core, struct task *task)
{
    struct permit *permit = &task->permit;
    if (!permit->told)
        return;
    uint64_t *told = told_at(core, permit);
    if (__atomic_load_n(told, __ATOMIC_RELAXED) == permit->told)
        __atomic_store_n(told, 0, __ATOMIC_SEQ_CST);
    close(permit->directory);
    permit->told = 0;
    core->permits--;
}

/* How many components of its path have a hash; *last is whether the last one has. */
static int components_with(const struct permit *permit, uint16_t hash, bool *last)
{
    int count = 0;
    for (uint32_t i = 0; i < permit->count; i++)
        count += permit->components[i] == hash;
    *last = permit->components[permit->count - 1] == hash;
    return count;
}

void permits_forget(struct pb_core *core, uint16_t hash)
{
    bool last;
    for (struct task *maker = core->makers; maker; maker = maker->next_maker)
        if (maker->permit.told && components_with(&maker->permit, hash, &last))
            permit_end(core, maker);
}

/* The name itself is what its task makes. A link that has it now would lead to what may have another spelling. */
static bool is_own(const struct task *maker, int watch, const char *name)
{
    struct stat status;
    return watch == maker->permit.watch && strcmp(name, maker->made.name) == 0 &&
           (fstatat(maker->permit.directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(status.st_mode));
}

void permits_notice(struct pb_core *core, int watch, const char *name, uint16_t hash)
{
    for (struct task *maker = core->makers; maker; maker = maker->next_maker) {
        bool last;
        int count = maker->permit.told ? components_with(&maker->permit, hash, &last) : 0;
        if (count && (count > 1 || !last || !is_own(maker, watch, name)))
            permit_end(core, maker);
    }
}

void permits_forget_all(struct pb_core *core)
{
    for (struct task *maker = core->makers; maker; maker = maker->next_maker)
        permit_end(core, maker);
}

/* Gives it; false: it may not have one. */
static bool give(struct pb_core *core, struct permit *permit, const struct miss *miss)
{
    int count = components_of(miss->path, permit->components);
    LOCKED(core);
    struct task *task = task_find(core, miss->tid);
    if (!task || !task->block || task->makes != MAKES_IN_GATE || task->permit.told || core->permits >= MOST_PERMITS ||
        count < 1 || !miss_holds(core, miss, task, permit->components, count))
        return false;
    core->remembers = true;
    core->permits++;
    __atomic_store_n(in_gate(core, GATE_GENERATION), core->generation, __ATOMIC_SEQ_CST);
    permit->count = (uint32_t)count;
    permit->block = task->block;
    permit->told = permit_hash(miss_hash(miss->generation, miss->place, miss->path), task->block);
    task->permit = *permit;
    __atomic_store_n(told_at(core, permit), permit->told, __ATOMIC_SEQ_CST);
    return true;
}

bool permit_seen(struct pb_core *core, const struct miss *miss, int directory)
{
    struct permit permit = {.directory = directory};
    if (!miss_is_watched(core, miss, ITS_MAKING))
        return false;
    permit.watch = miss_watch(core, directory);
    return permit.watch >= 0 && give(core, &permit, miss);
}
