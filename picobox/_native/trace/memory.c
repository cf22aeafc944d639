/* Owns a guest's memory as lines need it: a task's, or the pieces that a record holds of it, which a guest may have made up. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "trace.h"

const uint8_t *memory_piece(const struct memory *memory, const uint8_t **at, struct pb_trace_piece *piece)
{
    while ((size_t)(memory->end - *at) >= sizeof *piece) {
        memcpy(piece, *at, sizeof *piece);
        const uint8_t *bytes = *at + sizeof *piece;
        uint64_t padded = ((uint64_t)piece->size + 7) & ~UINT64_C(7);
        if ((uint64_t)(memory->end - bytes) < padded)
            return NULL;
        *at = bytes + padded;
        if ((int32_t)piece->when == memory->when)
            return bytes;
    }
    return NULL;
}

/* Of the pieces that hold an address, the one that has most behind it. */
static const uint8_t *find(const struct memory *memory, uint64_t address, uint64_t *size)
{
    struct pb_trace_piece piece;
    const uint8_t *at = memory->pieces, *found = NULL, *bytes;
    *size = 0;
    while ((bytes = memory_piece(memory, &at, &piece))) {
        uint64_t before = address - piece.address;
        if (address < piece.address || before >= piece.size || piece.size - before <= *size)
            continue;
        *size = piece.size - before;
        found = bytes + before;
    }
    return found;
}

bool memory_read(const struct memory *memory, uint64_t address, void *buffer, uint64_t size)
{
    uint64_t there;
    if (!size)
        return true;
    if (!memory->pieces)
        return pb_read(memory->core, memory->tid, address, buffer, size) == (int64_t)size;
    const uint8_t *found = find(memory, address, &there);
    if (!found || there < size)
        return false;
    memcpy(buffer, found, size);
    return true;
}

int64_t memory_string(const struct memory *memory, uint64_t address, char *buffer, uint64_t limit)
{
    uint64_t there;
    if (!memory->pieces)
        return pb_read_string(memory->core, memory->tid, address, buffer, limit);
    const uint8_t *found = find(memory, address, &there);
    const uint8_t *end = found ? memchr(found, 0, there < limit ? there : limit) : NULL;
    if (!end)
        return -EFAULT;
    memcpy(buffer, found, (size_t)(end - found));
    return end - found;
}
