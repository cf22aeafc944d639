/* Owns what stubs read to decide about a close: of which descriptors somebody wants to know that they are closed. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "gate.h"

static void set(struct stubs *stubs, int32_t fd, bool watched)
{
    uint8_t *byte = stubs->code + (GATE_WATCHED - GATE_CODE) + fd / 8;
    uint8_t bit = (uint8_t)(1 << fd % 8);
    if (watched)
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
        set(core->stubs, fd, after);
}

void watches_copy(const struct pb_core *core, struct stubs *stubs)
{
    for (int32_t fd = 0; core->watchers && fd < WATCHED_COUNT; fd++)
        if (core->watchers[fd])
            set(stubs, fd, true);
}
