/* Owns the code that runs in guests: stubs come here with a call, it is made here, and they go on with its result. It is
   copied into the gate as it is, so all of it is in one section and needs nothing outside: no constants, no tables of
   jumps, no other function. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gate.h"
#include "guest.h"
#include "rings.h"

#define IN_GUEST __attribute__((section("gate_text"), used, visibility("hidden")))

_Static_assert(BLOCKS == 0x7d000000 && BLOCKS_SIZE == 0x1000000 && BLOCK_SIZE == 0x1000, "the entry has these in it");
_Static_assert(GATE_COUNTERS == 0x7c200000 && GATE_DECIDED == 0x7c100000 && GATE_ASKING == 0x7c1c0000, "and these");
_Static_assert(STUB_SIZE == 8 * ASKING_SIZE && ASKING_SIZE == 16, "and these");
_Static_assert(offsetof(struct gate_block, nr) == 48 && offsetof(struct gate_block, rsp) == 104 &&
                   offsetof(struct gate_block, behind) == 112 && offsetof(struct gate_block, result) == 120,
               "and these");

/* A function of (nr, args) has them where the kernel takes them. */
#define LOAD_CALL \
    "  movq %rdi, %rax\n" \
    "  movq (%rsi), %rdi\n" \
    "  movq 16(%rsi), %rdx\n" \
    "  movq 24(%rsi), %r10\n" \
    "  movq 32(%rsi), %r8\n" \
    "  movq 40(%rsi), %r9\n" \
    "  movq 8(%rsi), %rsi\n"

/* r11 is where the stub's call returns to, rcx is free, flags are taken for lost as by DECIDING; all else is the guest's.
   Up to guest_saved nothing of it has changed. Whose gs base is no block makes the call in the stub, or asks. */
__asm__(".pushsection gate_text, \"ax\", @progbits\n"
        ".hidden guest_enter, guest_saved, guest_plain, guest_make_call, guest_made, guest_look\n"
        ".globl guest_enter, guest_saved, guest_plain, guest_make_call, guest_made, guest_look\n"
        "guest_plain:\n"
        "  cmpq $0x7c100000, %r11\n"
        "  jb 1f\n"
        "  leaq -0x7c100003(%r11), %rcx\n"
        "  shrq $3, %rcx\n"
        "  andq $-16, %rcx\n"
        "  addq $0x7c1c0000, %rcx\n"
        "  jmp *%rcx\n"
        "1:\n"
        "  movzwl %ax, %ecx\n"
        "  incq 0x7c200000(,%rcx,8)\n"
        "  leaq -2(%r11), %rcx\n"
        "  jmp *%rcx\n"
        "guest_enter:\n"
        "  rdgsbase %rcx\n"
        "  subq $0x7d000000, %rcx\n"
        "  testq $-0xfff001, %rcx\n"
        "  jnz guest_plain\n"
        "  movq %rdi, %gs:0\n"
        "  movq %rsi, %gs:8\n"
        "  movq %rdx, %gs:16\n"
        "  movq %r10, %gs:24\n"
        "  movq %r8, %gs:32\n"
        "  movq %r9, %gs:40\n"
        "  movq %rax, %gs:48\n"
        "  movq %rbx, %gs:56\n"
        "  movq %rbp, %gs:64\n"
        "  movq %r12, %gs:72\n"
        "  movq %r13, %gs:80\n"
        "  movq %r14, %gs:88\n"
        "  movq %r15, %gs:96\n"
        "  movq %rsp, %gs:104\n"
        "  movq %r11, %gs:112\n"
        "  movq $-0x80000000, %gs:120\n"
        "  leaq 0x7d001000(%rcx), %rsp\n"
        "guest_saved:\n"
        "  leaq 0x7d000000(%rcx), %rdi\n"
        "  call guest_call\n"
        "  movq %rax, %rcx\n"
        "  movq %gs:120, %rax\n"
        "  cmpq $-0x80000000, %rax\n"
        "  cmoveq %gs:48, %rax\n"
        "  movq %gs:0, %rdi\n"
        "  movq %gs:8, %rsi\n"
        "  movq %gs:16, %rdx\n"
        "  movq %gs:24, %r10\n"
        "  movq %gs:32, %r8\n"
        "  movq %gs:40, %r9\n"
        "  movq %gs:104, %rsp\n"
        "  jmp *%rcx\n"
        "guest_make:\n" /* see there */
        LOAD_CALL
        "guest_make_call:\n"
        "  syscall\n"
        "guest_made:\n"
        "  movq %rax, %gs:120\n"
        "  ret\n"
        "guest_look:\n" /* see rings.h */
        LOAD_CALL
        "  syscall\n"
        "  ret\n"
        "guest_resolve:\n"
        LOAD_CALL
        "  movl $0x7c1df000, %ecx\n"
        "  jmp *%rcx\n"
        ".popsection\n");
