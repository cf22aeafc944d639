/* Owns what a child of ours inherits of our memory: copying it, and writing to it afterwards, takes milliseconds. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

#define LARGE (256 << 10) /* what is smaller may be the C library's own, which a child needs */
#define MOST_RANGES 256

/* What children do not have. */
static struct range {
    uintptr_t start, end;
} left_out[MOST_RANGES];
static int count;

static bool holds(const struct range *range, const void *address)
{
    return range->start <= (uintptr_t)address && (uintptr_t)address < range->end;
}

/* Whether a line of /proc/self/maps (proc(5)) is of memory in which only Python and malloc keep what they have. */
static bool is_heap(const char *line, struct range *range)
{
    char *rest;
    range->start = strtoul(line, &rest, 16);
    range->end = strtoul(rest + 1, &rest, 16);
    if (strncmp(rest, " rw-p ", 6) != 0)
        return false;
    /* The offset, then the device, which is none. */
    strtoul(rest + 6, &rest, 16);
    if (strncmp(rest, " 00:00 0", 8) != 0)
        return false;
    const char *name = rest + 8 + strspn(rest + 8, " ");
    bool is_named = strcmp(name, "[heap]\n") == 0;
    if (*name != '\n' && !is_named)
        return false;
    return (is_named || range->end - range->start >= LARGE) && !holds(range, &errno) && !holds(range, &rest);
}

void heap_is_inherited(bool inherited)
{
#ifdef __SANITIZE_ADDRESS__
    /* What the sanitizer has there, a child needs. */
    (void)inherited, (void)is_heap, (void)left_out, (void)count;
#else
    while (inherited && count > 0) {
        count--;
        madvise((void *)left_out[count].start, left_out[count].end - left_out[count].start, MADV_DOFORK);
    }
    FILE *maps = inherited ? NULL : fopen("/proc/self/maps", "re");
    char line[PATH_MAX + 128];
    /* Without it everything is inherited, which is slower and no less right. */
    if (!maps)
        return;
    while (count < MOST_RANGES && fgets(line, sizeof line, maps))
        if (is_heap(line, &left_out[count])) {
            madvise((void *)left_out[count].start, left_out[count].end - left_out[count].start, MADV_DONTFORK);
            count++;
        }
    fclose(maps);
#endif
}
