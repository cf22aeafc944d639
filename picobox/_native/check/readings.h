/* What the rest of the core asks of readings.c. */
#ifndef PICOBOX_NATIVE_CHECK_READINGS_H
#define PICOBOX_NATIVE_CHECK_READINGS_H

#include "keys.h"

#define MOST_READINGS 256

struct pb_core;
struct pb_reading;
struct task;
struct call_info;

struct readings {
    struct keys known; /* targets */
    struct keys open, read; /* files */
    uint32_t count;
    struct pb_reading *kept[MOST_READINGS];
};

/* Whether a call is such an open, or one that makes a file, which is kept then. */
bool reading_passes(struct pb_core *core, struct task *task, const struct call_info *info);
/* The innermost frame of a task that has a reader; 0 if it runs none. False: it is not found in that way any more. */
bool reader_innermost(struct pb_core *core, const struct task *task, uint64_t *innermost);
void reader_forget(struct task *task);
/* creations.c: whether it is one that makes a file in nobody's way; fills in which file. */
bool is_creation(struct pb_core *core, const struct task *task, const struct call_info *info, struct pb_reading *out);
void readings_clear(struct pb_core *core);

/* unshown.c: where a relative path of a task begins, and what a path leads to as far as the kernel knows without asking a
   file system, which may be a guest's to serve (everybody waits for us then): an O_PATH descriptor, or -errno, -EAGAIN if it
   does not know. */
int directory_open(int32_t tid, int32_t directory);
int known_open(int directory, const char *path, uint64_t flags, uint64_t resolve);
/* Whether looks at a file of this path without links are waited for. */
bool is_path_looked_for(const struct pb_core *core, const char *path);

/* places.c: where something lies without links, in PATH_MAX bytes. False: the kernel does not know at once. */
bool descriptor_path(int32_t tid, int32_t fd, char *path);
/* Whether a path begins at the root and has neither `.` nor `..` nor empty names: one without links is its own place. */
bool is_straight(const char *path);
/* Opens what a path of a task leads to, "" for where a relative one begins, and tells its place: an O_PATH descriptor or less
   than 0. What a file system would have to be asked for is not opened: a guest may serve it, and everybody waits for us. */
int place_open(int32_t tid, int32_t directory, const char *path, uint64_t flags, char *place);
/* Opens the directory of a path of a task, and tells the place of the name in it, which begins at *name and need not be there. */
int entry_open(int32_t tid, int32_t directory, const char *path, char *place, size_t *name);
/* The name that a path of a guest ends in, which need not be there; a relative one begins at `directory`. */
bool entry_path(int32_t tid, int32_t directory, const char *path, char *place);

#endif
