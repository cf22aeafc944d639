/* What the files of the gate share. The layout is fixed: the filter knows the code's range, stubs know the counters'. */
#ifndef PICOBOX_GATE_H
#define PICOBOX_GATE_H

#include <asm/ioctls.h>
#include <sys/stat.h>
#include <sys/user.h>

#include "../native.h"

/* Above the places of the argument page and below 2 GiB, as the addresses inside a jump have 31 bits. */
#define GATE_CODE ((uint64_t)PB_GATE_CODE)
/* Behind the stubs, the stubs of sites that decide; behind those is where these make calls that are to be seen, which the
   filter lets through from nowhere here; then what they read to decide. */
#define GATE_DECIDED ((uint64_t)PB_GATE_DECIDED)
#define GATE_ASKING (GATE_DECIDED + PB_GATE_DECIDED_SIZE)
#define GATE_TABLES (GATE_ASKING + ASKING_SIZE * (PB_GATE_CODE_SIZE / STUB_SIZE))
#define GATE_END UINT64_C(0x7c200000)
#define GATE_CODE_SIZE (GATE_END - GATE_CODE)
#define GATE_COUNTERS UINT64_C(0x7c200000)
#define GATE_COUNTER_COUNT 65536
#define GATE_COUNTERS_SIZE (UINT64_C(8) * GATE_COUNTER_COUNT)
/* So many address spaces have a gate at once. */
#define GATES_AT_ONCE 4096

/* Memory of each address space that no other sees: where the stubs of images return to and other addresses that they need,
   the exchange of a mapping, see routines.c, and more behind them. */
#define GATE_WORDS UINT64_C(0x7cfe0000)
#define GATE_EXCHANGE UINT64_C(0x7cfff800)
#define WORD_COUNT ((GATE_EXCHANGE - GATE_WORDS) / sizeof(uint64_t))
#define GATE_PRIVATE GATE_WORDS
#define GATE_PRIVATE_SIZE UINT64_C(0x20000) /* up to the blocks, see guest.h */

/* What is at GATE_EXCHANGE. */
struct exchange_memory {
    uint64_t behind, address, descriptor, copy, result;
};
/* The numbers of descriptors that a new program has until it has mapped the gate. */
#define LENT_CODE 63
#define LENT_COUNTERS 62
#define LENT_COPY 61
#define LENT_RINGS 60

/* At the end of each place of stubs: the code that those share which enter it, and what it does about each number. */
#define GUEST_SIZE UINT64_C(0x8000)
#define GUEST_PLAIN (GATE_CODE + PB_GATE_CODE_SIZE - GUEST_SIZE)
#define GUEST_DECIDED (GATE_DECIDED + PB_GATE_DECIDED_SIZE - GUEST_SIZE)
#define GUEST_OUTSIDE UINT64_C(0x5000) /* behind the code: directories that lie outside of a check's, see guest.h */
#define GUEST_KINDS UINT64_C(0x7000)
#define GUEST_PATHS (GUEST_KINDS + PB_NR_COUNT) /* and where in its arguments each has its path */

#define STUB_SIZE UINT64_C(128)
/* Before it are the routines. */
#define FIRST_STUB 4
#define STUB_COUNT ((PB_GATE_CODE_SIZE - GUEST_SIZE) / STUB_SIZE)
#define DECIDED_COUNT ((PB_GATE_DECIDED_SIZE - GUEST_SIZE) / STUB_SIZE)
#define ASKING_SIZE UINT64_C(16)
#define STUB_RETURN 16
#define STUB_ENTRY 24
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

/* What a stub does about the call of its site. */
enum gate_way {
    PLAIN,    /* it is made */
    AS_FSTAT, /* newfstatat of a descriptor is made as fstat */
    MAPS,     /* mmap, of an image's site; is made, and may be answered by what leads to an exchange */
    ENTERS,   /* what is done about its number is done in guest.c */
    FINDS,    /* of one number; is made, and if it finds nothing, made again to be seen */
    CLOSES,   /* close; is made unless somebody wants to know, see GATE_WATCHED */
    ENTERS_DECIDED, /* as ENTERS, of FINDS and CLOSES */
};

/* A call site: its syscall instruction and how many bytes of whole instructions before and behind it are in its stub, as
   they are if no plan tells how. */
