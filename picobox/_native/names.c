/* The folded directory index: lists directories and answers from what is known of them. */
#define _GNU_SOURCE
#include "names.h"
#include "statx.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

struct kernel_entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

#define WANTED_BASIC 0x7FF
#define WANTED_MOUNT 0x1000  /* Linux 5.8; zero before */
#define WANTED_UNIQUE 0x4000 /* instead of that, Linux 6.8: above all numbers that may be used again */
#define FIRST_UNIQUE (UINT64_C(1) << 31)
#define FORCE_SYNC 0x2000

int names_examine(int fd, const char *path, int flags, struct directory_key *key, struct directory_state *state)
{
    struct kernel_statx status = {0};
    if (syscall(SYS_statx, fd, path, AT_EMPTY_PATH | flags, WANTED_BASIC | WANTED_MOUNT | WANTED_UNIQUE,
                &status) < 0)
        return -errno;
    if (!S_ISDIR(status.mode))
        return -ENOTDIR;
    key->mount = status.mount;
    key->device = (uint64_t)status.device[0] << 32 | status.device[1];
    key->inode = status.inode;
    *state = (struct directory_state){
        .mode = status.mode,
        .user = status.user,
        .group = status.group,
        .seconds = {status.modification.seconds, status.change.seconds},
        .nanoseconds = {status.modification.nanoseconds, status.change.nanoseconds},
    };
    return 0;
}

int names_examine_whole(struct pb_names *names, int fd, struct directory_key *key, struct directory_state *state)
{
    struct statfs system;
    int result = names_examine(fd, "", 0, key, state);
    if (result < 0)
        return result;
    struct known_mount *known = &names->mounts[key->mount % NAMES_MOUNTS];
    pthread_mutex_lock(&names->lock);
    if (key->mount >= FIRST_UNIQUE && known->mount == key->mount)
        state->system = known->system;
    pthread_mutex_unlock(&names->lock);
    if (state->system || fstatfs(fd, &system) < 0)
        return 0;
    state->system = (uint32_t)system.f_type;
    pthread_mutex_lock(&names->lock);
    *known = (struct known_mount){.mount = key->mount, .system = state->system};
    pthread_mutex_unlock(&names->lock);
    return 0;
}

static bool same_owner(const struct directory_state *one, const struct directory_state *other)
{
    return one->mode == other->mode && one->user == other->user && one->group == other->group;
}

static bool same_times(const struct directory_state *one, const struct directory_state *other)
{
    return memcmp(one->seconds, other->seconds, sizeof one->seconds) == 0 &&
           memcmp(one->nanoseconds, other->nanoseconds, sizeof one->nanoseconds) == 0;
}

/* Whether what we have is what a listing would give now: a change of owner or mode may take the right to list. */
static bool is_true(struct directory *directory, const struct directory_state *state)
{
    bool watched = directory->watch != NAMES_NOT_WATCHED;
    if (!watched && !same_times(&directory->state, state)) {
        directory->seen = names_clock();
        directory->believed = false;
    }
    return !directory->stale && same_owner(&directory->state, state) && (watched || directory->believed);
}

/* Drops what was not used for longest. */
static void make_room(struct pb_names *names)
{
    while (names->counts.names + names->counts.directories * PB_NAMES_DIRECTORY_WEIGHT > names->limit)
        directory_drop(names, names->oldest);
}

/* Takes one entry of a listing in; false if the directory is too large by itself, and then it is gone. */
static bool keep(struct pb_names *names, struct directory *directory)
{
    bool kept = directory_add(names, directory) == 0;
    if (kept && directory->table.names + PB_NAMES_DIRECTORY_WEIGHT <= names->limit)
        return true;
    directory_drop(names, directory);
    return false;
}

void names_forget_match(struct pb_names *names)
{
    names->match.exact = false;
    names->match.others = 0;
}

