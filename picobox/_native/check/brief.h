/* What the rest of the core asks of brief.c. */
#ifndef PICOBOX_NATIVE_CHECK_BRIEF_H
#define PICOBOX_NATIVE_CHECK_BRIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "keys.h"

#define BRIEF_DIRECTORIES 8

struct pb_core;
struct named_entry;

struct brief {
    int inotify; /* -1: there is none yet, or no more */
    bool is_given_up;
    uint32_t last; /* the directory that has taken the place of another */
    struct brief_directory {
        uint64_t device, inode;
        int watch;         /* 0: it is not watched */
        uint32_t removals; /* of files of which the kernel was asked who has them open */
    } directories[BRIEF_DIRECTORIES];
    struct keys names; /* what is known of names, see brief.c */
};

/* A file is about to be made by an open that was not shown. */
void brief_made(struct pb_core *core, const struct named_entry *entry);
/* A file is about to be removed or renamed. Whether it was made so, and that open has been closed by all who shared it, and was
   the only one. */
bool brief_is_closed(struct pb_core *core, const struct named_entry *entry);
/* Something happens that may be about any name: an open that is repeated, a call that is shown. */
void brief_forget(struct pb_core *core);
/* The inotify instance, which is nobody's from now on; -1: there was none. */
int brief_leave_inotify(struct pb_core *core);
void brief_clear(struct pb_core *core);

#endif