struct gate_site {
    uint64_t call;
    uint8_t before;
    uint8_t after;
    uint8_t way;
    uint8_t open_flags; /* of an open: the position of its flags */
    uint32_t nr;        /* of FINDS and CLOSES */
    bool in_image;      /* `call` is an offset in the file: each address space has its address */
    uint16_t words;     /* if so, the number of its first one in GATE_WORDS: where it returns to, then its literals */
    const struct site_record *record;
    uint8_t region[REGION_LONGEST]; /* the bytes that the jump replaces */
};

/* An open with one of these may make a file. Of O_TMPFILE it is the bit that says so; its other one is O_DIRECTORY. */
#define TEMPORARY 020000000
#define MAKES_NAMES (O_CREAT | TEMPORARY)

/* Descriptors of which somebody wants to know in any table that they are closed, a bit each; those behind count as such. */
#define GATE_WATCHED GATE_TABLES
#define WATCHED_COUNT 65536
/* Of a run that is recorded: the number of the ring of each block's thread, 0 for none, and what of each call's arguments is
   read into a record (see rings.h). */
#define GUEST_RINGS (GATE_WATCHED + WATCHED_COUNT / 8)
#define GUEST_CAPTURES (GUEST_RINGS + 2 * PB_BLOCK_COUNT)
_Static_assert(GUEST_CAPTURES + 8 * PB_NR_COUNT <= GATE_END, "the tables fit");

/* Where the rings are, behind the blocks. */
#define RINGS UINT64_C(0x78000000)
#define RING_COUNT 256
#define RINGS_SIZE UINT64_C(0x2000000)

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

static inline uint64_t site_start(const struct gate_site *site)
{
    return site->call - site->before;
}

static inline uint64_t site_end(const struct gate_site *site)
{
    return site->call + X86_SYSCALL_LENGTH + site->after;
}

/* Of all address spaces of a run. */
struct stubs {
    int fds[2];         /* of the code and of the counters, which guests map */
    uint8_t *code;      /* they read and run what we write here */
    uint64_t *counters; /* GATES_AT_ONCE times, each address space maps its own; guests write them: hints */
    uint64_t taken[GATES_AT_ONCE / 64]; /* which of them are, a bit each */
    uint32_t used;
    uint32_t words; /* used by images */
    uint32_t next;              /* where one that nobody uses any more is looked for */
    int32_t users[STUB_COUNT]; /* gates whose memory may have the jump */
    struct gate_site sites[STUB_COUNT];
};

/* A file whose text is there in a copy with jumps at its sites, which every address space maps. */
struct image {
    char *path;
    struct stat file;
    int original;     /* not to be read: it stays the file that it is, see image_find */
    int copy;         /* to be lent */
    uint64_t copy_device, copy_inode;
    uint64_t start, end; /* what of the file is in the copy */
    uint32_t first, count; /* its stubs */
    uint32_t first_word, word_count;
    const struct site_record *sites;
    uint32_t site_count;
};
#define IMAGE_COUNT 64

struct images {
    int writable, tree; /* a file system of ours that is mounted nowhere: as we write it, and as guests get files of it */
    int count;
    struct image images[IMAGE_COUNT];
};

/* Where the text of an image may be in an address space. */
struct copied_text {
    uint64_t start, end;
    const struct image *image;
};
#define TEXT_COUNT 16

/* A mapping that a stub exchanges for one of a copy, see routines.c. One in an address space at a time. */
struct exchange {
    int32_t tid; /* 0: none */
    int32_t fd;  /* its descriptor of the copy */
    bool open;    /* which is still open, as a handler came before it was closed */
    uint32_t calls; /* that the task had entered then */
    uint64_t call;  /* of the site */
    uint64_t args[6];
};

/* The gate of an address space and of those that were forked from it: what is added for one does no harm in another. */
struct gate {
    int32_t users;
    struct rings *rings; /* NULL: it has none */
    bool has_no_rings;   /* it was tried to give it some */
    bool has_no_copies;  /* it could not map one at a stop */
    struct gate *next; /* in core->gates */
    struct stubs *stubs;
    uint32_t number; /* of its counters */
    uint64_t *counters;
    uint64_t jumps[STUB_COUNT / 64]; /* the stubs that it uses, a bit each */
    struct copied_text texts[TEXT_COUNT];
    int text_count;
    struct exchange exchange;
};

