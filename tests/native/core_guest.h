/* What the test of the C core and its guest have agreed on. */
#ifndef CORE_GUEST_H
#define CORE_GUEST_H

#define GUEST_THREADS 20
#define GUEST_BOMB_LEVELS 8
#define GUEST_ANSWER 4242
#define GUEST_OFFSET 100
#define GUEST_CHECKPOINT 0x7bad
/* A page with nothing behind it. */
#define GUEST_EDGE UINT64_C(0x10000000)
#define GUEST_FORBIDDEN (GUEST_EDGE + 2 * 4096)
#define GUEST_TAKEN UINT64_C(0x70000000)

#endif
