/* Owns the mounts of a tree that is built anew: detached, changed and attached by descriptor, never by a path twice. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

/* Numbers and constants that headers older than the kernel lack (asm/unistd_64.h, linux/mount.h, linux/openat2.h). */
#define NR_OPEN_TREE 428
#define NR_MOVE_MOUNT 429
#define NR_FSOPEN 430
#define NR_FSCONFIG 431
#define NR_FSMOUNT 432
#define NR_OPENAT2 437
#define NR_MOUNT_SETATTR 442
#define TREE_CLONE 1
#define TREE_CLOEXEC O_CLOEXEC
#define RECURSIVELY 0x8000
#define FROM_EMPTY_PATH 0x4
#define TO_EMPTY_PATH 0x40
#define FS_CLOEXEC 1
#define CONFIG_FLAG 0
#define CONFIG_STRING 1
#define CONFIG_CREATE 6
#define NO_MAGIC_LINKS 0x02
#define NO_LINKS 0x04
#define IN_ROOT 0x10
#define MOST_OPTIONS 512

struct open_how_v0 {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

struct mount_attr_v0 {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    uint64_t user_namespace;
};

int32_t pb_open_below(int32_t root, const char *path)
{
    struct open_how_v0 how = {O_PATH | O_CLOEXEC | O_NOFOLLOW, 0, NO_MAGIC_LINKS | NO_LINKS | IN_ROOT};
    long fd = syscall(NR_OPENAT2, root, path, &how, sizeof how);
    return fd < 0 ? -errno : (int32_t)fd;
}

int32_t pb_tree_clone(int32_t fd)
{
    long tree = syscall(NR_OPEN_TREE, fd, "", TREE_CLONE | TREE_CLOEXEC | AT_EMPTY_PATH | RECURSIVELY);
    return tree < 0 ? -errno : (int32_t)tree;
}

int32_t pb_tree_change(int32_t tree, uint64_t set, int32_t recursive)
{
    struct mount_attr_v0 attributes = {.set = set};
    int flags = AT_EMPTY_PATH | (recursive ? RECURSIVELY : 0);
    return syscall(NR_MOUNT_SETATTR, tree, "", flags, &attributes, sizeof attributes) < 0 ? -errno : 0;
}

int32_t tree_attach(int32_t tree, int32_t target)
{
    return syscall(NR_MOVE_MOUNT, tree, "", target, "", FROM_EMPTY_PATH | TO_EMPTY_PATH) < 0 ? -errno : 0;
}

static int configure(int context, char *option)
{
    char *value = strchr(option, '=');
    if (!value)
        return (int)syscall(NR_FSCONFIG, context, CONFIG_FLAG, option, NULL, 0);
    *value++ = 0;
    return (int)syscall(NR_FSCONFIG, context, CONFIG_STRING, option, value, 0);
}

int32_t pb_tree_new(const char *kind, const char *options, uint64_t attributes)
{
    char text[MOST_OPTIONS], *rest = NULL;
    if (strlen(options) >= sizeof text)
        return -E2BIG;
    strcpy(text, options);
    int context = (int)syscall(NR_FSOPEN, kind, FS_CLOEXEC);
    if (context < 0)
        return -errno;
    int error = 0;
    for (char *option = strtok_r(text, ",", &rest); option && !error; option = strtok_r(NULL, ",", &rest))
        error = configure(context, option);
    long tree = -1;
    if (!error && syscall(NR_FSCONFIG, context, CONFIG_CREATE, NULL, NULL, 0) == 0)
        tree = syscall(NR_FSMOUNT, context, FS_CLOEXEC, attributes);
    int32_t result = tree < 0 ? -errno : (int32_t)tree;
    close(context);
    return result;
}

int32_t pb_tree_enter(int32_t root)
{
    /* The old root lands over the new one, and is taken away from there (pivot_root(2), NOTES). */
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}