_Static_assert(PB_GATE_RESOLVING == 0x7c1df000, "guest_resolve has this in it");

/* Makes a call; its result is in the block as soon as it is known. */
int64_t guest_make(uint64_t nr, const uint64_t args[6]) __attribute__((visibility("hidden")));

/* Asks what the name of a call means that found nothing: see resolve. */
int64_t guest_resolve(uint64_t nr, const uint64_t args[6]) __attribute__((visibility("hidden")));

static inline void count(uint64_t nr)
{
    ((volatile uint64_t *)GATE_COUNTERS)[nr]++;
}

/* A call that is made again to be seen is counted then. */
static inline void uncount(uint64_t nr)
{
    ((volatile uint64_t *)GATE_COUNTERS)[nr]--;
}

/* newfstatat(fd, "", buffer, AT_EMPTY_PATH) of a descriptor names nothing. */
static inline int is_fstat(const uint64_t args[6])
{
    return args[3] == AT_EMPTY_PATH && (int32_t)args[0] >= 0 && is_of_guests(args[1]) && !*(const volatile char *)args[1];
}

static inline int is_told(uint64_t fd)
{
    uint32_t number = (uint32_t)fd;
    return number >= WATCHED_COUNT || ((const volatile uint8_t *)GATE_WATCHED)[number / 8] >> number % 8 & 1;
}

static inline const volatile uint8_t *table_of(const struct gate_block *block, uint64_t table)
{
    return (const volatile uint8_t *)(table + (block->behind < GATE_DECIDED ? GUEST_PLAIN : GUEST_DECIDED));
}

static inline bool is_lock(uint64_t command)
{
    switch ((uint32_t)command) {
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return true;
    default:
        return false;
    }
}

/* fcntl: 1 for what concerns the caller alone, -1 for what copies a descriptor, 0 for all else, which may tell others. */
static inline int control_of(uint64_t command)
{
    switch ((uint32_t)command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return -1;
    case F_GETFD:
    case F_SETFD:
    case F_GETFL:
    case F_SETFL:
        return 1;
    default:
        return is_lock(command);
    }
}

/* What is done about an open with flags. O_TMPFILE names a directory alone. */
static inline enum guest_kind open_kind_of(int resolves, uint64_t flags)
{
    if (!(flags & MAKES_NAMES))
        return GUEST_FINDS;
    return resolves && (flags & MAKES_NAMES) == O_CREAT ? GUEST_NAMES : GUEST_ASKS;
}

/* As picobox.abi.filter has it: what lies below 4 GiB may be ours, and code is seen to. */
static inline int is_bounded(uint64_t nr, const uint64_t args[6])
{
    int is_high = args[0] >> 32 != 0;
    if (nr == SYS_ioctl)
        return is_asking_request(args[1]);
    if (nr == SYS_prlimit64)
        return !(uint32_t)args[0] && !args[2];
    if (nr == SYS_mmap)
        return !(args[2] & PROT_EXEC) && (is_high || !(args[3] & MAP_FIXED));
    return is_high && (nr == SYS_munmap || nr == SYS_madvise || !(args[2] & (PROT_WRITE | PROT_GROWSDOWN)));
}

static inline int is_waited_for(uint32_t bit)
{
    return bit == NO_LOOK_BIT || ((const volatile uint8_t *)GATE_LOOKS)[bit / 8] >> bit % 8 & 1;
}

