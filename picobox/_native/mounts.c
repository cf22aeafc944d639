/* Owns the mount namespace of a run: entering one of our own, and what is mounted there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "native.h"

static int32_t write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t written = write(fd, text, strlen(text));
    int32_t error = written < 0 ? -errno : 0;
    close(fd);
    return error;
}

/* A user of a namespace of his own keeps his ids there (user_namespaces(7)). */
static int32_t keep_ids(uid_t user, gid_t group)
{
    char map[64];
    int32_t error = write_text("/proc/self/setgroups", "deny");
    if (error)
        return error;
    snprintf(map, sizeof map, "%u %u 1", user, user);
    if ((error = write_text("/proc/self/uid_map", map)))
        return error;
    snprintf(map, sizeof map, "%u %u 1", group, group);
    return write_text("/proc/self/gid_map", map);
}

int32_t pb_own_mounts(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWNS) < 0) {
        if (errno != EPERM)
            return -errno;
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return -errno;
        int32_t error = keep_ids(user, group);
        if (error)
            return error;
    }
    /* What the host mounts later shall be seen; what is mounted here stays here. */
    return mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

int32_t pb_mount(const char *source, const char *target, const char *kind, uint64_t flags, const char *data)
{
    return mount(source, target, kind, (unsigned long)flags, data) < 0 ? -errno : 0;
}

int32_t pb_unmount(const char *target)
{
    return umount2(target, MNT_DETACH) < 0 ? -errno : 0;
}
