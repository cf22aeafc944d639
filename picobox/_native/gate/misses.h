/* What those who remember names share: the components of a path, by which it is forgotten, and whether it may be remembered. */
#ifndef PICOBOX_GATE_MISSES_H
#define PICOBOX_GATE_MISSES_H

#include "gate.h"

#define FOLDED_BITS 12
/* Of longer paths nothing is remembered. */
#define MOST_COMPONENTS 12
_Static_assert(MOST_COMPONENTS == PERMIT_COMPONENTS, "a permit has those of its path");

/* What all spellings of a component have in common here. */
static inline uint16_t short_hash(uint32_t folded_hash)
{
    return (folded_hash ^ folded_hash >> FOLDED_BITS) & ((1 << FOLDED_BITS) - 1);
}

static inline uint64_t *in_gate(const struct pb_core *core, uint64_t address)
{
    return (uint64_t *)(core->stubs->code + (address - GATE_CODE));
}

/* What is to be remembered of a name. */
enum remembered { ITS_MEANING, ITS_MAKING };

/* The hashes of a path's components, their number, or -1 if there are too many. */
int components_of(const char *path, uint16_t hashes[MOST_COMPONENTS]);
/* Whether its directories were watched before it was looked for, and its making was allowed before. If this of it was asked for
   before, they are from now on. */
bool miss_is_watched(struct pb_core *core, const struct miss *miss, enum remembered what);
/* Whether what was found out of it still holds, and whoever may make one of its components tells of it: all but `except`. */
bool miss_holds(const struct pb_core *core, const struct miss *miss, const struct task *except, const uint16_t *hashes,
                int count);

/* Watches an open directory from now on: a number of its own, or -1. */
int miss_watch(struct pb_core *core, int directory);

/* permits.c */
/* A component may have got another meaning. */
void permits_forget(struct pb_core *core, uint16_t hash);
/* Something has come to a name in the directory that a watch is of. */
void permits_notice(struct pb_core *core, int watch, const char *name, uint16_t hash);
void permits_forget_all(struct pb_core *core);

#endif
