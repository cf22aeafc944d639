/* Owns what is remembered of names that mean nothing in any spelling, or something in another one: the gate need not ask for
   them again. All is forgotten when something may have got a name: guests' calls are seen, and who else makes one is seen by
   inotify, a moment later. That a name is gone need not be noticed: what is remembered then finds nothing, and is asked for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../names.h"
#include "gate.h"
#include "guest.h"
#include "misses.h"

#define DIRECTORY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* What gives a name a meaning, and what makes another directory of one that is watched. */
#define MAKES (IN_CREATE | IN_MOVED_TO)
#define EVENTS (MAKES | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define ONCE_BITS 12
/* As many directories that fall together are known at once: two in turn would never be. */
#define HEAD_SETS 64
#define HEAD_WAYS 4
/* Not all that a user may have. */
#define MOST_WATCHES 2048
#define HEAD_LONGEST 512
/* What no event tells, as a mount, is noticed after so many milliseconds. */
#define LONGEST 1000
/* And a pause between two looks at events, in milliseconds. */
#define REST 2
#define STACK_SIZE (128 * 1024)

_Static_assert(GUEST_CAPTURES + 8 * PB_NR_COUNT <= GATE_GENERATION && GATE_GENERATION + 8 <= GATE_REPEATS &&
                   GATE_REPEATS + REPEATS_SIZE <= GATE_LOOKS && GATE_LOOKS + LOOKS_SIZE <= GATE_PERMITS &&
                   GATE_PLACES + 4 * PB_BLOCK_COUNT <= GATE_SPELLINGS &&
                   GATE_SPELLINGS + sizeof(struct gate_spelling) * SPELLING_COUNT <= GATE_MISSES &&
                   GATE_MISSES + 8 * MISS_COUNT <= GATE_END && MISS_COUNT == 1 << MISS_BITS,
               "the tables fit");
/* What is remembered has a place: a name that means nothing that of its miss, others those behind. */
#define PLACE_COUNT (MISS_COUNT + SPELLING_COUNT)

/* What comes before the last component of paths, all of whose directories are watched. */
struct head {
    uint64_t epoch;
    uint32_t place;
    char path[HEAD_LONGEST];
};

struct misses {
    struct pb_core *core;
    pthread_mutex_t lock; /* of `once` and `heads` */
    pthread_t thread;
    int inotify, ending;
    /* With the core's lock: */
    uint64_t epoch;  /* goes up when some directory is not watched any more, or at another place */
    uint64_t events; /* goes up with each that the thread takes */
    uint32_t first[1 << FOLDED_BITS]; /* of what is remembered with a component, by its folded hash; 0: nothing is */
    struct component {
        uint32_t next; /* of the same hash */
        uint16_t hash;
        bool is_used;
    } components[1 + PLACE_COUNT * MOST_COMPONENTS]; /* so many for each place; the first is none */
    uint32_t watches;
    uint64_t once[1 << ONCE_BITS]; /* names that were asked for */
    struct head heads[HEAD_SETS][HEAD_WAYS];
    uint32_t next_way, next_spelling;
};

static struct gate_spelling *spelling_at(const struct pb_core *core, uint32_t number)
{
    return (struct gate_spelling *)in_gate(core, GATE_SPELLINGS) + number;
}

static void spelling_forget(struct gate_spelling *spelling)
{
    __atomic_store_n(&spelling->hash, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&spelling->version, spelling->version + 1, __ATOMIC_SEQ_CST);
    memset(spelling->path, 0, sizeof spelling->path);
}

/* Who reads it meanwhile sees by the version that it is another. */
static void spelling_keep(struct gate_spelling *spelling, uint64_t hash, const struct miss *miss)
{
    spelling_forget(spelling);
    strcpy(spelling->path, miss->stored);
    spelling->looks = miss->looks;
    __atomic_store_n(&spelling->hash, hash, __ATOMIC_SEQ_CST);
}

