/* Owns what stubs read to decide about calls on descriptors: of which somebody wants to know that they are closed, and whose
   locks of whole files nobody has to see any more. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "gate.h"
#include "guest.h"

/* A bit of a table that guests read. */
static void set(struct stubs *stubs, uint64_t bits, uint32_t place, bool is_so)
{
    uint8_t *byte = stubs->code + (bits - GATE_CODE) + place / 8;
    uint8_t bit = (uint8_t)(1 << place % 8);
    if (is_so)
        __atomic_fetch_or(byte, bit, __ATOMIC_SEQ_CST);
    else
        __atomic_fetch_and(byte, (uint8_t)~bit, __ATOMIC_SEQ_CST);
}

void gate_watch(struct pb_core *core, int32_t fd, int32_t more)
{
    if (!core->watchers || fd < 0 || fd >= WATCHED_COUNT)
        return;
    bool before = core->watchers[fd];
    core->watchers[fd] = (uint32_t)((int32_t)core->watchers[fd] + more);
    bool after = core->watchers[fd];
    if (core->stubs && before != after)
        set(core->stubs, GATE_WATCHED, (uint32_t)fd, after);
}

void watches_copy(const struct pb_core *core, struct stubs *stubs)
{
    for (int32_t fd = 0; core->watchers && fd < WATCHED_COUNT; fd++)
        if (core->watchers[fd])
            set(stubs, GATE_WATCHED, (uint32_t)fd, true);
}

void gate_repeats(struct pb_core *core, const struct task *task, bool are_seen)
{
    if (core->stubs && task->block)
        set(core->stubs, GATE_REPEATS, task->block - 1, are_seen);
}

void gate_repeats_forget(struct pb_core *core)
{
    for (uint32_t at = 0; core->stubs && at < REPEATS_SIZE; at++)
        __atomic_store_n(core->stubs->code + (GATE_REPEATS - GATE_CODE) + at, 0, __ATOMIC_SEQ_CST);
}
