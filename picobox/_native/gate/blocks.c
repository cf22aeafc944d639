/* Owns the blocks of threads, which the code that stubs share keeps registers in, and who has which. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "gate.h"
#include "guest.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2 /* asm/hwcap2.h */
#endif

/* The linker's names for the section's ends. */
extern const uint8_t __start_gate_text[] __attribute__((visibility("hidden")));
extern const uint8_t __stop_gate_text[] __attribute__((visibility("hidden")));
extern const uint8_t guest_enter[], guest_saved[], guest_plain[], guest_make_call[], guest_made[];

_Static_assert(PB_BLOCK_COUNT % 64 == 0, "whole words");

/* How far into the code something is. */
static uint64_t place_of(const uint8_t *of)
{
    return (uint64_t)(of - __start_gate_text);
}

uint64_t guest_entry(enum gate_way way)
{
    return (way == ENTERS ? GUEST_PLAIN : GUEST_DECIDED) + place_of(guest_enter);
}

bool is_guest_code(uint64_t ip)
{
    return (ip >= GUEST_PLAIN && ip < GATE_DECIDED) || (ip >= GUEST_DECIDED && ip < GATE_ASKING) || is_resolving(ip);
}

static enum guest_kind kind_of(uint32_t nr, uint32_t disposition)
{
    /* On the stack of a block the kernel would take it that no alternate stack is in use. */
    if (nr == SYS_sigaltstack)
        return GUEST_ASKS;
    if (disposition & PB_FLAG_GATE)
        return GUEST_MAKES;
    return disposition & PB_FLAG_EMPTY_PATH ? GUEST_FSTAT : GUEST_ASKS;
}

/* A check waits for looks at some files; it wants all of other calls that it wants at all. */
static enum guest_kind taken_kind_of(const struct pb_core *core, uint32_t nr)
{
    if (!core->unshown.looks.length || core->has_other_roots)
        return GUEST_ASKS;
    switch (nr) {
    case SYS_stat:
    case SYS_lstat:
        return GUEST_LOOKS;
    case SYS_newfstatat:
    case SYS_statx:
        return GUEST_LOOKS_AT;
    case SYS_fstat:
        return GUEST_LOOKS_FD;
    default:
        return GUEST_ASKS;
    }
}

/* An open is decided without its flags where a check is shown some by what they name. The gate looks at that by itself. */
static enum guest_kind read_kind_of(const struct pb_core *core, uint32_t nr)
{
    bool looks = core->dispositions[SYS_newfstatat] & PB_FLAG_DECIDED;
    if (!looks || !core->unshown.directories.length || core->has_other_roots)
        return GUEST_ASKS;
    return nr == SYS_open ? GUEST_READS : GUEST_READS_AT;
}

static enum guest_kind making_kind_of(const struct pb_core *core, uint32_t nr)
{
    bool looks = core->dispositions[SYS_newfstatat] & PB_FLAG_DECIDED;
    if (!looks || !core->unopposed.index || core->has_other_roots)
        return GUEST_ASKS;
    return nr == SYS_mkdir ? GUEST_MAKES_DIRECTORY : GUEST_MAKES_DIRECTORY_AT;
}

static enum guest_kind decided_kind_of(const struct pb_core *core, uint32_t nr, uint32_t disposition)
{
    uint64_t captures;
    /* What guests read of their paths would not be what those are to us. */
    if (core->has_other_roots && rings_want_object(core, nr))
        return GUEST_ASKS;
    if (core->taken[nr])
        return taken_kind_of(core, nr);
    if (!(disposition & PB_FLAG_DECIDED) || (recorder_wants(core, nr) && !rings_can_record(core, nr, &captures)))
        return GUEST_ASKS;
    switch (nr) {
    case SYS_close:
        return GUEST_CLOSES;
    case SYS_dup:
        return core->unshown.shows_copies ? GUEST_ASKS : GUEST_COPIES;
    case SYS_dup2:
    case SYS_dup3:
        return core->unshown.shows_copies ? GUEST_ASKS : GUEST_REPLACES;
    case SYS_mmap:
    case SYS_mprotect:
    case SYS_munmap:
    case SYS_madvise:
    case SYS_ioctl:
    case SYS_prlimit64:
        return GUEST_BOUNDED;
    case SYS_fcntl:
        return core->unshown.shows_copies ? GUEST_ASKS : core->unshown.copies ? GUEST_DUPLICATES : GUEST_CONTROLS;
    default:
        break;
    }
    /* What is Python's for its names alone may be another name's call after all; nothing is looked for by others. */
    if ((disposition & 0xff) == PB_DO_NATIVE)
        return GUEST_MAKES;
    if (nr == SYS_flock)
        return GUEST_REPEATS;
    if (nr == SYS_rt_sigaction)
        return core->unshown.handlers ? GUEST_HANDLES : GUEST_ASKS;
    if (!core->resolver && (nr == SYS_mkdir || nr == SYS_mkdirat))
        return making_kind_of(core, nr);
    if (core->resolved[nr] & PB_RESOLVES_MAKING)
        return core->resolver ? GUEST_NAMES : GUEST_ASKS;
    uint32_t flags = disposition >> PB_OPEN_FLAGS_SHIFT & 3;
    if (!flags && (nr == SYS_open || nr == SYS_openat))
        return read_kind_of(core, nr);
    return flags == 1 ? GUEST_OPENS : flags == 2 ? GUEST_OPENS_AT : GUEST_FINDS;
}

