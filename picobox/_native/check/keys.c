/* Owns sets of 64-bit numbers: what is in one is found in one step or two. */
#include <errno.h>
#include <stdlib.h>

#include "keys.h"

#define FIRST_SIZE UINT64_C(256)
/* FNV-1a over 64-bit words, with its prime; the last step spreads what is in the high bits. */
#define BASIS UINT64_C(0xcbf29ce484222325)
#define PRIME UINT64_C(0x100000001b3)

static uint64_t mixed(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * PRIME;
    return sum ^ sum >> 29;
}

uint64_t key_of(uint64_t start, const void *bytes, uint64_t length)
{
    const unsigned char *at = bytes;
    uint64_t sum = mixed(BASIS ^ length, start);
    for (uint64_t done = 0; done < length;) {
        uint64_t word = 0;
        for (int i = 0; i < 8 && done < length; i++, done++)
            word |= (uint64_t)at[done] << 8 * i;
        sum = mixed(sum, word);
    }
    return sum ? sum : 1;
}

static uint64_t place_of(const struct keys *keys, uint64_t key)
{
    uint64_t place = key & (keys->size - 1);
    while (keys->slots[place] && keys->slots[place] != key)
        place = (place + 1) & (keys->size - 1);
    return place;
}

bool keys_has(const struct keys *keys, uint64_t key)
{
    return keys->size && keys->slots[place_of(keys, key)] == key;
}

static int grow(struct keys *keys)
{
    struct keys larger = {.size = keys->size ? 2 * keys->size : FIRST_SIZE, .used = keys->used};
    if (!(larger.slots = calloc(larger.size, sizeof *larger.slots)))
        return -ENOMEM;
    for (uint64_t i = 0; i < keys->size; i++)
        if (keys->slots[i])
            larger.slots[place_of(&larger, keys->slots[i])] = keys->slots[i];
    free(keys->slots);
    *keys = larger;
    return 0;
}

int keys_add(struct keys *keys, uint64_t key)
{
    if (2 * keys->used >= keys->size && grow(keys))
        return -ENOMEM;
    uint64_t place = place_of(keys, key);
    keys->used += !keys->slots[place];
    keys->slots[place] = key;
    return 0;
}

void keys_remove(struct keys *keys, uint64_t key)
{
    if (!keys_has(keys, key))
        return;
    uint64_t hole = place_of(keys, key), mask = keys->size - 1;
    keys->slots[hole] = 0;
    keys->used--;
    /* What stands behind it may stand there only because this did. */
    for (uint64_t place = (hole + 1) & mask; keys->slots[place]; place = (place + 1) & mask) {
        uint64_t moved = keys->slots[place];
        keys->slots[place] = 0;
        keys->slots[place_of(keys, moved)] = moved;
    }
}

void keys_clear(struct keys *keys)
{
    free(keys->slots);
    *keys = (struct keys){.slots = NULL};
}
