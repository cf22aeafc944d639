/* Directories whose names are kept: by key and by last use, watched by inotify where that sees every change. */
#define _GNU_SOURCE
#include "names.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define WATCHED_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

/* Where inotify does not see every change: the granularity of timestamps. Numbers for what linux/magic.h leaves out. */
static const struct {
    uint32_t magic;
    int64_t granularity;
} NOT_SEEN[] = {
    {OVERLAYFS_SUPER_MAGIC, LOCAL_GRANULARITY},
    {ECRYPTFS_SUPER_MAGIC, LOCAL_GRANULARITY},
    {NFS_SUPER_MAGIC, REMOTE_GRANULARITY},
    {SMB_SUPER_MAGIC, REMOTE_GRANULARITY},
    {0xFF534D42 /* cifs */, REMOTE_GRANULARITY},
    {0xFE534D42 /* smb2 */, REMOTE_GRANULARITY},
    {0x00C36400 /* ceph */, REMOTE_GRANULARITY},
    {CODA_SUPER_MAGIC, REMOTE_GRANULARITY},
    {AFS_SUPER_MAGIC, REMOTE_GRANULARITY},
    {0x6B414653 /* afs of the kernel */, REMOTE_GRANULARITY},
    {V9FS_MAGIC, REMOTE_GRANULARITY},
    {0x65735546 /* fuse */, REMOTE_GRANULARITY},
    {0x786F4256 /* vboxsf */, REMOTE_GRANULARITY},
    {0x7461636F /* ocfs2 */, REMOTE_GRANULARITY},
    {0x0BD00BD0 /* lustre */, REMOTE_GRANULARITY},
    {0x01161970 /* gfs2 */, REMOTE_GRANULARITY},
    {0x47504653 /* gpfs */, REMOTE_GRANULARITY},
    {PROC_SUPER_MAGIC, NEVER_BELIEVED},
    {SYSFS_MAGIC, NEVER_BELIEVED},
    {CGROUP_SUPER_MAGIC, NEVER_BELIEVED},
    {CGROUP2_SUPER_MAGIC, NEVER_BELIEVED},
    {DEBUGFS_MAGIC, NEVER_BELIEVED},
    {TRACEFS_MAGIC, NEVER_BELIEVED},
    {SECURITYFS_MAGIC, NEVER_BELIEVED},
    {SELINUX_MAGIC, NEVER_BELIEVED},
    {SMACK_MAGIC, NEVER_BELIEVED},
    {PSTOREFS_MAGIC, NEVER_BELIEVED},
    {EFIVARFS_MAGIC, NEVER_BELIEVED},
    {BPF_FS_MAGIC, NEVER_BELIEVED},
    {DEVPTS_SUPER_MAGIC, NEVER_BELIEVED},
    {NSFS_MAGIC, NEVER_BELIEVED},
    {BINFMTFS_MAGIC, NEVER_BELIEVED},
    {0x0187 /* autofs */, NEVER_BELIEVED},
    {RDTGROUP_SUPER_MAGIC, NEVER_BELIEVED},
    {0x62656570 /* configfs */, NEVER_BELIEVED},
    {0x19800202 /* mqueue */, NEVER_BELIEVED},
    {0x65735543 /* fusectl */, NEVER_BELIEVED},
};

struct pb_names *pb_names_new(uint64_t limit)
{
    struct pb_names *names = calloc(1, sizeof *names);
    if (names == NULL)
        return NULL;
    pthread_mutex_init(&names->lock, NULL);
    names->limit = limit;
    names->inotify = -1;
    if (getrandom(&names->seed, sizeof names->seed, GRND_NONBLOCK) != sizeof names->seed)
        names->seed = (uint64_t)(uintptr_t)names;
    return names;
}

static struct directory **key_bucket(struct pb_names *names, const struct directory_key *key)
{
    uint64_t hash = (key->inode ^ key->device << 32 ^ key->mount << 48) * 0x9E3779B97F4A7C15u;
    return &names->by_key[hash >> 52];
}

