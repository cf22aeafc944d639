/* Owns the calls that a check asks for and is not shown, by what they name: looks at other files than it waits for, opens
   and mappings outside of its directories, mappings of no file, signals that get no handler. A guest that changes what it
   names meanwhile is shown less: a check finds, it keeps nobody from anything. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

#define MOST_TRIES 3

static int32_t keep(struct strings *kept, const char *text, uint64_t length)
{
    char *copy = NULL;
    if (length && (text[length - 1] || !(copy = malloc(length))))
        return text[length - 1] ? -EINVAL : -ENOMEM;
    if (length)
        memcpy(copy, text, length);
    free(kept->text);
    *kept = (struct strings){.text = copy, .length = length};
    return 0;
}

int32_t pb_leave_looks(struct pb_core *core, const char *paths, uint64_t length, const uint64_t *inodes, uint64_t count)
{
    LOCKED(core);
    uint64_t *copy = count ? calloc(count, sizeof *copy) : NULL;
    int32_t error = count && !copy ? -ENOMEM : keep(&core->unshown.looks, paths, length);
    if (error) {
        free(copy);
        return error;
    }
    if (count)
        memcpy(copy, inodes, count * sizeof *copy);
    free(core->unshown.inodes);
    core->unshown.inodes = copy;
    core->unshown.inode_count = count;
    gate_kinds_change(core);
    return 0;
}

int32_t pb_leave_opens(struct pb_core *core, const char *directories, uint64_t length)
{
    LOCKED(core);
    int32_t error = keep(&core->unshown.directories, directories, length);
    outside_forget(core);
    gate_kinds_change(core);
    return error;
}

void pb_leave_anonymous(struct pb_core *core, int32_t leaves)
{
    LOCKED(core);
    core->unshown.anonymous = leaves;
}

void pb_leave_handlers(struct pb_core *core, int32_t leaves)
{
    LOCKED(core);
    core->unshown.handlers = leaves;
    gate_kinds_change(core);
}

void pb_leave_copies(struct pb_core *core, int32_t leaves)
{
    LOCKED(core);
    core->unshown.copies = leaves;
    core->unshown.shows_copies = !leaves;
    gate_kinds_change(core);
}

void unshown_clear(struct pb_core *core)
{
    free(core->unshown.looks.text);
    free(core->unshown.inodes);
    free(core->unshown.directories.text);
}

static const char *last_component(const char *path)
{
    const char *separator = strrchr(path, '/');
    return separator ? separator + 1 : path;
}

static bool has_last_component(const struct strings *paths, const char *name)
{
    for (uint64_t at = 0; at < paths->length; at += strlen(paths->text + at) + 1)
        if (!strcmp(last_component(paths->text + at), name))
            return true;
    return false;
}

static bool has(const struct strings *paths, const char *path)
{
    for (uint64_t at = 0; at < paths->length; at += strlen(paths->text + at) + 1)
        if (!strcmp(paths->text + at, path))
            return true;
    return false;
}

static bool waits_for_looks(const struct pb_core *core)
{
    return (core->dispositions[SYS_newfstatat] & 0xff) == PB_DO_CALL;
}

bool is_path_looked_for(const struct pb_core *core, const char *path)
{
    const struct strings *paths = &core->unshown.looks;
    return waits_for_looks(core) && (!paths->length || has(paths, path));
}

/* A file without a name, and one that has lost it, have no path that is waited for: the kernel adds something to it. */
static bool is_other_file(struct pb_core *core, const struct task *task, int32_t fd)
{
    char path[PATH_MAX];
    bool is_other = descriptor_path(task->tid, fd, path) && !has(&core->unshown.looks, path);
    return is_other || caller_is_left(core, task, PB_CALLER_LOOKS);
}

/* A directory in another case is not outside: who asks for it means it. */
static bool is_inside(const struct strings *directories, const char *path)
{
    for (uint64_t place = 0; place < directories->length; place += strlen(directories->text + place) + 1) {
        size_t length = strlen(directories->text + place);
        if (!strncasecmp(directories->text + place, path, length) && (!path[length] || path[length] == '/'))
            return true;
    }
    return false;
}

bool is_off_drives(const struct pb_core *core, const char *path)
{
    return core->unshown.directories.length && !core->has_other_roots && !is_inside(&core->unshown.directories, path);
}

int known_open(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_CACHED | resolve};
    long fd = -1;
    /* A rename of anything on the machine at that moment is EAGAIN as well (linux: fs/namei.c, path lookups by RCU). */
    for (int tries = 0; tries == 0 || (fd < 0 && errno == EAGAIN && tries < MOST_TRIES); tries++)
        fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* 0, or an errno. */
static int look_up(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    int fd = known_open(directory, path, flags, resolve);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -fd : 0;
}

/* A link on the way, /proc's included, may lead anywhere. */
static bool may_have_links(const char *path)
{
    int error = look_up(AT_FDCWD, path, 0, RESOLVE_NO_SYMLINKS);
    return error && error != ENOENT;
}

static bool is_outside(const struct pb_core *core, const char *path)
{
    return core->unshown.directories.length && !core->has_other_roots && is_straight(path) &&
           !is_inside(&core->unshown.directories, path) && !may_have_links(path);
}