static void forget_place(struct misses *misses, uint32_t place)
{
    uint32_t number = 1 + place * MOST_COMPONENTS;
    for (int i = 0; i < MOST_COMPONENTS && misses->components[number].is_used; i++, number++) {
        uint32_t *link = &misses->first[misses->components[number].hash];
        while (*link != number)
            link = &misses->components[*link].next;
        *link = misses->components[number].next;
        misses->components[number].is_used = false;
    }
    if (place < MISS_COUNT)
        __atomic_store_n(in_gate(misses->core, GATE_MISSES) + place, 0, __ATOMIC_SEQ_CST);
    else
        spelling_forget(spelling_at(misses->core, place - MISS_COUNT));
}

static void forget_component(struct misses *misses, uint16_t hash)
{
    while (misses->first[hash])
        forget_place(misses, (misses->first[hash] - 1) / MOST_COMPONENTS);
}

void misses_forget(struct pb_core *core)
{
    if (!core->remembers)
        return;
    core->remembers = false;
    permits_forget_all(core);
    for (uint32_t hash = 0; hash < 1 << FOLDED_BITS; hash++)
        forget_component(core->misses, (uint16_t)hash);
    core->generation += UINT64_C(0x9e3779b97f4a7c15);
    __atomic_store_n(in_gate(core, GATE_GENERATION), core->generation, __ATOMIC_SEQ_CST);
}

void place_tell(const struct pb_core *core, const struct task *task)
{
    if (core->stubs && task->block)
        __atomic_store_n((uint32_t *)in_gate(core, GATE_PLACES) + (task->block - 1), task->place, __ATOMIC_SEQ_CST);
}

void place_begin(struct pb_core *core, struct task *task)
{
    task->place = ++core->places;
}

/* The task's directory, or what it may see in one, is another from now on, and that of all that share it. */
static void place_change(struct pb_core *core, struct task *task, uint32_t place)
{
    bool shares = false;
    for (int bucket = 0; task->place && bucket < TASK_BUCKETS; bucket++)
        for (struct task *other = core->buckets[bucket]; other; other = other->next) {
            if (other == task || other->place != task->place ||
                syscall(SYS_kcmp, task->tid, other->tid, KCMP_FS, 0, 0) != 0)
                continue;
            other->place = 0;
            place_tell(core, other);
            shares = true;
        }
    task->place = shares ? 0 : place;
    place_tell(core, task);
}

bool makes_name(const struct pb_core *core, uint64_t nr, const uint64_t *args)
{
    uint32_t flags = core->dispositions[nr] >> PB_OPEN_FLAGS_SHIFT & 3;
    switch (nr) {
    case SYS_open:
        return !args || args[1] & O_CREAT;
    case SYS_openat:
        return !args || args[2] & O_CREAT;
    case SYS_openat2:
    case SYS_creat:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_mknod:
    case SYS_mknodat:
    case SYS_link:
    case SYS_linkat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_bind:
    case SYS_mount:
    case SYS_umount2:
    case SYS_move_mount:
        return true;
    default:
        return flags && args && args[flags] & O_CREAT;
    }
}

/* Guests can read what is remembered: spellings only as long as each of them can see what any of them sees. */
static void rights_differ(struct pb_core *core)
{
    misses_forget(core);
    core->has_other_rights = true;
}

void name_call_seen(struct pb_core *core, struct task *task, uint64_t nr, const uint64_t *args)
{
    if (!core->resolver)
        return;
    switch (nr) {
    case SYS_chdir:
    case SYS_fchdir:
        place_change(core, task, ++core->places);
        return;
    case SYS_chroot:
    case SYS_pivot_root:
    case SYS_unshare:
    case SYS_setns:
        rights_differ(core);
        place_change(core, task, 0);
        return;
    case SYS_landlock_restrict_self:
        rights_differ(core);
        return;
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid:
    case SYS_setfsuid:
    case SYS_setfsgid:
    case SYS_setgroups:
    case SYS_capset:
        rights_differ(core);
        task->place = 0;
        place_tell(core, task);
        return;
    default:
        task->makes_name = core->misses && makes_name(core, nr, args);
        if (task->makes_name)
            misses_forget(core);
    }
}

