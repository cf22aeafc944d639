/* What the rest of the core asks of brief.c. */
#ifndef PICOBOX_NATIVE_CHECK_BRIEF_H
#define PICOBOX_NATIVE_CHECK_BRIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"

#define BRIEF_DIRECTORIES 8

struct call_info;
struct pb_core;
struct named_entry;

struct brief {
    int inotify; /* -1: there is none yet, or no more */
    bool is_given_up;
    bool is_forgotten; /* what has been told of names */
    uint32_t last; /* the directory that has taken the place of another */
    struct brief_directory {
        uint64_t device, inode;
        int watch;         /* 0: it is not watched */
        uint32_t removals; /* of files of which the kernel was asked who has them open */
    } directories[BRIEF_DIRECTORIES];
    struct keys names; /* what is known of names, see brief.c */
};

/* A file is about to be removed or renamed. Whether it was made by an open that was the only one, and has been closed by all
   who shared it. */
bool brief_is_closed(struct pb_core *core, const struct named_entry *entry);
/* A task has entered a call that is Python's to decide. Where one makes an open of what is there only when all of this is over,
   it may have been missed: a check finds, it keeps nobody from anything. */
void brief_call_seen(struct pb_core *core, const struct call_info *info);
/* The inotify instance, which is nobody's from now on; -1: there was none. */
int brief_leave_inotify(struct pb_core *core);
void brief_clear(struct pb_core *core);

#endif
