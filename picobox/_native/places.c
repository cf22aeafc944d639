/* Owns where paths and descriptors of a guest lead, as far as the kernel knows without asking a file system. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "native.h"

bool descriptor_path(int32_t tid, int32_t fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
    ssize_t length = fd < 0 ? -1 : readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return false;
    path[length] = 0;
    return true;
}

static bool has_dots(const char *path)
{
    for (const char *dot = path; (dot = strstr(dot, "/.")); dot++) {
        const char *end = dot[2] == '.' ? dot + 3 : dot + 2;
        if (!*end || *end == '/')
            return true;
    }
    return false;
}

bool is_straight(const char *path)
{
    return path[0] == '/' && path[1] && !strstr(path, "//") && !has_dots(path);
}

static int path_open(int32_t tid, int32_t directory, const char *path, uint64_t flags)
{
    if (path[0] == '/')
        return known_open(AT_FDCWD, path, flags, RESOLVE_NO_MAGICLINKS);
    int base = directory_open(tid, directory);
    if (base < 0 || !path[0])
        return base;
    int fd = known_open(base, path, flags, RESOLVE_NO_MAGICLINKS);
    close(base);
    return fd;
}

/* Opens what a path without links leads to: the path is its place. */
static int straight_open(const char *path, uint64_t flags, char *place)
{
    int fd = is_straight(path) ? known_open(AT_FDCWD, path, flags, RESOLVE_NO_SYMLINKS) : -ELOOP;
    if (fd < 0)
        return fd;
    size_t length = strlen(path);
    length -= path[length - 1] == '/';
    memcpy(place, path, length);
    place[length] = 0;
    return fd;
}

int place_open(int32_t tid, int32_t directory, const char *path, uint64_t flags, char *place)
{
    int fd = straight_open(path, flags, place);
    if (fd != -ELOOP)
        return fd;
    fd = path_open(tid, directory, path, flags);
    if (fd < 0 || descriptor_path(getpid(), fd, place))
        return fd;
    close(fd);
    return -ENOENT;
}

int entry_open(int32_t tid, int32_t directory, const char *path, char *place, size_t *name)
{
    const char *separator = strrchr(path, '/'), *last = separator ? separator + 1 : path;
    size_t before = (size_t)(last - path);
    char parent[PATH_MAX];
    if (before >= sizeof parent)
        return -ENAMETOOLONG;
    memcpy(parent, path, before);
    parent[before] = 0;
    int fd = place_open(tid, directory, parent, O_DIRECTORY, place);
    if (fd < 0)
        return fd;
    size_t length = strlen(place);
    length -= length == 1;
    if (length + strlen(last) + 2 > PATH_MAX) {
        close(fd);
        return -ENAMETOOLONG;
    }
    place[length] = '/';
    strcpy(place + length + 1, last);
    *name = length + 1;
    return fd;
}

bool entry_path(int32_t tid, int32_t directory, const char *path, char *place)
{
    size_t name;
    int fd = entry_open(tid, directory, path, place, &name);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