static struct directory **watch_bucket(struct pb_names *names, int watch)
{
    return &names->by_watch[(uint32_t)watch % NAMES_BUCKETS];
}

static void leave_order(struct pb_names *names, struct directory *directory)
{
    *(directory->newer ? &directory->newer->older : &names->newest) = directory->older;
    *(directory->older ? &directory->older->newer : &names->oldest) = directory->newer;
}

static void become_newest(struct pb_names *names, struct directory *directory)
{
    directory->newer = NULL;
    directory->older = names->newest;
    *(names->newest ? &names->newest->newer : &names->oldest) = directory;
    names->newest = directory;
}

void directory_use(struct pb_names *names, struct directory *directory)
{
    if (directory == names->newest)
        return;
    leave_order(names, directory);
    become_newest(names, directory);
}

void directory_empty(struct pb_names *names, struct directory *directory)
{
    names->counts.names -= directory->table.names;
    names->counts.bytes -= name_table_bytes(&directory->table);
    name_table_clear(&directory->table);
    directory->stale = true;
    directory->unlisted = false;
}

static void stop_watching(struct pb_names *names, struct directory *directory)
{
    struct directory **link = watch_bucket(names, directory->watch);
    bool shared = false;
    if (directory->watch == NAMES_NOT_WATCHED)
        return;
    /* The same directory by another mount has the same watch. */
    for (struct directory *other = *link; other != NULL; other = other->next_watched)
        shared |= other != directory && other->watch == directory->watch;
    if (!shared)
        inotify_rm_watch(names->inotify, directory->watch);
    while (*link != directory)
        link = &(*link)->next_watched;
    *link = directory->next_watched;
    names->counts.watches--;
    directory->watch = NAMES_NOT_WATCHED;
}

void directory_drop(struct pb_names *names, struct directory *directory)
{
    struct directory **link = key_bucket(names, &directory->key);
    while (*link != directory)
        link = &(*link)->next;
    *link = directory->next;
    stop_watching(names, directory);
    leave_order(names, directory);
    directory_empty(names, directory);
    names->counts.directories--;
    free(directory);
}

void pb_names_free(struct pb_names *names)
{
    if (names == NULL)
        return;
    names_end(names);
    while (names->newest != NULL)
        directory_drop(names, names->newest);
    names_free_observed(names);
    pthread_mutex_destroy(&names->lock);
    free(names);
}

int directory_add(struct pb_names *names, struct directory *directory)
{
    uint64_t bytes = name_table_bytes(&directory->table);
    uint32_t count = directory->table.names;
    int result = name_table_add(&directory->table, &names->other);
    names->counts.names += directory->table.names - count;
    names->counts.bytes += name_table_bytes(&directory->table) - bytes;
    return result;
}

static void directory_remove(struct pb_names *names, struct directory *directory)
{
    uint32_t count = directory->table.names;
    name_table_remove(&directory->table, &names->other);
    names->counts.names -= count - directory->table.names;
}

/* What a listing has already shown changes nothing. */
static void apply(struct pb_names *names, struct directory *directory, const struct inotify_event *event)
{
    size_t length = strnlen(event->name, event->len);
    if ((directory->stale && !directory->unlisted) || length == 0 || length > NAME_LONGEST)
        return;
    name_fold(&names->other, names->seed, event->name, length);
    /* An exchange of two names is told as if the second one were renamed away after the first has become it (fs/namei.c). */
    bool is_exchange = event->mask & IN_MOVED_FROM && directory->came == names->other.hash;
    if (is_exchange)
        directory->stale = directory->unlisted = true;
    directory->came = event->mask & IN_MOVED_TO ? names->other.hash : 0;
    if (event->mask & (IN_CREATE | IN_MOVED_TO)) {
        directory->stale |= directory_add(names, directory) < 0;
    } else if (!is_exchange) {
        directory_remove(names, directory);
    }
}

