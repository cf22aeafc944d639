/* What the code that runs in guests shares with the supervisor: the block of a thread, behind its gs base. All of it is the
   guest's to write: what is read there is a hint. */
#ifndef PICOBOX_GATE_GUEST_H
#define PICOBOX_GATE_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#define BLOCKS UINT64_C(0x7d000000)
#define BLOCK_SIZE UINT64_C(4096)
#define BLOCK_COUNT PB_BLOCK_COUNT
#define BLOCKS_SIZE (BLOCK_SIZE * BLOCK_COUNT)

/* Longer names are Python's; of two, each has one half. */
#define GUEST_NAME 2048
#define GUEST_SECOND_NAME (GUEST_NAME / 2)

/* No call has this result. */
#define NOT_MADE INT64_C(-0x80000000)

/* Written by the entry. Its stack begins at the block's end. */
struct gate_block {
    uint64_t args[6]; /* rdi, rsi, rdx, r10, r8, r9 */
    uint64_t nr;      /* rax */
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp;
    uint64_t behind; /* where in the stub its call returns to */
    int64_t result;  /* of the call, NOT_MADE before it is over */
    char name[GUEST_NAME]; /* that the call is made with, written by the supervisor; or two */
};

/* Sealed: names that mean nothing, each by its hash, at a place that the hash tells; what all hashes begin with, so that
   another value forgets them; and where the relative names of a block's task begin, 0: none of its names are known. */
#define GATE_GENERATION UINT64_C(0x7c1e6000)
#define GATE_PLACES UINT64_C(0x7c1e8000)
#define GATE_MISSES UINT64_C(0x7c1f0000)
#define MISS_COUNT 8192
#define MISS_BITS 13
/* Longer names are not remembered. */
#define MISS_LONGEST 1024

/* Sealed as well, behind the generation: what a check waits for somebody to look at, a bit for each last component of a path
   and each inode, by a hash: who has none of them is looked at unseen. */
#define GATE_LOOKS (GATE_GENERATION + 2048)
#define LOOK_BITS 14
#define LOOKS_SIZE ((UINT64_C(1) << LOOK_BITS) / 8)
#define NO_LOOK_BIT (UINT32_C(1) << LOOK_BITS)
/* And of each block, a bit each: whether a check has seen its thread's locks of whole files often enough, see repeats.c. */
#define GATE_REPEATS (GATE_GENERATION + 1024)
#define REPEATS_SIZE (BLOCK_COUNT / 8)
#define LEAST_ADDRESS UINT64_C(0x10000) /* vm.mmap_min_addr as it usually is */
#define END_OF_ADDRESSES UINT64_C(0x7ffffffff000)
static inline uint32_t look_bit_of_inode(uint64_t inode)
{
    return (uint32_t)((inode * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - LOOK_BITS));
}
/* NO_LOOK_BIT: it is longer than any path. FNV-1a, which begins anew behind each slash. */
static inline uint32_t look_bit_of_path(const volatile char *path)
{
    uint32_t hash = 0x811c9dc5;
    for (uint32_t length = 0; length < 4096; length++) {
        char next = path[length];
        if (!next)
            return hash >> (32 - LOOK_BITS);
        hash = next == '/' ? 0x811c9dc5 : (hash ^ (uint8_t)next) * 0x01000193;
    }
    return NO_LOOK_BIT;
}

/* Sealed as well, at GUEST_OUTSIDE: directories in which a check is shown no opens, each by the hash of its path, at a place that
   the hash tells. No links lead there, and none of its entries leads to what a check is about unless it is a link. */
#define OUTSIDE_BITS 10
/* Of the directory of an absolute path, as that is written; 0: of none. */
static inline uint64_t directory_hash(const volatile char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), directory = 0;
    uint32_t length = 0;
    if (*path != '/')
        return 0;
    for (char next; length < 4096 && (next = path[length]); length++) {
        if (next == '/')
            directory = hash | 1;
        hash = (hash ^ (uint8_t)next) * UINT64_C(0x100000001b3);
    }
    return length < 4096 ? directory : 0;
}

