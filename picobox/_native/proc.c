/* Owns what /proc tells the core about a task. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

bool proc_read(int32_t tid, const char *name, char *buffer, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, buffer, size - 1);
    close(fd);
    if (length <= 0)
        return false;
    buffer[length] = 0;
    return true;
}

uint64_t mask_in(const char *status, const char *field)
{
    const char *line = strstr(status, field);
    return line ? strtoull(line + strlen(field), NULL, 16) : 0;
}

static void let_go(struct kept_stat *kept)
{
    if (kept->tid)
        close(kept->fd);
    kept->tid = 0;
}

void kept_stats_close(struct pb_core *core)
{
    for (int i = 0; i < KEPT_STATS; i++)
        let_go(&core->kept_stats[i]);
}

/* The file stays open, as to open it takes longer than to read it. That of a task that is gone reads as ESRCH, also when
   another one has its number. */
static bool stat_read(struct pb_core *core, int32_t tid, char *buffer, size_t size)
{
    char path[64];
    struct kept_stat *kept = &core->kept_stats[(uint32_t)tid % KEPT_STATS];
    ssize_t length = kept->tid == tid ? pread(kept->fd, buffer, size - 1, 0) : 0;
    if (length <= 0) {
        let_go(kept);
        snprintf(path, sizeof path, "/proc/%d/stat", tid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return false;
        *kept = (struct kept_stat){tid, fd};
        length = pread(fd, buffer, size - 1, 0);
    }
    if (length <= 0)
        return false;
    buffer[length] = 0;
    return true;
}

/* Field numbers of /proc/PID/stat (man 5 proc); the state is the first behind the name, which may hold anything. */
#define STATE_FIELD 3
#define IGNORED_FIELD 33
/* Whose masks end with this one. */
#define LAST_IN_STAT 31

bool signal_actions_read(struct pb_core *core, int32_t tid, int signal, struct signal_actions *actions)
{
    char text[4096];
    /* The longer file takes six times as long. */
    if (signal > LAST_IN_STAT) {
        if (!proc_read(tid, "status", text, sizeof text))
            return false;
        *actions = (struct signal_actions){mask_in(text, "\nSigIgn:"), mask_in(text, "\nSigCgt:")};
        return true;
    }
    if (!stat_read(core, tid, text, sizeof text))
        return false;
    char *field = strrchr(text, ')');
    for (int number = STATE_FIELD - 1; field && number < IGNORED_FIELD; number++)
        field = strchr(field + 1, ' ');
    if (!field)
        return false;
    actions->ignored = strtoull(field, &field, 10);
    actions->caught = strtoull(field, NULL, 10);
    return true;
}

/* What getdents64 gives (man 2 getdents). */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static int compare(const void *one, const void *other)
{
    int32_t first = *(const int32_t *)one, second = *(const int32_t *)other;
    return first < second ? -1 : first > second;
}

static bool is_file(int32_t tid, int32_t fd)
{
    struct pb_held held;
    return pb_held_status(tid, fd, &held) == 0 && (S_ISREG(held.mode) || S_ISDIR(held.mode));
}

/* Calls `visit` for each descriptor of a task until it gives false. 0 or -errno. */
static int32_t each_descriptor(int32_t tid, bool (*visit)(int32_t tid, int32_t fd, void *context), void *context)
{
    char path[64];
    _Alignas(struct entry) char buffer[4096];
    bool goes_on = true;
    long length = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", tid);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    while (goes_on && (length = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0)
        for (long offset = 0; offset < length && goes_on;) {
            const struct entry *entry = (const struct entry *)(buffer + offset);
            offset += entry->length;
            if (entry->name[0] != '.')
                goes_on = visit(tid, (int32_t)strtol(entry->name, NULL, 10), context);
        }
    close(directory);
    return length < 0 ? -EIO : 0;
}

struct open_files {
    const int32_t *except;
    int32_t except_count;
    int32_t *fds;
    int32_t count, limit;
};

static bool add_file(int32_t tid, int32_t fd, void *context)
{
    struct open_files *files = context;
    if (!bsearch(&fd, files->except, (size_t)files->except_count, sizeof fd, compare) && is_file(tid, fd))
        files->fds[files->count++] = fd;
    return files->count < files->limit;
}

int32_t pb_open_files(int32_t tid, const int32_t *except, int32_t except_count, int32_t *fds, int32_t limit)
{
    struct open_files files = {.except = except, .except_count = except_count, .fds = fds, .limit = limit};
    int32_t error = limit > 0 ? each_descriptor(tid, add_file, &files) : 0;
    return error ? error : files.count;
}

struct sought {
    uint64_t device, inode;
    bool found;
};

static bool is_not_it(int32_t tid, int32_t fd, void *context)
{
    struct sought *sought = context;
    struct pb_held held;
    sought->found = pb_held_status(tid, fd, &held) == 0 && held.inode == sought->inode && held.device == sought->device;
    return !sought->found;
}

int32_t pb_has_open(int32_t tid, uint64_t device, uint64_t inode)
{
    struct sought sought = {.device = device, .inode = inode};
    int32_t error = each_descriptor(tid, is_not_it, &sought);
    return error ? error : sought.found;
}
