/* Owns the lookup of a path whose name has nothing, or is to be made: what is stored of it, as picobox.platform.lookup finds
   that. What is not plain is left to that. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "walk.h"

#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

void walk_clear(struct walk *walk)
{
    memset(walk, 0, offsetof(struct walk, given));
    walk->given[0] = walk->spelled[0] = walk->real[0] = 0;
    walk->directory = -1;
}

void walk_leave(const struct walk *walk)
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

#define HEAD_SIZE (PATH_MAX + 64)

/* What leads us to where the path's first `length` bytes lead the task, 0: to where it begins. */
static void write_head(const struct walk *walk, size_t length, char path[HEAD_SIZE])
{
    int start = 0;
    if (walk->given[0] == '/')
        start = snprintf(path, HEAD_SIZE, "/");
    else if (walk->dirfd == AT_FDCWD)
        start = snprintf(path, HEAD_SIZE, "/proc/%d/cwd/", walk->tid);
    else
        start = snprintf(path, HEAD_SIZE, "/proc/%d/fd/%d/", walk->tid, walk->dirfd);
    memcpy(path + start, walk->given, length);
    path[(size_t)start + length] = 0;
}

/* Opens that, in one step, for the time that it takes. */
static int open_head(const struct walk *walk, size_t length)
{
    char path[HEAD_SIZE];
    write_head(walk, length, path);
    return open(path, DIRECTORY);
}

/* Where the last component begins, of a path without the slashes at its end. */
static size_t last_component(const struct walk *walk, size_t stripped)
{
    const char *last = memrchr(walk->given, '/', stripped);
    return last ? (size_t)(last + 1 - walk->given) : 0;
}

/* Begins at the last component if the others are there as they are spelled; gives what is left of the path. */
static const char *begin(struct walk *walk, size_t stripped)
{
    size_t length = last_component(walk, stripped);
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
static bool is_plain(uint32_t system)
{
    static const uint32_t plain[] = {
        0xef53 /* ext */, 0x58465342 /* xfs */, 0x9123683e /* btrfs */, 0x01021994 /* tmpfs */, 0x794c7630 /* overlay */,
        0xf2f52010 /* f2fs */, 0x2fc12fc1 /* zfs */,
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (system == plain[i])
            return true;
    return false;
}

/* Whether nothing has the last component's name, which is only asked about, as is known without a look at its directory's
   entries. Who is told more of it than that has the directory opened. */
static bool is_known_absent(const struct walk *walk, size_t stripped)
{
    char head[HEAD_SIZE];
    uint32_t system;
    size_t start = last_component(walk, stripped), length = stripped - start;
    const char *name = walk->given + start;
    if (walk->makes || walk->judged || walk->tells || length > NAME_LONGEST || (length <= 2 && memcmp(name, "..", length) == 0))
        return false;
    write_head(walk, start, head);
    return names_know_absent(walk->names, head, name, length, &system) && is_plain(system);
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
    struct directory_key key;
    struct directory_state state;
    if (length > NAME_LONGEST || names_examine_whole(walk->names, walk->directory, &key, &state) < 0 || !is_plain(state.system))
        return ASK_PYTHON;
    memcpy(stored, name, length);
    stored[length] = 0;
    int found = names_find(walk->names, walk->directory, &key, &state, name, length, stored);
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

bool walk_name_real(struct walk *walk, size_t rest)
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
    if (!walk->absent || !rest || !walk_name_real(walk, rest))
        return false;
    if (walk->judged && (strstr(walk->rest, "..") || path_is_hidden(walk->judged, walk->real)))
        return false;
    if (memchr(walk->rest, '/', rest))
        walk->real[0] = 0;
    return true;
}

int64_t walk_look_up(struct walk *walk)
{
    size_t length = strlen(walk->given), stripped = length;
    while (stripped && walk->given[stripped - 1] == '/')
        stripped--;
    if (!stripped || (walk->given[0] == '/' && is_of_processes(walk->given)))
        return ASK_PYTHON;
    walk->absent = is_known_absent(walk, stripped);
    if (walk->absent)
        return 0;
    const char *left = begin(walk, stripped);
    bool found = left && go(walk, left), same = found && strcmp(walk->spelled, walk->given) == 0;
    if (same && (walk->judged || walk->tells))
        found = name_absent(walk);
    if (!found)
        return ASK_PYTHON;
    return same && !walk->made ? 0 : (int64_t)walk->length;
}
