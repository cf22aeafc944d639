/* Owns what the channel says to a call in the gate that found nothing under its name, or is to make one: the name that is
   stored, as picobox.platform.lookup finds it. What is not plain is left to that. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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
    struct pb_core *core;
    struct pb_names *names;
    const struct rights *rights; /* NULL: not asked for yet */
    int32_t tid, dirfd;
    bool follows, entry;
    bool is_asked;              /* the kernel has found nothing under the path as it is */
    bool makes;                 /* the last component, if it is not there */
    bool made;                  /* that is so, and nobody else makes it now */
    bool absent;                /* nothing has the last name that was looked up, in any spelling */
    uint32_t looks;             /* where components are spelled otherwise, see gate_spelling */
    bool forgets;               /* or where those are is not to be remembered */
    const char *rest;           /* from that on */
    const struct pb_trace_table *judged; /* NULL, or: by its rules that nothing is there may be a refusal */
    bool tells;                 /* what is absent is to be named */
    int directory;              /* open, or -1: how far the path has been followed */
    size_t length;              /* of `spelled` */
    char given[PATH_MAX];
    char spelled[PATH_MAX];     /* its path in stored spellings */
    char real[PATH_MAX];        /* the path of that without links, empty if the directory is absent, too */
};

/* Without the paths, which are long. */
static void clear(struct walk *walk)
{
    memset(walk, 0, offsetof(struct walk, given));
    walk->given[0] = walk->spelled[0] = walk->real[0] = 0;
    walk->directory = -1;
}

static void leave(const struct walk *walk)
{
    if (walk->directory >= 0)
        close(walk->directory);
}

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

