/* Drives what is known of brief files against a naive model: who is said to have closed one has. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"
#include "checks.h"

#define ROUNDS 20000
#define NAMES 4
#define COPIES 3
#define REMOVALS 16
#define EVENTS_OF_A_QUEUE 16384 /* inotify(7), max_queued_events */

static const char *const NAME[NAMES] = {"a", "b", "c", "d"};

static uint32_t pick(uint32_t below)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static struct named_entry entry_of(int directory, const char *name)
{
    struct named_entry entry = {.parent = directory, .name = 1};
    snprintf(entry.path, sizeof entry.path, "/%s", name);
    entry.is_there = known_status(directory, name, AT_SYMLINK_NOFOLLOW, &entry.found);
    CHECK(known_status(directory, "", AT_EMPTY_PATH, &entry.above));
    return entry;
}

static int open_as(struct pb_core *core, int directory, const char *name, int flags)
{
    struct call_info info = {.nr = SYS_openat, .args = {0, 0, (uint64_t)flags}};
    brief_call_seen(core, &info);
    int fd = openat(directory, name, flags | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static int make(struct pb_core *core, int directory, const char *name)
{
    return open_as(core, directory, name, O_CREAT | O_EXCL | O_WRONLY);
}

static bool is_closed(struct pb_core *core, int directory, const char *name)
{
    struct named_entry entry = entry_of(directory, name);
    return brief_is_closed(core, &entry);
}

static bool removed_as_closed(struct pb_core *core, int directory, const char *name)
{
    bool is_so = is_closed(core, directory, name);
    CHECK(unlinkat(directory, name, 0) == 0);
    return is_so;
}

/* Whether a file that is made, closed and removed is known to be closed. */
static bool knows_one(struct pb_core *core, int directory)
{
    CHECK(close(make(core, directory, "one")) == 0);
    return removed_as_closed(core, directory, "one");
}

/* One more is asked about where the directory has the number of one that is gone. */
static void have_it_watched(struct pb_core *core, int directory)
{
    int asked = 0;
    while (!knows_one(core, directory))
        CHECK(++asked <= REMOVALS + 1);
    CHECK(asked >= REMOVALS);
}

static int new_directory(int above, const char *name)
{
    CHECK(mkdirat(above, name, 0700) == 0);
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static void test_what_is_not_known(struct pb_core *core, int directory)
{
    int fd = make(core, directory, "x");
    CHECK(!removed_as_closed(core, directory, "x")); /* open still */
    CHECK(close(fd) == 0);

    fd = make(core, directory, "x");
    int copy = dup(fd);
    CHECK(copy >= 0 && close(fd) == 0);
    CHECK(!removed_as_closed(core, directory, "x"));
    /* The file of the copy has no name any more: that it is closed says nothing of the next. */
    fd = make(core, directory, "x");
    CHECK(close(copy) == 0);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(close(fd) == 0);

    /* Two opens, one right after the other, are told as one: each of them may have made it. */
    fd = open_as(core, directory, "x", O_CREAT | O_WRONLY);
    int other = open_as(core, directory, "x", O_CREAT | O_WRONLY);
    CHECK(close(fd) == 0);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(close(other) == 0);

    fd = make(core, directory, "x");
    other = open_as(core, directory, "x", O_RDONLY);
    CHECK(close(fd) == 0);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(close(other) == 0);

    CHECK(close(make(core, directory, "x")) == 0);
    fd = open_as(core, directory, "x", O_RDONLY);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(close(fd) == 0);

    /* By others, of whose calls nothing is seen. */
    CHECK(close(make(core, directory, "x")) == 0);
    int readers[] = {openat(directory, "x", O_RDONLY | O_CLOEXEC), openat(directory, "x", O_RDONLY | O_CLOEXEC)};
    CHECK(readers[0] >= 0 && readers[1] >= 0 && close(readers[0]) == 0);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(close(readers[1]) == 0);

    /* Any call that may open something. */
    struct call_info info = {.nr = SYS_openat2};
    CHECK(close(make(core, directory, "x")) == 0);
    brief_call_seen(core, &info);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(knows_one(core, directory));

    /* Who asks has it removed: what is there afterwards is another file. */
    CHECK(close(make(core, directory, "x")) == 0);
    CHECK(is_closed(core, directory, "x") && !removed_as_closed(core, directory, "x"));
}

static void test_lost_events(struct pb_core *core, int directory)
{
    CHECK(close(make(core, directory, "x")) == 0);
    int stays = openat(directory, "stays", O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
    CHECK(stays >= 0);
    for (int i = 0; i < EVENTS_OF_A_QUEUE; i++) {
        int fd = openat(directory, "stays", O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    /* Its open is told no more. */
    int lost = openat(directory, "x", O_RDONLY | O_CLOEXEC);
    CHECK(!removed_as_closed(core, directory, "x"));
    CHECK(close(lost) == 0 && close(stays) == 0 && unlinkat(directory, "stays", 0) == 0);
    CHECK(knows_one(core, directory));
}

static void test_directories_that_go(struct pb_core *core, int above)
{
    for (int i = 0; i < 2 * BRIEF_DIRECTORIES; i++) {
        int directory = new_directory(above, "goes");
        have_it_watched(core, directory);
        CHECK(close(directory) == 0 && unlinkat(above, "goes", AT_REMOVEDIR) == 0);
    }
}

/* Those that were asked about last have the places. */
static void test_many_directories(struct pb_core *core, int above)
{
    int directories[BRIEF_DIRECTORIES + 1];
    for (int i = 0; i <= BRIEF_DIRECTORIES; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i);
        directories[i] = new_directory(above, name);
        have_it_watched(core, directories[i]);
    }
    for (int i = 1; i <= BRIEF_DIRECTORIES; i++)
        CHECK(knows_one(core, directories[i]));
    have_it_watched(core, directories[0]);
    for (int i = 0; i <= BRIEF_DIRECTORIES; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", i);
        CHECK(close(directories[i]) == 0 && unlinkat(above, name, AT_REMOVEDIR) == 0);
    }
}

struct file {
    bool is_there;
    int copies[COPIES], count;
};

static void close_copies(struct file *file, int left)
{
    while (file->count > left)
        CHECK(close(file->copies[--file->count]) == 0);
}

/* One step with a file. Returns whether it was known to be closed, and removed. */
static bool step(struct pb_core *core, int directory, const char *name, struct file *file)
{
    if (!file->is_there) {
        close_copies(file, (int)pick((uint32_t)file->count + 1));
        if (file->count == COPIES)
            return false;
        /* What is open still of the file before this is counted no more. */
        struct file next = {.is_there = true, .count = 1};
        next.copies[0] = make(core, directory, name);
        close_copies(file, 0);
        *file = next;
        return false;
    }
    switch (pick(4)) {
    case 0:
        if (file->count && file->count < COPIES) {
            file->copies[file->count] = dup(file->copies[0]);
            CHECK(file->copies[file->count++] >= 0);
        }
        return false;
    case 1:
        if (file->count < COPIES)
            file->copies[file->count++] = open_as(core, directory, name, O_RDONLY);
        return false;
    case 2:
        close_copies(file, (int)pick((uint32_t)file->count + 1));
        return false;
    default:
        file->is_there = false;
        bool is_so = removed_as_closed(core, directory, name);
        CHECK(!is_so || !file->count);
        return is_so;
    }
}

static void test_any_order(struct pb_core *core, int directory)
{
    struct file files[NAMES] = {{.is_there = false}};
    int known = 0;
    have_it_watched(core, directory);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t which = pick(NAMES);
        known += step(core, directory, NAME[which], &files[which]);
    }
    CHECK(known > ROUNDS / 200);
    for (int i = 0; i < NAMES; i++) {
        close_copies(&files[i], 0);
        CHECK(!files[i].is_there || unlinkat(directory, NAME[i], 0) == 0);
    }
}

static void test_no_instance(struct pb_core *core, int directory)
{
    (void)knows_one(core, directory); /* there were other opens before */
    CHECK(knows_one(core, directory));
    int inotify = brief_leave_inotify(core);
    CHECK(inotify >= 0 && close(inotify) == 0);
    for (int i = 0; i < 2 * REMOVALS; i++)
        CHECK(!knows_one(core, directory));
    CHECK(brief_leave_inotify(core) == -1);
}

int main(int count, char **arguments)
{
    CHECK(count == 2);
    int directory = open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct pb_core *core = pb_core_new();
    CHECK(directory >= 0 && core);
    have_it_watched(core, directory);
    test_what_is_not_known(core, directory);
    test_lost_events(core, directory);
    test_directories_that_go(core, directory);
    test_many_directories(core, directory);
    test_any_order(core, directory);
    test_no_instance(core, directory);
    pb_core_free(core);
    CHECK(close(directory) == 0);
    puts("passed");
    return 0;
}