void misses_name_made(struct pb_core *core, const struct made_name *made)
{
    if (core->misses && core->remembers) {
        forget_component(core->misses, short_hash(made->hash));
        permits_forget(core, short_hash(made->hash));
    }
}

static void take_event(struct misses *misses, const struct inotify_event *event)
{
    struct folded_name folded;
    misses->events++;
    if (!(event->mask & MAKES)) {
        misses->epoch++;
        misses_forget(misses->core);
    } else if (event->len && misses->core->remembers) {
        name_fold(&folded, 0, event->name, strnlen(event->name, event->len));
        forget_component(misses, short_hash(folded.hash));
        permits_notice(misses->core, event->wd, event->name, short_hash(folded.hash));
    }
}

static void take_events(struct misses *misses)
{
    char events[4096] __attribute__((aligned(8)));
    ssize_t size;
    while ((size = read(misses->inotify, events, sizeof events)) > 0) {
        LOCKED(misses->core);
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const struct inotify_event *)(events + at);
            take_event(misses, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

static void *notice(void *argument)
{
    struct misses *misses = argument;
    struct pollfd files[2] = {{.fd = misses->inotify, .events = POLLIN}, {.fd = misses->ending, .events = POLLIN}};
    int64_t forgot = names_clock();
    while (!files[1].revents) {
        if (poll(files, 2, LONGEST) > 0 && files[0].revents) {
            take_events(misses);
            /* Where names are made all the time, one look is for many. */
            poll(&files[1], 1, REST);
        }
        if (names_clock() - forgot < LONGEST * MILLISECOND)
            continue;
        forgot = names_clock();
        LOCKED(misses->core);
        misses_forget(misses->core);
    }
    return NULL;
}

static bool start(struct misses *misses)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&misses->thread, &attributes, notice, misses);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !error;
}

static void misses_free(struct misses *misses)
{
    if (misses->inotify >= 0)
        close(misses->inotify);
    if (misses->ending >= 0)
        close(misses->ending);
    pthread_mutex_destroy(&misses->lock);
    free(misses);
}

static struct misses *misses_new(struct pb_core *core)
{
    struct misses *misses = calloc(1, sizeof *misses);
    if (!misses)
        return NULL;
    misses->core = core;
    misses->epoch = 1;
    pthread_mutex_init(&misses->lock, NULL);
    misses->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    misses->ending = eventfd(0, EFD_CLOEXEC);
    if (misses->inotify >= 0 && misses->ending >= 0 && start(misses))
        return misses;
    misses_free(misses);
    return NULL;
}

/* Nothing is watched any more; gives the descriptor that did, or -1. */
static int stop(struct misses *misses)
{
    if (misses->inotify < 0)
        return -1;
    eventfd_write(misses->ending, 1);
    pthread_join(misses->thread, NULL);
    pthread_mutex_lock(&misses->lock);
    int inotify = misses->inotify;
    misses->inotify = -1;
    pthread_mutex_unlock(&misses->lock);
    return inotify;
}

void misses_close(struct pb_core *core)
{
    struct misses *misses;
    {
        LOCKED(core);
        misses = core->misses;
        core->misses = NULL;
        core->remembers = false;
    }
    if (misses) {
        release(stop(misses));
        misses_free(misses);
    }
}

static struct misses *misses_of(struct pb_core *core)
{
    LOCKED(core);
    if (!core->misses && core->resolver && !core->spares_instance)
        core->misses = misses_new(core);
    if (core->misses && !core->generation &&
        getrandom(&core->generation, sizeof core->generation, GRND_NONBLOCK) != sizeof core->generation)
        core->generation = 1;
    return core->misses;
}

static int watch_number(const struct misses *misses, int directory)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
    return inotify_add_watch(misses->inotify, path, EVENTS);
}

