/* Owns the removals of names, and the making of directories, that a check is not shown: nobody has what is removed open, maps
   it, runs it or works in it, and no rule is about what is made. A guest that changes a name meanwhile is shown less: a check
   finds, it keeps nobody from anything. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "statx.h"

/* Each is asked for all that it has open. */
#define MOST_UNTOLD 4
#define ANY_WRITE 0222
#define PERMISSIONS 0777
/* What a usual umask takes, and what it leaves of the modes with which files are made that are to be as all are. */
#define USUAL_MASK 022
#define ORDINARY 0755

/* A name of a guest in a directory, and what is there. */
struct entry {
    int parent; /* open */
    char path[PATH_MAX]; /* without links */
    size_t name;         /* where it begins in that */
    bool is_there;
    struct kernel_statx found;
};

void pb_leave_changes(struct pb_core *core, struct pb_names *index, uint32_t longest)
{
    LOCKED(core);
    core->unopposed.index = index;
    core->unopposed.longest = longest;
    core->unopposed.untold_gone = true;
}

void pb_show_makings(struct pb_core *core, int32_t shows)
{
    LOCKED(core);
    core->unopposed.shows_makings = shows;
}

void untold_add(struct pb_core *core, struct task *task)
{
    core->unopposed.untold_count += !task->untold;
    task->untold = true;
}

static void forget(struct pb_core *core, struct task *task)
{
    core->unopposed.untold_count -= task->untold;
    task->untold = false;
}

void untold_lost(struct pb_core *core, struct task *task)
{
    core->unopposed.untold_gone |= task->untold;
    forget(core, task);
}

void pb_receivers_told(struct pb_core *core)
{
    LOCKED(core);
    for (int bucket = 0; core->unopposed.untold_count && bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            if (!task->receives)
                forget(core, task);
    core->unopposed.untold_gone = core->receiver_gone;
}

void changes_clear(struct pb_core *core)
{
    keys_clear(&core->unopposed.files);
    keys_clear(&core->unopposed.above);
    keys_clear(&core->unopposed.names);
}

/* Finds the name that a path ends in, if that is a plain one on a drive. The directory stays open. */
static bool find_entry(const struct pb_core *core, int32_t tid, int32_t directory, const char *path, struct entry *out)
{
    const char *separator = strrchr(path, '/'), *name = separator ? separator + 1 : path;
    size_t before = (size_t)(name - path);
    char parent[PATH_MAX];
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || !is_plain_name(name))
        return false;
    memcpy(parent, path, before);
    parent[before] = 0;
    out->parent = parent_open(tid, directory, parent);
    if (out->parent < 0)
        return false;
    size_t length = descriptor_path(getpid(), out->parent, out->path) ? strlen(out->path) : 0;
    if (length == 1)
        length = 0;
    else if (!length || length + strlen(name) + 2 > PATH_MAX)
        return false;
    out->path[length] = '/';
    out->name = length + 1;
    strcpy(out->path + out->name, name);
    out->is_there = known_status(out->parent, name, AT_SYMLINK_NOFOLLOW, &out->found);
    return (out->is_there || errno == ENOENT) && lies_in_one(&core->unshown.directories, out->path);
}

/* Whether somebody may have a file open that is not marked as open. */
static bool may_be_open(const struct pb_core *core, uint64_t device, uint64_t inode)
{
    if (core->unopposed.untold_gone || core->unopposed.untold_count > MOST_UNTOLD)
        return true;
    for (int bucket = 0; core->unopposed.untold_count && bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task->untold && may_have_open(task->tid, device, inode))
                return true;
    return false;
}

/* Whether what is at a name can be removed, as far as it is not for a directory to be empty. That of a directory begins
   anew what is counted of repeated calls. */
static bool removal_passes(const struct pb_core *core, const struct entry *entry, bool is_directory)
{
    const struct kernel_statx *found = &entry->found;
    uint64_t device = status_device(found), key = file_key(device, found->inode);
    if (!entry->is_there || !(is_directory ? S_ISDIR(found->mode) : S_ISREG(found->mode)) || !(found->mode & ANY_WRITE))
        return false;
    if (keys_has(&core->readings.open, key) || keys_has(&core->unopposed.files, key))
        return false;
    if (is_directory && (has_repeats(core) || keys_has(&core->unopposed.above, path_key(entry->path, strlen(entry->path)))))
        return false;
    /* On overlayfs the copy of a file with several names is another file (overlayfs.rst, "Inode properties"). */
    if (!is_directory && found->links > 1)
        return false;
    return !is_used_as(core, is_directory ? "cwd" : "exe", device, found->inode) &&
           !may_be_open(core, device, found->inode);
}

static bool has_twin(const struct pb_core *core, const struct entry *entry)
{
    struct directory_key key;
    struct directory_state state;
    char spelling[NAME_LONGEST + 1];
    const char *name = entry->path + entry->name;
    return names_examine_whole(core->unopposed.index, entry->parent, &key, &state) < 0 ||
           names_find(core->unopposed.index, entry->parent, &key, &state, name, strlen(name), spelling) != PB_NAMES_ABSENT;
}

/* Whether a directory can be made. Where something has its name it cannot, as on Windows. */
static bool making_passes(const struct pb_core *core, const struct entry *entry, uint64_t mode)
{
    struct kernel_statx parent;
    const char *name = entry->path + entry->name;
    if (entry->is_there)
        return true;
    if (core->unopposed.shows_makings || has_repeats(core) || (mode & PERMISSIONS & ~USUAL_MASK) != ORDINARY ||
        strlen(entry->path) > core->unopposed.longest || !known_status(entry->parent, "", AT_EMPTY_PATH, &parent))
        return false;
    if (keys_has(&core->unopposed.names, name_key(status_device(&parent), parent.inode, name, strlen(name))))
        return false;
    return !has_twin(core, entry);
}

/* The path of a call that this is about, from `path` on; `directory`: where it begins. */
static bool read_path(struct pb_core *core, const struct task *task, const struct call_info *info, int at, char *path,
                      int32_t *directory)
{
    *directory = at ? (int32_t)info->args[0] : AT_FDCWD;
    return pb_read_string(core, task->tid, info->args[at], path, PATH_MAX) > 0;
}

bool change_passes(struct pb_core *core, const struct task *task, const struct call_info *info)
{
    const uint64_t *args = info->args;
    bool is_at = info->nr == SYS_unlinkat || info->nr == SYS_mkdirat;
    bool makes = info->nr == SYS_mkdir || info->nr == SYS_mkdirat;
    bool removes = info->nr == SYS_unlink || info->nr == SYS_unlinkat || info->nr == SYS_rmdir;
    if (!core->unopposed.index || !(makes || removes) || core->has_other_roots || core->unseen_count ||
        !core->unshown.directories.length || guests_serve_files(core))
        return false;
    if (info->nr == SYS_unlinkat && args[2] & ~(uint64_t)AT_REMOVEDIR)
        return false;
    char path[PATH_MAX];
    int32_t directory;
    struct entry entry = {.parent = -1};
    bool is_directory = info->nr == SYS_rmdir || (info->nr == SYS_unlinkat && args[2]);
    bool passes = read_path(core, task, info, is_at, path, &directory) &&
                  find_entry(core, task->tid, directory, path, &entry) &&
                  (makes ? making_passes(core, &entry, args[is_at + 1]) : removal_passes(core, &entry, is_directory));
    if (entry.parent >= 0)
        close(entry.parent);
    return passes;
}
