/* Owns the points of a tree that is built anew: which are there, what is given of them, and what is mounted at them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "native.h"

#define DIRECTORY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NEW_FILE (O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
#define EMPTY_DIRECTORY "empty"
#define CLOSED_FILE "closed"
#define MOST_DIRECTORIES 64

/* Whether an error says that nothing is there, or nothing that may be reached. */
static bool is_absence(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
}

/* Directories above a path that are open, each in the one before it: how much of the path each takes up. */
struct opened {
    size_t lengths[MOST_DIRECTORIES];
    int fds[MOST_DIRECTORIES];
    int last;
};

/* The open directory of a path's first `length` letters, slash included; -errno. `before` is the path that was asked for
   last: what both have in common stays open. */
static int directory_of(struct opened *opened, const char *before, const char *path, size_t length)
{
    char rest[PATH_MAX];
    size_t known;
    while ((known = opened->lengths[opened->last]) > length || memcmp(before, path, known) != 0)
        close(opened->fds[opened->last--]);
    if (known == length)
        return opened->fds[opened->last];
    if (opened->last + 1 == MOST_DIRECTORIES || length - known >= sizeof rest)
        return -ENAMETOOLONG;
    memcpy(rest, path + known, length - known);
    rest[length - known] = 0;
    int fd = pb_open_below(opened->fds[opened->last], rest);
    if (fd >= 0) {
        opened->lengths[++opened->last] = length;
        opened->fds[opened->last] = fd;
    }
    return fd;
}

static int look(int directory, const char *name)
{
    struct stat status;
    if (*name && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return errno;
    return 0;
}

void pb_points_find(int32_t root, const char *paths, int32_t count, uint8_t *found)
{
    struct opened opened = {.lengths = {1}, .fds = {root}};
    const char *before = "/", *gone = "";
    size_t gone_length = 0;
    for (int32_t i = 0; i < count; i++, paths += strlen(paths) + 1) {
        size_t length = *paths == '/' ? (size_t)(strrchr(paths, '/') - paths) + 1 : 0;
        found[i] = 1;
        if (!length)
            continue;
        if (gone_length && strncmp(paths, gone, gone_length) == 0) {
            found[i] = 0;
            continue;
        }
        int directory = directory_of(&opened, before, paths, length);
        int error = directory < 0 ? -directory : look(directory, paths + length);
        /* What fails otherwise is for who opens it. */
        found[i] = !is_absence(error);
        before = paths;
        if (directory < 0 && !found[i]) {
            gone = paths;
            gone_length = length;
        }
    }
    while (opened.last > 0)
        close(opened.fds[opened.last--]);
}

int32_t pb_point_copy(int32_t root, const char *path, uint64_t attributes)
{
    int found = pb_open_below(root, path);
    if (found < 0)
        return is_absence(-found) ? -ENOENT : found;
    int tree = pb_tree_clone(found);
    close(found);
    int error = tree < 0 ? 0 : pb_tree_change(tree, attributes, true);
    if (error) {
        close(tree);
        return error;
    }
    return tree;
}

static int directory_in(int above, const char *name)
{
    int fd = openat(above, name, DIRECTORY);
    if (fd < 0 && errno == ENOENT && mkdirat(above, name, 0755) == 0)
        fd = openat(above, name, DIRECTORY);
    return fd;
}

/* The open directory above a path, made where it is missing, and the path's last name; -1 if it cannot be. */
static int directory_above(int root, char *path, const char **last)
{
    char *rest = NULL, *name = strtok_r(path, "/", &rest), *next;
    int directory = name ? fcntl(root, F_DUPFD_CLOEXEC, 0) : -1;
    while (directory >= 0 && (next = strtok_r(NULL, "/", &rest))) {
        int below = directory_in(directory, name);
        close(directory);
        directory = below;
        name = next;
    }
    *last = name;
    return directory;
}

/* Makes what a mount can be attached to, which only file systems of ours allow. Gives it open, or -1. */
static int made(int root, const char *path, bool is_directory)
{
    char copy[PATH_MAX];
    const char *name;
    if (strlen(path) >= sizeof copy)
        return -1;
    strcpy(copy, path);
    int directory = directory_above(root, copy, &name), point = -1;
    if (directory < 0)
        return -1;
    if (is_directory) {
        point = directory_in(directory, name);
    } else {
        int file = openat(directory, name, NEW_FILE, 0600);
        if (file >= 0)
            point = pb_open_below(directory, name);
        if (file >= 0)
            close(file);
    }
    close(directory);
    return point;
}

int32_t pb_point_mount(int32_t root, const char *path, int32_t tree)
{
    struct stat status;
    if (fstat(tree, &status) < 0)
        return -errno;
    int point = pb_open_below(root, path);
    if (point < 0 && !is_absence(-point))
        return point;
    if (point < 0)
        point = made(root, path, S_ISDIR(status.st_mode));
    if (point < 0)
        return 0;
    int error = tree_attach(tree, point);
    close(point);
    return error ? error : 1;
}

/* What takes the place of a file or a directory that is hidden: the same for all, since each file system costs time. */
static int blank(int store, bool is_directory, uint64_t attributes)
{
    if (is_directory) {
        if (mkdirat(store, EMPTY_DIRECTORY, 0555) < 0 && errno != EEXIST)
            return -errno;
        return pb_point_copy(store, EMPTY_DIRECTORY, attributes);
    }
    int file = openat(store, CLOSED_FILE, NEW_FILE, 0);
    if (file < 0 && errno != EEXIST)
        return -errno;
    if (file >= 0)
        close(file);
    return pb_point_copy(store, CLOSED_FILE, attributes);
}

int32_t pb_point_hide(int32_t root, const char *path, int32_t store, uint64_t attributes)
{
    struct stat status;
    int point = pb_open_below(root, path);
    if (point < 0)
        return is_absence(-point) ? 0 : point;
    if (fstat(point, &status) < 0) {
        int error = errno;
        close(point);
        return -error;
    }
    int tree = blank(store, S_ISDIR(status.st_mode), attributes);
    int error = tree < 0 ? tree : tree_attach(tree, point);
    if (tree >= 0)
        close(tree);
    close(point);
    return error;
}

void pb_point_link(int32_t root, const char *path, const char *target)
{
    char copy[PATH_MAX];
    const char *name;
    if (strlen(path) >= sizeof copy)
        return;
    strcpy(copy, path);
    int directory = directory_above(root, copy, &name);
    if (directory < 0)
        return;
    /* Where something is, and where nothing can be made, there is no link. */
    if (symlinkat(target, directory, name) < 0)
        errno = 0;
    close(directory);
}
