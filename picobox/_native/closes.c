/* Owns the descriptors that Python wants to see closed: their close is answered by the channel and told afterwards. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "native.h"

/* One descriptor of one table; Python has made a handle for it. */
struct watched {
    uint32_t table;
    int32_t fd;
    struct watched *next;
};

static struct watched **bucket_of(struct pb_core *core, uint32_t table, int32_t fd)
{
    return &core->watched[(table * 31 + (uint32_t)fd) % WATCH_BUCKETS];
}

/* The link to the entry, or to where it would be. */
static struct watched **find(struct pb_core *core, uint32_t table, int32_t fd)
{
    struct watched **link = bucket_of(core, table, fd);
    while (*link && ((*link)->table != table || (*link)->fd != fd))
        link = &(*link)->next;
    return link;
}

int32_t pb_set_table(struct pb_core *core, int32_t tid, uint32_t table)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -ESRCH;
    task->table = table;
    return 0;
}

int32_t pb_watch(struct pb_core *core, uint32_t table, int32_t fd)
{
    LOCKED(core);
    struct watched **link = find(core, table, fd);
    if (*link)
        return 0;
    struct watched *watched = malloc(sizeof *watched);
    if (!watched)
        return -ENOMEM;
    *watched = (struct watched){.table = table, .fd = fd};
    *link = watched;
    gate_watch(core, fd, 1);
    return 0;
}

/* Forgets the descriptors of one table, or of all. */
static void unwatch(struct pb_core *core, bool all, uint32_t table)
{
    for (int bucket = 0; bucket < WATCH_BUCKETS; bucket++)
        for (struct watched **link = &core->watched[bucket]; *link;) {
            struct watched *watched = *link;
            if (!all && watched->table != table) {
                link = &watched->next;
                continue;
            }
            *link = watched->next;
            gate_watch(core, watched->fd, -1);
            free(watched);
        }
}

bool is_watched(struct pb_core *core, const struct task *task, int32_t fd)
{
    return task->table && *find(core, task->table, fd);
}

void pb_unwatch(struct pb_core *core, uint32_t table)
{
    LOCKED(core);
    unwatch(core, false, table);
}

void close_seen(struct pb_core *core, const struct task *task, int32_t fd, bool tells)
{
    struct watched **link = task->table ? find(core, task->table, fd) : NULL;
    struct watched *watched = link ? *link : NULL;
    if (!watched)
        return;
    *link = watched->next;
    gate_watch(core, fd, -1);
    if (!tells) {
        free(watched);
        return;
    }
    watched->next = core->closed;
    core->closed = watched;
}

int32_t pb_take_closed(struct pb_core *core, uint32_t *table)
{
    LOCKED(core);
    struct watched *watched = core->closed;
    if (!watched)
        return -1;
    int32_t fd = watched->fd;
    *table = watched->table;
    core->closed = watched->next;
    free(watched);
    return fd;
}

int32_t pb_closing(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    const struct task *task = task_find(core, tid);
    bool closes = task && task->has_notified && task->notified.nr == SYS_close && !gate_has_left(core, task);
    return closes ? (int32_t)task->notified.args[0] : -1;
}

void closes_clear(struct pb_core *core)
{
    uint32_t table;
    while (pb_take_closed(core, &table) >= 0)
        ;
    unwatch(core, true, 0);
}