static void decided_write(const struct pb_core *core, uint8_t *decided, uint32_t nr)
{
    uint8_t kind = (uint8_t)decided_kind_of(core, nr, core->dispositions[nr]);
    if (core->resolver && core->resolved[nr]) {
        uint8_t paths = core->resolved[nr] >> PB_RESOLVES_PATH_SHIFT & 7;
        paths |= (core->resolved[nr] >> PB_RESOLVES_SECOND_SHIFT & 7) << GUEST_SECOND_SHIFT;
        paths |= core->resolved[nr] & PB_RESOLVES_AT_DIRECTORY ? GUEST_AT_DIRECTORY : 0;
        decided[GUEST_PATHS + nr] = paths;
        kind |= GUEST_RESOLVES;
    }
    if (rings_want_object(core, nr))
        kind |= GUEST_TELLS_ALL;
    if (rings_tell_errors(core, nr))
        kind |= GUEST_TELLS;
    __atomic_store_n(decided + GUEST_KINDS + nr, kind, __ATOMIC_RELEASE);
}

static void look_add(uint8_t *bits, uint32_t bit)
{
    if (bit != NO_LOOK_BIT)
        bits[bit / 8] |= (uint8_t)(1 << bit % 8);
}

/* The path's device is not told apart: another file of its number is shown as well. */
static void looks_write(const struct pb_core *core, uint8_t *code)
{
    const struct strings *paths = &core->unshown.looks;
    uint8_t bits[LOOKS_SIZE] = {0};
    for (uint64_t at = 0; at < paths->length; at += strlen(paths->text + at) + 1)
        look_add(bits, look_bit_of_path(paths->text + at));
    for (uint64_t i = 0; i < core->unshown.inode_count; i++)
        look_add(bits, look_bit_of_inode(core->unshown.inodes[i]));
    for (uint64_t i = 0; i < LOOKS_SIZE; i++)
        __atomic_store_n(code + (GATE_LOOKS - GATE_CODE) + i, bits[i], __ATOMIC_RELAXED);
}

void guest_write(const struct pb_core *core, uint8_t *code)
{
    size_t size = (size_t)(__stop_gate_text - __start_gate_text);
    uint8_t *plain = code + (GUEST_PLAIN - GATE_CODE), *decided = code + (GUEST_DECIDED - GATE_CODE);
    memcpy(plain, __start_gate_text, size);
    memcpy(decided, __start_gate_text, size);
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++) {
        plain[GUEST_KINDS + nr] = (uint8_t)kind_of(nr, core->dispositions[nr]);
        decided_write(core, decided, nr);
    }
    looks_write(core, code);
    memcpy(code + (PB_GATE_RESOLVING - GATE_CODE), (uint8_t[]){0x0f, 0x05, 0xc3}, 3); /* syscall; ret */
}

void gate_kinds_change(struct pb_core *core)
{
    if (!core->stubs)
        return;
    looks_write(core, core->stubs->code);
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++)
        decided_write(core, core->stubs->code + (GUEST_DECIDED - GATE_CODE), nr);
}

bool may_be_taken(const struct pb_core *core, uint64_t nr)
{
    if (nr >= PB_NR_COUNT || !(core->dispositions[nr] & PB_FLAG_DECIDED))
        return false;
    return core->taken[nr] || (core->dispositions[nr] & 0xff) == PB_DO_NATIVE;
}

void roots_differ(struct pb_core *core)
{
    if (core->has_other_roots)
        return;
    core->has_other_roots = true;
    gate_kinds_change(core);
}

void pb_roots_differ(struct pb_core *core)
{
    LOCKED(core);
    roots_differ(core);
}

void pb_enter_gate(struct pb_core *core, int32_t by)
{
    core->gate_enters = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE ? by : PB_GATE_ENTERED_BY_NONE;
}

static bool is_block(uint64_t address)
{
    return address >= BLOCKS && address < BLOCKS + BLOCKS_SIZE;
}

uint64_t block_address(uint32_t number)
{
    return BLOCKS + (number - 1) * BLOCK_SIZE;
}

void block_leave(struct pb_core *core, struct task *task)
{
    ring_leave(core, task);
    gate_repeats(core, task, false);
    if (task->block)
        core->blocks[(task->block - 1) / 64] &= ~(UINT64_C(1) << (task->block - 1) % 64);
    task->block = 0;
}

void block_give(struct pb_core *core, struct task *task)
{
    uint64_t gs;
    if (!core->gate_enters || task->own_gs || gs_read(task->tid, &gs) < 0)
        return;
    task->own_gs = gs && !is_block(gs);
    if (task->own_gs)
        return;
    if (!task->block)
        task->block = number_take(core->blocks, PB_BLOCK_COUNT);
    place_tell(core, task);
    gs_write(task->tid, task->block ? block_address(task->block) : 0);
    ring_give(core, task);
}