/* A descriptor that is known has a path that may be waited for, whatever inode that had. */
static inline enum guest_kind held_look_kind_of(const struct gate_block *block)
{
    return is_told(block->args[0]) ? GUEST_ASKS : GUEST_LOOKS_FD;
}

static inline enum guest_kind look_kind_of(const struct gate_block *block, int at)
{
    const volatile char *path = (const volatile char *)block->args[at];
    if (at && !path)
        return held_look_kind_of(block);
    if (!is_of_guests(block->args[at]))
        return GUEST_ASKS;
    if (at && !*path)
        return held_look_kind_of(block);
    return is_waited_for(look_bit_of_path(path)) ? GUEST_ASKS : GUEST_MAKES;
}

/* Whether a check is shown no opens in the directory of a path. */
static inline bool is_outside(const volatile char *path)
{
    uint64_t hash = directory_hash(path);
    return hash && ((const volatile uint64_t *)(GUEST_DECIDED + GUEST_OUTSIDE))[hash >> (64 - OUTSIDE_BITS)] == hash;
}

/* What a check need not be shown of a call that is to make what has this path, at this position. */
IN_GUEST enum guest_kind guest_making_kind(struct gate_block *block, int at)
{
    uint64_t path = block->args[at];
    uint64_t look[6] = {at ? block->args[0] : (uint64_t)AT_FDCWD, path, (uint64_t)block->name, AT_SYMLINK_NOFOLLOW};
    bool is_left = is_of_guests(path) && ends_in_name((const volatile char *)path);
    return is_left && guest_look(SYS_newfstatat, look) == 0 ? GUEST_EXISTS : GUEST_ASKS;
}

/* Where a check is shown such calls, it is shown this one as well. */
static inline bool makes_or_fails(const struct gate_block *block, uint64_t flags)
{
    uint64_t both = O_CREAT | O_EXCL;
    return (flags & both) == both && !(flags & (O_PATH | O_TMPFILE)) &&
           (table_of(block, GUEST_KINDS)[SYS_mkdir] & GUEST_KIND) == GUEST_MAKES_DIRECTORY;
}

/* An open whose path is at this position, with its flags behind. */
static inline enum guest_kind reads_kind_of(struct gate_block *block, int at)
{
    uint64_t path = block->args[at], flags = block->args[at + 1];
    if (makes_or_fails(block, flags))
        return guest_making_kind(block, at);
    if (flags & MAKES_NAMES || !is_of_guests(path))
        return GUEST_ASKS;
    bool outside = is_outside((const volatile char *)path);
    if (!outside && !(flags & O_DIRECTORY))
        return GUEST_ASKS;
    uint64_t look[6] = {at ? block->args[0] : (uint64_t)AT_FDCWD, path, (uint64_t)block->name, AT_SYMLINK_NOFOLLOW};
    uint32_t type = 0;
    if (guest_look(SYS_newfstatat, look) == 0)
        type = ((const volatile struct stat *)block->name)->st_mode & S_IFMT;
    bool fails = flags & O_DIRECTORY && type == S_IFREG;
    return fails || (outside && type != S_IFLNK) ? GUEST_MAKES : GUEST_ASKS;
}

/* The kernel's struct sigaction begins with the handler. */
static inline enum guest_kind handler_kind_of(uint64_t action)
{
    if (!action)
        return GUEST_MAKES;
    if (!is_of_guests(action))
        return GUEST_ASKS;
    uint64_t handler = ((const volatile struct word *)action)->value;
    return handler == (uint64_t)SIG_DFL || handler == (uint64_t)SIG_IGN ? GUEST_MAKES : GUEST_ASKS;
}

/* Of a look that has found something. */
static inline uint64_t inode_found(const struct gate_block *block, uint64_t nr)
{
    uint64_t at = nr == SYS_statx ? block->args[4] + 32 : block->args[nr == SYS_newfstatat ? 2 : 1] + 8;
    return ((const volatile struct word *)at)->value;
}

