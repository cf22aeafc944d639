/* Owns the argument page: memory of ours that a guest's calls can read and no guest can write (design section 5). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* Below the fixed places of sanitizers' shadows and of Java's heap, from 2 GiB on; above the 1 GiB in which the heap of
   a non-PIE program begins (arch_randomize_brk). The first that is free is taken. */
static const uint64_t PLACES[] = {0x70000000, 0x68000000, 0x60000000, 0x58000000, 0x50000000};
#define SLOT_SIZE UINT64_C(16384)
#define PAGE_SIZE_ALL ((uint64_t)PB_PAGE_BYTES)
#define SLOT_COUNT (PB_PAGE_BYTES / 16384)
#define KERNEL_SIGSET_SIZE 8
#define NAME "picobox"
/* Far enough below the stack pointer for every red zone. */
#define SCRATCH_BELOW_STACK 1024

struct pb_page {
    uint8_t *view;
    uint64_t address;
    int32_t owner[SLOT_COUNT];
};

#define PAGE_BYTES UINT64_C(4096)
/* Of any processor: five levels of page tables reach that far. */
#define USER_SPACE (UINT64_C(1) << 56)

static bool overlaps(uint64_t page, uint64_t address, uint64_t length)
{
    return address < page + PAGE_SIZE_ALL && (length > page || address + length > page);
}

/* Whether the kernel refuses the call for this range before it has changed anything. */
static bool is_refused_anyway(uint32_t nr, uint64_t address, uint64_t length)
{
    uint64_t whole = (length + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1), end = address + whole;
    bool beyond = length > USER_SPACE || address > USER_SPACE - length;
    switch (nr) {
    case SYS_mmap:
    case SYS_munmap:
        return address % PAGE_BYTES || beyond;
    case SYS_mprotect:
    case SYS_pkey_mprotect:
        return address % PAGE_BYTES || end < address;
    case SYS_madvise:
        return address % PAGE_BYTES || end < address || (length && !whole);
    default:
        return false;
    }
}

/* What the call does to a range is refused: as a hole would be, where the range begins before what is ours. */
static int32_t refusal(uint32_t nr, uint64_t ours, uint64_t address)
{
    if (nr == SYS_madvise)
        return ENOMEM; /* nothing that can be advised about is mapped there */
    if (address >= ours)
        return EPERM;
    return nr == SYS_mprotect || nr == SYS_pkey_mprotect ? ENOMEM : nr == SYS_remap_file_pages ? EINVAL : EPERM;
}

/* The kernel looks at the place only of a new mapping that is to be right there. */
static bool places(const struct pb_core *core, uint32_t nr, const uint64_t args[6], uint32_t address)
{
    if ((int32_t)nr == core->mmap_nr)
        return args[3] & MAP_FIXED;
    if (nr == SYS_mremap)
        return address == 1 || args[3] & MREMAP_FIXED;
    return nr != SYS_shmat || args[2] & SHM_REMAP;
}

int32_t page_guards(const struct pb_core *core, const struct task *task, uint32_t nr, const uint64_t args[6])
{
    for (uint32_t guard = core->guards[nr]; guard; guard >>= 16) {
        uint32_t place = guard & 0xff, length = guard >> 8 & 0xff;
        if (!place || !length || !places(core, nr, args, place))
            continue;
        uint64_t address = args[place - 1];
        /* No register has the length of a shared memory segment: it may be of any. */
        uint64_t most = nr == SYS_shmat ? UINT64_MAX : args[length - 1];
        /* Nothing but the mapping that is there can be meant. */
        if (nr == SYS_mremap && most > USER_SPACE)
            most = 1;
        if (is_refused_anyway(nr, address, most))
            continue;
        if (task->page && overlaps(task->page, address, most))
            return refusal(nr, task->page, address);
        if (task->gate && gate_overlaps(address, most))
            return refusal(nr, PB_GATE_CODE, address);
    }
    return 0;
}

/* Opens the memfd that the guest made, gives it its size, maps it and seals it against every later writer. */
static uint8_t *view_of(int32_t tid, int fd, int *error)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    int ours = open(path, O_RDWR | O_CLOEXEC);
    if (ours < 0) {
        *error = errno;
        return NULL;
    }
    uint8_t *view = NULL;
    if (ftruncate(ours, (off_t)PAGE_SIZE_ALL) == 0) {
        view = mmap(NULL, PAGE_SIZE_ALL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, ours, 0);
        if (view == MAP_FAILED)
            view = NULL;
    }
    if (view && fcntl(ours, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        *error = errno;
        munmap(view, PAGE_SIZE_ALL);
        close(ours);
        return NULL;
    }
    if (!view)
        *error = errno;
    close(ours);
    return view;
}

/* memfd_create by the guest itself; its name is lent to the stack for the time of the call. */
static int create_in_guest(struct pb_core *core, struct task *task, uint64_t stack, int64_t *fd, bool *consumed)
{
    char before[sizeof NAME];
    uint64_t scratch = (stack - SCRATCH_BELOW_STACK) & ~UINT64_C(15);
    int64_t got = pb_read(core, task->tid, scratch, before, sizeof before);
    if (got != sizeof before || pb_write(core, task->tid, scratch, NAME, sizeof NAME) != sizeof NAME)
        return got == -EPERM ? -EPERM : -ENOMEM;
    uint64_t args[6] = {scratch, MFD_CLOEXEC | MFD_ALLOW_SEALING};
    *consumed = true;
    int error = call_inject(core, task, true, SYS_memfd_create, args, fd);
    pb_write(core, task->tid, scratch, before, sizeof before);
    return error;
}

