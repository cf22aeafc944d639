/* Drives the folded directory index against a naive model: a directory is changed behind its back, then asked about. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "checks.h"

#define ROUNDS 6000

static const char *const SPELLINGS[] = {
    "a",  "A",  "ab", "Ab", "aB", "AB", "\xC3\xA9", "\xC3\x89", "e\xCC\x81", "\xC3\xBF",
    "\xC5\xB8", "\xE2\xB1\xA5", "\xC8\xBA", "\xF0\x90\x90\xA8", "\xF0\x90\x90\x80", "\xFF", "a\xFF", "A\xFF",
    "\xED\xA0\x80", "\xC1\x81", "\xF4\x90\x80\x80", "\xE2\xB1", "\xF0\x90\x90", "\xC3",
};
#define COUNT (sizeof SPELLINGS / sizeof *SPELLINGS)

static uint32_t random_state = 1;

static uint32_t pick(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static int look_up(struct pb_names *names, int fd, const char *name)
{
    return pb_names_look_up(names, fd, name, strlen(name));
}

static void make(int fd, const char *name)
{
    int file = openat(fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    CHECK(close(file) == 0);
}

/* Every entry against the name, by the functions that fold. */
static int expected(int fd, const char *name, struct name_match *match)
{
    static struct folded_name folded;
    name_fold(&folded, 0, name, strlen(name));
    match->exact = false;
    match->others = 0;
    DIR *directory = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(directory != NULL);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        name_consider(match, &folded, entry->d_name, strlen(entry->d_name));
    closedir(directory);
    if (match->exact)
        return PB_NAMES_EXACT;
    return match->others == 0 ? PB_NAMES_ABSENT : match->others == 1 ? PB_NAMES_FOLDED : PB_NAMES_AMBIGUOUS;
}

static void check_against_model(struct pb_names *names, int fd)
{
    static struct name_match match;
    for (int round = 0; round < ROUNDS; round++) {
        const char *name = SPELLINGS[pick(COUNT)], *other = SPELLINGS[pick(COUNT)];
        switch (pick(5)) {
        case 0:
            make(fd, name);
            break;
        case 1:
            CHECK(unlinkat(fd, name, 0) == 0 || errno == ENOENT);
            break;
        case 2:
            CHECK(renameat(fd, name, fd, other) == 0 || errno == ENOENT);
            break;
        default:
            CHECK(look_up(names, fd, name) == expected(fd, name, &match));
            if (!match.exact && match.others > 0)
                CHECK(strcmp(pb_names_spelling(names), match.spelling) == 0);
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        (void)unlinkat(fd, SPELLINGS[i], 0);
}

/* Events repeat what a listing has shown. */
static void check_repetition(void)
{
    static struct folded_name name;
    struct name_table table = {0};
    name_fold(&name, 0, "Name", 4);
    CHECK(name_table_add(&table, &name) == 0 && name_table_add(&table, &name) == 0 && table.names == 1);
    name_table_remove(&table, &name);
    name_table_remove(&table, &name);
    CHECK(table.names == 0);
    name_table_clear(&table);
}

/* Many names come and go, so that tables grow, are compacted and reused. */
static void check_growth(struct pb_names *names, int fd)
{
    char name[32];
    CHECK(look_up(names, fd, "x") == PB_NAMES_ABSENT);
    for (int generation = 0; generation < 3; generation++) {
        for (int i = 0; i < 3000; i++) {
            snprintf(name, sizeof name, "Name-%d-%d", generation, i);
            make(fd, name);
            if (i % 7 == 0)
                CHECK(look_up(names, fd, "name-0-0") != -ENOMEM);
        }
        for (int i = 0; i < 3000; i++) {
            snprintf(name, sizeof name, "NAME-%d-%d", generation, i);
            CHECK(look_up(names, fd, name) == PB_NAMES_FOLDED);
            CHECK(unlinkat(fd, pb_names_spelling(names), 0) == 0);
            CHECK(look_up(names, fd, name) == PB_NAMES_ABSENT);
        }
    }
}

static void check_many_directories(int fd)
{
    struct pb_names *names = pb_names_new(100 * (PB_NAMES_DIRECTORY_WEIGHT + 1));
    struct pb_names_statistics counts;
    char name[32];
    CHECK(names != NULL);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "Directory%d", i);
        CHECK(mkdirat(fd, name, 0700) == 0);
        int directory = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        make(directory, "A");
        CHECK(look_up(names, directory, "a") == PB_NAMES_FOLDED);
        /* Not believed without a watch: now there is one. */
        CHECK(look_up(names, directory, "b") == PB_NAMES_ABSENT);
        CHECK(close(directory) == 0);
    }
    pb_names_statistics(names, &counts);
    CHECK(counts.directories == 100 && counts.names == 100 && counts.listings == 600);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "Directory%d/A", i);
        CHECK(unlinkat(fd, name, 0) == 0);
        name[strlen(name) - 2] = 0;
        CHECK(unlinkat(fd, name, AT_REMOVEDIR) == 0);
    }
    /* What is gone is heard of when a directory is asked about that is watched, as this one is at the second question. */
    CHECK(look_up(names, fd, "directory7") == PB_NAMES_ABSENT && look_up(names, fd, "directory7") == PB_NAMES_ABSENT);
    pb_names_statistics(names, &counts);
    CHECK(counts.directories == 1 && counts.names == 0);
    pb_names_free(names);
}

