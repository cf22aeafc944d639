/* Owns the removals and renames, the making of directories, and the setting of modes, times and owners, that a check is not
   shown: nobody has what is removed or renamed open, maps it, runs it or works in it, and no rule is about what is made or set. A guest that
   changes a name meanwhile is shown less: a check finds, it keeps nobody from anything. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "statx.h"

#define ANY_WRITE 0222
#define ANY_EXECUTION 0111
#define PERMISSIONS 0777
#define SPECIAL_BITS 07000
#define STEP 100 /* nanoseconds, NTFS's */
#define UNCHANGED UINT32_MAX /* chown's -1 */
/* What a usual umask takes, and what it leaves of the modes with which files are made that are to be as all are. */
#define USUAL_MASK 022
#define ORDINARY 0755

void pb_leave_changes(struct pb_core *core, struct pb_names *index, uint32_t longest)
{
    LOCKED(core);
    core->unopposed.index = index;
    core->unopposed.longest = longest;
    core->unopposed.untold_gone = true;
    gate_kinds_change(core);
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

/* Another task that has the same descriptors. */
static struct task *sharer_of(const struct pb_core *core, const struct task *task)
{
    for (int bucket = 0; task->table && bucket < TASK_BUCKETS; bucket++)
        for (struct task *other = core->buckets[bucket]; other; other = other->next)
            if (other != task && other->table == task->table)
                return other;
    return NULL;
}

void untold_lost(struct pb_core *core, struct task *task)
{
    struct task *sharer = task->untold ? sharer_of(core, task) : NULL;
    if (sharer)
        untold_add(core, sharer);
    core->unopposed.untold_gone |= task->untold && !sharer;
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
    keys_clear(&core->unopposed.callers);
    keys_clear(&core->unopposed.callers_for_now);
}

bool find_entry(const struct pb_core *core, int32_t tid, int32_t directory, const char *path, struct named_entry *out)
{
    const char *separator = strrchr(path, '/'), *name = separator ? separator + 1 : path;
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || !is_plain_name(name))
        return false;
    out->parent = entry_open(tid, directory, path, out->path, &out->name);
    if (out->parent < 0)
        return false;
    out->is_there = known_status(out->parent, name, AT_SYMLINK_NOFOLLOW, &out->found);
    return (out->is_there || errno == ENOENT) && known_status(out->parent, "", AT_EMPTY_PATH, &out->above) &&
           lies_in_one(&core->unshown.directories, out->path);
}

static bool is_untold(const struct task *task)
{
    return task->untold;
}

/* Whether somebody may have what is at a name open that is not marked as open. */
static bool may_be_open(struct pb_core *core, const struct named_entry *entry)
{
    if (!core->unopposed.untold_gone && !core->unopposed.untold_count)
        return false;
    if (S_ISREG(entry->found.mode) && brief_is_closed(core, entry))
        return false;
    return core->unopposed.untold_gone ||
           some_may_have_open(core, is_untold, status_device(&entry->found), entry->found.inode);
}

/* Whether what is at a name can be removed, as far as it is not for a directory to be empty. That of a directory begins
   anew what is counted of repeated calls. */
static bool removal_passes(struct pb_core *core, const struct named_entry *entry, bool is_directory)
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
    /* What cannot be executed runs only if it could before. */
    bool may_be_used = is_directory || found->mode & ANY_EXECUTION;
    return !(may_be_used && is_used_as(core, is_directory ? "cwd" : "exe", device, found->inode)) &&
           !may_be_open(core, entry);
}

static bool has_twin(const struct pb_core *core, const struct named_entry *entry)
{
    struct directory_key key;
    struct directory_state state;
    char spelling[NAME_LONGEST + 1];
    const char *name = entry->path + entry->name;
    return names_examine_whole(core->unopposed.index, entry->parent, &key, &state) < 0 ||
           names_find(core->unopposed.index, entry->parent, &key, &state, name, strlen(name), spelling) != PB_NAMES_ABSENT;
}

bool name_can_be_made(const struct pb_core *core, const struct named_entry *entry)
{
    const char *name = entry->path + entry->name;
    if (core->unopposed.shows_makings || has_repeats(core) || strlen(entry->path) > core->unopposed.longest)
        return false;
    if (keys_has(&core->unopposed.names, name_key(status_device(&entry->above), entry->above.inode, name, strlen(name))))
        return false;
    return !has_twin(core, entry);
}

/* Whether a directory can be made. Where something has its name it cannot, as on Windows. */
static bool making_passes(struct pb_core *core, const struct task *task, const struct named_entry *entry, uint64_t mode)
{
    if (entry->is_there)
        return true;
    if ((mode & PERMISSIONS & ~USUAL_MASK) != ORDINARY && !caller_is_left(core, task, PB_CALLER_MAKES))
        return false;
    return name_can_be_made(core, entry);
}

/* Whether a file can get a name, which may be that of another file. */
static bool renaming_passes(struct pb_core *core, const struct named_entry *source, const struct named_entry *target)
{
    if (!removal_passes(core, source, false) || has_repeats(core))
        return false;
    if (!target->is_there)
        return name_can_be_made(core, target);
    return source->found.inode != target->found.inode && removal_passes(core, target, false);
}

