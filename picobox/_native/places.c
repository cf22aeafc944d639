/* Owns where paths and descriptors of a guest lead, as far as the kernel knows without asking a file system. */
#define _GNU_SOURCE
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

int parent_open(int32_t tid, int32_t directory, const char *path)
{
    if (path[0] == '/')
        return known_open(AT_FDCWD, path, O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
    int base = directory_open(tid, directory);
    if (base < 0 || !path[0])
        return base;
    int fd = known_open(base, path, O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
    close(base);
    return fd;
}

bool entry_path(int32_t tid, int32_t directory, const char *path, char *place)
{
    const char *separator = strrchr(path, '/'), *name = separator ? separator + 1 : path;
    size_t before = separator ? (size_t)(separator + 1 - path) : 0;
    char parent[PATH_MAX];
    if (before >= sizeof parent)
        return false;
    memcpy(parent, path, before);
    parent[before] = 0;
    int fd = parent_open(tid, directory, parent);
    if (fd < 0)
        return false;
    bool found = descriptor_path(getpid(), fd, place);
    close(fd);
    size_t length = found ? strlen(place) : 0;
    if (!found || length + strlen(name) + 2 > PATH_MAX)
        return false;
    snprintf(place + length, PATH_MAX - length, "%s%s", length > 1 ? "/" : "", name);
    return true;
}