/* Whether a component is there as it is spelled. */
static bool has_entry(const struct walk *walk, const char *name, size_t length)
{
    char entry[NAME_LONGEST + 1];
    struct stat status;
    memcpy(entry, name, length);
    entry[length] = 0;
    return fstatat(walk->directory, entry, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What is stored of a component: PB_NAMES_x, as the task may see it, or ASK_PYTHON. */
static int find(struct walk *walk, const char *name, size_t length, char stored[NAME_LONGEST + 1])
{
    if (!is_plain(walk->directory) || length > NAME_LONGEST)
        return ASK_PYTHON;
    memcpy(stored, name, length);
    stored[length] = 0;
    int found = names_find(walk->names, walk->directory, name, length, stored);
    if (found > PB_NAMES_EXACT && !walk->is_asked && has_entry(walk, name, length))
        return PB_NAMES_EXACT;
    walk->absent = found == PB_NAMES_ABSENT;
    if (found <= PB_NAMES_EXACT)
        return found < 0 ? ASK_PYTHON : found;
    struct rights rights;
    int allowed = -1;
    if (walk->rights)
        allowed = may_list(walk->rights, walk->directory);
    else if (know_rights(walk->core, walk->tid, &rights))
        allowed = may_list(&rights, walk->directory);
    if (allowed > 0)
        return found;
    memcpy(stored, name, length);
    stored[length] = 0;
    return allowed < 0 ? ASK_PYTHON : PB_NAMES_ABSENT;
}

static void make_no_more(struct walk *walk)
{
    LOCKED(walk->core);
    struct task *task = task_find(walk->core, walk->tid);
    if (task)
        making_end(walk->core, task);
}

/* The last component is to be made: true if nothing has the name in any spelling and nobody makes another one, or if it is
   there as it is. It is reserved before it is looked for: who had it before has made it then. */
static bool make(struct walk *walk, const char *name, size_t length, char stored[NAME_LONGEST + 1])
{
    struct made_name made;
    if (!name_made(&made, walk->directory, name, length))
        return false;
    {
        LOCKED(walk->core);
        struct task *task = task_find(walk->core, walk->tid);
        if (!task || !making_begin(walk->core, task, &made))
            return false;
    }
    int found = find(walk, name, length, stored);
    walk->made = found == PB_NAMES_ABSENT;
    /* What is there may be gone when the call comes to it: then it makes that. */
    if (walk->made || found == PB_NAMES_EXACT)
        return true;
    make_no_more(walk);
    return false;
}

/* A component is stored in another spelling, which is about to be put. Of several, the index chooses one. */
static void note_spelling(struct walk *walk, int found)
{
    walk->forgets |= found == PB_NAMES_AMBIGUOUS || walk->looks >> 24 || walk->length + 1 > UINT8_MAX;
    if (!walk->forgets)
        walk->looks = walk->looks << 8 | (uint8_t)(walk->length + 1);
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
        int found = PB_NAMES_EXACT;
        if (!last || !walk->makes)
            found = find(walk, left, length, stored);
        else if ((*rest && !walk->entry) || !make(walk, left, length, stored))
            return false;
        if (found < 0)
            return false;
        if (walk->made || found == PB_NAMES_ABSENT) {
            walk->rest = left;
            return end(walk, stored, rest);
        }
        if (found > PB_NAMES_EXACT)
            note_spelling(walk, found);
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

/* The path without links of what the rest of the given one names in the directory. */
static bool name_real(struct walk *walk, size_t rest)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", walk->directory);
    ssize_t length = readlink(link, walk->real, sizeof walk->real);
    if (length <= 0 || walk->real[0] != '/' || (size_t)length + rest + 2 > sizeof walk->real)
        return false;
    if (length > 1)
        walk->real[length++] = '/';
    memcpy(walk->real + length, walk->rest, rest);
    walk->real[(size_t)length + rest] = 0;
    return true;
}

/* Who records what calls find is told what is not there; false: that is for Python to judge, or not known. */
static bool name_absent(struct walk *walk)
{
    size_t rest = walk->rest ? (size_t)(components_end(walk->rest) - walk->rest) : 0;
    if (!walk->absent || !rest || !name_real(walk, rest))
        return false;
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
    if (!found)
        return ASK_PYTHON;
    return same && !walk->made ? 0 : (int64_t)walk->length;
}

/* Whether a call may make a name, by its flags. */
static bool is_making(const struct pb_core *core, uint32_t row, const struct notified_call *call)
{
    uint32_t flags = core->dispositions[call->nr] >> PB_OPEN_FLAGS_SHIFT & 3;
    return row & PB_RESOLVES_MAKING || (flags && call->args[flags] & O_CREAT);
}

bool resolver_finds_nothing(struct pb_core *core, struct task *task, uint64_t path)
{
    struct walk walk;
    clear(&walk);
    walk.core = core;
    walk.names = core->resolver;
    walk.tid = task->tid;
    walk.dirfd = AT_FDCWD;
    walk.follows = true;
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
    walk.judged = rings_tell_errors(core, SYS_execve) ? core->recorder->table : NULL;
    bool absent = look_up(&walk) == 0 && walk.absent;
    leave(&walk);
    return absent;
}

/* The number of the task may be another's as soon as it has been killed, so it is asked for again before what was found
   under it is used. */
static bool is_valid(int listener, uint64_t id)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* A call whose names are looked up. */
struct lookup {
    struct pb_core *core;
    int listener;
    uint64_t id;
    uint32_t row;
    const struct notified_call *call;
    int32_t tid;
    uint64_t names; /* where its block has room for them */
    bool makes;
    const struct pb_trace_table *judged; /* see walk */
    bool tells;
};

/* How the call means its path; false: it is not for us. Called with the lock. */
static bool prepare(struct lookup *lookup, const struct task *task)
{
    struct pb_core *core = lookup->core;
    uint64_t nr = lookup->call->nr;
    lookup->row = nr < PB_NR_COUNT ? core->resolved[nr] : 0;
    if (!core->resolver || !lookup->row || !task->block || task->injecting || task->starting)
        return false;
    lookup->names = block_address(task->block) + offsetof(struct gate_block, name);
    lookup->makes = is_making(core, lookup->row, lookup->call);
    /* Who makes a name is told of no absent one, and how that fails is seen. */
    lookup->judged = !lookup->makes && rings_tell_errors(core, nr) ? core->recorder->table : NULL;
    lookup->tells = !lookup->makes && rings_want_object(core, nr);
    return true;
}

/* Begins to look up the path at a position. */
static bool begin_path(const struct lookup *lookup, struct walk *walk, uint32_t position, bool at_directory)
{
    const uint64_t *args = lookup->call->args;
    walk->core = lookup->core;
    walk->names = lookup->core->resolver;
    walk->tid = lookup->tid;
    walk->dirfd = at_directory ? (int32_t)args[position - 1] : AT_FDCWD;
    /* What only looks is asked about once more before anything is told or remembered. */
    return walk->names && pb_read_string(lookup->core, lookup->tid, args[position], walk->given, sizeof walk->given) > 0 &&
           (!lookup->makes || is_valid(lookup->listener, lookup->id));
}

/* The new length of the path that is looked up, 0: it stays as it is, or ASK_PYTHON. It is in the block from `offset` on. */
static int64_t tell_path(const struct lookup *lookup, struct walk *walk, uint64_t offset, uint64_t room)
{
    int64_t length = look_up(walk);
    if (length < 0 || (length == 0 && !walk->tells))
        return is_valid(lookup->listener, lookup->id) ? length : ASK_PYTHON;
    const char *told = length ? walk->spelled : walk->real;
    uint64_t size = strlen(told) + 1;
    if (size > room || !is_valid(lookup->listener, lookup->id) ||
        pb_write(lookup->core, lookup->tid, lookup->names + offset, told, size) != (int64_t)size)
        return ASK_PYTHON;
    return length;
}

/* Nothing has the name, by whoever's rights, the path is to be made as it is, and that it is absent is no rule's refusal. */
static bool may_have_permit(const struct notified_call *call, struct walk *walk)
{
    const struct pb_trace_table *table = walk->core->recorder ? walk->core->recorder->table : NULL;
    return walk->made && walk->absent && strcmp(walk->spelled, walk->given) == 0 &&
           (call->nr == SYS_open || call->nr == SYS_openat) && is_of_permits(call->args[call->nr == SYS_open ? 1 : 2]) &&
           (!table || !table->judged || (name_real(walk, strlen(walk->rest)) && !path_is_hidden(table, walk->real)));
}

/* Of a call with one path: its length, as tell_path has it. */
static int64_t tell_one(const struct lookup *lookup, struct miss *miss)
{
    uint32_t row = lookup->row;
    uint32_t flags = row >> PB_RESOLVES_FLAGS_SHIFT & 7, bit = row >> PB_RESOLVES_BIT_SHIFT & PB_RESOLVES_BIT_MASK;
    struct walk walk;
    clear(&walk);
    walk.makes = lookup->makes;
    walk.is_asked = !lookup->makes;
    walk.entry = row & PB_RESOLVES_ENTRY;
    walk.follows = row & PB_RESOLVES_FOLLOWING;
    walk.judged = lookup->judged;
    walk.tells = lookup->tells;
    if (flags && lookup->call->args[flags] & bit)
        walk.follows = !walk.follows;
    if (lookup->makes && flags && lookup->call->args[flags] & O_EXCL)
        walk.follows = false;
    if (!begin_path(lookup, &walk, row >> PB_RESOLVES_PATH_SHIFT & 7, row & PB_RESOLVES_AT_DIRECTORY))
        return ASK_PYTHON;
    int64_t length = tell_path(lookup, &walk, 0, GUEST_NAME);
    bool means_nothing = length == 0 && walk.absent, is_spelled = length > 0 && walk.looks && !walk.forgets && !walk.absent;
    if (length > 0 && may_have_permit(lookup->call, &walk)) {
        struct miss made = *miss;
        made.path = walk.given;
        made.dirfd = walk.dirfd;
        made.makings++; /* it has begun to make this one */
        if (permit_seen(lookup->core, &made, walk.directory))
            walk.directory = -1;
    }
    leave(&walk);
    if (!lookup->makes && (means_nothing || is_spelled)) {
        miss->path = walk.given;
        miss->stored = is_spelled ? walk.spelled : NULL;
        miss->looks = walk.looks;
        miss->dirfd = walk.dirfd;
        miss_seen(lookup->core, miss);
    }
    return length;
}

/* Flags that change what names mean are Python's. */
static bool has_plain_flags(const struct notified_call *call)
{
    switch (call->nr) {
    case SYS_linkat:
        return call->args[4] == 0;
    case SYS_renameat2:
        return (call->args[4] & ~(uint64_t)RENAME_NOREPLACE) == 0;
    default:
        return true;
    }
}

/* Of a call that makes a name of another one: which of them are in the block, or ASK_PYTHON. */
static int64_t tell_two(const struct lookup *lookup)
{
    uint32_t row = lookup->row;
    struct walk walk;
    clear(&walk);
    walk.entry = row & PB_RESOLVES_ENTRY;
    walk.follows = row & PB_RESOLVES_FOLLOWING;
    if (!has_plain_flags(lookup->call) ||
        !begin_path(lookup, &walk, row >> PB_RESOLVES_PATH_SHIFT & 7, row & PB_RESOLVES_AT_DIRECTORY))
        return ASK_PYTHON;
    int64_t first = tell_path(lookup, &walk, 0, GUEST_SECOND_NAME);
    leave(&walk);
    if (first < 0)
        return ASK_PYTHON;
    clear(&walk);
    walk.makes = walk.entry = true;
    if (!begin_path(lookup, &walk, row >> PB_RESOLVES_SECOND_SHIFT & 7, row & PB_RESOLVES_AT_DIRECTORY))
        return ASK_PYTHON;
    int64_t second = tell_path(lookup, &walk, GUEST_SECOND_NAME, GUEST_SECOND_NAME);
    leave(&walk);
    if (second < 0)
        return ASK_PYTHON;
    return (first ? GUEST_HAS_FIRST : 0) | (second ? GUEST_HAS_SECOND : 0);
}

int64_t resolve(struct pb_core *core, int listener, uint64_t id, int32_t tid, const struct notified_call *call)
{
    struct lookup lookup = {.core = core, .listener = listener, .id = id, .call = call, .tid = tid};
    struct miss miss = {.tid = tid};
    {
        LOCKED(core);
        struct task *task = task_find(core, tid);
        if (!task)
            return ASK_PYTHON;
        core->resolutions++;
        call_begin(core, task);
        pin_call_seen(core, task);
        if (!prepare(&lookup, task))
            return ASK_PYTHON;
        miss_begin(core, task, &miss);
    }
    if (lookup.row >> PB_RESOLVES_SECOND_SHIFT & 7)
        return tell_two(&lookup);
    return tell_one(&lookup, &miss);
}
