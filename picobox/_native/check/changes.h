/* What the rest of the core asks of changes.c. */
#ifndef PICOBOX_NATIVE_CHECK_CHANGES_H
#define PICOBOX_NATIVE_CHECK_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include <limits.h>
#include <stddef.h>

#include "../statx.h"
#include "keys.h"

struct pb_core;
struct pb_names;
struct task;
struct call_info;

struct unopposed {
    struct pb_names *index;  /* NULL: all changes are shown */
    uint32_t longest;        /* in bytes, a path that is not too long on Windows */
    bool shows_makings;
    struct keys files, above, names; /* see pb_mark_file, pb_mark_path, pb_mark_name */
    struct keys callers, callers_for_now; /* see callers.c */
    int32_t untold_count;    /* tasks that are `untold` */
    bool untold_gone;        /* one of them is no more, or nobody was asked yet */
};

/* A name of a guest in a directory, and what is there. */
struct named_entry {
    int parent; /* open */
    char path[PATH_MAX]; /* without links */
    size_t name;         /* where it begins in that */
    bool is_there;
    struct kernel_statx found, above; /* what is there; the directory */
};

/* Finds the name that a path ends in, if that is a plain one on a drive. The directory stays open. */
bool find_entry(const struct pb_core *core, int32_t tid, int32_t directory, const char *path, struct named_entry *out);
/* Whether no rule is about a name that is not there and is to be made, and nobody else is to make it, or a variant of it. */
bool name_can_be_made(const struct pb_core *core, const struct named_entry *entry);
/* Whether a call is a change in whose way nobody is. */
bool change_passes(struct pb_core *core, const struct task *task, const struct call_info *info);
/* callers.c: whether it is known of who makes a call that what it does so (PB_CALLER_x) tells nothing. */
bool caller_is_left(struct pb_core *core, const struct task *task, int32_t does);
/* Whether a path of a task ends in a plain name on a drive that nothing there has, in no spelling. */
bool is_absent(struct pb_core *core, int32_t tid, int32_t directory, const char *path);
/* A task may have something open from now on that is not marked; it ends. */
void untold_add(struct pb_core *core, struct task *task);
void untold_lost(struct pb_core *core, struct task *task);
void changes_clear(struct pb_core *core);

#endif
