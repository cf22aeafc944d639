/* Owns looks at files of an instance: all that a fake root has to know of one, by one call from Python. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "native.h"
#include "statx.h"

/* linux/stat.h, linux/openat2.h, asm/unistd_64.h */
#define NR_STATX 332
#define NR_OPENAT2 437
#define OF_MOUNT 0x1000
#define DESCRIPTOR_PATH 32

struct open_how_v0 {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

_Static_assert(sizeof((struct pb_looked *)0)->status == 144, "the kernel's struct stat of x86-64");

int32_t pb_look(int32_t fd, const char *attribute, struct pb_looked *looked)
{
    struct kernel_statx found;
    char path[DESCRIPTOR_PATH];

    if (syscall(SYS_fstat, fd, looked->status) < 0)
        return -errno;
    looked->mount = -1;
    if (syscall(NR_STATX, fd, "", AT_EMPTY_PATH, OF_MOUNT, &found) == 0 && found.mask & OF_MOUNT)
        looked->mount = (int64_t)found.mount;
    /* A descriptor of a path alone has no attributes of its own (open(2), O_PATH). */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = getxattr(path, attribute, looked->kept, sizeof looked->kept);
    looked->kept_size = size < 0 ? -errno : (int32_t)size;
    return 0;
}

int32_t pb_look_at(const char *start, const char *path, uint64_t flags, uint64_t resolve, const char *attribute,
                   struct pb_looked *looked)
{
    struct open_how_v0 how = {flags | O_PATH | O_CLOEXEC, 0, resolve};

    int directory = open(start, O_PATH | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    long fd = syscall(NR_OPENAT2, directory, path, &how, sizeof how);
    int error = fd < 0 ? -errno : 0;
    close(directory);
    if (error)
        return error;
    error = pb_look((int32_t)fd, attribute, looked);
    if (error)
        close((int)fd);
    return error ? error : (int32_t)fd;
}