/* Of a path with links, as each library has that is named by /lib: whether what it leads to lies outside, if something is
   there. Links that are each process's own lead nowhere here. */
static bool leads_outside(const struct pb_core *core, const char *path)
{
    char place[PATH_MAX];
    if (!core->unshown.directories.length || core->has_other_roots || path[0] != '/' ||
        look_up(AT_FDCWD, path, 0, RESOLVE_NO_SYMLINKS) != ELOOP)
        return false;
    int fd = known_open(AT_FDCWD, path, 0, RESOLVE_NO_MAGICLINKS);
    bool outside = fd >= 0 && descriptor_path(getpid(), fd, place) && place[0] == '/' && place[1] && is_off_drives(core, place);
    if (fd >= 0)
        close(fd);
    return outside;
}

static bool is_other_entry(const struct pb_core *core, int32_t tid, int32_t directory, const char *path)
{
    char place[PATH_MAX];
    return !core->has_other_roots && entry_path(tid, directory, path, place) && !has(&core->unshown.looks, place);
}

static bool is_other_look(struct pb_core *core, const struct task *task, const uint64_t *args, int at)
{
    const struct strings *paths = &core->unshown.looks;
    char path[PATH_MAX];
    if (!paths->length)
        return false;
    int64_t length = pb_read_string(core, task->tid, args[at], path, sizeof path);
    if (length < 0)
        return false;
    if (!length)
        return at && is_other_file(core, task, (int32_t)args[0]);
    return !has_last_component(paths, last_component(path)) || is_outside(core, path) ||
           is_other_entry(core, task->tid, at ? (int32_t)args[0] : AT_FDCWD, path) ||
           caller_is_left(core, task, PB_CALLER_LOOKS);
}

int directory_open(int32_t tid, int32_t directory)
{
    char way[64];
    if (directory == AT_FDCWD)
        snprintf(way, sizeof way, "/proc/%d/cwd", tid);
    else
        snprintf(way, sizeof way, "/proc/%d/fd/%d", tid, directory);
    return open(way, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Who lists whatever it finds tries files as well, which no system lists. */
static bool is_no_directory(int32_t tid, int32_t directory, const char *path, bool follows)
{
    int fd = path[0] == '/' ? AT_FDCWD : directory_open(tid, directory);
    if (fd < 0 && fd != AT_FDCWD)
        return false;
    int error = look_up(fd, path, O_DIRECTORY | (follows ? 0 : O_NOFOLLOW), 0);
    if (fd >= 0)
        close(fd);
    return error == ENOTDIR;
}

static bool is_idle_open(struct pb_core *core, const struct task *task, int32_t directory, uint64_t address, uint64_t flags)
{
    char path[PATH_MAX];
    if (!core->unshown.directories.length || core->has_other_roots || flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ||
        pb_read_string(core, task->tid, address, path, sizeof path) <= 0)
        return false;
    if (is_outside(core, path)) {
        outside_seen(core, path);
        return true;
    }
    if (leads_outside(core, path))
        return true;
    return (flags & O_DIRECTORY && is_no_directory(task->tid, directory, path, !(flags & O_NOFOLLOW))) ||
           is_absent(core, task->tid, directory, path);
}

static bool is_about_flags(int32_t command)
{
    return command == F_GETFD || command == F_SETFD || command == F_GETFL || command == F_SETFL;
}

/* What is mapped of a file that no rule is about. */
static bool is_idle_mapping(const struct pb_core *core, int32_t tid, const uint64_t *args)
{
    char path[PATH_MAX];
    if (!core->unshown.anonymous)
        return false;
    return args[3] & MAP_ANONYMOUS ||
           (descriptor_path(tid, (int32_t)args[4], path) && is_off_drives(core, path));
}

/* Who asks for the handler that there is, or sets one that every system has: the kernel's struct sigaction begins with it. */
static bool is_idle_handler(struct pb_core *core, int32_t tid, uint64_t address)
{
    uint64_t handler;
    if (!core->unshown.handlers)
        return false;
    return !address || (pb_read(core, tid, address, &handler, sizeof handler) == sizeof handler &&
                        (handler == (uint64_t)SIG_DFL || handler == (uint64_t)SIG_IGN));
}

bool is_unshown(struct pb_core *core, const struct task *task, const struct call_info *info)
{
    const uint64_t *args = info->args;
    switch (info->nr) {
    case SYS_stat:
    case SYS_lstat:
        return is_other_look(core, task, args, 0);
    case SYS_newfstatat:
    case SYS_statx:
        return is_other_look(core, task, args, 1);
    case SYS_fstat:
        return core->unshown.looks.length && is_other_file(core, task, (int32_t)args[0]);
    case SYS_open:
        return is_idle_open(core, task, AT_FDCWD, args[0], args[1]);
    case SYS_openat:
        return is_idle_open(core, task, (int32_t)args[0], args[1], args[2]);
    case SYS_fcntl:
        return core->unshown.copies && is_about_flags((int32_t)args[1]);
    case SYS_close_range:
        return range_closes_unseen(core, task, info);
    case SYS_mmap:
        return is_idle_mapping(core, task->tid, args);
    case SYS_rt_sigaction:
        return is_idle_handler(core, task->tid, args[1]);
    default:
        return false;
    }
}
