/* Owns the recording of calls by guests, each into the ring of its thread. It is copied into the gate like guest.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>

#include "rings.h"

#define IN_GUEST __attribute__((section("gate_text"), used, visibility("hidden")))
#define INLINE static inline __attribute__((always_inline))
#define SHOWN 32 /* bytes of a buffer, elements of an array */
#define LONGEST_STRING 4096
#define LONGEST_ADDRESS 128
#define STATUS_SIZE 144 /* struct stat */
/* What of that the next piece may be, with the way to it behind. */
#define OBJECT_SIZE (sizeof(struct pb_trace_piece) + STATUS_SIZE + LONGEST_STRING + 64)

INLINE uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

INLINE struct pb_trace_piece *piece_at(const struct recording *recording)
{
    return (struct pb_trace_piece *)(recording->ring->data + recording->at);
}

INLINE void piece_close(struct recording *recording, uint64_t address, uint64_t size, uint32_t when)
{
    *piece_at(recording) = (struct pb_trace_piece){address, (uint32_t)size, when};
    recording->at += sizeof(struct pb_trace_piece) + ((size + 7) & ~UINT64_C(7));
}

/* Reads what may fault: then the call is made by its stub, or the supervisor ends the record. */
INLINE bool put(struct recording *recording, uint64_t address, uint64_t size, uint32_t when)
{
    if (!address || !size)
        return true;
    if (!is_of_guests(address) || recording->at + sizeof(struct pb_trace_piece) + size + 8 > RING_DATA)
        return false;
    uint8_t *to = (uint8_t *)(piece_at(recording) + 1);
    uint64_t done = 0;
    for (; done + 8 <= size; done += 8)
        *(volatile uint64_t *)(to + done) = *(const volatile uint64_t *)(address + done);
    for (; done < size; done++)
        to[done] = *(const volatile uint8_t *)(address + done);
    piece_close(recording, address, size, when);
    return true;
}

INLINE bool put_string(struct recording *recording, uint64_t address)
{
    if (!address)
        return true;
    if (!is_of_guests(address) || recording->at + sizeof(struct pb_trace_piece) + LONGEST_STRING > RING_DATA)
        return false;
    uint8_t *to = (uint8_t *)(piece_at(recording) + 1);
    uint64_t size = 0;
    uint8_t byte = 1;
    while (byte && size < LONGEST_STRING) {
        byte = *(const volatile uint8_t *)(address + size);
        *(volatile uint8_t *)(to + size++) = byte;
    }
    piece_close(recording, address, size, PB_AT_ENTRY);
    return true;
}

/* The vector itself, and the first bytes of what its entries lead to, of which `available` are there. */
INLINE bool put_vector(struct recording *recording, uint64_t address, uint64_t entries, uint64_t available, uint32_t when)
{
    entries = least(entries, SHOWN);
    if (!put(recording, address, entries * 16, when))
        return false;
    for (uint64_t i = 0; address && i < entries; i++) {
        const volatile uint64_t *entry = (const volatile uint64_t *)(address + 16 * i);
        uint64_t base = entry[0], size = least(entry[1], available);
        if (!put(recording, base, least(size, SHOWN), when))
            return false;
        available = available == UINT64_MAX ? available : available - size;
    }
    return true;
}

INLINE bool capture_before(struct recording *recording, const uint64_t args[6], uint64_t raw, uint8_t how)
{
    uint64_t counted = (how >> 4) < 6 ? args[how >> 4] : 0;
    switch (how & 15) {
    case CAPTURE_STRING: return put_string(recording, raw);
    case CAPTURE_BYTES: return put(recording, raw, least(counted, SHOWN), PB_AT_ENTRY);
    case CAPTURE_IN: return put(recording, raw, UINT64_C(4) * (how >> 4), PB_AT_ENTRY);
    case CAPTURE_ADDRESS: return put(recording, raw, least((uint32_t)counted, LONGEST_ADDRESS), PB_AT_ENTRY);
    case CAPTURE_POLL: return put(recording, raw, 8 * least((uint32_t)counted, SHOWN), PB_AT_ENTRY);
    case CAPTURE_GATHER: return put_vector(recording, raw, counted, UINT64_MAX, PB_AT_ENTRY);
    default: return true;
    }
}

INLINE void capture_after(struct recording *recording, const uint64_t args[6], uint64_t raw, uint8_t how, uint64_t result)
{
    uint64_t counted = (how >> 4) < 6 ? args[how >> 4] : 0;
    switch (how & 15) {
    case CAPTURE_RESULT: put(recording, raw, least(result, SHOWN), PB_AT_EXIT); break;
    case CAPTURE_WRITTEN: put(recording, raw, least(result, LONGEST_STRING), PB_AT_EXIT); break;
    case CAPTURE_OUT: put(recording, raw, UINT64_C(4) * (how >> 4), PB_AT_EXIT); break;
    case CAPTURE_POLL: put(recording, raw, 8 * least((uint32_t)counted, SHOWN), PB_AT_EXIT); break;
    case CAPTURE_SCATTER: put_vector(recording, raw, counted, result, PB_AT_EXIT); break;
    default: break;
    }
}