/* Whether Windows keeps a time, as far as its nanoseconds say. */
static bool is_kept(const struct timespec *time)
{
    return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT || time->tv_nsec % STEP == 0;
}

/* Whether a file can get times. Those that Windows keeps take the place of others that somebody waits to see. */
static bool times_pass(struct pb_core *core, const struct task *task, const struct named_entry *entry, uint64_t address)
{
    struct timespec times[2];
    if (!address)
        return true;
    if (pb_read(core, task->tid, address, times, sizeof times) != sizeof times)
        return false;
    if (is_kept(&times[0]) && is_kept(&times[1]))
        return !is_path_looked_for(core, entry->path);
    return caller_is_left(core, task, PB_CALLER_TIMES);
}

static bool is_or_stays(uint64_t id, uint32_t now)
{
    return (uint32_t)id == UNCHANGED || (uint32_t)id == now;
}

/* Whether what a call sets of a file that is there tells nothing. Whatever it sets begins anew what is counted of repeated calls. */
static bool setting_passes(struct pb_core *core, const struct task *task, const struct named_entry *entry,
                           const struct call_info *info)
{
    const struct kernel_statx *found = &entry->found;
    const uint64_t *args = info->args;
    if (!entry->is_there || !(S_ISREG(found->mode) || S_ISDIR(found->mode)) || has_repeats(core))
        return false;
    switch (info->nr) {
    case SYS_chmod:
        return !(args[1] & SPECIAL_BITS) && caller_is_left(core, task, PB_CALLER_MODE);
    case SYS_fchmodat:
        return !(args[2] & SPECIAL_BITS) && caller_is_left(core, task, PB_CALLER_MODE);
    case SYS_utimensat:
        return times_pass(core, task, entry, args[2]);
    default:
        return is_or_stays(args[1], found->user) && is_or_stays(args[2], found->group);
    }
}

/* What a call is about, and at which place it has its path, behind the directory where that begins if it is not the first. */
enum about { NOTHING, REMOVES, MAKES, SETS, RENAMES };

static enum about what_is(const struct call_info *info, int *at)
{
    *at = 0;
    switch (info->nr) {
    case SYS_unlink:
    case SYS_rmdir:
        return REMOVES;
    case SYS_mkdir:
        return MAKES;
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
        return SETS;
    case SYS_rename:
        return RENAMES;
    }
    *at = 1;
    switch (info->nr) {
    case SYS_unlinkat:
        return info->args[2] & ~(uint64_t)AT_REMOVEDIR ? NOTHING : REMOVES;
    case SYS_mkdirat:
        return MAKES;
    case SYS_fchmodat:
    case SYS_utimensat:
        return SETS;
    case SYS_renameat:
        return RENAMES;
    case SYS_renameat2:
        return info->args[4] ? NOTHING : RENAMES;
    default:
        return NOTHING;
    }
}

/* Finds the entry of a path of a call; *entry stays open. */
static bool read_entry(struct pb_core *core, const struct task *task, uint64_t directory, uint64_t address, struct named_entry *entry)
{
    char path[PATH_MAX];
    return pb_read_string(core, task->tid, address, path, sizeof path) > 0 &&
           find_entry(core, task->tid, (int32_t)directory, path, entry);
}

static void leave_entry(struct named_entry *entry)
{
    if (entry->parent >= 0)
        close(entry->parent);
}

static bool second_passes(struct pb_core *core, const struct task *task, const struct call_info *info, int at,
                          const struct named_entry *source)
{
    const uint64_t *args = info->args;
    struct named_entry target = {.parent = -1};
    bool does_pass = read_entry(core, task, at ? args[2] : (uint64_t)AT_FDCWD, args[at ? 3 : 1], &target) &&
                     renaming_passes(core, source, &target);
    leave_entry(&target);
    return does_pass;
}

static bool passes(struct pb_core *core, const struct task *task, const struct call_info *info, enum about about, int at,
                   const struct named_entry *entry)
{
    switch (about) {
    case REMOVES:
        return removal_passes(core, entry, info->nr == SYS_rmdir || (info->nr == SYS_unlinkat && info->args[2]));
    case MAKES:
        return making_passes(core, task, entry, info->args[at + 1]);
    case RENAMES:
        return second_passes(core, task, info, at, entry);
    default:
        return setting_passes(core, task, entry, info);
    }
}

bool is_absent(struct pb_core *core, int32_t tid, int32_t directory, const char *path)
{
    struct named_entry entry = {.parent = -1};
    if (!core->unopposed.index || core->has_other_roots || guests_serve_files(core))
        return false;
    bool is_so = find_entry(core, tid, directory, path, &entry) && !entry.is_there && !has_twin(core, &entry);
    if (entry.parent >= 0)
        close(entry.parent);
    return is_so;
}

bool change_passes(struct pb_core *core, const struct task *task, const struct call_info *info)
{
    int at;
    enum about about = what_is(info, &at);
    if (!core->unopposed.index || about == NOTHING || core->has_other_roots || core->unseen_count ||
        !core->unshown.directories.length || guests_serve_files(core))
        return false;
    struct named_entry entry = {.parent = -1};
    bool does_pass = read_entry(core, task, at ? info->args[0] : (uint64_t)AT_FDCWD, info->args[at], &entry) &&
                     passes(core, task, info, about, at, &entry);
    leave_entry(&entry);
    return does_pass;
}