/* Reads all entries: matches each and keeps it, if there is a directory to keep it in. */
static int read_entries(struct pb_names *names, struct directory **directory, int fd)
{
    long size;
    while ((size = syscall(SYS_getdents64, fd, names->buffer, sizeof names->buffer)) > 0) {
        const struct kernel_entry *entry;
        for (long at = 0; at < size; at += entry->size) {
            entry = (const struct kernel_entry *)(names->buffer + at);
            size_t length = strlen(entry->name);
            if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0 || length > NAME_LONGEST)
                continue;
            name_fold(&names->other, names->seed, entry->name, length);
            if (names->other.hash == names->wanted.hash)
                name_consider(&names->match, &names->wanted, entry->name, length);
            if (*directory != NULL && !keep(names, *directory))
                *directory = NULL;
        }
    }
    /* ENOENT: the directory was removed, so that it has no names. */
    return size < 0 && errno != ENOENT ? -errno : 0;
}

/* Exact spelling only, where we may not list. */
static int look_for_exact(struct pb_names *names, int fd)
{
    struct stat status;
    char name[NAME_LONGEST + 1];
    memcpy(name, names->wanted.text, names->wanted.length);
    name[names->wanted.length] = 0;
    names_forget_match(names);
    names->match.exact = fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return names->match.exact || errno == ENOENT || errno == ENAMETOOLONG ? 0 : -errno;
}

/* What is kept of a directory, as the events have it where it is watched; NULL: nothing. Others are judged by timestamps, so
   that no event need be read for them, except that one may tell that a guest's watch is gone. */
static struct directory *brought_up_to_date(struct pb_names *names, const struct directory_key *key)
{
    struct directory *directory = directory_find(names, key);
    if (names->observed_count > 0 || (directory != NULL && directory->watch != NAMES_NOT_WATCHED))
        names_drain(names);
    make_room(names);
    return directory_find(names, key);
}

/* Reads a directory and leaves the answer in names->match. */
static int list(struct pb_names *names, struct directory *directory, int fd)
{
    struct directory_key key = directory->key;
    directory_empty(names, directory);
    directory_use(names, directory);
    directory->believed = names_clock() - directory->seen >= directory->granularity;
    names_forget_match(names);
    names->counts.listings++;
    int result = read_entries(names, &directory, fd);
    if (directory == NULL)
        return result;
    if (result < 0) {
        directory_drop(names, directory);
        return result;
    }
    directory->stale = false;
    directory = brought_up_to_date(names, &key);
    /* A listing that others write to may lack both names of a file that is renamed: the events have it. */
    if (directory != NULL && directory->watch != NAMES_NOT_WATCHED && !directory->stale) {
        names_forget_match(names);
        name_table_match(&directory->table, &names->wanted, &names->match);
    }
    return 0;
}

/* Reads a directory that we have not, or not any more; leaves the answer in names->match. */
static int read_directory(struct pb_names *names, struct directory *directory, const struct directory_key *key,
                          const struct directory_state *state, int directory_fd)
{
    if (names_is_observed(names, key, directory_fd))
        return names_match_unlisted(names, directory, key, directory_fd);
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int result = fd < 0 ? -errno : 0;
    if (fd < 0 && directory != NULL)
        directory_drop(names, directory);
    if (result == -EACCES || result == -EPERM)
        return look_for_exact(names, directory_fd);
    if (result < 0)
        return result;
    /* The kernel takes milliseconds to close a descriptor that has watched: a directory that is read once is not. */
    bool is_known = directory != NULL;
    if (!is_known)
        directory = directory_new(names, key, state->system, fd);
    if (directory != NULL && (is_known || names->expects_observer))
        directory_watch(names, directory, fd);
    if (directory != NULL) {
        directory->state = *state;
        result = list(names, directory, fd);
    } else {
        result = -ENOMEM;
    }
    close(fd);
    return result;
}

int names_match_in(struct pb_names *names, int fd, const struct directory_key *key, const struct directory_state *state)
{
    struct directory_key synced = *key;
    struct directory_state now = *state;
    struct directory *directory = brought_up_to_date(names, key);
    names->asks_again = directory != NULL;
    if (directory != NULL && directory->granularity == REMOTE_GRANULARITY) {
        int result = names_examine(fd, "", FORCE_SYNC, &synced, &now);
        if (result < 0)
            return result;
    }
    if (directory != NULL && is_true(directory, &now)) {
        directory_use(names, directory);
        name_table_match(&directory->table, &names->wanted, &names->match);
        if (directory->watch != NAMES_NOT_WATCHED || names->match.exact || names->match.others > 0)
            return 0;
    }
    return read_directory(names, directory, &synced, &now, fd);
}