static inline uint32_t block_number(const struct gate_block *block)
{
    return (uint32_t)(((uint64_t)block - BLOCKS) / BLOCK_SIZE % BLOCK_COUNT) + 1;
}

static inline bool is_repeating(const struct gate_block *block)
{
    uint32_t place = block_number(block) - 1;
    return ((const volatile uint8_t *)GATE_REPEATS)[place / 8] >> place % 8 & 1;
}

/* What is done about the call. */
static inline enum guest_kind kind_of(struct gate_block *block, uint64_t nr)
{
    enum guest_kind kind = nr < PB_NR_COUNT ? table_of(block, GUEST_KINDS)[nr] & GUEST_KIND : GUEST_ASKS;
    int control;
    switch (kind) {
    case GUEST_CLOSES:
    case GUEST_COPIES:
        return is_told(block->args[0]) ? GUEST_ASKS : GUEST_MAKES;
    case GUEST_REPLACES:
        return is_told(block->args[0]) || is_told(block->args[1]) ? GUEST_ASKS : GUEST_MAKES;
    case GUEST_BOUNDED:
        return is_bounded(nr, block->args) ? GUEST_MAKES : GUEST_ASKS;
    case GUEST_DUPLICATES:
        if (is_lock(block->args[1]))
            return GUEST_ASKS;
        /* fall through */
    case GUEST_CONTROLS:
        control = control_of(block->args[1]);
        return !control || (control < 0 && is_told(block->args[0])) ? GUEST_ASKS : GUEST_MAKES;
    case GUEST_OPENS:
    case GUEST_OPENS_AT:
        return open_kind_of(table_of(block, GUEST_KINDS)[nr] & GUEST_RESOLVES, block->args[kind == GUEST_OPENS ? 1 : 2]);
    case GUEST_FSTAT:
        return is_fstat(block->args) ? GUEST_FSTAT : GUEST_ASKS;
    case GUEST_LOOKS:
    case GUEST_LOOKS_AT:
        return look_kind_of(block, kind == GUEST_LOOKS_AT);
    case GUEST_LOOKS_FD:
        return held_look_kind_of(block);
    case GUEST_READS:
    case GUEST_READS_AT:
        return reads_kind_of(block, kind == GUEST_READS_AT);
    case GUEST_MAKES_DIRECTORY:
    case GUEST_MAKES_DIRECTORY_AT:
        return guest_making_kind(block, kind == GUEST_MAKES_DIRECTORY_AT);
    case GUEST_HANDLES:
        return handler_kind_of(block->args[1]);
    case GUEST_REPEATS:
        return is_repeating(block) && !is_told(block->args[0]) ? GUEST_MAKES : GUEST_ASKS;
    default:
        return kind;
    }
}

static inline bool is_recorded(const struct gate_block *block, uint64_t nr)
{
    return block->behind >= GATE_DECIDED && ((const volatile uint8_t *)GUEST_CAPTURES)[8 * nr + 7];
}

/* Where the stub makes the call to be seen. */
static inline uint64_t asking_of(const struct gate_block *block)
{
    uint64_t behind = block->behind;
    return behind < GATE_DECIDED ? behind - X86_SYSCALL_LENGTH : asking_address((uint32_t)((behind - GATE_DECIDED) / STUB_SIZE));
}

/* Of a name: what is remembered has it under this; 0: nothing is. */
static inline uint64_t name_hash(const struct gate_block *block, uint64_t nr)
{
    uint8_t position = table_of(block, GUEST_PATHS)[nr];
    const char *path = (const char *)block->args[position & 7];
    uint32_t place = ((const volatile uint32_t *)GATE_PLACES)[block_number(block) - 1];
    bool is_relative_to = position & GUEST_AT_DIRECTORY && (int32_t)block->args[(position & 7) - 1] != AT_FDCWD;
    if (!place || !is_of_guests((uint64_t)path) || (is_relative_to && *path != '/'))
        return 0;
    return miss_hash(*(const volatile uint64_t *)GATE_GENERATION, place, path);
}

