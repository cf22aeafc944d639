/* What the core knows of file systems that guests serve; see held.c. */
#ifndef PICOBOX_HELD_H
#define PICOBOX_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct pb_core;

/* Whether a guest may serve a file system in which we must not look anything up, nor read: its server may wait for us. */
bool guests_serve_files(struct pb_core *core);
/* The same for what a task may see, which may have mounts of its own. */
bool guests_serve_to(struct pb_core *core, int32_t tid);
void mounts_close(struct pb_core *core);

#endif