/* memory.c */
/* Those of the run; NULL: no memory, or no descriptors. */
struct stubs *stubs_of(struct pb_core *core);
struct gate *gate_new(struct pb_core *core);
/* The first stub from a number on that a gate uses, STUB_COUNT if there is none. */
uint32_t next_jump(const struct gate *gate, uint32_t stub);
/* The stub of a site. Its number, or -1 if there is no room for another. */
int32_t stub_get(struct gate *gate, const struct gate_site *site);
/* Stubs for sites of an image, one after the other; the number of the first, -1 if there is no room. */
int32_t stubs_get(struct stubs *stubs, const struct gate_site *sites, uint32_t count);
/* Whether it has room, and if its site is of an image, whether its addresses can be kept outside of it. */
bool stub_fits(const struct gate_site *site);
/* The bytes that replace the region of a site. */
void stub_jump(uint32_t stub, const struct gate_site *site, uint8_t *out);
/* What a stub is made of: from `entry` on what came before the call, from `start` on what is in the place of the call, from
   `behind` on what came after. A call that has been counted already begins at `again`. */
struct stub_places {
    uint64_t entry, start, again, behind;
};
struct stub_places stub_places(const struct gate *gate, uint32_t stub);
/* The stub that an address is in, and that is used; false if there is none. */
bool stub_at(const struct gate *gate, uint64_t ip, uint32_t *stub);
static inline uint64_t stub_address(uint32_t stub, const struct gate_site *site)
{
    return (site->way >= FINDS ? GATE_DECIDED : GATE_CODE) + stub * STUB_SIZE;
}
static inline uint64_t asking_address(uint32_t stub)
{
    return GATE_ASKING + stub * ASKING_SIZE;
}
static inline bool is_in_gate(uint64_t ip)
{
    return ip >= GATE_CODE && ip < GATE_CODE + GATE_CODE_SIZE;
}

/* ways.c */
/* How long what a stub has in the place of its site's call is; call_append appends that, which will be at an address. */
uint8_t call_length(const struct gate_site *site);
uint8_t *call_append(const struct gate_site *site, uint32_t stub, uint64_t address, uint8_t *at);
/* How far into that a call begins that has been counted. */
uint8_t call_again(const struct gate_site *site);
/* Where a call from the site that has begun there ends in the stub: right behind a syscall instruction that makes the same call
   to be seen, or as the stub makes it, since the kernel may take the task back to it. */
uint64_t call_return(const struct gate_site *site, uint32_t stub, const struct stub_places *places);
/* Registers of a task. */
struct borrowed {
    uint64_t ip, rax, rdi, rsi, r8, r10;
};
/* A task between a stub's `start` and `behind`, or at its place in GATE_ASKING, gets what it would have at its site. */
void call_give_back(const struct gate_site *site, uint32_t stub, uint64_t start, struct borrowed *registers);
/* Where a stub goes on that cannot read what it wanted to decide by, 0: it read nothing at this address. */
uint64_t call_unread(const struct gate_site *site, uint64_t start, uint64_t ip);
/* Whether the filter lets a call through that the instruction before ip makes. */
bool gate_passes(const struct pb_core *core, uint64_t ip, uint64_t nr);
/* What the filter lets through of ioctl, see ASKING_REQUESTS in picobox.abi.filter. */
static inline bool is_asking_request(uint64_t request)
{
    switch ((uint32_t)request) {
    case TCGETS:
    case TIOCGPGRP:
    case TIOCGWINSZ:
    case FIONREAD:
        return true;
    default:
        return false;
    }
}
/* Whether a call is made in the gate if it comes from a site that can enter it. */
bool is_for_gate(const struct pb_core *core, uint64_t nr, const uint64_t args[6]);
/* Fills in how a site makes calls, of which one of this number was seen. before: the bytes before it, if it has no record. */
void way_choose(const struct pb_core *core, uint32_t nr, const uint8_t *before, size_t length, struct gate_site *site);