static bool watch(struct misses *misses, int directory)
{
    struct statfs system;
    if (misses->watches++ >= MOST_WATCHES)
        return false;
    /* Who changes the layers of an overlay is not seen there. */
    return fstatfs(directory, &system) == 0 && (uint32_t)system.f_type != OVERLAYFS_SUPER_MAGIC &&
           watch_number(misses, directory) >= 0;
}

static int open_start(const struct miss *miss)
{
    char path[64];
    if (miss->path[0] == '/')
        return open("/", DIRECTORY);
    snprintf(path, sizeof path, "/proc/%d/cwd", miss->tid);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Watches every directory that a path passes up to its last component; false if some are links, or cannot be watched. */
static bool watch_all(struct misses *misses, const struct miss *miss, const char *head)
{
    char path[HEAD_LONGEST], *rest = NULL;
    int directory = open_start(miss);
    bool watched = directory >= 0 && watch(misses, directory);
    strcpy(path, head);
    for (char *name = strtok_r(path, "/", &rest); watched && name; name = strtok_r(NULL, "/", &rest)) {
        if (strcmp(name, ".") == 0)
            continue;
        int below = strcmp(name, "..") == 0 ? -1 : openat(directory, name, DIRECTORY);
        bool ends = below < 0 && errno == ENOENT && strcmp(name, "..") != 0; /* what is behind is there only if this is */
        close(directory);
        directory = below;
        watched = ends || (directory >= 0 && watch(misses, directory));
        if (ends)
            break;
    }
    if (directory >= 0)
        close(directory);
    return watched;
}

/* Whether all directories of a path are watched, and were before the name was looked for; if not, they may be from now on. */
static bool is_watched_whole(struct misses *misses, const struct miss *miss, bool may_watch)
{
    const char *whole = miss->stored ? miss->stored : miss->path;
    size_t length = strlen(whole);
    while (length && whole[length - 1] == '/')
        length--;
    while (length && whole[length - 1] != '/')
        length--;
    char path[HEAD_LONGEST] = {0};
    if (length >= sizeof path)
        return false;
    memcpy(path, whole, length);
    uint64_t hash = miss_hash(0, miss->place, path);
    struct head *heads = misses->heads[hash >> 32 & (HEAD_SETS - 1)];
    for (int way = 0; way < HEAD_WAYS; way++)
        if (heads[way].epoch == miss->epoch && heads[way].place == miss->place && strcmp(heads[way].path, path) == 0)
            return true;
    if (!may_watch)
        return false;
    struct head *head = &heads[misses->next_way++ % HEAD_WAYS];
    if (watch_all(misses, miss, path) && is_asking_still(miss->listener, miss->id)) {
        head->epoch = miss->epoch;
        head->place = miss->place;
        memcpy(head->path, path, sizeof path);
    }
    return false;
}

/* Whether it was asked for before. */
static bool is_known(struct misses *misses, uint64_t hash)
{
    uint64_t *once = &misses->once[hash >> (64 - ONCE_BITS)];
    bool known = *once == hash;
    *once = hash;
    return known;
}

void miss_begin(const struct pb_core *core, const struct task *task, struct miss *miss)
{
    miss->place = task->place;
    miss->generation = core->generation;
    miss->epoch = core->misses ? core->misses->epoch : 0;
    miss->events = core->misses ? core->misses->events : 0;
    miss->makings = core->makings;
}

int components_of(const char *path, uint16_t hashes[MOST_COMPONENTS])
{
    struct folded_name folded;
    for (int count = 0;; count++) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (!length)
            return count;
        if (count == MOST_COMPONENTS)
            return -1;
        name_fold(&folded, 0, path, length);
        hashes[count] = short_hash(folded.hash);
        path += length;
    }
}

/* Whether one of them may come to be at any moment. */
static bool is_made(const struct pb_core *core, const struct task *except, const uint16_t *hashes, int count)
{
    for (const struct task *maker = core->makers; maker; maker = maker->next_maker)
        for (int i = 0; maker != except && i < count; i++)
            if (hashes[i] == short_hash(maker->made.hash))
                return true;
    return false;
}

