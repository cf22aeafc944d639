/* What the code that records in guests shares with the supervisor: a ring for each thread, behind the counters. A ring is
   filled from its beginning, and begun anew when its thread stops. All of it is the guest's to write. */
#ifndef PICOBOX_GATE_RINGS_H
#define PICOBOX_GATE_RINGS_H

#include "gate.h"
#include "guest.h"

#define RING_SIZE (RINGS_SIZE / RING_COUNT)
#define RING_HEADER UINT64_C(64)
#define RING_DATA (RING_SIZE - RING_HEADER)
/* A record is begun only if there is room for whatever its end may add. */
#define RING_RESERVE UINT64_C(16384)
/* Added to the head while the record there waits for its call's end. */
#define RING_OPEN UINT64_C(1)

struct ring {
    uint64_t head; /* how far it is filled */
    uint8_t unused[RING_HEADER - sizeof(uint64_t)];
    uint8_t data[RING_DATA];
};

/* What of an argument is read into a record: the low half of a byte says what, the high half is its size in words of four
   bytes, or the index of the argument that counts it. */
enum capture {
    CAPTURE_NONE,
    CAPTURE_STRING,
    CAPTURE_BYTES,   /* that the kernel reads */
    CAPTURE_RESULT,  /* bytes that the kernel writes, as many as the result says */
    CAPTURE_WRITTEN, /* all of them, which are a string */
    CAPTURE_IN,      /* a structure that the kernel reads */
    CAPTURE_OUT,     /* or writes */
    CAPTURE_ADDRESS, /* a struct sockaddr */
    CAPTURE_POLL,
    CAPTURE_GATHER,  /* what a vector leads to, that the kernel reads */
    CAPTURE_SCATTER, /* or writes */
};

/* What is known of a number: a byte for each argument, and in the last one whether its calls are recorded. */
#define CAPTURES_OF_ARGUMENTS UINT64_C(0xffffffffffff)
#define CAPTURES_WANTED (UINT64_C(1) << 56)
/* And of an open what it has opened, see PB_OF_OBJECT. */
#define CAPTURES_OBJECT (UINT64_C(1) << 57)

/* record.c, in guests */
struct recording {
    struct ring *ring; /* NULL: nothing is recorded */
    uint64_t start, at; /* of the record, and behind what it has of memory */
    uint64_t captures;  /* a byte for each argument */
    bool opens;
};
/* False if the call is rather seen: there is no room, or no ring. */
bool record_begin(struct recording *recording, const struct gate_block *block, uint64_t nr)
    __attribute__((visibility("hidden")));
/* Makes a call whose result is of no concern to who it is made for. */
int64_t guest_look(uint64_t nr, const uint64_t args[6]) __attribute__((visibility("hidden")));
void record_drop(const struct recording *recording) __attribute__((visibility("hidden")));
void record_end(struct recording *recording, const struct gate_block *block) __attribute__((visibility("hidden")));

#endif