/* Writes "/proc/thread-self/fd/" and the number, with nothing that is no immediate operand. */
INLINE void write_way(uint8_t *to, uint32_t fd)
{
    struct word *words = (struct word *)to;
    words[0].value = UINT64_C(0x68742f636f72702f);
    words[1].value = UINT64_C(0x6c65732d64616572);
    words[2].value = UINT64_C(0x2f64662f66);
    uint8_t digits = 1;
    for (uint32_t rest = fd; rest > 9; rest /= 10)
        digits++;
    to += 21;
    to[digits] = 0;
    for (; digits; fd /= 10)
        to[--digits] = (uint8_t)('0' + fd % 10);
}

/* What a descriptor is of; if that cannot be had, the supervisor looks by itself. */
INLINE void put_descriptor(struct recording *recording, uint64_t fd)
{
    uint8_t *status = (uint8_t *)(piece_at(recording) + 1), *path = status + STATUS_SIZE, *way = path + LONGEST_STRING;
    uint64_t look[6] = {fd, (uint64_t)status}, follow[6] = {(uint64_t)way, (uint64_t)path, LONGEST_STRING - 1};
    write_way(way, (uint32_t)fd);
    if (guest_look(SYS_fstat, look) < 0)
        return;
    int64_t length = guest_look(SYS_readlink, follow);
    if (length >= 0)
        piece_close(recording, 0, STATUS_SIZE + (uint64_t)length, PB_OF_OBJECT);
}

/* That a name leads to nothing: the channel has written what it means into the block. */
INLINE void put_absent(struct recording *recording, const struct gate_block *block)
{
    volatile uint64_t *status = (volatile uint64_t *)(piece_at(recording) + 1);
    volatile uint8_t *path = (volatile uint8_t *)status + STATUS_SIZE;
    uint64_t length = 0;
    for (int i = 0; i < STATUS_SIZE / 8; i++)
        status[i] = 0;
    for (; length < GUEST_NAME && ((const volatile char *)block->name)[length]; length++)
        path[length] = (uint8_t)((const volatile char *)block->name)[length];
    piece_close(recording, 0, STATUS_SIZE + length, PB_OF_OBJECT);
}

INLINE void put_object(struct recording *recording, const struct gate_block *block, int64_t result)
{
    if (recording->at + OBJECT_SIZE > RING_DATA)
        return;
    if (result >= 0)
        put_descriptor(recording, (uint64_t)result);
    else if (result == -ENOENT)
        put_absent(recording, block);
}

/* Takes the place of the next record, which is none yet. A stop may begin the ring anew at any time until it is taken: so that
   is one instruction. */
INLINE bool claim(struct recording *recording)
{
    struct ring *ring = recording->ring;
    uint64_t start, found;
    do {
        start = found = *(volatile uint64_t *)&ring->head;
        if (start & 7 || start > RING_DATA - RING_RESERVE)
            return false;
        *(volatile uint32_t *)&((struct pb_trace_record *)(ring->data + start))->size = 0;
        __asm__ volatile("cmpxchgq %2, %1" : "+a"(found), "+m"(ring->head) : "r"(start | RING_OPEN) : "cc", "memory");
    } while (found != start);
    recording->start = start;
    return true;
}

IN_GUEST void record_drop(const struct recording *recording)
{
    if (recording->ring)
        __atomic_store_n(&recording->ring->head, recording->start, __ATOMIC_RELEASE);
}

IN_GUEST bool record_begin(struct recording *recording, const struct gate_block *block, uint64_t nr)
{
    uint64_t number = ((const volatile uint16_t *)GUEST_RINGS)[((uint64_t)block - BLOCKS) / BLOCK_SIZE];
    if (!number)
        return false;
    struct ring *ring = recording->ring = (struct ring *)(RINGS + (number - 1) * RING_SIZE);
    if (!claim(recording) && (guest_look(PB_NR_FULL, block->args), !claim(recording)))
        return false;
    uint64_t start = recording->start;
    recording->at = start + sizeof(struct pb_trace_record);
    uint64_t known = ((const volatile uint64_t *)GUEST_CAPTURES)[nr];
    recording->captures = known & CAPTURES_OF_ARGUMENTS;
    recording->opens = known & CAPTURES_OBJECT;
    struct pb_trace_record *record = (struct pb_trace_record *)(ring->data + start);
    for (int i = 0; i < 6; i++)
        *(volatile uint64_t *)&record->args[i] = block->args[i];
    uint64_t captures = recording->captures;
    for (int i = 0; captures; i++, captures >>= 8)
        if (!capture_before(recording, block->args, block->args[i], (uint8_t)captures)) {
            record_drop(recording);
            return false;
        }
    record->nr = (uint16_t)nr;
    record->ended = 0;
    record->begin = __builtin_ia32_rdtsc();
    __atomic_store_n(&record->size, (uint32_t)(recording->at - start), __ATOMIC_RELEASE);
    return true;
}

IN_GUEST void record_end(struct recording *recording, const struct gate_block *block)
{
    if (!recording->ring)
        return;
    struct pb_trace_record *record = (struct pb_trace_record *)(recording->ring->data + recording->start);
    int64_t result = *(const volatile int64_t *)&block->result;
    record->end = __builtin_ia32_rdtsc();
    record->result = result;
    uint64_t captures = result >= 0 ? recording->captures : 0;
    for (int i = 0; captures; i++, captures >>= 8)
        capture_after(recording, block->args, block->args[i], (uint8_t)captures, (uint64_t)result);
    if (recording->opens)
        put_object(recording, block, result);
    record->ended = 1;
    record->size = (uint32_t)(recording->at - recording->start);
    __atomic_store_n(&recording->ring->head, recording->at, __ATOMIC_RELEASE);
}