/* Whether a path ends in a name: behind a slash or as a dot it says that it is a directory's. */
static inline bool ends_in_name(const volatile char *path)
{
    char last = '/';
    for (uint32_t at = 0; at < 4096; at++) {
        if (!path[at])
            return last != '/' && last != '.';
        last = path[at];
    }
    return false;
}

/* Sealed as well: paths by which a task may make a name, each by its hash, at a place that the task's block tells, 0: none;
   see permits.c. */
#define GATE_PERMITS UINT64_C(0x7c1e7000)
#define PERMIT_COUNT 512
static inline uint64_t permit_hash(uint64_t path_hash, uint32_t block)
{
    uint64_t hash = (path_hash ^ block) * UINT64_C(0x9e3779b97f4a7c15);
    return (hash ^ hash >> 32) | 1;
}
/* Only a path's last component is made by it, never what a link there leads to. */
static inline bool is_of_permits(uint64_t open_flags)
{
    return open_flags & (O_EXCL | O_NOFOLLOW);
}

/* Sealed as well: names that mean something in another spelling, by the same hashes. */
#define GATE_SPELLINGS UINT64_C(0x7c1ec000)
#define SPELLING_COUNT 128
#define SPELLING_WAYS 4 /* a hash has so many places */
#define SPELLING_LOOKS 4
struct gate_spelling {
    uint64_t hash;    /* 0: of none */
    uint32_t version; /* another one once more has been written */
    uint32_t looks;   /* a byte each, 0: no more: where in the path, counted from 1, a component is that is spelled otherwise */
    char path[112];   /* as it is stored, zeros behind it */
};
static inline uint32_t first_spelling(uint64_t hash)
{
    return (uint32_t)(hash >> 32) % (SPELLING_COUNT / SPELLING_WAYS) * SPELLING_WAYS;
}
_Static_assert(sizeof(struct gate_spelling) == 128 && sizeof(struct gate_spelling) * SPELLING_COUNT == 16384, "so they lie");

/* Whether something may lie there. What is read elsewhere faults, for which the kernel takes SIGSEGV's handler and its place in
   the mask from who has blocked or ignored it, before we are told: such a call is made by the stub, which fails. */
static inline bool is_of_guests(uint64_t address)
{
    return address - LEAST_ADDRESS < END_OF_ADDRESSES - LEAST_ADDRESS;
}

struct word {
    uint64_t value;
} __attribute__((packed, may_alias));

/* The next bytes of a path up to its end, the others being zero, with nothing read from a page that it is not in. */
static inline uint64_t path_word(const char *path)
{
    uint64_t word = 0;
    if (((uint64_t)path & 4095) > 4088) {
        for (int i = 0; i < 8 && path[i]; i++)
            word |= (uint64_t)(uint8_t)path[i] << 8 * i;
        return word;
    }
    word = ((const volatile struct word *)path)->value;
    uint64_t ends = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
    return ends ? word & ((ends & -ends) - 1) >> 7 : word;
}

/* Of a path that means something from a place; 0: it is too long. */
static inline uint64_t miss_hash(uint64_t generation, uint32_t place, const char *path)
{
    uint64_t hash = generation ^ (uint64_t)place * UINT64_C(0x9e3779b97f4a7c15), word;
    for (uint32_t length = 0; length < MISS_LONGEST; length += 8) {
        word = path_word(path + length);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 29;
        if (word >> 56 == 0)
            return hash | 1;
    }
    return 0;
}

/* What is done about a number; with GUEST_RESOLVES, what finds nothing asks what its name means. */
#define GUEST_RESOLVES 0x80
/* With these, errors are told: those that a policy's rule may be the cause of, or all but interruptions, and the call is made
   again to be seen. A call that has failed so has done nothing. `first` is its first argument. An open that
   says EWOULDBLOCK has broken a lease (fcntl(2)), and is not made twice. */
