/* What those share who look up what a path means. */
#ifndef PICOBOX_GATE_WALK_H
#define PICOBOX_GATE_WALK_H

#include <limits.h>

#include "../names.h"
#include "../trace/trace.h"
#include "gate.h"

#define ASK_PYTHON (-1)

/* One name that is looked up. */
struct walk {
    struct pb_core *core;
    struct pb_names *names;
    const struct rights *rights; /* NULL: not asked for yet */
    int32_t tid, dirfd;
    bool follows, entry;
    bool is_asked;              /* the kernel has found nothing under the path as it is */
    bool makes;                 /* the last component, if it is not there */
    bool made;                  /* that is so, and nobody else makes it now */
    bool absent;                /* nothing has the last name that was looked up, in any spelling */
    uint32_t looks;             /* where components are spelled otherwise, see gate_spelling */
    bool forgets;               /* or where those are is not to be remembered */
    const char *rest;           /* from that on */
    const struct pb_trace_table *judged; /* NULL, or: by its rules that nothing is there may be a refusal */
    bool tells;                 /* what is absent is to be named */
    int directory;              /* open, or -1: how far the path has been followed */
    size_t length;              /* of `spelled` */
    char given[PATH_MAX];
    char spelled[PATH_MAX];     /* its path in stored spellings */
    char real[PATH_MAX];        /* the path of that without links, empty if the directory is absent, too */
};
/* Begins one, without the paths, which are long. */
void walk_clear(struct walk *walk);
void walk_leave(const struct walk *walk);
/* The path's new length, 0: it stays as it is, or ASK_PYTHON. */
int64_t walk_look_up(struct walk *walk);
/* The path without links of what the rest of the given one names in the directory. */
bool walk_name_real(struct walk *walk, size_t rest);

#endif
