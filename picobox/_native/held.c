/* Owns looks at files that a task has open, for which no file system is asked: who serves one may be a task that waits for us. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "native.h"
#include "statx.h"

/* statx(2) */
#define WANTED_BASIC 0x7ff
#define DO_NOT_ASK 0x4000
/* How a line of the table goes on with the kind of its file system; fusectl is among them, which changes nothing. */
#define SERVED " - fuse"

int32_t pb_held_status(int32_t tid, int32_t fd, struct pb_held *held)
{
    char path[64];
    struct kernel_statx found;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    if (syscall(SYS_statx, AT_FDCWD, path, DO_NOT_ASK, WANTED_BASIC, &found) < 0)
        return -errno;
    *held = (struct pb_held){
        .device = makedev(found.device[0], found.device[1]),
        .inode = found.inode,
        .size = found.size,
        .mode = found.mode,
        .links = found.links,
    };
    return 0;
}

/* How many file systems are mounted that programs serve; -1: nobody can tell (proc(5), mountinfo). */
static int32_t count_served(void)
{
    char *line = NULL;
    size_t size = 0;
    int32_t count = 0;
    FILE *table = fopen("/proc/self/mountinfo", "re");
    if (!table)
        return -1;
    while (getline(&line, &size, table) > 0)
        count += strstr(line, SERVED) != NULL;
    free(line);
    fclose(table);
    return count;
}

int32_t pb_watch_mounts(struct pb_core *core)
{
    core->mount_table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (core->mount_table < 0)
        return -errno;
    struct pollfd table = {.fd = core->mount_table, .events = POLLPRI};
    poll(&table, 1, 0); /* what has happened until now is told once */
    core->served_before = count_served();
    return 0;
}

bool guests_serve_files(struct pb_core *core)
{
    struct pollfd table = {.fd = core->mount_table, .events = POLLPRI};
    if (core->mount_table >= 0 && poll(&table, 1, 0) > 0)
        __atomic_store_n(&core->guests_serve, count_served() != core->served_before, __ATOMIC_RELAXED);
    return __atomic_load_n(&core->guests_serve, __ATOMIC_RELAXED);
}

bool guests_serve_to(struct pb_core *core, int32_t tid)
{
    char path[64];
    struct stat ours, theirs;
    if (core->mount_table < 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", tid);
    return guests_serve_files(core) || stat(path, &theirs) < 0 || stat("/proc/self/ns/mnt", &ours) < 0 || ours.st_ino != theirs.st_ino;
}

void mounts_close(struct pb_core *core)
{
    if (core->mount_table >= 0)
        close(core->mount_table);
}
