/* Owns what inotify tells of files that are made and soon removed, in directories where many are: that such a file is closed
   again is known without asking the kernel for what each descriptor stands. Where anything else happens to a name, nothing is
   known of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../native.h"

/* Where fewer files are removed a watch is not worth its end. */
#define MANY_REMOVALS 16
#define MOST_NAMES (UINT64_C(1) << 14)
#define EVENTS (IN_CREATE | IN_OPEN | IN_CLOSE)
#define ROOM 8192 /* bytes of events */
#define LONGEST_EVENT ((ssize_t)sizeof(struct inotify_event) + NAME_MAX + 1)

/* What is known of the file that has a name: what has happened since it was made. */
enum knowledge { CREATED = 1, OPENED, CLOSED };

static uint64_t key_for(enum knowledge knowledge, uint64_t name)
{
    return key_of(knowledge, &name, sizeof name);
}

static bool knows(const struct brief *brief, enum knowledge knowledge, uint64_t name)
{
    return keys_has(&brief->names, key_for(knowledge, name));
}

/* What is not known of some is known of none. */
static void know(struct brief *brief, enum knowledge knowledge, uint64_t name)
{
    if (brief->names.used >= MOST_NAMES || keys_add(&brief->names, key_for(knowledge, name)))
        keys_clear(&brief->names);
}

static void forget(struct brief *brief, uint64_t name)
{
    for (enum knowledge gone = CREATED; gone <= CLOSED; gone++)
        keys_remove(&brief->names, key_for(gone, name));
}

static struct brief_directory *directory_of(struct brief *brief, const struct named_entry *entry)
{
    uint64_t device = status_device(&entry->above);
    for (int i = 0; i < BRIEF_DIRECTORIES; i++)
        if (brief->directories[i].inode == entry->above.inode && brief->directories[i].device == device)
            return &brief->directories[i];
    return NULL;
}

static struct brief_directory *watched_directory(struct brief *brief, int watch)
{
    for (int i = 0; i < BRIEF_DIRECTORIES; i++)
        if (brief->directories[i].watch == watch)
            return &brief->directories[i];
    return NULL;
}

/* What is known of its names is out of date when it is watched again. */
static void vacate(struct brief *brief, struct brief_directory *directory)
{
    *directory = (struct brief_directory){0};
    keys_clear(&brief->names);
}

static uint64_t name_in(const struct brief_directory *directory, const char *name)
{
    return name_key(directory->device, directory->inode, name, strlen(name));
}

/* A file is known while it is created, opened and closed, once each and in this order. Two opens, one right after the other, are
   told as one (inotify(7)): where there was another open than that which has made a file, nothing is known. */
static void take_event(struct brief *brief, const struct inotify_event *event)
{
    struct brief_directory *directory = event->wd > 0 ? watched_directory(brief, event->wd) : NULL;
    if (event->mask & IN_Q_OVERFLOW)
        keys_clear(&brief->names);
    else if (directory && event->mask & IN_IGNORED)
        vacate(brief, directory);
    else if (directory && event->len) {
        uint64_t name = name_in(directory, event->name);
        bool was_created = knows(brief, CREATED, name), was_opened = knows(brief, OPENED, name);
        forget(brief, name);
        if (event->mask & IN_CREATE)
            know(brief, CREATED, name);
        else if (event->mask & IN_OPEN && was_created)
            know(brief, OPENED, name);
        else if (event->mask & IN_CLOSE && was_opened)
            know(brief, CLOSED, name);
    }
}

static void take_events(struct brief *brief)
{
    union {
        struct inotify_event first;
        char bytes[ROOM];
    } events;
    ssize_t size;
    do {
        const struct inotify_event *event;
        size = read(brief->inotify, &events, sizeof events);
        for (ssize_t at = 0; at < size; at += (ssize_t)(sizeof *event + event->len)) {
            event = (const struct inotify_event *)(events.bytes + at);
            take_event(brief, event);
        }
    } while (size > ROOM - LONGEST_EVENT); /* where another would have had room there is none */
}

/* A file that has lost its name is not the one that has it now: what happens to it is not told. */
static void watch(struct brief *brief, struct brief_directory *directory, int fd)
{
    char path[32];
    if (brief->inotify < 0 && !brief->is_given_up)
        brief->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (brief->inotify < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int watch = inotify_add_watch(brief->inotify, path, EVENTS | IN_EXCL_UNLINK | IN_ONLYDIR);
    directory->watch = watch < 0 ? 0 : watch;
}

static struct brief_directory *take_place(struct brief *brief, const struct named_entry *entry)
{
    brief->last = (brief->last + 1) % BRIEF_DIRECTORIES;
    struct brief_directory *directory = &brief->directories[brief->last];
    if (directory->watch) {
        inotify_rm_watch(brief->inotify, directory->watch);
        vacate(brief, directory);
    }
    *directory = (struct brief_directory){.device = status_device(&entry->above), .inode = entry->above.inode};
    return directory;
}

bool brief_is_closed(struct pb_core *core, const struct named_entry *entry)
{
    struct brief *brief = &core->brief;
    struct brief_directory *directory = directory_of(brief, entry);
    if (!directory)
        directory = take_place(brief, entry);
    if (!directory->watch) {
        if (++directory->removals == MANY_REMOVALS)
            watch(brief, directory, entry->parent);
        return false;
    }
    take_events(brief);
    if (brief->is_forgotten)
        keys_clear(&brief->names);
    brief->is_forgotten = false;
    uint64_t name = name_in(directory, entry->path + entry->name);
    bool is_so = directory->watch && knows(brief, CLOSED, name);
    forget(brief, name);
    return is_so;
}

static bool opens_nothing_that_is_there(const struct call_info *info)
{
    uint64_t makes = O_CREAT | O_EXCL;
    switch (info->nr) {
    case SYS_open:
        return (info->args[1] & makes) == makes;
    case SYS_openat:
        return (info->args[2] & makes) == makes;
    case SYS_stat:
    case SYS_lstat:
    case SYS_fstat:
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_close:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_rmdir:
    case SYS_unlink:
    case SYS_unlinkat:
        return true;
    default:
        return false;
    }
}

/* What was told until the next removal may be of what this opens. */
void brief_call_seen(struct pb_core *core, const struct call_info *info)
{
    core->brief.is_forgotten |= !opens_nothing_that_is_there(info);
}

int brief_leave_inotify(struct pb_core *core)
{
    struct brief *brief = &core->brief;
    int inotify = brief->inotify;
    keys_clear(&brief->names);
    *brief = (struct brief){.inotify = -1, .is_given_up = true};
    return inotify;
}

void brief_clear(struct pb_core *core)
{
    release(brief_leave_inotify(core));
}
