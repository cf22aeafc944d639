/* Owns where paths and descriptors of a guest lead, as far as the kernel knows without asking a file system. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
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

/* A directory whose file system would have to be asked is not opened: a guest may serve it, and everybody waits for us. */
static int open_known(int32_t tid, int32_t directory, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    char way[64];
    if (path[0] == '/')
        return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (directory == AT_FDCWD)
        snprintf(way, sizeof way, "/proc/%d/cwd", tid);
    else
        snprintf(way, sizeof way, "/proc/%d/fd/%d", tid, directory);
    int base = open(way, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0 || !path[0])
        return base;
    int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof how);
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
    int fd = open_known(tid, directory, parent);
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
