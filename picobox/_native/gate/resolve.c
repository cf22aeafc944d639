/* Owns what the channel says to a call in the gate that found nothing under its name: the name that is stored, as
   picobox.platform.lookup finds it. What is not plain is left to that. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../names.h"
#include "../trace/trace.h"
#include "gate.h"
#include "guest.h"

#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define ASK_PYTHON (-1)

void pb_set_resolver(struct pb_core *core, struct pb_names *names, const uint32_t *rows)
{
    LOCKED(core);
    misses_forget(core);
    core->resolver = names;
    if (names)
        memcpy(core->resolved, rows, sizeof core->resolved);
}

void pb_forget_credentials(struct pb_core *core)
{
    LOCKED(core);
    core->credentials++;
}

uint64_t pb_resolutions(struct pb_core *core)
{
    LOCKED(core);
    return core->resolutions;
}

bool is_resolving(uint64_t ip)
{
    return ip >= PB_GATE_RESOLVING && ip < PB_GATE_RESOLVING + PB_GATE_RESOLVING_SIZE;
}

/* One name that is looked up. */
struct walk {
    struct pb_names *names;
    const struct rights *rights;
    int32_t tid, dirfd;
    bool follows, entry;
    bool absent;                /* nothing has the last name that was looked up, in any spelling */
    const char *rest;           /* from that on */
    const struct pb_trace_table *judged; /* NULL, or: by its rules that nothing is there may be a refusal */
    bool tells;                 /* what is absent is to be named */
    char real[PATH_MAX];        /* the path of that without links, empty if the directory is absent, too */
    int directory;              /* open, how far the path has been followed */
    char given[PATH_MAX];
    char spelled[PATH_MAX];     /* its path in stored spellings */
    size_t length;              /* of that */
};

static bool put(struct walk *walk, const char *text, size_t length)
{
    if (walk->length + length >= sizeof walk->spelled)
        return false;
    memcpy(walk->spelled + walk->length, text, length);
    walk->length += length;
    walk->spelled[walk->length] = 0;
    return true;
}

/* What leads a process to something of its own, or is made up by the kernel, is Python's. */
static bool is_of_processes(const char *path)
{
    path += strspn(path, "/");
    return strncmp(path, "proc", 4) == 0 || strncmp(path, "dev", 3) == 0 || strncmp(path, "sys", 3) == 0;
}

/* Opens what the path's first `length` bytes lead to, 0: where it begins; in one step, for the time that it takes. */
static int open_head(const struct walk *walk, size_t length)
{
    char path[PATH_MAX + 64];
    int start = 0;
    if (walk->given[0] == '/')
        start = snprintf(path, sizeof path, "/");
    else if (walk->dirfd == AT_FDCWD)
        start = snprintf(path, sizeof path, "/proc/%d/cwd/", walk->tid);
    else
        start = snprintf(path, sizeof path, "/proc/%d/fd/%d/", walk->tid, walk->dirfd);
    memcpy(path + start, walk->given, length);
    path[(size_t)start + length] = 0;
    return open(path, DIRECTORY);
}

/* Begins at the last component if the others are there as they are spelled; gives what is left of the path. */
static const char *begin(struct walk *walk, size_t stripped)
{
    const char *last = memrchr(walk->given, '/', stripped);
    size_t length = last ? (size_t)(last + 1 - walk->given) : 0;
    walk->directory = open_head(walk, length);
    if (walk->directory >= 0) {
        put(walk, walk->given, length);
        return walk->given + length;
    }
    if (errno != ENOENT || !length)
        return NULL;
    walk->directory = open_head(walk, 0);
    if (walk->directory < 0)
        return NULL;
    size_t start = walk->given[0] == '/' ? 1 : strncmp(walk->given, "./", 2) == 0 ? 2 : 0;
    put(walk, walk->given, start);
    return walk->given + start;
}

/* Where Python would have the kernel's own names, and where we need not know which kernel's they are. */
static bool is_plain(int directory)
{
    static const uint32_t plain[] = {
        0xef53 /* ext */, 0x58465342 /* xfs */, 0x9123683e /* btrfs */, 0x01021994 /* tmpfs */, 0x794c7630 /* overlay */,
        0xf2f52010 /* f2fs */, 0x2fc12fc1 /* zfs */,
    };
    struct statfs system;
    if (fstatfs(directory, &system) < 0)
        return false;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if ((uint32_t)system.f_type == plain[i])
            return true;
    return false;
}

