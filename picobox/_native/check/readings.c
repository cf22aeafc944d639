/* Owns the opens that a check is not shown, since nobody is in their way: who has made them is kept here, until somebody is
   told of it. A file that a program reads now and then, or makes, costs Python nothing so. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"
#include "statx.h"

/* Address spaces that are gone leave theirs behind. What is forgotten while it counts is shown. */
#define MOST_KNOWN (UINT64_C(1) << 18)

static int mark(struct keys *keys, uint64_t key, int32_t is_so)
{
    if (is_so)
        return keys_add(keys, key);
    keys_remove(keys, key);
    return 0;
}

int32_t pb_let_read(struct pb_core *core, int32_t tid, const struct pb_reader *reader)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -ESRCH;
    if (reader && reader->form.field_count + 3 > PB_READING_WORDS)
        return -EINVAL;
    struct pb_reader *copy = reader ? malloc(sizeof *copy) : NULL;
    if (reader && !copy)
        return -ENOMEM;
    if (copy)
        *copy = *reader;
    reader_forget(task);
    task->reader = copy;
    return 0;
}

void reader_forget(struct task *task)
{
    free(task->reader);
    task->reader = NULL;
}

int32_t pb_know_target(struct pb_core *core, uint64_t space, const int64_t *row, uint32_t words, int32_t is_known)
{
    LOCKED(core);
    if (core->readings.known.used >= MOST_KNOWN)
        keys_clear(&core->readings.known);
    return mark(&core->readings.known, key_of(space, row, words * sizeof *row), is_known);
}

int32_t pb_mark_file(struct pb_core *core, int32_t as, uint64_t device, uint64_t inode, int32_t is_so)
{
    LOCKED(core);
    struct keys *kinds[] = {&core->readings.open, &core->readings.read, &core->unopposed.files};
    return mark(kinds[as], file_key(device, inode), is_so);
}

int32_t pb_mark_path(struct pb_core *core, int32_t as, const char *path, uint64_t length, int32_t is_so)
{
    LOCKED(core);
    return mark(as == PB_FILE_READ ? &core->readings.read : &core->unopposed.above, path_key(path, length), is_so);
}

int32_t pb_mark_name(struct pb_core *core, uint64_t device, uint64_t inode, const char *name, uint64_t length, int32_t is_so)
{
    LOCKED(core);
    return mark(&core->unopposed.names, name_key(device, inode, name, length), is_so);
}

static struct pb_reading **reading_of(struct readings *readings, uint64_t device, uint64_t inode)
{
    for (uint32_t i = 0; i < readings->count; i++)
        if (readings->kept[i]->inode == inode && readings->kept[i]->device == device)
            return &readings->kept[i];
    return NULL;
}

static struct pb_reading **creation_of(struct readings *readings, const char *path, uint64_t length)
{
    for (uint32_t i = 0; i < readings->count; i++)
        if (!readings->kept[i]->inode && readings->kept[i]->length == length && !memcmp(readings->kept[i]->path, path, length))
            return &readings->kept[i];
    return NULL;
}

static int32_t give(struct readings *readings, struct pb_reading **found, int32_t takes, struct pb_reading *out)
{
    if (!found)
        return 0;
    *out = **found;
    if (takes) {
        free(*found);
        *found = readings->kept[--readings->count];
    }
    return 1;
}

int32_t pb_find_reading(struct pb_core *core, uint64_t device, uint64_t inode, int32_t takes, struct pb_reading *out)
{
    LOCKED(core);
    struct readings *readings = &core->readings;
    struct pb_reading **any = readings->count ? readings->kept : NULL;
    return give(readings, inode ? reading_of(readings, device, inode) : any, takes, out);
}

int32_t pb_find_creation(struct pb_core *core, const char *path, uint64_t length, int32_t takes, struct pb_reading *out)
{
    LOCKED(core);
    return give(&core->readings, creation_of(&core->readings, path, length), takes, out);
}

int32_t pb_readings_are_full(struct pb_core *core)
{
    LOCKED(core);
    return core->readings.count == MOST_READINGS;
}

static void forget(struct readings *readings)
{
    keys_clear(&readings->read);
    while (readings->count)
        free(readings->kept[--readings->count]);
}

void pb_forget_readings(struct pb_core *core)
{
    LOCKED(core);
    forget(&core->readings);
}

void readings_clear(struct pb_core *core)
{
    forget(&core->readings);
    keys_clear(&core->readings.open);
    keys_clear(&core->readings.known);
}

/* The one of an open that can only read what is there, as far as its flags say; NULL for others. */
static const uint64_t *arguments_of(const struct call_info *info, int32_t *directory)
{
    if (info->nr != SYS_open && info->nr != SYS_openat)
        return NULL;
    const uint64_t *args = info->nr == SYS_open ? info->args : info->args + 1;
    *directory = info->nr == SYS_open ? AT_FDCWD : (int32_t)info->args[0];
    uint64_t others = O_ACCMODE | O_CREAT | O_TRUNC | O_PATH | (O_TMPFILE & ~O_DIRECTORY);
    return args[1] & others ? NULL : args;
}

