/* Owns what a check in the core tells of names and files: which they are, and which names are no rule's matter. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "native.h"
#include "statx.h"

#define LONGEST_NAME 127
/* Each is looked through whole. */
#define MOST_TABLES 4

enum { OF_FILE = 1, OF_PATH, OF_NAME };

uint64_t file_key(uint64_t device, uint64_t inode)
{
    uint64_t file[] = {device, inode};
    return key_of(OF_FILE, file, sizeof file);
}

uint64_t path_key(const char *path, uint64_t length)
{
    return key_of(OF_PATH, path, length);
}

uint64_t name_key(uint64_t device, uint64_t inode, const char *name, uint64_t length)
{
    uint64_t place[] = {OF_NAME, device, inode};
    return key_of(key_of(OF_NAME, place, sizeof place), name, length);
}

/* What is before the first dot or space counts, and of a port its digit. */
static bool is_like_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
    size_t length = strcspn(name, ". ");
    if (length == 4 && (!strncasecmp(name, "com", 3) || !strncasecmp(name, "lpt", 3)))
        return true;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (length == strlen(devices[i]) && !strncasecmp(name, devices[i], length))
            return true;
    return false;
}

bool is_plain_name(const char *name)
{
    size_t length = strlen(name);
    if (length > LONGEST_NAME || (length && name[length - 1] == ' '))
        return false;
    if (length && name[length - 1] == '.' && strcmp(name, ".") && strcmp(name, ".."))
        return false;
    if (is_like_device(name))
        return false;
    for (const unsigned char *at = (const unsigned char *)name; *at; at++)
        if (*at < 0x20 || *at >= 0x80 || strchr("\"*:<>?\\|", *at))
            return false;
    return true;
}

bool lies_in_one(const struct strings *directories, const char *path)
{
    for (uint64_t place = 0; place < directories->length; place += strlen(directories->text + place) + 1) {
        size_t length = strlen(directories->text + place);
        if (!strncmp(directories->text + place, path, length) && (!path[length] || path[length] == '/'))
            return true;
    }
    return false;
}

bool known_status(int directory, const char *name, int flags, struct kernel_statx *found)
{
    return !syscall(SYS_statx, directory, name, flags | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, found);
}

uint64_t status_device(const struct kernel_statx *found)
{
    return makedev(found->device[0], found->device[1]);
}

static bool leads_to(int directory, const char *name, uint64_t device, uint64_t inode)
{
    struct kernel_statx found;
    return known_status(directory, name, 0, &found) && found.inode == inode && status_device(&found) == device;
}

/* Whether two tasks have the same descriptors. The kernel is asked about those of whose table nobody watches anything. */
static bool share_descriptors(const struct task *one, const struct task *other)
{
    if (one->table && other->table)
        return one->table == other->table;
    return syscall(SYS_kcmp, one->tid, other->tid, KCMP_FILES, 0, 0) == 0;
}

bool may_have_open(int32_t tid, uint64_t device, uint64_t inode)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/fd", tid);
    DIR *list = opendir(name);
    if (!list)
        return true;
    bool has = false, has_any = false;
    for (struct dirent *entry; !has && (entry = readdir(list));) {
        bool is_descriptor = entry->d_name[0] != '.';
        has_any |= is_descriptor;
        has = is_descriptor && leads_to(dirfd(list), entry->d_name, device, inode);
    }
    closedir(list);
    /* A thread that ends has given its descriptors back before it is gone; those that share them have them still. */
    return has || !has_any;
}

static bool shares_with_one(const struct task *task, const struct task *const *others, int count)
{
    for (int i = 0; i < count; i++)
        if (share_descriptors(task, others[i]))
            return true;
    return false;
}

bool some_may_have_open(const struct pb_core *core, bool (*is_asked)(const struct task *), uint64_t device, uint64_t inode)
{
    const struct task *asked[MOST_TABLES];
    int count = 0;
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next) {
            if (!is_asked(task) || shares_with_one(task, asked, count))
                continue;
            if (count == MOST_TABLES || may_have_open(task->tid, device, inode))
                return true;
            asked[count++] = task;
        }
    return false;
}

bool is_used_as(const struct pb_core *core, const char *what, uint64_t device, uint64_t inode)
{
    char name[32];
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next) {
            snprintf(name, sizeof name, "/proc/%d/%s", task->tid, what);
            if (leads_to(AT_FDCWD, name, device, inode))
                return true;
        }
    return false;
}
