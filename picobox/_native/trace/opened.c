/* Owns what a line tells of opens and closes that guests make by themselves: what picobox.opens and picobox.syscalls.files
   have the executive do of the same calls, told by the call, its result, and what the descriptor is of. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace.h"

#define DELETED " (deleted)"

struct opened {
    struct stat status;
    char path[LONGEST_PATH + 1];
    size_t length;
};

static bool read_object(const uint8_t *record, uint64_t size, struct opened *opened)
{
    struct pb_trace_piece piece;
    struct memory memory = {.pieces = record + sizeof(struct pb_trace_record), .end = record + size, .when = PB_OF_OBJECT};
    const uint8_t *at = memory.pieces, *bytes = memory_piece(&memory, &at, &piece);
    if (!bytes || piece.size < sizeof opened->status || piece.size - sizeof opened->status > LONGEST_PATH)
        return false;
    memcpy(&opened->status, bytes, sizeof opened->status);
    memcpy(opened->path, bytes + sizeof opened->status, piece.size - sizeof opened->status);
    opened->path[piece.size - sizeof opened->status] = 0;
    opened->length = strlen(opened->path);
    return true;
}

static bool look(int32_t tid, int32_t fd, struct opened *opened)
{
    char path[64];
    struct pb_held held;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    ssize_t length = tid && fd >= 0 ? readlink(path, opened->path, LONGEST_PATH) : -1;
    if (length < 0 || pb_held_status(tid, fd, &held) < 0)
        return false;
    opened->status = (struct stat){.st_dev = held.device, .st_ino = held.inode, .st_mode = held.mode, .st_nlink = held.links};
    opened->path[length] = 0;
    opened->length = (size_t)length;
    return true;
}

/* What an open has broken the lease of and left: where its path leads now, under which no other lease is broken. */
static bool look_at_leased(int32_t tid, const struct pb_trace_record *call, const uint8_t *record, uint64_t size, struct opened *opened)
{
    char path[LONGEST_PATH + 1], way[LONGEST_PATH + 64];
    struct memory memory = {.pieces = record + sizeof *call, .end = record + size, .when = PB_AT_ENTRY};
    bool at = call->nr == SYS_openat;
    int32_t from = at ? (int32_t)call->args[0] : AT_FDCWD;
    int64_t length = tid && (at || call->nr == SYS_open) ? memory_string(&memory, call->args[at], path, sizeof path) : 0;
    if (length <= 0 || length > LONGEST_PATH)
        return false;
    path[length] = 0;
    if (path[0] == '/')
        snprintf(way, sizeof way, "/proc/%d/root%s", tid, path);
    else if (from == AT_FDCWD)
        snprintf(way, sizeof way, "/proc/%d/cwd/%s", tid, path);
    else
        snprintf(way, sizeof way, "/proc/%d/fd/%d/%s", tid, from, path);
    int32_t fd = open(way, O_PATH | O_CLOEXEC);
    bool found = look(getpid(), fd, opened);
    if (fd >= 0)
        close(fd);
    return found;
}

/* The kernel marks a path whose name is gone, which another name may have left without its file's last one. */
static bool has_name(const struct opened *opened)
{
    struct stat found;
    size_t mark = sizeof DELETED - 1;
    if (!opened->status.st_nlink)
        return false;
    if (opened->length < mark || strcmp(opened->path + opened->length - mark, DELETED) != 0)
        return true;
    return lstat(opened->path, &found) == 0 && found.st_dev == opened->status.st_dev && found.st_ino == opened->status.st_ino;
}

static bool lies_in(const char *path, const char *directory)
{
    size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || !path[length]);
}

static const struct pb_trace_volume *volume_of(const struct pb_trace_table *table, const char *path)
{
    for (int32_t i = 0; i < table->volume_count; i++)
        if (lies_in(path, table->volumes[i].path))
            return &table->volumes[i];
    return NULL;
}

static bool is_plain(const struct pb_trace_volume *volume, const char *below)
{
    for (; *below; below++)
        if (*below != '/' && !volume->plain[(uint8_t)*below])
            return false;
    return true;
}

