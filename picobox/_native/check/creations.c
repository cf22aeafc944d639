/* Owns the opens that make a file which a check is not shown: no rule is about the name, which nothing has, nor about the mode,
   and so nobody is in their way. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

#define PERMISSIONS 0777
/* What a usual umask takes, and what it leaves of the modes of files and programs that are to be as all are. */
#define USUAL_MASK 022
#define ORDINARY 0644
#define ORDINARY_PROGRAM 0755

static bool is_ordinary(uint64_t mode)
{
    mode &= PERMISSIONS & ~USUAL_MASK;
    return mode == ORDINARY || mode == ORDINARY_PROGRAM;
}

/* The arguments of an open that may make a file with a name and an ordinary mode; NULL for others. */
static const uint64_t *arguments_of(const struct call_info *info, int32_t *directory)
{
    if (info->nr != SYS_open && info->nr != SYS_openat)
        return NULL;
    const uint64_t *args = info->nr == SYS_open ? info->args : info->args + 1;
    *directory = info->nr == SYS_open ? AT_FDCWD : (int32_t)info->args[0];
    bool makes = args[1] & O_CREAT && !(args[1] & (O_PATH | O_TMPFILE)) && (args[1] & O_ACCMODE) != O_ACCMODE;
    return makes && is_ordinary(args[2]) ? args : NULL;
}

/* A directory that is open may be one that is about to be removed. */
static bool is_free(const struct pb_core *core, const struct named_entry *entry)
{
    const struct kernel_statx *above = &entry->above;
    return !entry->is_there && !is_path_looked_for(core, entry->path) && above->links &&
           !keys_has(&core->readings.open, file_key(status_device(above), above->inode)) && name_can_be_made(core, entry);
}

bool is_creation(struct pb_core *core, const struct task *task, const struct call_info *info, struct pb_reading *out)
{
    int32_t directory;
    char path[PATH_MAX];
    struct named_entry entry = {.parent = -1};
    const uint64_t *args = arguments_of(info, &directory);
    if (!args || !core->unopposed.index || has_repeats(core) || guests_serve_files(core) ||
        pb_read_string(core, task->tid, args[0], path, sizeof path) <= 0 ||
        (path[0] == '/' && !lies_in_one(&core->unshown.directories, path)))
        return false;
    bool is_so = find_entry(core, task->tid, directory, path, &entry) && is_free(core, &entry);
    if (entry.parent >= 0)
        close(entry.parent);
    out->device = out->inode = 0;
    out->access = (uint32_t)(args[1] & O_ACCMODE);
    out->length = (uint32_t)strlen(entry.path);
    memcpy(out->path, entry.path, out->length + 1);
    return is_so;
}