/* Whether it is known that it is not there in another spelling either. */
static inline int is_known_miss(uint64_t hash)
{
    return hash && ((const volatile uint64_t *)GATE_MISSES)[hash >> (64 - MISS_BITS)] == hash;
}

static inline uint64_t permit_of(const struct gate_block *block)
{
    return ((const volatile uint64_t *)GATE_PERMITS)[block_number(block) % PERMIT_COUNT];
}

/* Whether the task may make a name by this path, so that nothing has it in another spelling. */
static inline int is_permitted(const struct gate_block *block, uint64_t hash)
{
    return hash && permit_of(block) == permit_hash(hash, block_number(block));
}

/* Whether who may not list a directory, whom its names have in one spelling alone, may list those where the path in the
   block has another spelling than was asked for. The kernel says so, as that may have changed. */
static inline int are_listable(struct gate_block *block, uint32_t looks)
{
    volatile struct directory_end {
        char dot, zero;
    } __attribute__((packed)) *end, before;
    uint64_t look[6] = {(uint64_t)AT_FDCWD, (uint64_t)block->name, R_OK | X_OK, AT_EACCESS};
    int64_t refused = 0;
    for (; looks && !refused; looks >>= 8) {
        end = (volatile struct directory_end *)(block->name + ((looks & 0xff) - 1));
        before.dot = end->dot;
        before.zero = end->zero;
        end->dot = '.';
        end->zero = 0;
        refused = guest_look(SYS_faccessat2, look);
        end->dot = before.dot;
        end->zero = before.zero;
    }
    return !refused;
}

/* Whether it is remembered how it is spelled; the path is in the block then. It may be written anew meanwhile. */
static inline int is_spelled(struct gate_block *block, uint64_t hash)
{
    const volatile struct gate_spelling *spelling = (const volatile struct gate_spelling *)GATE_SPELLINGS + first_spelling(hash);
    for (int way = 1; way < SPELLING_WAYS && spelling->hash != hash; way++)
        spelling++;
    uint32_t version = spelling->version;
    if (!hash || spelling->hash != hash ||
        (table_of(block, GUEST_KINDS)[SYS_faccessat2] & GUEST_KIND) != GUEST_FINDS)
        return 0;
    uint32_t looks = spelling->looks;
    for (uint32_t i = 0; i < sizeof spelling->path; i += 8)
        ((volatile struct word *)(block->name + i))->value = ((const volatile struct word *)(spelling->path + i))->value;
    return spelling->version == version && spelling->hash == hash && are_listable(block, looks);
}

enum meaning { UNKNOWN, NOTHING, ANOTHER };

/* Makes a call with the path in the block. */
static inline int64_t make_as_spelled(struct gate_block *block, uint64_t nr)
{
    uint64_t args[6];
    for (int i = 0; i < 6; i++)
        args[i] = block->args[i];
    args[table_of(block, GUEST_PATHS)[nr] & 7] = (uint64_t)block->name;
    guest_make(nr, args);
    return *(const volatile int64_t *)&block->result;
}

/* The call has found nothing under its name. What that means: nothing, or another name by which it has been made. Of an open
   that is recorded the name is wanted, which what is remembered does not tell. */
static inline enum meaning resolved(struct gate_block *block, uint64_t nr, const struct recording *recording)
{
    block->result = NOT_MADE;
    if (!(table_of(block, GUEST_KINDS)[nr] & GUEST_RESOLVES))
        return UNKNOWN;
    uint64_t hash = recording->opens ? 0 : name_hash(block, nr);
    bool misses = is_known_miss(hash) || is_permitted(block, hash);
    if (!misses && is_spelled(block, hash)) {
        int64_t result = make_as_spelled(block, nr);
        if (result != -ENOENT && result != -ELOOP)
            return ANOTHER;
        block->result = NOT_MADE;
    }
    if (recording->opens)
        *(volatile char *)block->name = 0;
    int64_t length = misses ? 0 : guest_resolve(nr, block->args);
    if (length == 0)
        block->result = -ENOENT;
    if (length <= 0)
        return length == 0 ? NOTHING : UNKNOWN;
    make_as_spelled(block, nr);
    return ANOTHER;
}

