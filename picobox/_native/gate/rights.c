/* Owns what a task may do with directories, as far as that is plain from modes and its credentials. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "gate.h"

#define LIST 5
#define EVERYBODY 0111
/* linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH */
#define OVERRIDING (1 << 1 | 1 << 2)
#define ACL "system.posix_acl_access"

static bool has_list(int directory)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", directory);
    return getxattr(path, ACL, NULL, 0) >= 0;
}

/* The numbers behind a field's name: the real, the effective, the saved one and that of files. */
static bool field_read(const char *status, const char *field, uint32_t values[4])
{
    const char *line = strstr(status, field);
    return line && sscanf(line + strlen(field), "%u %u %u %u", &values[0], &values[1], &values[2], &values[3]) == 4;
}

static bool field_of_files(const char *status, const char *field, uint32_t *number)
{
    uint32_t values[4];
    if (!field_read(status, field, values))
        return false;
    *number = values[3];
    return true;
}

static bool read_groups(const char *status, struct rights *rights)
{
    static const char field[] = "\nGroups:";
    const char *at = strstr(status, field);
    if (!at)
        return false;
    at += strlen(field);
    for (rights->group_count = 0;; rights->group_count++) {
        at += strspn(at, " \t");
        if (*at == '\n')
            return true;
        if (rights->group_count == MOST_GROUPS)
            return false;
        rights->groups[rights->group_count] = (uint32_t)strtoul(at, (char **)&at, 10);
    }
}

/* Capabilities of another user namespace are none over what does not belong to it (user_namespaces(7)). */
static bool has_our_users(int32_t tid)
{
    char path[64], theirs[64] = {0}, ours[64] = {0};
    snprintf(path, sizeof path, "/proc/%d/ns/user", tid);
    return readlink(path, theirs, sizeof theirs - 1) > 0 && readlink("/proc/self/ns/user", ours, sizeof ours - 1) > 0 &&
           strcmp(theirs, ours) == 0;
}

bool rights_stay(int32_t tid, uint64_t nr, const uint64_t args[6])
{
    char status[4096];
    uint32_t values[4];
    if ((nr != SYS_setresuid && nr != SYS_setresgid) || !proc_read(tid, "status", status, sizeof status) ||
        !field_read(status, nr == SYS_setresuid ? "\nUid:" : "\nGid:", values) || values[1] != values[3])
        return false;
    for (int i = 0; i < 3; i++)
        if ((uint32_t)args[i] != UINT32_MAX && (uint32_t)args[i] != values[i])
            return false;
    return has_our_users(tid);
}

bool rights_read(int32_t tid, struct rights *rights)
{
    char status[4096];
    static const char capabilities[] = "\nCapEff:";
    if (!proc_read(tid, "status", status, sizeof status) || !field_of_files(status, "\nUid:", &rights->user) ||
        !field_of_files(status, "\nGid:", &rights->group) || !read_groups(status, rights))
        return false;
    const char *effective = strstr(status, capabilities);
    if (!effective)
        return false;
    rights->overrides = strtoull(effective + strlen(capabilities), NULL, 16) & OVERRIDING && has_our_users(tid);
    return true;
}

static bool is_member(const struct rights *rights, uint32_t group)
{
    bool found = group == rights->group;
    for (uint32_t i = 0; i < rights->group_count; i++)
        found |= group == rights->groups[i];
    return found;
}

int may_list(const struct rights *rights, int directory)
{
    struct stat found;
    if (rights->overrides)
        return 1;
    if (fstat(directory, &found) < 0)
        return -1;
    if (rights->user == found.st_uid)
        return (found.st_mode >> 6 & LIST) == LIST;
    if (has_list(directory))
        return 0;
    return (found.st_mode >> (is_member(rights, found.st_gid) ? 3 : 0) & LIST) == LIST;
}
