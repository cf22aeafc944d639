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

static enum guest_kind decided_kind_of(const struct pb_core *core, uint32_t nr, uint32_t disposition)
{
    uint64_t captures;
    /* What guests read of their paths would not be what those are to us. */
    if (core->has_other_roots && rings_want_object(core, nr))
        return GUEST_ASKS;
    if (!(disposition & PB_FLAG_DECIDED) || (recorder_wants(core, nr) && !rings_can_record(core, nr, &captures)))
        return GUEST_ASKS;
    switch (nr) {
    case SYS_close:
        return GUEST_CLOSES;
    case SYS_dup:
        return GUEST_COPIES;
    case SYS_dup2:
    case SYS_dup3:
        return GUEST_REPLACES;
    case SYS_mmap:
    case SYS_mprotect:
    case SYS_munmap:
    case SYS_ioctl:
    case SYS_prlimit64:
        return GUEST_BOUNDED;
    case SYS_fcntl:
        return GUEST_CONTROLS;
    default:
        break;
    }
    /* What is Python's for its names alone may be another name's call after all; nothing is looked for by others. */
    if ((disposition & 0xff) == PB_DO_NATIVE)
        return GUEST_MAKES;
    if (core->resolved[nr] & PB_RESOLVES_MAKING)
        return core->resolver ? GUEST_NAMES : GUEST_ASKS;
    uint32_t flags = disposition >> PB_OPEN_FLAGS_SHIFT & 3;
    return flags == 1 ? GUEST_OPENS : flags == 2 ? GUEST_OPENS_AT : GUEST_FINDS;
}

void guest_write(const struct pb_core *core, uint8_t *code)
{
    size_t size = (size_t)(__stop_gate_text - __start_gate_text);
    uint8_t *plain = code + (GUEST_PLAIN - GATE_CODE), *decided = code + (GUEST_DECIDED - GATE_CODE);
    memcpy(plain, __start_gate_text, size);
    memcpy(decided, __start_gate_text, size);
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++) {
        plain[GUEST_KINDS + nr] = (uint8_t)kind_of(nr, core->dispositions[nr]);
        decided[GUEST_KINDS + nr] = (uint8_t)decided_kind_of(core, nr, core->dispositions[nr]);
        if (core->resolver && core->resolved[nr]) {
            decided[GUEST_KINDS + nr] |= GUEST_RESOLVES;
            decided[GUEST_PATHS + nr] = core->resolved[nr] >> PB_RESOLVES_PATH_SHIFT & 7;
            decided[GUEST_PATHS + nr] |= (core->resolved[nr] >> PB_RESOLVES_SECOND_SHIFT & 7) << GUEST_SECOND_SHIFT;
            if (core->resolved[nr] & PB_RESOLVES_AT_DIRECTORY)
                decided[GUEST_PATHS + nr] |= GUEST_AT_DIRECTORY;
        }
        if (rings_want_object(core, nr))
            decided[GUEST_KINDS + nr] |= GUEST_TELLS_ALL;
        if (rings_tell_errors(core, nr))
            decided[GUEST_KINDS + nr] |= GUEST_TELLS;
    }
    memcpy(code + (PB_GATE_RESOLVING - GATE_CODE), (uint8_t[]){0x0f, 0x05, 0xc3}, 3); /* syscall; ret */
}

void roots_differ(struct pb_core *core)
{
    if (core->has_other_roots)
        return;
    core->has_other_roots = true;
    for (uint32_t nr = 0; core->stubs && core->gate_enters && nr < PB_NR_COUNT; nr++)
        if (rings_want_object(core, nr))
            __atomic_store_n(core->stubs->code + (GUEST_DECIDED + GUEST_KINDS - GATE_CODE) + nr, GUEST_ASKS, __ATOMIC_RELEASE);
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
    return block->result == -ENOENT || block->result == -ELOOP || (nr < PB_NR_COUNT && is_told_of(kinds[nr], nr, block->args[0], block->result));
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
        /* If the kernel takes it back to the call, that is to be seen where calls are recorded, or names made. */
        bool is_seen = core->recorder || (block.nr < PB_NR_COUNT && makes_name(core, block.nr, block.args));
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
