/* Owns which devices hold files that the kernel makes up, as picobox.platform.host finds it out. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "trace.h"

#define LONGEST_KIND 64

static void learn(struct devices *devices, uint64_t device, bool pseudo)
{
    uint32_t at = 0;
    while (at < devices->count && devices->devices[at] != device)
        at++;
    if (at == DEVICES_KNOWN)
        return;
    devices->devices[at] = device;
    devices->pseudo[at] = pseudo;
    if (at == devices->count)
        devices->count++;
}

/* proc_pid_mountinfo(5): the third field is the device, the kind follows a single hyphen. */
static void read_line(struct devices *devices, const char *kinds, const char *line)
{
    char kind[LONGEST_KIND + 2];
    unsigned major, minor;
    const char *behind = strstr(line, " - ");
    if (!behind || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2)
        return;
    size_t length = strcspn(behind + 3, " ");
    if (length > LONGEST_KIND - 1)
        return;
    snprintf(kind, sizeof kind, "\n%.*s\n", (int)length, behind + 3);
    learn(devices, makedev(major, minor), strstr(kinds, kind) != NULL);
}

static bool read_mounts(struct devices *devices, const char *kinds, int32_t tid)
{
    char path[64];
    char *line = NULL;
    size_t size = 0;
    bool any = false;
    snprintf(path, sizeof path, "/proc/%d/mountinfo", tid);
    FILE *mounts = fopen(path, "re");
    if (!mounts)
        return false;
    while (getline(&line, &size, mounts) > 0) {
        read_line(devices, kinds, line);
        any = true;
    }
    free(line);
    fclose(mounts);
    return any;
}

static bool is_known(const struct devices *devices, uint64_t device, bool *pseudo)
{
    for (uint32_t at = 0; at < devices->count; at++)
        if (devices->devices[at] == device) {
            *pseudo = devices->pseudo[at];
            return true;
        }
    return false;
}

bool device_is_pseudo(struct devices *devices, const char *kinds, int32_t tid, uint64_t device)
{
    bool pseudo = false;
    if (is_known(devices, device, &pseudo))
        return pseudo;
    if (devices->count > DEVICES_KNOWN / 2)
        devices->count = 0;
    /* A file system with several devices is listed with one of them. */
    if (read_mounts(devices, kinds, tid) && !is_known(devices, device, &pseudo))
        learn(devices, device, false);
    return pseudo;
}
