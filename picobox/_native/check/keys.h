/* A set of 64-bit numbers, each the sum of what it stands for. */
#ifndef PICOBOX_NATIVE_CHECK_KEYS_H
#define PICOBOX_NATIVE_CHECK_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct keys {
    uint64_t *slots; /* 0: nothing is there, or was */
    uint64_t size;   /* a power of 2, or 0 */
    uint64_t used;
};

uint64_t key_of(uint64_t start, const void *bytes, uint64_t length);
bool keys_has(const struct keys *keys, uint64_t key);
/* 0 or -ENOMEM. */
int keys_add(struct keys *keys, uint64_t key);
void keys_remove(struct keys *keys, uint64_t key);
void keys_clear(struct keys *keys);

#endif
