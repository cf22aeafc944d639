/* Owns the descriptors that Python has handles for: that they are closed or copied is told afterwards, in order. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

/* No program has a lower limit of descriptors, unless it has set it (getrlimit(2)). */
#define FEWEST_DESCRIPTORS 64

/* One descriptor of one table; Python has made a handle for it. */
struct watched {
    uint32_t table;
    int32_t fd;
    struct watched *next;
};

/* What Python is yet to be told of a table: `fd` was closed, or is a copy of `source` from then on. */
struct change {
    uint32_t table;
    int32_t fd;
    int32_t source; /* -1: it was closed */
    struct change *next;
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
    if (task->table != table)
        gate_repeats(core, task, false);
    task->table = table;
    return 0;
}

static int32_t watch(struct pb_core *core, uint32_t table, int32_t fd)
{
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

int32_t pb_watch(struct pb_core *core, uint32_t table, int32_t fd)
{
    LOCKED(core);
    return watch(core, table, fd);
}

/* Forgets the descriptors of one table, or of all; `fd`: that one alone, unless it is -1. */
static void unwatch(struct pb_core *core, bool all, uint32_t table, int32_t fd)
{
    for (int bucket = 0; bucket < WATCH_BUCKETS; bucket++)
        for (struct watched **link = &core->watched[bucket]; *link;) {
            struct watched *watched = *link;
            if (!all && (watched->table != table || (fd >= 0 && watched->fd != fd))) {
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

void pb_unwatch(struct pb_core *core, uint32_t table, int32_t fd)
{
    LOCKED(core);
    unwatch(core, false, table, fd);
}

static struct change **end_of(struct pb_core *core)
{
    struct change **link = &core->changes;
    while (*link)
        link = &(*link)->next;
    return link;
}

/* A copy that nobody was told of and that is gone before anything came of it. */
static bool take_back(struct pb_core *core, uint32_t table, int32_t fd)
{
    struct change **last = NULL;
    for (struct change **link = &core->changes; *link; link = &(*link)->next) {
        if ((*link)->table != table)
            continue;
        if ((*link)->fd == fd)
            last = (*link)->source < 0 ? NULL : link;
        else if ((*link)->source == fd)
            last = NULL;
    }
    if (!last)
        return false;
    struct change *change = *last;
    *last = change->next;
    free(change);
    return true;
}

static bool tell(struct pb_core *core, uint32_t table, int32_t fd, int32_t source)
{
    struct change *change = malloc(sizeof *change);
    if (!change)
        return false;
    *change = (struct change){.table = table, .fd = fd, .source = source};
    *end_of(core) = change;
    return true;
}

void close_seen(struct pb_core *core, const struct task *task, int32_t fd, bool tells)
{
    struct watched **link = task->table ? find(core, task->table, fd) : NULL;
    struct watched *watched = link ? *link : NULL;
    if (!watched)
        return;
    if (!take_back(core, task->table, fd) && tells && !tell(core, task->table, fd, -1))
        return; /* it is watched for ever: Python believes it open until it looks */
    *link = watched->next;
    gate_watch(core, fd, -1);
    free(watched);
}

static bool is_any_watched(const struct pb_core *core, uint32_t table, uint32_t first, uint32_t last)
{
    for (int bucket = 0; table && bucket < WATCH_BUCKETS; bucket++)
        for (const struct watched *watched = core->watched[bucket]; watched; watched = watched->next)
            if (watched->table == table && (uint32_t)watched->fd >= first && (uint32_t)watched->fd <= last)
                return true;
    return false;
}

bool range_closes_unseen(const struct pb_core *core, const struct task *task, const struct call_info *info)
{
    uint32_t first = (uint32_t)info->args[0], last = (uint32_t)info->args[1];
    if (info->nr != SYS_close_range || !core->unshown.copies || (uint32_t)info->args[2] & CLOSE_RANGE_UNSHARE)
        return false;
    return (uint32_t)info->args[2] & CLOSE_RANGE_CLOEXEC || !is_any_watched(core, task->table, first, last);
}

/* Whether the call copies a descriptor; then that, and whose number the copy gets, -1 if the kernel chooses it. */
static bool is_copy(const struct call_info *info, int32_t *source, int32_t *fd)
{
    *source = (int32_t)info->args[0];
    *fd = -1;
    switch (info->nr) {
    case SYS_dup2:
    case SYS_dup3:
        *fd = (int32_t)info->args[1];
        return true;
    case SYS_fcntl:
        return (int32_t)info->args[1] == F_DUPFD || (int32_t)info->args[1] == F_DUPFD_CLOEXEC;
    default:
        return info->nr == SYS_dup;
    }
}

static bool is_open(int32_t tid, int32_t fd)
{
    char link[64], ignored;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
    return readlink(link, &ignored, 1) >= 0;
}

static void copy_made(struct pb_core *core, struct task *task, int32_t source, int32_t fd)
{
    close_seen(core, task, fd, true);
    if (is_watched(core, task, source) && tell(core, task->table, fd, source))
        watch(core, task->table, fd);
}

/* Whether a copy to a number of the guest's choice will be made for all that is known now, so that its end need not be seen.
   Where it fails nevertheless, since another thread closes its source or the limit is lower, what is told is not true: who
   asks for the holders of a file looks at the kernel's table, and so is found what is open still. */
static bool will_copy(struct pb_core *core, const struct task *task, const struct call_info *info, int32_t source, int32_t fd)
{
    if (fd < 0 || source == fd || (fd >= FEWEST_DESCRIPTORS && !is_watched(core, task, fd)))
        return false;
    if (info->nr == SYS_dup3 && info->args[2] & ~(uint64_t)O_CLOEXEC)
        return false;
    return is_open(task->tid, source);
}

bool copy_seen(struct pb_core *core, struct task *task, const struct call_info *info)
{
    int32_t source, fd;
    if (!core->unshown.copies || !is_copy(info, &source, &fd))
        return false;
    if (!is_watched(core, task, source) && !is_watched(core, task, fd))
        return true;
    if (will_copy(core, task, info, source, fd)) {
        copy_made(core, task, source, fd);
        receipt_seen(core, task);
        return true;
    }
    task->copies = task->want_exit = true;
    task->copied = source;
    return true;
}

void copy_ended(struct pb_core *core, struct task *task)
{
    struct call_info info;
    task->copies = false;
    if (call_info_read(task->tid, &info) < 0 || info.result < 0 || info.result == task->copied)
        return;
    copy_made(core, task, task->copied, (int32_t)info.result);
}

int32_t pb_take_change(struct pb_core *core, uint32_t *table, int32_t *source)
{
    LOCKED(core);
    struct change *change = core->changes;
    if (!change)
        return -1;
    int32_t fd = change->fd;
    *table = change->table;
    *source = change->source;
    core->changes = change->next;
    free(change);
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
    int32_t source;
    while (pb_take_change(core, &table, &source) >= 0)
        ;
    unwatch(core, true, 0, -1);
}
