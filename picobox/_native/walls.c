/* Owns what a guest gives up before it runs a program, and the namespaces that it and this process enter. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

#define NR_LANDLOCK_CREATE_RULESET 444
#define NR_LANDLOCK_ADD_RULE 445
#define NR_LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_PATH_BENEATH 1
#define NR_CLOSE_RANGE 436
#define KEYRING_JOIN_SESSION 1 /* linux/keyctl.h */
#define LAST_CAPABILITY 63
#define STANDARD_DESCRIPTORS 3
#define GUEST_SCORE 200 /* proc_pid_oom_score_adj(5): of 1000 */
#define WORST_SCORE 1000

static int change_effective(bool all)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        data[i].effective = all ? data[i].permitted : 0;
    return (int)syscall(SYS_capset, &header, data);
}

int32_t pb_lower_capabilities(void)
{
    return change_effective(false) < 0 ? -errno : 0;
}

int32_t pb_raise_capabilities(void)
{
    return change_effective(true) < 0 ? -errno : 0;
}

int walls_raise_capabilities(void)
{
    return change_effective(true);
}

int32_t pb_enter_namespaces(uint64_t kinds)
{
    /* glibc loads what pthread_cancel needs when it is first called, and aborts where the tree of a policy lacks it. */
    dlopen("libgcc_s.so.1", RTLD_NOW);
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare((int)kinds) < 0)
        return -errno;
    int32_t error = kinds & CLONE_NEWUSER ? mounts_keep_ids(user, group) : 0;
    if (error || !(kinds & CLONE_NEWNS))
        return error;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

int32_t pb_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int32_t error = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int walls_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    /* The bounding set takes one to change: it may have been put aside. */
    change_effective(true);
    /* EINVAL: the kernel has no capability of that number. EPERM: it is not ours to give away, and cannot be had. */
    for (unsigned long number = 0; number <= LAST_CAPABILITY; number++)
        if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 &&
            errno != EPERM)
            return -1;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_capset, &header, none);
}

/* linux/landlock.h; a kernel takes as much of it as it knows, and no more unless it is zero. */
struct ruleset_attributes {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

struct path_beneath {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

int32_t pb_landlock_new(uint64_t files, uint64_t network, uint64_t scoped)
{
    struct ruleset_attributes attributes = {files, network, scoped};
    size_t size = scoped ? sizeof attributes : network ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    long fd = syscall(NR_LANDLOCK_CREATE_RULESET, &attributes, size, 0);
    return fd < 0 ? -errno : (int32_t)fd;
}

int32_t pb_landlock_allow(int32_t ruleset, int32_t fd, uint64_t rights)
{
    struct path_beneath rule = {rights, fd};
    return syscall(NR_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

static bool is_directory(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

/* A directory of the host that came as a descriptor would lead out of the tree. */
static bool is_way_out(const struct pb_spawn *request)
{
    for (int fd = 0; fd < STANDARD_DESCRIPTORS; fd++)
        if (is_directory(fd))
            return true;
    for (int32_t i = 0; i < request->kept_count; i++)
        if (is_directory(request->kept[i]))
            return true;
    return false;
}

static int set_limits(const struct pb_walls *walls)
{
    for (int32_t i = 0; i < walls->limit_count; i++) {
        struct rlimit now, limit = {walls->limits[i].most, walls->limits[i].end};
        int resource = walls->limits[i].resource;
        if (getrlimit(resource, &now) < 0)
            return -1;
        if (limit.rlim_max > now.rlim_max)
            limit.rlim_max = now.rlim_max;
        if (limit.rlim_cur > limit.rlim_max)
            limit.rlim_cur = limit.rlim_max;
        if (setrlimit(resource, &limit) < 0)
            return -1;
    }
    return 0;
}

void walls_tell_space(struct pb_core *core, const struct pb_walls *walls)
{
    for (int32_t i = 0; walls && i < walls->limit_count; i++)
        if (walls->limits[i].resource == RLIMIT_AS)
            core->space = walls->limits[i];
}

int walls_join_group(int32_t group)
{
    int fd = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    int result = fd < 0 || write(fd, "0", 1) != 1 ? -1 : 0;
    if (fd >= 0)
        close(fd);
    return result;
}

int walls_enter(const struct pb_walls *walls)
{
    if (walls->mount_namespace < 0)
        return 0;
    if (setns(walls->mount_namespace, CLONE_NEWNS) < 0)
        return -1;
    /* Ours has the group above as its root: in one of its own the guest's group is the root. */
    return walls->group >= 0 ? unshare(CLONE_NEWCGROUP) : 0;
}

/* When memory is short, rather a guest ends than its supervisor, whose end is the end of all. */
static void offer_to_oom_killer(void)
{
    char text[16];
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size > 0) {
        text[size] = 0;
        int score = atoi(text) + GUEST_SCORE;
        size = snprintf(text, sizeof text, "%d", score > WORST_SCORE ? WORST_SCORE : score);
        /* A policy that hides it, or a kernel without it: nothing more can be done. */
        if (pwrite(fd, text, (size_t)size, 0) < 0)
            errno = 0;
    }
    if (fd >= 0)
        close(fd);
}

int walls_close_in(const struct pb_spawn *request)
{
    const struct pb_walls *walls = request->walls;
    int32_t first_closed = request->fd_count > STANDARD_DESCRIPTORS ? request->fd_count : STANDARD_DESCRIPTORS;
    if (walls->only_limits)
        return set_limits(walls);
    if (is_way_out(request)) {
        errno = EISDIR;
        return -1;
    }
    offer_to_oom_killer();
    if (walls->own_session && setsid() < 0)
        return -1;
    /* ENOSYS: no keys here. Kept keyrings would be the caller's. */
    if (syscall(SYS_keyctl, KEYRING_JOIN_SESSION, NULL) < 0 && errno != ENOSYS && errno != EDQUOT)
        return -1;
    if (set_limits(walls) < 0 || walls_drop_capabilities() < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    if (walls->ruleset >= 0 && syscall(NR_LANDLOCK_RESTRICT_SELF, walls->ruleset, 0) < 0)
        return -1;
    /* What is open besides is closed by the exec. */
    return (int)syscall(NR_CLOSE_RANGE, first_closed, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
}
