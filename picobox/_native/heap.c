/* Owns what a child of ours inherits of our memory: copying it, and writing to it afterwards, takes milliseconds. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

#define LARGE (256 << 10) /* what is smaller may be the C library's own, which a child needs */

static bool holds(uintptr_t start, uintptr_t end, const void *address)
{
    return start <= (uintptr_t)address && (uintptr_t)address < end;
}

/* Whether a line of /proc/self/maps (proc(5)) is of memory in which only Python and malloc keep what they have. */
static bool is_heap(const char *line, uintptr_t *start, uintptr_t *end)
{
    char rights[5], name[16] = "";
    unsigned long from, to, inode;
    if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu %15s", &from, &to, rights, &inode, name) < 4)
        return false;
    *start = from;
    *end = to;
    if (inode || strcmp(rights, "rw-p") != 0 || (name[0] && strcmp(name, "[heap]") != 0))
        return false;
    return (name[0] || to - from >= LARGE) && !holds(from, to, &errno) && !holds(from, to, &name);
}

void heap_is_inherited(bool inherited)
{
#ifdef __SANITIZE_ADDRESS__
    /* What the sanitizer has there, a child needs. */
    (void)inherited, (void)is_heap;
#else
    uintptr_t start, end;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    /* Without it everything is inherited, which is slower and no less right. */
    if (!maps)
        return;
    while (fgets(line, sizeof line, maps))
        if (is_heap(line, &start, &end))
            madvise((void *)start, end - start, inherited ? MADV_DOFORK : MADV_DONTFORK);
    fclose(maps);
#endif
}