static void check_bad_input(struct pb_names *names, int fd)
{
    char name[NAME_LONGEST + 2];
    memset(name, 'a', sizeof name);
    name[NAME_LONGEST + 1] = 0;
    CHECK(look_up(names, fd, name) == -ENAMETOOLONG);
    name[NAME_LONGEST] = 0;
    CHECK(look_up(names, fd, name) == PB_NAMES_ABSENT);
    memset(name, '\xC3', NAME_LONGEST);
    CHECK(look_up(names, fd, name) == PB_NAMES_ABSENT);
    CHECK(look_up(names, fd, "") == -EINVAL && look_up(names, fd, "a/b") == -EINVAL);
    CHECK(pb_names_look_up(names, fd, "a\0b", 3) == -EINVAL);
    CHECK(look_up(names, -1, "a") == -EBADF && pb_names_forget(names, -1) == -EBADF);
}

/* A directory that is there by two mounts is two directories with one watch. */
static void check_two_mounts(struct pb_names *names, int fd)
{
    CHECK(look_up(names, fd, "a") == PB_NAMES_ABSENT && look_up(names, fd, "a") == PB_NAMES_ABSENT);
    struct directory *first = names->newest;
    struct directory_key key = first->key;
    key.mount++;
    struct directory *second = directory_new(names, &key, 0, fd);
    directory_watch(names, second, fd);
    CHECK(second != NULL && second != first && second->watch == first->watch);
    second->stale = false;
    make(fd, "A");
    CHECK(look_up(names, fd, "a") == PB_NAMES_FOLDED);
    CHECK(first->table.names == 1 && second->table.names == 1);
    directory_drop(names, second);
    CHECK(unlinkat(fd, "A", 0) == 0);
    CHECK(look_up(names, fd, "a") == PB_NAMES_ABSENT);
    CHECK(names->newest == first && !first->stale);
}

static bool is_known_absent(struct pb_names *names, const char *path, const char *name)
{
    uint32_t system = 0;
    bool absent = names_know_absent(names, path, name, strlen(name), &system);
    CHECK(!absent || system != 0);
    return absent;
}

/* That a name is absent is known without an open only where it is watched, as long as nothing has it in any spelling. */
static void check_known_absence(struct pb_names *names, int fd, const char *path)
{
    char below[PATH_MAX];
    snprintf(below, sizeof below, "%s/below", path);
    CHECK(mkdirat(fd, "below", 0700) == 0);
    int directory = openat(fd, "below", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(!is_known_absent(names, below, "name") && look_up(names, directory, "name") == PB_NAMES_ABSENT);
    CHECK(!is_known_absent(names, below, "name") && look_up(names, directory, "name") == PB_NAMES_ABSENT);
    CHECK(look_up(names, directory, "name") == PB_NAMES_ABSENT && is_known_absent(names, below, "name"));
    make(directory, "Name");
    CHECK(!is_known_absent(names, below, "name") && !is_known_absent(names, below, "Name"));
    CHECK(unlinkat(directory, "Name", 0) == 0 && is_known_absent(names, below, "name"));
    /* Its owner or mode may mean that it may not be listed any more. */
    CHECK(fchmodat(fd, "below", 0500, 0) == 0 && !is_known_absent(names, below, "name"));
    CHECK(look_up(names, directory, "name") == PB_NAMES_ABSENT && is_known_absent(names, below, "name"));
    CHECK(close(directory) == 0 && unlinkat(fd, "below", AT_REMOVEDIR) == 0);
    CHECK(!is_known_absent(names, below, "name"));
    /* What may be in its place is another directory. */
    CHECK(mkdirat(fd, "below", 0700) == 0 && !is_known_absent(names, below, "name"));
    CHECK(unlinkat(fd, "below", AT_REMOVEDIR) == 0);
}

/* What is released is closed, and so many at once leave the user some: there are 128, if nobody has said otherwise (inotify(7)). */
static void check_release(const char *path)
{
    for (int i = 0; i < 200; i++) {
        int inotify = inotify_init1(IN_CLOEXEC);
        CHECK(inotify >= 0 && inotify_add_watch(inotify, path, IN_CREATE) >= 0);
        release(inotify);
        CHECK(fcntl(inotify, F_GETFD) == -1 && errno == EBADF);
    }
    release(-1);
}

int main(int count, char **arguments)
{
    CHECK(count == 2);
    int fd = open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct pb_names *names = pb_names_new(1 << 20), *small = pb_names_new(PB_NAMES_DIRECTORY_WEIGHT + 3);
    CHECK(fd >= 0 && names != NULL && small != NULL);
    check_against_model(names, fd);
    check_against_model(small, fd);
    check_repetition();
    check_growth(names, fd);
    check_many_directories(fd);
    check_bad_input(names, fd);
    check_two_mounts(names, fd);
    check_known_absence(names, fd, arguments[1]);
    check_release(arguments[1]);
    pb_names_free(names);
    pb_names_free(small);
    pb_names_free(NULL);
    puts("passed");
    return 0;
}