void block_born(struct pb_core *core, struct task *task)
{
    uint64_t gs;
    if (task->gate)
        block_give(core, task);
    else if (!task->creator && core->gates && gs_read(task->tid, &gs) == 0 && is_block(gs))
        gs_write(task->tid, 0);
}

void block_hide(struct pb_core *core, struct task *task)
{
    uint64_t gs;
    /* The program may have changed it by itself. */
    if (gs_read(task->tid, &gs) == 0 && is_block(gs))
        gs_write(task->tid, 0);
    block_leave(core, task);
    task->own_gs = true;
}

/* Whether a call from a stub that enters the code returns to an address. */
static bool is_behind(const struct gate *gate, uint64_t behind, uint32_t *stub)
{
    if (!stub_at(gate, behind - 1, stub) || stub_places(gate, *stub).behind != behind)
        return false;
    return gate->stubs->sites[*stub].way == ENTERS || gate->stubs->sites[*stub].way == ENTERS_DECIDED;
}

static void take_registers(const struct gate_block *block, struct user_regs_struct *registers)
{
    registers->rdi = block->args[0];
    registers->rsi = block->args[1];
    registers->rdx = block->args[2];
    registers->r10 = block->args[3];
    registers->r8 = block->args[4];
    registers->r9 = block->args[5];
    registers->rbx = block->rbx;
    registers->rbp = block->rbp;
    registers->r12 = block->r12;
    registers->r13 = block->r13;
    registers->r14 = block->r14;
    registers->r15 = block->r15;
    registers->rsp = block->rsp;
}

/* Where the stub's call is made to be seen. */
static uint64_t asking_of(const struct gate *gate, uint32_t stub)
{
    if (gate->stubs->sites[stub].way == ENTERS_DECIDED)
        return asking_address(stub);
    return stub_places(gate, stub).behind - X86_SYSCALL_LENGTH;
}

/* Whether the call was, or would have been, made again to be seen. */
static bool is_seen_again(const struct pb_core *core, const struct gate_block *block)
{
    uint64_t nr = (uint32_t)block->nr;
    const uint8_t *kinds = core->stubs->code + (GUEST_DECIDED + GUEST_KINDS - GATE_CODE);
    if (block->result == NOT_MADE || nr >= PB_NR_COUNT)
        return false;
    enum guest_kind kind = kinds[nr] & GUEST_KIND;
    bool may_be_waited_for = kind == GUEST_LOOKS || kind == GUEST_LOOKS_AT || kind == GUEST_LOOKS_FD;
    return may_be_waited_for || block->result == -ENOENT || block->result == -ELOOP ||
           is_told_of(kinds[nr], nr, block->args[0], block->result);
}

bool guest_registers_leave(struct pb_core *core, struct task *task, struct user_regs_struct *registers, bool fault)
{
    struct gate_block block = {.result = NOT_MADE};
    uint32_t stub;
    uint64_t at = registers->rip - (registers->rip >= GATE_DECIDED ? GUEST_DECIDED : GUEST_PLAIN);
    if (is_resolving(registers->rip))
        at = place_of(guest_saved); /* it has called that */
    bool saved = at >= place_of(guest_saved);
    if (saved && (!is_block(registers->gs_base) ||
                  pb_read(core, task->tid, registers->gs_base, &block, sizeof block) != sizeof block))
        return false;
    uint64_t behind = saved ? block.behind : registers->r11;
    if (!is_behind(task->gate, behind, &stub))
        return false;
    if (at == place_of(guest_made))
        block.result = (int64_t)registers->rax;
    bool told = task->gate->stubs->sites[stub].way == ENTERS_DECIDED && is_seen_again(core, &block);
    bool made = block.result != NOT_MADE && !told;
    if (saved)
        take_registers(&block, registers);
    if (made) {
        registers->rax = (uint64_t)block.result;
        registers->rip = behind;
        /* If the kernel takes it back to the call, that is to be seen where calls are recorded, may be wanted by then, or make names. */
        bool is_seen = core->recorder || may_be_taken(core, block.nr) ||
                       (block.nr < PB_NR_COUNT && makes_name(core, block.nr, block.args));
        if (is_seen && is_restart(block.result))
            registers->rip = asking_of(task->gate, stub) + X86_SYSCALL_LENGTH;
    } else {
        if (saved)
            registers->rax = block.nr;
        registers->orig_rax = (uint64_t)-1;
        registers->rip = fault ? asking_of(task->gate, stub) : stub_places(task->gate, stub).start;
    }
    ring_close(core, task, made, block.result);
    return true;
}

bool guest_leave(struct pb_core *core, struct task *task, bool fault)
{
    struct user_regs_struct registers;
    return registers_read(task->tid, (uint64_t *)&registers) == 0 && guest_registers_leave(core, task, &registers, fault) &&
           registers_write(task->tid, (uint64_t *)&registers) == 0;
}
