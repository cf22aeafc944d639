/* What statx(2) fills: the kernel's own layout, since C libraries know less of it, or nothing. */
#ifndef PICOBOX_STATX_H
#define PICOBOX_STATX_H

#include <stdint.h>

struct kernel_statx {
    uint32_t mask;
    uint32_t block_size;
    uint64_t attributes;
    uint32_t links;
    uint32_t user;
    uint32_t group;
    uint16_t mode;
    uint16_t unused;
    uint64_t inode;
    uint64_t size;
    uint64_t blocks;
    uint64_t attributes_mask;
    struct {
        int64_t seconds;
        uint32_t nanoseconds;
        int32_t unused;
    } access, birth, change, modification;
    uint32_t special[2];
    uint32_t device[2];
    uint64_t mount;
    uint64_t later[13];
};

#endif