/* A guest's limit of its address space is for what it maps itself: until its page is there it has no more. */
static void make_room(const struct pb_core *core, int32_t tid)
{
    struct rlimit limit;
    if (!core->space.most || prlimit(tid, RLIMIT_AS, NULL, &limit) < 0 || limit.rlim_cur != core->space.most ||
        limit.rlim_max < core->space.end)
        return;
    limit.rlim_cur = core->space.end;
    /* Where it is refused the page may find no room, which the call tells. */
    prlimit(tid, RLIMIT_AS, &limit, NULL);
}

/* mmap by the guest itself; *result is the address or -errno. */
static int place_in_guest(struct pb_core *core, struct task *task, int64_t fd, int64_t *result)
{
    /* A page inherited over fork belongs to the parent: it is replaced. */
    uint64_t map[6] = {task->page, PAGE_SIZE_ALL, PROT_READ, MAP_SHARED | MAP_FIXED, (uint64_t)fd, 0};
    if (task->page)
        return call_inject(core, task, false, SYS_mmap, map, result);
    map[3] = MAP_SHARED | MAP_FIXED_NOREPLACE;
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        map[0] = PLACES[i];
        int error = call_inject(core, task, false, SYS_mmap, map, result);
        if (error || *result != -EEXIST)
            return error;
    }
    return 0;
}

static int map_in_guest(struct pb_core *core, struct task *task, const struct call_info *info, struct pb_page *page,
                        bool *consumed)
{
    int64_t fd, mapped, closed;
    int open_error = 0;
    int error = create_in_guest(core, task, info->sp, &fd, consumed);
    if (error || fd < 0)
        return error ? error : (int)fd;
    page->view = view_of(task->tid, (int)fd, &open_error);
    uint64_t close_args[6] = {(uint64_t)fd};
    mapped = -open_error;
    if (page->view)
        error = place_in_guest(core, task, fd, &mapped);
    if (!error)
        error = call_inject(core, task, false, SYS_close, close_args, &closed);
    if (error || mapped < 0)
        return error ? error : (int)mapped;
    task->page = page->address = (uint64_t)mapped;
    return 0;
}

/* Whoever shares the memory, as the parent of vfork does, has the page too. */
static void guard_for_all(struct pb_core *core, const struct task *task)
{
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *other = core->buckets[bucket]; other; other = other->next)
            if (other->page != task->page && pb_shares_memory(task->tid, other->tid))
                other->page = task->page;
}

struct pb_page *pb_page_new(struct pb_core *core, int32_t tid, int32_t *error)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    struct pb_page *page = calloc(1, sizeof *page);
    struct call_info info;
    uint64_t registers[27], mask, blocked = ~UINT64_C(0);
    *error = !task ? ESRCH : !page ? ENOMEM : -call_info_read(tid, &info);
    if (!*error)
        *error = -registers_read(tid, registers);
    if (!*error && ptrace(PTRACE_GETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &mask) < 0)
        *error = errno;
    if (*error) {
        free(page);
        return NULL;
    }
    /* Between the injected calls the task passes the edge of user mode, where signals would be delivered. */
    ptrace(PTRACE_SETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &blocked);
    bool consumed = false; /* the call's entry, by the first injected call */
    make_room(core, tid);
    *error = -map_in_guest(core, task, &info, page, &consumed);
    task = task_find(core, tid);
    if (task) {
        ptrace(PTRACE_SETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &mask);
        if (*error && consumed)
            registers_leave(tid, registers);
        else if (!*error)
            registers_rewind(tid, registers, info.nr);
        if (!*error && task->debugging)
            task->debugging->again = true;
        task->want_exit = false; /* of a call that begins anew, or has ended */
        if (!*error)
            guard_for_all(core, task);
        stops_ask_again(task);
        if (!*error && info.nr < PB_NR_COUNT)
            core->counters[core->dispositions[info.nr] & 3][info.nr]--;
    }
    if (*error) {
        pb_page_free(page);
        return NULL;
    }
    return page;
}

void pb_page_free(struct pb_page *page)
{
    if (page->view)
        munmap(page->view, PAGE_SIZE_ALL);
    free(page);
}

uint64_t pb_page_acquire(struct pb_page *page, int32_t tid)
{
    uint32_t start = (uint32_t)tid % SLOT_COUNT;
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        uint32_t slot = (start + i) % SLOT_COUNT;
        if (page->owner[slot] && page->owner[slot] != tid)
            continue;
        page->owner[slot] = tid;
        return page->address + slot * SLOT_SIZE;
    }
    return 0;
}

void pb_page_release(struct pb_page *page, int32_t tid)
{
    uint32_t start = (uint32_t)tid % SLOT_COUNT;
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        uint32_t slot = (start + i) % SLOT_COUNT;
        if (page->owner[slot] == tid) {
            page->owner[slot] = 0;
            return;
        }
    }
}

int32_t pb_page_write(struct pb_page *page, uint64_t address, const void *data, uint64_t size)
{
    uint64_t offset = address - page->address;
    if (address < page->address || offset >= PAGE_SIZE_ALL || size > SLOT_SIZE - offset % SLOT_SIZE)
        return -EINVAL;
    memcpy(page->view + offset, data, size);
    return 0;
}