static void add_unplain(struct text *name, const char *path)
{
    text_char(name, (char)PB_TRACE_PATH);
    for (; *path; path++) {
        text_char(name, "0123456789abcdef"[(uint8_t)*path >> 4]);
        text_char(name, "0123456789abcdef"[*path & 15]);
    }
    text_char(name, (char)PB_TRACE_PATH);
}

/* As HostVolume.nt_name, in the form of the trace. */
static void add_name(struct text *name, const struct pb_trace_table *table, const struct pb_trace_volume *volume, const char *path)
{
    const char *below = path + (strcmp(volume->path, "/") == 0 ? 0 : strlen(volume->path));
    while (*below == '/')
        below++;
    if (!is_plain(volume, below)) {
        add_unplain(name, path);
        text_char(name, 0);
        return;
    }
    const char *separator = table->as_json ? "\\\\" : "\\";
    text_string(name, table->as_json ? "\"" : " ");
    text_string(name, volume->prefix);
    text_string(name, separator);
    for (; *below; below++) {
        if (*below == '/')
            text_string(name, separator);
        else
            text_char(name, *below);
    }
    text_string(name, table->as_json ? "\"" : "");
    text_char(name, 0);
}

static bool is_on_volume(const struct pb_trace_table *table, struct devices *devices, int32_t tid, const struct stat *status)
{
    if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode))
        return false;
    return !devices || !device_is_pseudo(devices, table->pseudo, tid, status->st_dev);
}

static void judge_open(const struct pb_trace_table *table, struct devices *devices, int32_t tid, const struct pb_trace_record *call,
                       const struct opened *opened, struct pb_trace_verdict *verdict, struct text *name)
{
    const struct pb_trace_volume *volume = opened->path[0] == '/' ? volume_of(table, opened->path) : NULL;
    bool is_there = call->result >= 0 || call->result == -EAGAIN;
    if (!volume || (is_there && (!is_on_volume(table, devices, tid, &opened->status) || !has_name(opened))))
        return;
    add_name(name, table, volume, opened->path);
    verdict->name = name->data;
    verdict->performed = is_there;
}

static bool is_closed(int32_t fd)
{
    return fd >= 0 && fd < PB_MOST_DESCRIPTORS;
}

/* As picobox.syscalls.files: a copy is made once there is its descriptor, a close is done before. */
static bool performs_on_descriptors(int32_t performs, const struct pb_trace_record *call)
{
    int32_t first = (int32_t)call->args[0], second = (int32_t)call->args[1];
    bool has_copied = call->ended && call->result >= 0;
    switch (performs) {
    case PB_PERFORMS_CLOSE:
        return is_closed(first);
    case PB_PERFORMS_COPY:
        return has_copied;
    case PB_PERFORMS_REPLACE:
        return second != first && has_copied;
    case PB_PERFORMS_CONTROL:
        return has_copied && (second == F_DUPFD || second == F_DUPFD_CLOEXEC);
    default:
        return false;
    }
}

bool record_judge(const struct pb_trace_table *table, struct devices *devices, int32_t tid, const uint8_t *record, uint64_t size,
                  struct pb_trace_verdict *verdict, struct text *name)
{
    struct pb_trace_record call;
    struct opened opened;
    if (size < sizeof call)
        return false;
    memcpy(&call, record, sizeof call);
    int32_t performs = call.nr < PB_NR_COUNT ? table->rows[call.nr].performs : PB_PERFORMS_NOTHING;
    *verdict = (struct pb_trace_verdict){0};
    verdict->performed = performs_on_descriptors(performs, &call);
    if (performs == PB_PERFORMS_OPEN && table->volume_count && call.ended &&
        (read_object(record, size, &opened) || (call.result >= 0 && look(tid, (int32_t)call.result, &opened)) ||
         (call.result == -EAGAIN && look_at_leased(tid, &call, record, size, &opened))))
        judge_open(table, devices, tid, &call, &opened, verdict, name);
    return performs != PB_PERFORMS_NOTHING;
}

bool path_is_hidden(const struct pb_trace_table *table, const char *path)
{
    const struct pb_trace_rule *found = NULL;
    if (lies_in(path, "/dev"))
        return true;
    for (int32_t i = 0; i < table->rule_count; i++)
        if (lies_in(path, table->rules[i].path) && (!found || strlen(table->rules[i].path) > strlen(found->path)))
            found = &table->rules[i];
    return !found || found->hides;
}