/* misses.c */
/* Whether a call may make a name; args NULL: they are not known. */
bool makes_name(const struct pb_core *core, uint64_t nr, const uint64_t *args);
/* A task is about to make a name: what has it among its components is not known any more. */
void misses_name_made(struct pb_core *core, const struct made_name *made);
/* A name that a task has looked for in vain: as it was written, from where a directory's descriptor or AT_FDCWD says. */
struct miss {
    int32_t tid, dirfd;
    int listener; /* where it asked, and as what */
    uint64_t id;
    const char *path;
    const char *stored; /* what it means, NULL: nothing */
    uint32_t looks;     /* as in a gate_spelling */
    /* As it was before it was looked up: */
    uint32_t place;
    uint64_t generation, epoch, events, makings;
};
/* A task is about to look for a name. */
void miss_begin(const struct pb_core *core, const struct task *task, struct miss *miss);
/* Nothing is there under any spelling, or just one: if that is asked again and again, the gate will know it by itself. */
void miss_seen(struct pb_core *core, const struct miss *miss);
/* Tells the gate where relative names of a task begin. */
void place_tell(const struct pb_core *core, const struct task *task);

/* permits.c */
/* A task was allowed to make a name that is not there, by a path as it was written: if that happens again and again, the gate
   will know by itself that it may. `makings` counts this one. True if the name's open directory is kept. */
bool permit_seen(struct pb_core *core, const struct miss *miss, int directory);
/* The task must ask again. A permit is never longer than what its task makes is reserved: see making_end. */
void permit_end(struct pb_core *core, struct task *task);

/* blocks.c */
/* The task, which stands still, gets a block of its own, unless it uses gs itself. */
void block_give(struct pb_core *core, struct task *task);
/* The code that stubs share, into the memory of a gate. */
void guest_write(const struct pb_core *core, uint8_t *code);
/* Where stubs of a way enter it. */
uint64_t guest_entry(enum gate_way way);
uint64_t block_address(uint32_t number);
/* Of a task that stands in that code: puts it where it would be if its stub had made the call itself, before it or behind
   it; with `fault` to where it is made to be seen. False if no stub led it there. */
bool guest_leave(struct pb_core *core, struct task *task, bool fault);
/* The same for one whose registers were read, and will be written. */
bool guest_registers_leave(struct pb_core *core, struct task *task, struct user_regs_struct *registers, bool fault);

/* rings.c */
/* Whether guests can record calls of a number; what they read of each argument, a byte for each. */
bool rings_can_record(const struct pb_core *core, uint32_t nr, uint64_t *captures);
/* Whether they record what a call has opened; whether errors of its calls are Python's to see. */
bool rings_want_object(const struct pb_core *core, uint32_t nr);
bool rings_tell_errors(const struct pb_core *core, uint32_t nr);
/* What guests have to know for it, into the memory of a gate. */
void rings_write(const struct pb_core *core, uint8_t *code);
void rings_free(struct gate *gate);
/* Makes those of a task's gate; a descriptor of them for the task to map, -1 if there can be none. */
int rings_begin(struct pb_core *core, struct task *task);
/* The task has a block now. */
void ring_give(struct pb_core *core, struct task *task);
/* The call that it is recording is over for the guest's code: with a result, or not made. */
void ring_close(struct pb_core *core, struct task *task, bool made, int64_t result);

/* hot.c: gives the task copies of our descriptors, which stands at a call's entry or, if not `entered`, behind one. */
bool gate_lends(struct pb_core *core, struct task *task, bool entered, int fds[2]);

/* watches.c: fills in the table of new stubs. */
void watches_copy(const struct pb_core *core, struct stubs *stubs);
/* rights.c */
/* Reads the rights of a task; false if they cannot be known here. */
bool rights_read(int32_t tid, struct rights *rights);
/* Whether who has them could learn the names in an open directory of ours: 1, 0, or -1 if that is not known here. */
int may_list(const struct rights *rights, int directory);


/* sites.c */
/* What a task has mapped at an address, and with which rights, as /proc/PID/maps has them: false if nothing of a file. */
bool mapping_read(int32_t tid, uint64_t address, struct mapping *out, char rights[5]);
/* Whether the site that a call of this number came from can enter the gate, and how. */
bool site_plan(struct pb_core *core, int32_t tid, uint64_t call, uint32_t nr, struct gate_site *out);
/* Writes the jump into a stopped address space. The number of its stub, or -1. */
int32_t site_patch(struct pb_core *core, int32_t tid, struct gate *gate, const struct gate_site *site);
/* The site of the jump that the task's memory has at an address, and the number of its stub; false if there is none. */
bool site_at(struct pb_core *core, const struct task *task, uint64_t start, struct gate_site *site, uint32_t *stub);
/* A stub's site where the task's address space has it, as far as that tells. */
struct gate_site site_here(const struct task *task, uint32_t stub);

