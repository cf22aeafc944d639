/* What the files of the folded directory index share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "native.h"

/* Longer names than any file system that Linux has. */
#define NAME_LONGEST 1024

/* A name folded unit by unit; one that is no UTF-8 has no units and equals only itself. */
struct folded_name {
    const char *text;
    uint32_t length;
    uint32_t hash;
    int32_t count; /* of points, -1: no UTF-8 */
    uint32_t points[NAME_LONGEST];
};

/* What a table, or a listing read once, holds of a name. */
struct name_match {
    bool exact;
    uint32_t others; /* spellings that only fold to it */
    uint32_t length; /* of the least of those */
    char spelling[NAME_LONGEST + 1];
};

struct name_slot {
    uint32_t hash;
    uint32_t place;
};

/* The names of one directory in the order of their arrival, found by hash. All zero is an empty one. */
struct name_table {
    struct name_slot *slots;
    uint32_t slot_count; /* a power of two, or 0 */
    uint32_t slots_used; /* by names, and by what removed ones left */
    uint32_t names;
    char *text;
    uint32_t text_size;
    uint32_t text_used;
    uint32_t text_removed;
};

/* length is at most NAME_LONGEST. */
void name_fold(struct folded_name *name, uint64_t seed, const char *text, size_t length);
/* Counts a stored spelling in if it is one of the name's. */
void name_consider(struct name_match *match, const struct folded_name *name, const char *spelling, size_t length);

/* 0, or -ENOMEM. Adding what is there and removing what is not changes nothing. */
int name_table_add(struct name_table *table, const struct folded_name *name);
void name_table_remove(struct name_table *table, const struct folded_name *name);
void name_table_match(const struct name_table *table, const struct folded_name *name, struct name_match *match);
/* What is stored with a name's hash, one a call, from *at = 0 on; NULL: no more. */
const char *name_table_next(const struct name_table *table, const struct folded_name *name, uint32_t *at,
                            size_t *length);
void name_table_clear(struct name_table *table);
/* All names, each with its NUL, to be freed; NULL: no memory. */
char *name_table_copy(const struct name_table *table, size_t *size);
uint64_t name_table_bytes(const struct name_table *table);

#define NAMES_BUCKETS 4096
#define NAMES_OBSERVED_BUCKETS 256
#define NAMES_BUFFER_SIZE 65536
#define NAMES_NOT_WATCHED (-1)
#define MILLISECOND 1000000LL
/* Within these times two changes may leave the same timestamp: the tick of a 100 Hz kernel; FAT, the coarsest server. */
#define LOCAL_GRANULARITY (20 * MILLISECOND)
#define REMOTE_GRANULARITY (2000 * MILLISECOND)
#define NEVER_BELIEVED INT64_MAX

struct directory_key {
    uint64_t mount; /* a number that is never used again, where the kernel tells it (Linux 6.8) */
    uint64_t device;
    uint64_t inode;
};

/* What shows, apart from its names, that a directory is not as it was. */
struct directory_state {
    uint32_t mode;
    uint32_t user;
    uint32_t group;
    uint32_t nanoseconds[2]; /* of the last modification and the last change */
    int64_t seconds[2];
    uint32_t system; /* the kind of its file system (statfs(2)), 0: not asked for */
};

struct directory {
    struct directory_key key;
    struct directory *next;
    struct directory *next_watched;
    struct directory *newer;
    struct directory *older;
    int watch;
    bool is_watchable;   /* inotify shows every change */
    bool stale;
    bool unlisted;       /* stale, and not to be listed: holds names that may be there */
    bool believed;       /* not watched: the listing began when the timestamps had been seen for long enough */
    uint32_t system;     /* the kind of its file system, 0: not known */
    int64_t granularity; /* nanoseconds */
    int64_t seen;        /* when the timestamps were seen first */
    uint32_t came;       /* the hash of the name that something was just renamed to; 0: nothing was */
    struct directory_state state;
    struct name_table table;
};

#define NAMES_MOUNTS 64