#define GUEST_TELLS 0x40
#define GUEST_TELLS_ALL 0x20
#define GUEST_KIND 0x1f
#define TOLD_ERRORS \
    (UINT64_C(1) << EPERM | UINT64_C(1) << ENOENT | UINT64_C(1) << EACCES | UINT64_C(1) << ENOTDIR | UINT64_C(1) << ENFILE | \
     UINT64_C(1) << EMFILE | UINT64_C(1) << ENOMEM | UINT64_C(1) << EFBIG | UINT64_C(1) << ENOSPC | UINT64_C(1) << EROFS)
static inline bool is_told_of(uint8_t known, uint64_t nr, uint64_t first, int64_t result)
{
    if (nr == SYS_brk) /* which says where the break is, not that it did not move */
        return known & (GUEST_TELLS | GUEST_TELLS_ALL) && (uint64_t)result < first;
    if (result >= 0 || result <= -512 /* ERESTARTSYS */ || result == -EINTR || result == -EWOULDBLOCK)
        return false;
    return known & GUEST_TELLS_ALL || (known & GUEST_TELLS && result > -64 && TOLD_ERRORS >> -result & 1);
}

/* With the position of a path: the argument before it is a directory's descriptor. Above it, that of a second path. */
#define GUEST_AT_DIRECTORY 0x80
#define GUEST_SECOND_SHIFT 4
/* What is said to a call that may make a name: which of its paths are in the block, a bit each. */
#define GUEST_HAS_FIRST 1
#define GUEST_HAS_SECOND 2
enum guest_kind {
    GUEST_ASKS,  /* the stub makes the call, where the filter does not let it pass */
    GUEST_MAKES, /* it is made */
    GUEST_FSTAT, /* newfstatat: made as fstat if that is what it is */
    GUEST_CLOSES,
    GUEST_COPIES,   /* dup: is made unless somebody wants to know of the descriptor, see GATE_WATCHED */
    GUEST_REPLACES, /* dup2 and dup3: and of the one whose number the copy gets */
    GUEST_BOUNDED,  /* mmap, mprotect, munmap, ioctl, prlimit64: is made where the filter lets it through for its arguments */
    GUEST_CONTROLS, /* fcntl: so, if it copies; and locks and flags are seen to */
    GUEST_DUPLICATES, /* fcntl of a check: so, but locks are shown to it */
    GUEST_FINDS, /* is made; finds it nothing, the stub asks */
    GUEST_NAMES, /* may make a name, so it asks first; if it may not, the stub asks */
    GUEST_OPENS, /* finds, unless the second argument's flags say that a name may be made */
    GUEST_OPENS_AT, /* or the third argument's */
    GUEST_LOOKS,    /* stat, lstat: is made unless the path is waited for, see GATE_LOOKS */
    GUEST_LOOKS_AT, /* newfstatat, statx: so; by a descriptor alone as the next one */
    GUEST_LOOKS_FD, /* fstat: is made if the descriptor is not watched; if its inode is waited for, once more to be seen */
    GUEST_READS,    /* open of a check: is made if it can only fail, as one of a file as a directory, or lies outside */
    GUEST_READS_AT, /* openat: so */
    GUEST_MAKES_DIRECTORY,    /* mkdir of a check: fails if something has the name, which tells nothing, whatever the name */
    GUEST_MAKES_DIRECTORY_AT, /* mkdirat: so */
    GUEST_EXISTS,   /* what a call is to make is there */
    GUEST_HANDLES,  /* rt_sigaction of a check: is made if it only asks, or sets what every system has */
    GUEST_REPEATS,  /* flock of a check: as dup, once those of its thread were seen often enough, see GATE_REPEATS */
};

#endif
