/* Where the gate is, for attacks on it. */
#ifndef PICOBOX_ATTACK_GATE_H
#define PICOBOX_ATTACK_GATE_H
#include "attack.h"
#include <sys/uio.h>

enum { WARM = 100, STUBS = 4 };

struct range {
    uintptr_t start, end;
    char rights[5];
};

/* The mappings of the gate: its code and its counters. How many there are. */
static inline int find_gate(struct range found[2])
{
    char line[512];
    int count = 0;
    /* Calls that come often, from a few places. */
    for (int i = 0; i < WARM; i++)
        CHECK(getppid() >= 0 && lseek(-1, 0, SEEK_SET) == -1 && read(-1, NULL, 0) == -1);
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "memfd:gate") && count < 2) {
            struct range *range = &found[count++];
            CHECK(sscanf(line, "%lx-%lx %4s", &range->start, &range->end, range->rights) == 3);
        }
    fclose(maps);
    return count;
}

/* What is at an address, or could not be read, without an access that could fault. */
static inline bool look_at(uintptr_t address, void *bytes, size_t size)
{
    struct iovec local = {bytes, size}, remote = {(void *)address, size};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}
#endif