/* None of its components may be made unseen from now on. */
static void keep(struct misses *misses, uint32_t place, const uint16_t *hashes, int count)
{
    uint32_t number = 1 + place * MOST_COMPONENTS;
    forget_place(misses, place);
    for (int i = 0; i < count; i++, number++) {
        misses->components[number] = (struct component){misses->first[hashes[i]], hashes[i], true};
        misses->first[hashes[i]] = number;
    }
}

/* Where it is already, or nothing is, or in turn. */
static uint32_t spelling_place(struct misses *misses, uint64_t hash)
{
    uint32_t first = first_spelling(hash), place = first + misses->next_spelling++ % SPELLING_WAYS;
    const struct gate_spelling *set = spelling_at(misses->core, first);
    for (uint32_t way = 0; way < SPELLING_WAYS; way++) {
        if (set[way].hash == hash)
            return first + way;
        if (!set[way].hash)
            place = first + way;
    }
    return place;
}

bool miss_is_watched(struct pb_core *core, const struct miss *miss, enum remembered what)
{
    struct misses *misses = misses_of(core);
    uint64_t first = miss_hash(1 + (uint64_t)what, miss->place, miss->path);
    if (!misses || !miss->place || !first || (miss->dirfd != AT_FDCWD && miss->path[0] != '/'))
        return false;
    pthread_mutex_lock(&misses->lock);
    bool known = is_known(misses, first);
    bool watched = (known || what == ITS_MEANING) && is_watched_whole(misses, miss, known);
    pthread_mutex_unlock(&misses->lock);
    return watched;
}

int miss_watch(struct pb_core *core, int directory)
{
    struct misses *misses = misses_of(core);
    if (!misses)
        return -1;
    pthread_mutex_lock(&misses->lock);
    int number = watch_number(misses, directory);
    pthread_mutex_unlock(&misses->lock);
    return number;
}

bool miss_holds(const struct pb_core *core, const struct miss *miss, const struct task *except, const uint16_t *hashes,
                int count)
{
    const struct misses *misses = core->misses;
    return misses && misses->epoch == miss->epoch && misses->events == miss->events &&
           core->generation == miss->generation && core->makings == miss->makings && core->resolver && core->stubs &&
           count >= 0 && !is_made(core, except, hashes, count);
}

void miss_seen(struct pb_core *core, const struct miss *miss)
{
    if ((miss->stored && strlen(miss->stored) >= sizeof(((struct gate_spelling *)0)->path)) ||
        !miss_is_watched(core, miss, ITS_MEANING) || !is_asking_still(miss->listener, miss->id))
        return;
    uint16_t hashes[MOST_COMPONENTS];
    int count = components_of(miss->path, hashes);
    uint64_t hash = miss_hash(miss->generation, miss->place, miss->path);
    LOCKED(core);
    struct misses *misses = core->misses;
    if (!miss_holds(core, miss, NULL, hashes, count) || (miss->stored && (core->has_other_rights || core->has_other_roots)))
        return;
    core->remembers = true;
    __atomic_store_n(in_gate(core, GATE_GENERATION), core->generation, __ATOMIC_SEQ_CST);
    if (miss->stored) {
        uint32_t number = spelling_place(misses, hash);
        keep(misses, MISS_COUNT + number, hashes, count);
        spelling_keep(spelling_at(core, number), hash, miss);
    } else {
        uint32_t number = (uint32_t)(hash >> (64 - MISS_BITS));
        keep(misses, number, hashes, count);
        __atomic_store_n(in_gate(core, GATE_MISSES) + number, hash, __ATOMIC_SEQ_CST);
    }
}

void misses_spare_instance(struct pb_core *core)
{
    struct misses *misses;
    {
        LOCKED(core);
        core->spares_instance = true;
        misses = core->misses;
    }
    if (!misses)
        return;
    close(stop(misses)); /* there is another at once */
    LOCKED(core);
    misses->epoch++;
    misses_forget(core);
}