/* Of a site whose region an address is in the middle of, where its stub goes on from there; 0 if there is none. */
uint64_t site_inside(struct pb_core *core, const struct task *task, uint64_t ip);

/* plans.c */
/* Whether an image has a plan; *out is that of the call, NULL if it must stay as it is. */
bool plan_find(struct pb_core *core, int32_t tid, const struct mapping *mapping, uint64_t call,
               const struct site_record **out);

/* The sites of a file's plan, in the order of their offsets; NULL if it has none. */
const struct site_record *plan_sites(struct pb_core *core, const struct stat *image, uint32_t *count);
/* The file that is mapped, if its path still leads to it; to be looked at, not read: who knows what else it leads to. */
int image_open(int32_t tid, const struct mapping *mapping, struct stat *image);

/* images.c */
/* The image whose text is mapped, NULL if there is no copy of it and none can be made. */
const struct image *image_find(struct pb_core *core, int32_t tid, const struct mapping *mapping);
/* The one whose copy is this file, or NULL. */
const struct image *image_of_copy(const struct pb_core *core, uint64_t device, uint64_t inode);
/* A task is about to map the copy: stubs will find back. False if its memory is not to be written. */
bool image_enter(struct pb_core *core, struct task *task, const struct image *image, uint64_t start, uint64_t length,
                 uint64_t offset);

/* start.c */
/* A task stands in a routine of ours: what it will be without it. */
void exchange_give_back(const struct task *task, struct borrowed *registers);
/* A handler interrupts the task there: the descriptor serves the next one, if it was not closed. */
void exchange_interrupt(const struct task *task, uint64_t ip);
/* Whether mappings are recorded: those of a program that maps the gate are not, nor those of who takes its place. */
bool start_is_recorded(const struct pb_core *core);
/* Whether they are stops, for that or since somebody sees them. */
bool start_stops(const struct pb_core *core);
/* A new program could not map the gate, and begins without. */
bool start_undo(struct pb_core *core, struct task *task);

/* routines.c */
void routines_write(const struct pb_core *core, uint8_t *code);
uint64_t routine_address(const uint8_t *of);
extern const uint8_t routine_start[], routine_copied[], routine_exchange[], routine_end[], stopping_copied[];
/* Where in an exchange an address is. */
enum exchange_stage { NO_EXCHANGE, NOT_CLOSED, CLOSED };
enum exchange_stage exchange_stage(uint64_t ip);
/* The result of an mmap that leads to an exchange: no address that is mapped, and no error. */
#define MAP_TAG (GATE_EXCHANGE | 1)

/* makings.c */
/* What a name in an open directory is to all spellings of it; false: it cannot be made. */
bool name_made(struct made_name *made, int directory, const char *name, size_t length);
/* The task is about to make a name in the gate; false: another one may be about to make another spelling of it. */
bool making_begin(struct pb_core *core, struct task *task, const struct made_name *made);

/* siblings.c */
/* Whether a task stands still, or is gone. */
bool is_still(int32_t tid);
/* All other tasks of the address space stand still from now on until the loop takes their stops; false if some do not. */
bool siblings_stop(struct pb_core *core, const struct task *task);
/* Of those that stand still: false if one stands in the middle of a site. Who stands before its call or right behind it is
   moved into the stub; -1: there is none yet. */
bool siblings_leave(struct pb_core *core, const struct task *of, const struct gate_site *site, int32_t stub);

/* hot.c */
/* Calls that are held for the gate begin anew, so that the tasks can stop. */
void gate_release(struct pb_core *core);

/* Takes the least number that is not used, counted from 1, of those that have a bit each; 0: there is none. */
static inline uint32_t number_take(uint64_t *used, uint32_t count)
{
    for (uint32_t word = 0; word < count / 64; word++) {
        uint64_t unused = ~used[word];
        if (!unused)
            continue;
        uint32_t bit = (uint32_t)__builtin_ctzll(unused);
        used[word] |= UINT64_C(1) << bit;
        return word * 64 + bit + 1;
    }
    return 0;
}

#endif
