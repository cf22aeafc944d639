/* Owns the mount namespace of a run: entering one of our own, and what is mounted there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

/* Whether the capabilities of this process came with a user namespace that it has made. */
static bool has_lent_capabilities;

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

int32_t mounts_keep_ids(uid_t user, gid_t group)
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
        int32_t error = mounts_keep_ids(user, group);
        if (error)
            return error;
        has_lent_capabilities = user != 0;
    }
    /* What the host mounts later shall be seen; what is mounted here stays here. */
    return mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

int32_t pb_mount(const char *source, const char *target, const char *kind, uint64_t flags, const char *data)
{
    return mount(source, target, kind, (unsigned long)flags, data) < 0 ? -errno : 0;
}

int32_t pb_return_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (!has_lent_capabilities)
        return 0;
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int32_t pb_unmount(const char *target)
{
    return umount2(target, MNT_DETACH) < 0 ? -errno : 0;
}