/* Fills in which file of the drives a path of a task leads to, a regular file or a directory with a name. */
static bool find_file(const struct pb_core *core, int32_t tid, int32_t directory, const char *path, uint64_t flags,
                      struct pb_reading *out)
{
    struct kernel_statx found;
    int fd = place_open(tid, directory, path, flags & (O_NOFOLLOW | O_DIRECTORY), out->path);
    if (fd < 0)
        return false;
    bool is_known = known_status(fd, "", AT_EMPTY_PATH, &found);
    close(fd);
    if (!is_known || !found.links || (!S_ISREG(found.mode) && !S_ISDIR(found.mode)))
        return false;
    out->length = (uint32_t)strlen(out->path);
    out->device = status_device(&found);
    out->inode = found.inode;
    return lies_in_one(&core->unshown.directories, out->path);
}

static bool receives(const struct task *task)
{
    return task->receives;
}

/* Whether anybody may have a file open of whom Python has not been told yet. */
static bool may_be_read(const struct pb_core *core, const struct pb_reading *file)
{
    return core->receiver_gone || (core->receiver_count && some_may_have_open(core, receives, file->device, file->inode));
}

static bool was_read(struct readings *readings, const struct pb_reading *file)
{
    return keys_has(&readings->read, file_key(file->device, file->inode)) ||
           keys_has(&readings->read, path_key(file->path, file->length)) ||
           reading_of(readings, file->device, file->inode) || creation_of(readings, file->path, file->length);
}

bool reader_innermost(struct pb_core *core, const struct task *task, uint64_t *innermost)
{
    const struct pb_reader *reader = task->reader;
    uint64_t addresses[PB_READER_GUARDS + 1], words[PB_READER_GUARDS + 1];
    for (int i = 0; i < PB_READER_GUARDS; i++)
        addresses[i] = reader->guards[i][0];
    addresses[PB_READER_GUARDS] = reader->head;
    pb_read_blocks(core, task->tid, addresses, PB_READER_GUARDS + 1, sizeof *words, words);
    for (int i = 0; i < PB_READER_GUARDS; i++)
        if (words[i] != reader->guards[i][1])
            return false;
    *innermost = words[PB_READER_GUARDS];
    uint64_t holder = *innermost + reader->holder;
    if (*innermost && reader->holder != UINT64_MAX)
        pb_read_blocks(core, task->tid, &holder, 1, sizeof *innermost, innermost);
    return true;
}

/* The stack of a task whose targets Python knows. */
static bool read_stack(struct pb_core *core, const struct task *task, struct pb_reading *out)
{
    const struct pb_reader *reader = task->reader;
    uint64_t innermost;
    if (!reader_innermost(core, task, &innermost))
        return false;
    int32_t count = pb_read_frames(core, task->tid, &reader->form, innermost, PB_READING_FRAMES, out->rows);
    if (count < 1)
        return false;
    out->frames = (uint32_t)count;
    out->words = reader->form.field_count + 3;
    for (const int64_t *row = out->rows; row < out->rows + out->frames * out->words; row += out->words) {
        int64_t target[PB_READING_WORDS];
        target[0] = row[0];
        memcpy(target + 1, row + 3, (out->words - 3) * sizeof *row);
        if (!keys_has(&core->readings.known, key_of(reader->space, target, (out->words - 2) * sizeof *row)))
            return false;
    }
    return true;
}

static bool keep(struct readings *readings, struct pb_reading *reading)
{
    struct pb_reading **place = reading->inode ? reading_of(readings, reading->device, reading->inode)
                                               : creation_of(readings, reading->path, reading->length);
    if (place)
        free(*place);
    else if (readings->count < MOST_READINGS)
        place = &readings->kept[readings->count++];
    else
        return false;
    *place = reading;
    return true;
}

static bool is_reading(struct pb_core *core, const struct task *task, const struct call_info *info, struct pb_reading *out)
{
    int32_t directory;
    char path[PATH_MAX];
    const uint64_t *args = arguments_of(info, &directory);
    if (!args || pb_read_string(core, task->tid, args[0], path, sizeof path) <= 0)
        return false;
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (!is_plain_name(name) || (path[0] == '/' && !lies_in_one(&core->unshown.directories, path)) ||
        !find_file(core, task->tid, directory, path, args[1], out))
        return false;
    struct readings *readings = &core->readings;
    if (keys_has(&readings->open, file_key(out->device, out->inode)))
        return false;
    if (is_path_looked_for(core, out->path))
        return false;
    return !(was_read(readings, out) && may_be_read(core, out));
}

bool reading_passes(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (!task->reader || !core->unshown.directories.length || core->has_other_roots)
        return false;
    struct timespec now;
    struct pb_reading *reading = malloc(sizeof *reading);
    if (!reading)
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    reading->time = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    reading->number = task->reader->number;
    reading->nr = (uint32_t)info->nr;
    reading->access = O_RDONLY;
    if (!(is_reading(core, task, info, reading) || is_creation(core, task, info, reading)) ||
        !read_stack(core, task, reading) || !keep(&core->readings, reading)) {
        free(reading);
        return false;
    }
    receipt_seen(core, task);
    return true;
}