static bool enter(struct walk *walk, const char *name)
{
    int below = openat(walk->directory, name, DIRECTORY);
    if (below < 0)
        return false;
    close(walk->directory);
    walk->directory = below;
    return put(walk, name, strlen(name)) && put(walk, "/", 1);
}

static bool is_link(const struct walk *walk, const char *name)
{
    struct stat status;
    return fstatat(walk->directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(status.st_mode);
}

static bool leads_somewhere(const struct walk *walk, const char *name)
{
    struct stat status;
    return fstatat(walk->directory, name, &status, 0) == 0;
}

/* The path is known as far as it goes: the rest of it, slashes included, stays as it is. */
static bool end(struct walk *walk, const char *stored, const char *rest)
{
    return put(walk, stored, strlen(stored)) && put(walk, rest, strlen(rest));
}

/* What is stored of a component: PB_NAMES_x, as the task may see it, or ASK_PYTHON. */
static int find(struct walk *walk, const char *name, size_t length, char stored[NAME_LONGEST + 1])
{
    if (!is_plain(walk->directory) || length > NAME_LONGEST)
        return ASK_PYTHON;
    memcpy(stored, name, length);
    stored[length] = 0;
    int found = names_find(walk->names, walk->directory, name, length, stored);
    walk->absent = found == PB_NAMES_ABSENT;
    if (found <= PB_NAMES_EXACT)
        return found < 0 ? ASK_PYTHON : found;
    int allowed = may_list(walk->rights, walk->directory);
    if (allowed > 0)
        return found;
    memcpy(stored, name, length);
    stored[length] = 0;
    return allowed < 0 ? ASK_PYTHON : PB_NAMES_ABSENT;
}

/* True if the path in `spelled` is what the kernel is to be given; false: Python is to be asked. */
static bool go(struct walk *walk, const char *left)
{
    char stored[NAME_LONGEST + 1];
    for (;;) {
        left += strspn(left, "/");
        size_t length = strcspn(left, "/");
        const char *rest = left + length;
        bool last = rest[strspn(rest, "/")] == 0;
        if (length == 1 && left[0] == '.' && !last) {
            left = rest;
            continue;
        }
        if (length <= 2 && memcmp(left, "..", length) == 0) {
            if (!last && enter(walk, "..")) {
                left = rest;
                continue;
            }
            return last && put(walk, left, strlen(left));
        }
        int found = find(walk, left, length, stored);
        if (found < 0)
            return false;
        if (found == PB_NAMES_ABSENT) {
            walk->rest = left;
            return end(walk, stored, rest);
        }
        if (!last) {
            if (!enter(walk, stored))
                return !is_link(walk, stored) && end(walk, stored, rest);
            left = rest;
            continue;
        }
        bool follows = walk->follows || (*rest && !walk->entry);
        if (follows && is_link(walk, stored) && !leads_somewhere(walk, stored))
            return false;
        return end(walk, stored, rest);
    }
}

static const char *components_end(const char *path)
{
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    return end;
}

/* Who records what calls find is told what is not there; false: that is for Python to judge, or not known. */
static bool name_absent(struct walk *walk)
{
    char link[64];
    if (!walk->absent || !walk->rest)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", walk->directory);
    ssize_t length = readlink(link, walk->real, sizeof walk->real);
    size_t rest = (size_t)(components_end(walk->rest) - walk->rest);
    if (length <= 0 || walk->real[0] != '/' || (size_t)length + rest + 2 > sizeof walk->real)
        return false;
    if (length > 1)
        walk->real[length++] = '/';
    memcpy(walk->real + length, walk->rest, rest);
    walk->real[(size_t)length + rest] = 0;
    if (walk->judged && (strstr(walk->rest, "..") || path_is_hidden(walk->judged, walk->real)))
        return false;
    if (memchr(walk->rest, '/', rest))
        walk->real[0] = 0;
    return true;
}

/* The path's new length, 0: it stays as it is, or ASK_PYTHON. */
static int64_t look_up(struct walk *walk)
{
    size_t length = strlen(walk->given), stripped = length;
    while (stripped && walk->given[stripped - 1] == '/')
        stripped--;
    if (!stripped || (walk->given[0] == '/' && is_of_processes(walk->given)))
        return ASK_PYTHON;
    const char *left = begin(walk, stripped);
    bool found = left && go(walk, left), same = found && strcmp(walk->spelled, walk->given) == 0;
    if (same && (walk->judged || walk->tells))
        found = name_absent(walk);
    if (walk->directory >= 0)
        close(walk->directory);
    if (!found || walk->length >= GUEST_NAME)
        return ASK_PYTHON;
    return same ? 0 : (int64_t)walk->length;
}

/* How a call means its path, and where that is; false: it is not for us. Called with the lock. */
static bool prepare(struct pb_core *core, struct task *task, const struct notified_call *call, struct walk *walk,
                    uint64_t *path)
{
    uint32_t row = call->nr < PB_NR_COUNT ? core->resolved[call->nr] : 0;
    if (!core->resolver || !row || !task->block || task->injecting || task->starting)
        return false;
    uint32_t position = row >> PB_RESOLVES_PATH_SHIFT & 7, flags = row >> PB_RESOLVES_FLAGS_SHIFT & 7;
    uint32_t bit = row >> PB_RESOLVES_BIT_SHIFT;
    walk->names = core->resolver;
    walk->tid = task->tid;
    walk->dirfd = row & PB_RESOLVES_AT_DIRECTORY ? (int32_t)call->args[position - 1] : AT_FDCWD;
    walk->entry = row & PB_RESOLVES_ENTRY;
    walk->judged = rings_tell_errors(core, call->nr) ? core->recorder->table : NULL;
    walk->tells = rings_want_object(core, call->nr);
    walk->follows = row & PB_RESOLVES_FOLLOWING;
    if (flags && call->args[flags] & bit)
        walk->follows = !walk->follows;
    *path = call->args[position];
    return true;
}

/* The rights of a task, asked for if they are not known; false if they are not plain. */
static bool know_rights(struct pb_core *core, int32_t tid, struct rights *rights)
{
    {
        LOCKED(core);
        const struct task *task = task_find(core, tid);
        if (!task)
            return false;
        *rights = task->rights;
        if (rights->asked == core->credentials + 1)
            return true;
        rights->asked = core->credentials + 1;
    }
    if (!rights_read(tid, rights))
        return false;
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (task)
        task->rights = *rights;
    return task;
}

bool resolver_finds_nothing(struct pb_core *core, struct task *task, uint64_t path)
{
    struct walk walk = {.directory = -1, .names = core->resolver, .tid = task->tid, .dirfd = AT_FDCWD, .follows = true};
    struct rights rights = task->rights;
    if (!core->resolver || core->has_other_roots || pb_read_string(core, task->tid, path, walk.given, sizeof walk.given) <= 0)
        return false;
    if (rights.asked != core->credentials + 1) {
        rights.asked = core->credentials + 1;
        if (!rights_read(task->tid, &rights))
            return false;
        task->rights = rights;
    }
    walk.rights = &rights;
    return look_up(&walk) == 0 && walk.absent;
}

/* The number of the task may be another's as soon as it has been killed, so it is asked for again before each use. */
static bool is_valid(int listener, uint64_t id)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int64_t resolve(struct pb_core *core, int listener, uint64_t id, int32_t tid, const struct notified_call *call)
{
    struct walk walk = {.directory = -1};
    struct rights rights;
    uint64_t path, name;
    struct miss miss = {.tid = tid, .path = walk.given};
    {
        LOCKED(core);
        struct task *task = task_find(core, tid);
        if (!task)
            return ASK_PYTHON;
        core->resolutions++;
        call_begin(core, task);
        pin_call_seen(core, task);
        if (!prepare(core, task, call, &walk, &path))
            return ASK_PYTHON;
        miss_begin(core, task, &miss);
        name = block_address(task->block) + offsetof(struct gate_block, name);
    }
    walk.rights = &rights;
    if (!know_rights(core, tid, &rights) || pb_read_string(core, tid, path, walk.given, sizeof walk.given) <= 0 ||
        !is_valid(listener, id))
        return ASK_PYTHON;
    int64_t length = look_up(&walk);
    miss.dirfd = walk.dirfd;
    if (length == 0 && walk.absent && is_valid(listener, id))
        miss_seen(core, &miss);
    if (length < 0 || (length == 0 && !walk.tells))
        return is_valid(listener, id) ? length : ASK_PYTHON;
    const char *told = length ? walk.spelled : walk.real;
    uint64_t size = strlen(told) + 1;
    if (size > GUEST_NAME || !is_valid(listener, id) || pb_write(core, tid, name, told, size) != (int64_t)size)
        return ASK_PYTHON;
    return length;
}
