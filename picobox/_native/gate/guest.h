/* What the code that runs in guests shares with the supervisor: the block of a thread, behind its gs base. All of it is the
   guest's to write: what is read there is a hint. */
#ifndef PICOBOX_GATE_GUEST_H
#define PICOBOX_GATE_GUEST_H

#include <stdint.h>

#define BLOCKS UINT64_C(0x7d000000)
#define BLOCK_SIZE UINT64_C(4096)
#define BLOCK_COUNT PB_BLOCK_COUNT
#define BLOCKS_SIZE (BLOCK_SIZE * BLOCK_COUNT)

/* Longer names are Python's. */
#define GUEST_NAME 2048

/* No call has this result. */
#define NOT_MADE INT64_C(-0x80000000)

/* Written by the entry. Its stack begins at the block's end. */
struct gate_block {
    uint64_t args[6]; /* rdi, rsi, rdx, r10, r8, r9 */
    uint64_t nr;      /* rax */
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp;
    uint64_t behind; /* where in the stub its call returns to */
    int64_t result;  /* of the call, NOT_MADE before it is over */
    char name[GUEST_NAME]; /* that the call is made with, written by the supervisor */
};

/* What is done about a number; with GUEST_RESOLVES, what finds nothing asks what its name means. */
#define GUEST_RESOLVES 0x80
enum guest_kind {
    GUEST_ASKS,  /* the stub makes the call, where the filter does not let it pass */
    GUEST_MAKES, /* it is made */
    GUEST_FSTAT, /* newfstatat: made as fstat if that is what it is */
    GUEST_CLOSES,
    GUEST_FINDS, /* is made; finds it nothing, the stub asks */
    GUEST_OPENS, /* so, unless the second argument's flags say that a name may be made */
    GUEST_OPENS_AT, /* or the third argument's */
};

#endif
