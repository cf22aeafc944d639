/* What the files of the gate share. The layout is fixed: the filter knows the code's range, stubs know the counters'. */
#ifndef PICOBOX_GATE_H
#define PICOBOX_GATE_H

#include "../native.h"

/* Above the places of the argument page and below 2 GiB, as the addresses inside a jump have 31 bits. */
#define GATE_CODE ((uint64_t)PB_GATE_CODE)
#define GATE_CODE_SIZE ((uint64_t)PB_GATE_CODE_SIZE)
#define GATE_COUNTERS UINT64_C(0x7c200000)
#define GATE_COUNTER_COUNT 65536
#define GATE_COUNTERS_SIZE (UINT64_C(8) * GATE_COUNTER_COUNT)

#define STUB_SIZE UINT64_C(128)
#define STUB_COUNT (GATE_CODE_SIZE / STUB_SIZE)
#define STUB_RETURN 16
#define STUB_ENTRY 24
#define COUNTING_LENGTH 24
/* Bytes of instructions that move as they are, where no plan tells how: what any stub has room for. */
#define MOVED_LONGEST 20
#define JUMP_LENGTH 7
#define REGION_LONGEST 40

#define SITE_CODE 64
#define SITE_LITERALS 8
#define SITE_STEPS 16

/* A site as picobox.platform.site_records keeps it. */
struct site_record {
    uint64_t offset;  /* of the syscall instruction in the file */
    uint64_t address; /* as the file was linked */
    int32_t nr;       /* -1: not known */
    uint8_t before, replaced;          /* bytes of the region before the call, and in all */
    uint8_t code_before, code_after;   /* bytes of code that run in their place */
    uint8_t literals_before, literals_after;
    uint8_t steps_before, steps_after;
    uint8_t goes_on;
    uint8_t unused[3];
    uint8_t original[REGION_LONGEST];
    uint8_t code[SITE_CODE];
    /* Where in the code before or after the call an address of 64 bits is, and how far from the call it leads. */
    uint8_t literal_at[SITE_LITERALS];
    int32_t literal_to[SITE_LITERALS];
    /* Where in it an instruction begins, and how far from the call a task is there that is about to run it. */
    uint8_t step_at[SITE_STEPS];
    int32_t step_to[SITE_STEPS];
} __attribute__((packed, aligned(4)));

/* A call site: its syscall instruction and how many bytes of whole instructions before and behind it are in its stub, as
   they are if no plan tells how. */
struct gate_site {
    uint64_t call;
    uint8_t before;
    uint8_t after;
    uint8_t decides; /* length of what the stub decides before the call: 0, or DECIDING_LENGTH */
    const struct site_record *record;
};

static inline uint8_t code_before(const struct gate_site *site)
{
    return site->record ? site->record->code_before : site->before;
}

static inline uint8_t code_after(const struct gate_site *site)
{
    return site->record ? site->record->code_after : site->after;
}

/* A file that is mapped, as /proc/PID/maps has it. */
struct mapping {
    uint64_t start, end, offset, device, inode;
    char path[4096];
};

/* Offsets of instructions in what decides on newfstatat; see DECIDING. */
enum {
    DECIDING_LOOK = 21,  /* may fault */
    DECIDING_SAVED = 29, /* r10 has the path's address */
    DECIDING_CALL = 37,
    DECIDING_MADE = 39,
    DECIDING_BACK = 42, /* rsi has it again */
    DECIDING_DONE = 48, /* and r10 the flags */
    DECIDING_LENGTH = 50,
};

static inline uint64_t site_start(const struct gate_site *site)
{
    return site->call - site->before;
}

static inline uint64_t site_end(const struct gate_site *site)
{
    return site->call + X86_SYSCALL_LENGTH + site->after;
}

/* The gate of an address space and of those that were forked from it: what is added for one does no harm in another. */
struct gate {
    int32_t users;
    struct gate *next; /* in core->gates */
    uint8_t *code;      /* the guest reads and runs what we write here */
    uint64_t *counters; /* the guest writes: hints */
    uint32_t used;
    struct gate_site sites[STUB_COUNT];
};

/* memory.c */
/* NULL: no memory, or no descriptors. Those that the guest is to map are left in fds. */
struct gate *gate_new(struct pb_core *core, int fds[2]);
/* The stub of a site whose region has these bytes. Its number, or -1 if there is no room for another. */
int32_t stub_get(struct gate *gate, const struct gate_site *site, const uint8_t *region);
/* The bytes that replace the region of a site. */
void stub_jump(uint32_t stub, const struct gate_site *site, uint8_t *out);
/* The bytes that a stub was made of. */
void stub_region(const struct gate *gate, uint32_t stub, uint8_t *out);
/* Where in a stub its call is made. */
uint64_t stub_call(const struct gate *gate, uint32_t stub);
static inline uint64_t stub_address(uint32_t stub)
{
    return GATE_CODE + stub * STUB_SIZE;
}
static inline bool is_in_gate(uint64_t ip)
{
    return ip >= GATE_CODE && ip < GATE_CODE + GATE_CODE_SIZE;
}

/* sites.c */
/* Whether the site that a call of this number came from can enter the gate, and how. */
bool site_plan(struct pb_core *core, int32_t tid, uint64_t call, uint32_t nr, struct gate_site *out, uint8_t *region);
/* Writes the jump into a stopped address space. The number of its stub, or -1. */
int32_t site_patch(struct pb_core *core, int32_t tid, struct gate *gate, const struct gate_site *site, const uint8_t *region);
/* The site of the jump that the task's memory has at an address, or NULL; *stub is its number. */
const struct gate_site *site_at(struct pb_core *core, const struct task *task, uint64_t start, uint32_t *stub);

/* Of a site whose region an address is in the middle of, where its stub goes on from there; 0 if there is none. */
uint64_t site_inside(struct pb_core *core, const struct task *task, uint64_t ip);

/* plans.c */
/* Whether an image has a plan; *out is that of the call, NULL if it must stay as it is. */
bool plan_find(struct pb_core *core, int32_t tid, const struct mapping *mapping, uint64_t call,
               const struct site_record **out);

/* siblings.c */
/* All other tasks of the address space stand still from now on until the loop takes their stops; false if some do not. */
bool siblings_stop(struct pb_core *core, const struct task *task);
/* Of those that stand still: false if one stands in the middle of a site. Who stands before its call or right behind it is
   moved, if `behind`, where the stub's call returns to, is not 0. */
bool siblings_leave(struct pb_core *core, const struct task *of, const struct gate_site *site, uint64_t behind);

/* hot.c */
/* Calls that are held for the gate begin anew, so that the tasks can stop. */
void gate_release(struct pb_core *core);

#endif
