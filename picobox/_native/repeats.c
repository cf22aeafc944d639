/* Owns the calls that need not be seen again: Python has seen each many times, and it meant nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "native.h"

struct repeat {
    struct repeat *next;
    uint32_t table;
    uint32_t nr;
    uint32_t mask;
    int32_t path_index;
    uint64_t args[6];
    uint64_t length;
    char path[];
};

static struct repeat **bucket_of(struct pb_core *core, uint32_t table, uint32_t nr)
{
    return &core->repeats[(table * 31 + nr) % REPEAT_BUCKETS];
}

int32_t pb_add_repeat(struct pb_core *core, const struct pb_repeat *call, const char *path)
{
    LOCKED(core);
    if (call->length > REPEAT_LONGEST || call->path_index > 5)
        return -EINVAL;
    struct repeat *repeat = malloc(sizeof *repeat + call->length);
    if (!repeat)
        return -ENOMEM;
    struct repeat **bucket = bucket_of(core, call->table, call->nr);
    *repeat = (struct repeat){.next = *bucket, .table = call->table, .nr = call->nr, .mask = call->mask,
                              .path_index = call->path_index, .length = call->length};
    memcpy(repeat->args, call->args, sizeof repeat->args);
    memcpy(repeat->path, path, call->length);
    *bucket = repeat;
    return 0;
}

static void forget(struct pb_core *core)
{
    for (int bucket = 0; bucket < REPEAT_BUCKETS; bucket++)
        while (core->repeats[bucket]) {
            struct repeat *repeat = core->repeats[bucket];
            core->repeats[bucket] = repeat->next;
            free(repeat);
        }
    gate_repeats_forget(core);
}

void pb_forget_repeats(struct pb_core *core)
{
    LOCKED(core);
    forget(core);
}

void repeats_clear(struct pb_core *core)
{
    forget(core);
}

bool has_repeats(const struct pb_core *core)
{
    for (int bucket = 0; bucket < REPEAT_BUCKETS; bucket++)
        if (core->repeats[bucket])
            return true;
    return false;
}

static bool arguments_match(const struct repeat *repeat, const uint64_t *args)
{
    for (int i = 0; i < 6; i++)
        if (repeat->mask & 1u << i && repeat->args[i] != args[i])
            return false;
    return true;
}

/* A task's path argument, read when it is first wanted; length -1 if it cannot be one that was kept. */
struct guest_path {
    int64_t length;
    bool read;
    char text[REPEAT_LONGEST + 1];
};

static bool path_matches(struct pb_core *core, const struct task *task, const struct repeat *repeat,
                         const uint64_t *args, struct guest_path *path)
{
    if (!path->read) {
        path->read = true;
        path->length = pb_read_string(core, task->tid, args[repeat->path_index], path->text, sizeof path->text);
    }
    return path->length == (int64_t)repeat->length && !memcmp(path->text, repeat->path, repeat->length);
}

bool is_repeat(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (!task->table)
        return false;
    struct guest_path path = {.read = false};
    for (const struct repeat *repeat = *bucket_of(core, task->table, (uint32_t)info->nr); repeat; repeat = repeat->next) {
        if (repeat->table != task->table || repeat->nr != info->nr || !arguments_match(repeat, info->args))
            continue;
        if (repeat->path_index < 0) {
            /* Python knows what a watched descriptor leads to. */
            if (!is_watched(core, task, (int32_t)info->args[0])) {
                if (info->nr == SYS_flock)
                    gate_repeats(core, task, true);
                return true;
            }
        } else if (path_matches(core, task, repeat, info->args, &path)) {
            if (info->nr != SYS_mkdir && info->nr != SYS_mkdirat)
                receipt_seen(core, task);
            return true;
        }
    }
    return false;
}