static int32_t find(struct pb_names *names, int fd, const struct directory_key *key, const struct directory_state *state,
                    const char *name, size_t length)
{
    name_fold(&names->wanted, names->seed, name, length);
    names_forget_match(names);
    int result = names_match_in(names, fd, key, state);
    if (result < 0)
        return result;
    if (names->match.exact)
        return PB_NAMES_EXACT;
    return names->match.others == 0 ? PB_NAMES_ABSENT : names->match.others == 1 ? PB_NAMES_FOLDED : PB_NAMES_AMBIGUOUS;
}

int32_t pb_names_look_up(struct pb_names *names, int32_t fd, const char *name, uint64_t length)
{
    if (length == 0 || memchr(name, '/', length) != NULL || memchr(name, 0, length) != NULL || name[length] != 0)
        return -EINVAL;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;
    struct directory_key key;
    struct directory_state state;
    int result = names_examine_whole(names, fd, &key, &state);
    return result < 0 ? result : names_find(names, fd, &key, &state, name, length, names->told);
}

int32_t names_find(struct pb_names *names, int fd, const struct directory_key *key, const struct directory_state *state,
                   const char *name, size_t length, char spelling[NAME_LONGEST + 1])
{
    if (length > NAME_LONGEST)
        return -ENAMETOOLONG;
    pthread_mutex_lock(&names->lock);
    int32_t found = find(names, fd, key, state, name, length);
    if (found > PB_NAMES_EXACT)
        memcpy(spelling, names->match.spelling, names->match.length + 1);
    pthread_mutex_unlock(&names->lock);
    return found;
}

/* As names_know_absent, of a directory that was examined. */
static bool knows_absent(struct pb_names *names, const struct directory_key *key, const struct directory_state *state,
                         const char *name, size_t length, uint32_t *system)
{
    struct directory *directory = brought_up_to_date(names, key);
    names->asks_again = directory != NULL;
    if (directory == NULL || directory->watch == NAMES_NOT_WATCHED)
        return false;
    if (!is_true(directory, state))
        return false;
    *system = directory->system;
    directory_use(names, directory);
    name_fold(&names->wanted, names->seed, name, length);
    names_forget_match(names);
    name_table_match(&directory->table, &names->wanted, &names->match);
    return !names->match.exact && names->match.others == 0;
}

bool names_know_absent(struct pb_names *names, const char *path, const char *name, size_t length, uint32_t *system)
{
    struct directory_key key;
    struct directory_state state;
    /* Who asks about one directory after the other would only have each found twice. */
    pthread_mutex_lock(&names->lock);
    bool asks_again = names->asks_again;
    pthread_mutex_unlock(&names->lock);
    if (!asks_again || names_examine(AT_FDCWD, path, 0, &key, &state) < 0)
        return false;
    pthread_mutex_lock(&names->lock);
    bool absent = knows_absent(names, &key, &state, name, length, system);
    pthread_mutex_unlock(&names->lock);
    return absent;
}

const char *pb_names_spelling(const struct pb_names *names)
{
    return names->told;
}

static int32_t distrust(struct pb_names *names, int32_t fd, bool also_watched)
{
    struct directory_key key;
    struct directory_state state;
    int result = names_examine(fd, "", 0, &key, &state);
    pthread_mutex_lock(&names->lock);
    struct directory *directory = result < 0 ? NULL : directory_find(names, &key);
    if (directory != NULL && (also_watched || directory->watch == NAMES_NOT_WATCHED))
        directory->stale = true;
    pthread_mutex_unlock(&names->lock);
    return result;
}

int32_t pb_names_told_changed(struct pb_names *names, int32_t fd)
{
    return distrust(names, fd, false);
}

int32_t pb_names_forget(struct pb_names *names, int32_t fd)
{
    return distrust(names, fd, true);
}

void pb_names_statistics(const struct pb_names *names, struct pb_names_statistics *out)
{
    *out = names->counts;
    out->bytes += sizeof *names + names->counts.directories * sizeof(struct directory);
}
