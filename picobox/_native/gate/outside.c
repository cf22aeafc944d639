/* Owns the directories that guests know to lie outside of a check's: the gate makes opens there without showing them. One that
   is exchanged for a link later is still known. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "gate.h"
#include "guest.h"

_Static_assert(GUEST_OUTSIDE + (sizeof(uint64_t) << OUTSIDE_BITS) <= GUEST_KINDS, "the table fits");

static uint64_t *table_of(const struct pb_core *core)
{
    return (uint64_t *)(core->stubs->code + (GUEST_DECIDED - GATE_CODE) + GUEST_OUTSIDE);
}

/* Whether some directory of the check is the one of that length, or lies in it. */
static bool leads_inside(const struct strings *directories, const char *path, size_t length)
{
    for (uint64_t at = 0; at < directories->length; at += strlen(directories->text + at) + 1) {
        const char *directory = directories->text + at;
        if (!strncasecmp(directory, path, length) && (!directory[length] || directory[length] == '/'))
            return true;
    }
    return false;
}

static bool has_no_links(const char *path, size_t length)
{
    char *directory = strndup(path, length);
    int fd = directory ? known_open(AT_FDCWD, directory, O_DIRECTORY, RESOLVE_NO_SYMLINKS) : -1;
    free(directory);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void outside_seen(struct pb_core *core, const char *path)
{
    uint64_t hash = core->stubs ? directory_hash(path) : 0;
    if (!hash)
        return;
    uint64_t *place = table_of(core) + (hash >> (64 - OUTSIDE_BITS));
    size_t length = (size_t)(strrchr(path, '/') - path);
    if (*place != hash && !leads_inside(&core->unshown.directories, path, length) && has_no_links(path, length))
        __atomic_store_n(place, hash, __ATOMIC_RELAXED);
}

void outside_forget(struct pb_core *core)
{
    for (uint32_t i = 0; core->stubs && i < 1 << OUTSIDE_BITS; i++)
        __atomic_store_n(table_of(core) + i, 0, __ATOMIC_RELAXED);
}
