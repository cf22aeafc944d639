/* What files.c tells of names and files. */
#ifndef PICOBOX_NATIVE_CHECK_FILES_H
#define PICOBOX_NATIVE_CHECK_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_statx;
struct pb_core;
struct strings;
struct task;

/* Numbers for sets of keys (keys.h): of a file, of a path without links, of a name in a directory. */
uint64_t file_key(uint64_t device, uint64_t inode);
uint64_t path_key(const char *path, uint64_t length);
uint64_t name_key(uint64_t device, uint64_t inode, const char *name, uint64_t length);

/* Whether no rule about single names can be about one: those that Windows may take for something else are Python's. */
bool is_plain_name(const char *name);
/* Whether a path without links is one of some directories, or lies in one. */
bool lies_in_one(const struct strings *directories, const char *path);

/* What the kernel knows of a file without asking its file system, which may be a guest's to serve. */
bool known_status(int directory, const char *name, int flags, struct kernel_statx *found);
uint64_t status_device(const struct kernel_statx *found);

/* Whether a task has a file open; so it is as well where that cannot be told. */
bool may_have_open(int32_t tid, uint64_t device, uint64_t inode);
/* Whether one of those tasks may; of tasks with the same descriptors one is asked, and no more than a few. */
bool some_may_have_open(const struct pb_core *core, bool (*is_asked)(const struct task *), uint64_t device, uint64_t inode);
/* Whether a file is what /proc calls so of a task: "cwd", "exe". */
bool is_used_as(const struct pb_core *core, const char *what, uint64_t device, uint64_t inode);

#endif