/* A mount has one file system for as long as it is. */
struct known_mount {
    uint64_t mount;
    uint32_t system;
};

/* A directory whose opens and reads a guest sees, and those of the directories in it. */
struct observed {
    uint64_t device;
    uint64_t inode;
    struct observed *next;
};

struct pb_names {
    pthread_mutex_t lock; /* of all below: Python and threads of the notify channel look names up */
    char told[NAME_LONGEST + 1]; /* see pb_names_spelling */
    struct directory *by_key[NAMES_BUCKETS];
    struct directory *by_watch[NAMES_BUCKETS];
    struct directory *newest;
    struct directory *oldest;
    int inotify;
    bool gave_inotify_up;
    bool expects_observer; /* a directory is watched from its first listing on */
    bool asks_again;       /* the last directory that was asked about was known already */
    struct known_mount mounts[NAMES_MOUNTS];
    struct observed *observed[NAMES_OBSERVED_BUCKETS];
    uint32_t observed_count;
    uint64_t seed;
    uint64_t limit;
    struct pb_names_statistics counts;
    struct name_match match;
    struct folded_name wanted;
    struct folded_name other;
    char buffer[NAMES_BUFFER_SIZE] __attribute__((aligned(8)));
};

/* As pb_names_look_up, in a directory that was examined; *spelling gets what is stored if it is another spelling. */
int32_t names_find(struct pb_names *names, int fd, const struct directory_key *key, const struct directory_state *state,
                   const char *name, size_t length, char spelling[NAME_LONGEST + 1]);
/* Whether it is known, with no open of the directory that a path leads to, that nothing has the name there in any spelling;
   *system gets the kind of its file system. */
bool names_know_absent(struct pb_names *names, const char *path, const char *name, size_t length, uint32_t *system);
struct directory *directory_find(struct pb_names *names, const struct directory_key *key);
/* Watches an open directory if that shows every change; what was read before does not count. */
void directory_watch(struct pb_names *names, struct directory *directory, int fd);
/* Begins to keep an open directory, empty and stale; NULL: no memory. */
struct directory *directory_new(struct pb_names *names, const struct directory_key *key, uint32_t system, int fd);
void directory_drop(struct pb_names *names, struct directory *directory);
/* It becomes the one used last. */
void directory_use(struct pb_names *names, struct directory *directory);
void directory_empty(struct pb_names *names, struct directory *directory);
/* names->other is one of its names; 0 or -ENOMEM. */
int directory_add(struct pb_names *names, struct directory *directory);
/* Watches none any more, for good; gives the descriptor that did, or -1. */
int names_leave_inotify(struct pb_names *names);
/* Nobody asks much any more. */
void names_end(struct pb_names *names);
/* A directory by its path from an open one, "" for that one: 0 or -errno. */
int names_examine(int fd, const char *path, int flags, struct directory_key *key, struct directory_state *state);
/* As names_examine of an open directory, with the kind of its file system; without the lock, as either may take its time. */
int names_examine_whole(struct pb_names *names, int fd, struct directory_key *key, struct directory_state *state);
void names_forget_match(struct pb_names *names);
/* Finds names->wanted in an open directory that was examined: 0 or -errno; leaves the answer in names->match. */
int names_match_in(struct pb_names *names, int fd, const struct directory_key *key, const struct directory_state *state);
/* Whether a guest would see that an open directory is listed. */
bool names_is_observed(struct pb_names *names, const struct directory_key *key, int fd);
/* As names_match_in, of the names that were listed or looked for before; directory is NULL if none were. */
int names_match_unlisted(struct pb_names *names, struct directory *directory, const struct directory_key *key, int fd);
/* The directory is gone, and another may get its number. */
void names_forget_observed(struct pb_names *names, const struct directory_key *key);
void names_free_observed(struct pb_names *names);
/* Takes in all that has changed where we watch; may drop directories. */
void names_drain(struct pb_names *names);
/* Nanoseconds of a monotonic clock. */
int64_t names_clock(void);
