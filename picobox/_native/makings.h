/* Owns what is known of a name that a task makes; see gate/makings.c. */
#ifndef PICOBOX_MAKINGS_H
#define PICOBOX_MAKINGS_H

#include <stdint.h>

struct pb_core;
struct task;

/* Longer paths have no permit. */
#define PERMIT_COMPONENTS 12

/* A name in a directory. */
struct made_name {
    uint64_t device, inode; /* of the directory */
    uint32_t hash;          /* which all spellings have in common */
    uint32_t length;
    char name[256];
};

/* To make such a name without being asked for; see gate/permits.c. */
struct permit {
    uint64_t told;  /* as the gate knows it; 0: there is none */
    uint32_t block; /* of the task */
    int directory;  /* of the name, open */
    int watch;      /* of that one, as events name it */
    uint32_t count; /* of the path's components, and what all spellings of each have in common */
    uint16_t components[PERMIT_COMPONENTS];
};

/* How a task makes a name: not at all, with a call that is seen to its end, or in the gate. */
enum makes { MAKES_NOTHING, MAKES_SHOWN, MAKES_IN_GATE };

/* What the task was about to make it has made, or will not. */
void making_end(struct pb_core *core, struct task *task);
/* The task stands still, by a wait status. */
void making_stopped(struct pb_core *core, struct task *task, int status);

#endif