/* The call may make a name that its task has a permit for: it is made as it is. False: it is not, or its path leads nowhere.
   The kernel has not looked at the path yet, so nothing is read there by who has no permit. */
static inline int is_made_again(struct gate_block *block, uint64_t nr)
{
    if ((nr != SYS_open && nr != SYS_openat) || !is_of_permits(block->args[nr == SYS_open ? 1 : 2]) ||
        !permit_of(block) || !is_permitted(block, name_hash(block, nr)))
        return 0;
    count(nr);
    guest_make(nr, block->args);
    int64_t result = *(const volatile int64_t *)&block->result;
    if (result != -ENOENT && result != -ELOOP)
        return 1;
    uncount(nr);
    block->result = NOT_MADE;
    return 0;
}

/* The call may make a name: it is made with the spelling that it may have. False: it is not. */
static inline int is_named(struct gate_block *block, uint64_t nr)
{
    uint64_t args[6];
    uint8_t paths = table_of(block, GUEST_PATHS)[nr];
    int64_t told = guest_resolve(nr, block->args);
    if (told < 0)
        return 0;
    for (int i = 0; i < 6; i++)
        args[i] = block->args[i];
    uint8_t second = paths >> GUEST_SECOND_SHIFT & 7;
    if (second ? told & GUEST_HAS_FIRST : told)
        args[paths & 7] = (uint64_t)block->name;
    if (second && told & GUEST_HAS_SECOND)
        args[second] = (uint64_t)block->name + GUEST_SECOND_NAME;
    count(nr);
    guest_make(nr, args);
    return 1;
}

/* Whether the call that has been made is over; else it is made again to be seen. */
static inline bool is_over(struct gate_block *block, uint64_t nr, enum guest_kind kind, const struct recording *recording)
{
    int64_t result = *(const volatile int64_t *)&block->result;
    if (kind == GUEST_LOOKS_FD)
        return result < 0 || !is_waited_for(look_bit_of_inode(inode_found(block, nr)));
    bool finds = kind == GUEST_FINDS;
    enum meaning meaning = finds && result == -ENOENT ? resolved(block, nr, recording) : UNKNOWN;
    if (meaning == NOTHING)
        return true;
    if (meaning == UNKNOWN && finds && (result == -ENOENT || result == -ELOOP))
        return false;
    return !is_told_of(table_of(block, GUEST_KINDS)[nr], nr, block->args[0], *(const volatile int64_t *)&block->result);
}

/* Where the guest goes on whose call may make a name. */
static inline uint64_t makes_name_here(struct gate_block *block, uint64_t nr, struct recording *recording)
{
    bool made = is_made_again(block, nr) || is_named(block, nr);
    if (made && !is_told_of(table_of(block, GUEST_KINDS)[nr], nr, 0, *(const volatile int64_t *)&block->result)) {
        record_end(recording, block);
        return block->behind;
    }
    if (made)
        uncount(nr);
    record_drop(recording);
    block->result = NOT_MADE;
    return asking_of(block);
}

/* Where the guest goes on. */
IN_GUEST uint64_t guest_call(struct gate_block *block)
{
    uint64_t nr = (uint32_t)block->nr;
    enum guest_kind kind = kind_of(block, nr);
    if (kind == GUEST_ASKS)
        return asking_of(block);
    struct recording recording = {0};
    if (is_recorded(block, nr) && !record_begin(&recording, block, nr))
        return asking_of(block);
    if (kind == GUEST_NAMES)
        return makes_name_here(block, nr, &recording);
    count(nr);
    if (kind == GUEST_FSTAT) {
        uint64_t args[6] = {block->args[0], block->args[2]};
        guest_make(SYS_fstat, args);
        return block->behind;
    }
    if (kind == GUEST_EXISTS)
        block->result = -EEXIST;
    else
        guest_make(nr, block->args);
    if (!is_over(block, nr, kind, &recording)) {
        uncount(nr);
        record_drop(&recording);
        block->result = NOT_MADE;
        return asking_of(block);
    }
    record_end(&recording, block);
    return block->behind;
}