static void take_event(struct pb_names *names, const struct inotify_event *event)
{
    names->counts.events++;
    if (event->mask & IN_Q_OVERFLOW) {
        for (struct directory *directory = names->newest; directory != NULL; directory = directory->older)
            directory->stale |= directory->watch != NAMES_NOT_WATCHED;
        return;
    }
    struct directory *next;
    for (struct directory *directory = *watch_bucket(names, event->wd); directory != NULL; directory = next) {
        next = directory->next_watched;
        if (directory->watch != event->wd)
            continue;
        if (event->mask & IN_IGNORED) {
            names_forget_observed(names, &directory->key);
            directory_drop(names, directory);
        } else {
            apply(names, directory, event);
        }
    }
}

/* Takes in all that has changed where we watch. */
void names_drain(struct pb_names *names)
{
    ssize_t size;
    if (names->counts.watches == 0)
        return;
    while ((size = read(names->inotify, names->buffer, sizeof names->buffer)) > 0) {
        const struct inotify_event *event;
        for (ssize_t at = 0; at < size; at += (ssize_t)(sizeof *event + event->len)) {
            event = (const struct inotify_event *)(names->buffer + at);
            take_event(names, event);
        }
    }
}

struct directory *directory_find(struct pb_names *names, const struct directory_key *key)
{
    struct directory *directory = *key_bucket(names, key);
    while (directory != NULL && memcmp(&directory->key, key, sizeof *key) != 0)
        directory = directory->next;
    return directory;
}

int64_t names_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

static uint32_t system_of(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) < 0 ? 0 : (uint32_t)system.f_type;
}

/* 0 if inotify sees every change. */
static int64_t granularity_of(uint32_t system)
{
    for (size_t i = 0; i < sizeof NOT_SEEN / sizeof *NOT_SEEN; i++)
        if (NOT_SEEN[i].magic == system)
            return NOT_SEEN[i].granularity;
    return system ? 0 : NEVER_BELIEVED;
}

void directory_watch(struct pb_names *names, struct directory *directory, int fd)
{
    char path[32];
    if (!directory->is_watchable || directory->watch != NAMES_NOT_WATCHED)
        return;
    if (names->inotify < 0 && !names->gave_inotify_up)
        names->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    /* Without a descriptor, every directory is checked by its timestamps. */
    if (names->inotify < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int watch = inotify_add_watch(names->inotify, path, WATCHED_EVENTS);
    /* ENOSPC: the user has no watch left. */
    if (watch < 0)
        return;
    directory->watch = watch;
    struct directory **bucket = watch_bucket(names, directory->watch);
    directory->next_watched = *bucket;
    *bucket = directory;
    names->counts.watches++;
}

int names_leave_inotify(struct pb_names *names)
{
    int inotify = names->inotify;
    for (struct directory *directory = names->newest; directory != NULL; directory = directory->older) {
        directory->stale |= directory->watch != NAMES_NOT_WATCHED;
        directory->watch = NAMES_NOT_WATCHED;
        directory->next_watched = NULL;
    }
    memset(names->by_watch, 0, sizeof names->by_watch);
    names->counts.watches = 0;
    names->inotify = -1;
    names->gave_inotify_up = true;
    return inotify;
}

void names_end(struct pb_names *names)
{
    pthread_mutex_lock(&names->lock);
    int inotify = names_leave_inotify(names);
    pthread_mutex_unlock(&names->lock);
    release(inotify);
}

struct directory *directory_new(struct pb_names *names, const struct directory_key *key, uint32_t system, int fd)
{
    struct directory *directory = calloc(1, sizeof *directory);
    struct directory **bucket = key_bucket(names, key);
    if (directory == NULL)
        return NULL;
    directory->key = *key;
    directory->stale = true;
    directory->watch = NAMES_NOT_WATCHED;
    directory->system = system ? system : system_of(fd);
    directory->granularity = granularity_of(directory->system);
    directory->next = *bucket;
    *bucket = directory;
    become_newest(names, directory);
    names->counts.directories++;
    directory->is_watchable = directory->granularity == 0;
    if (directory->is_watchable)
        directory->granularity = LOCAL_GRANULARITY;
    directory->seen = names_clock();
    return directory;
}

