/* Owns the gate's memory: the stubs in which guests make calls, and what they count there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gate.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* A slot's low byte is no opcode in 64-bit mode, see stub_jump. */
#define SLOT_EVEN 0x06
#define SLOT_ODD 0x02 /* at 0x82 of its 256 bytes */
#define FILL 0x06
#define JUMP_BACK_LENGTH 6

/* Counts the call without touching flags or the stack: rcx and r11 are the kernel's to overwrite. */
static const uint8_t COUNTING[COUNTING_LENGTH] = {
    0x44, 0x0f, 0xb7, 0xd8,                         /* movzx r11d, ax */
    0x4a, 0x8b, 0x0c, 0xdd, 0x00, 0x00, 0x20, 0x7c, /* mov rcx, [GATE_COUNTERS + 8 * r11] */
    0x48, 0x8d, 0x49, 0x01,                         /* lea rcx, [rcx + 1] */
    0x4a, 0x89, 0x0c, 0xdd, 0x00, 0x00, 0x20, 0x7c, /* mov [GATE_COUNTERS + 8 * r11], rcx */
};
_Static_assert(GATE_COUNTERS == 0x7c200000, "COUNTING has this address in it");

/* newfstatat(fd, "", buffer, AT_EMPTY_PATH) of a descriptor is fstat(fd, buffer), which names nothing. r10 keeps the path's
   address over the call, as it is known what was in it. Flags are of no use to who makes a call: compilers take them for lost. */
static const uint8_t DECIDING[DECIDING_LENGTH] = {
    0x48, 0x3d, 0x06, 0x01, 0x00, 0x00,       /* cmp rax, 262 */
    0x75, 42,                                 /* jne plain */
    0x49, 0x81, 0xfa, 0x00, 0x10, 0x00, 0x00, /* cmp r10, AT_EMPTY_PATH */
    0x75, 33,                                 /* jne plain */
    0x85, 0xff,                               /* test edi, edi */
    0x78, 29,                                 /* js plain */
    0x80, 0x3e, 0x00,                         /* cmp byte [rsi], 0 */
    0x75, 24,                                 /* jne plain */
    0x49, 0x89, 0xf2,                         /* mov r10, rsi */
    0x48, 0x89, 0xd6,                         /* mov rsi, rdx */
    0xb8, 0x05, 0x00, 0x00, 0x00,             /* mov eax, 5 */
    0x0f, 0x05,                               /* syscall */
    0x4c, 0x89, 0xd6,                         /* mov rsi, r10 */
    0x41, 0xba, 0x00, 0x10, 0x00, 0x00,       /* mov r10d, AT_EMPTY_PATH */
    0xeb, 0x02,                               /* jmp behind the syscall instruction that comes next */
};
_Static_assert(STUB_ENTRY + MOVED_LONGEST + COUNTING_LENGTH + DECIDING_LENGTH + X86_SYSCALL_LENGTH + JUMP_BACK_LENGTH <= STUB_SIZE,
               "a stub fits");

static void *share(uint64_t size, int seals, int *fd)
{
    *fd = memfd_create("gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return NULL;
    void *view = MAP_FAILED;
    if (ftruncate(*fd, (off_t)size) == 0)
        view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
    if (view != MAP_FAILED && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | seals) == 0)
        return view;
    if (view != MAP_FAILED)
        munmap(view, size);
    close(*fd);
    *fd = -1;
    return NULL;
}

struct gate *gate_new(struct pb_core *core, int fds[2])
{
    struct gate *gate = calloc(1, sizeof *gate);
    fds[0] = fds[1] = -1;
    if (!gate)
        return NULL;
    gate->code = share(GATE_CODE_SIZE, F_SEAL_FUTURE_WRITE, &fds[0]);
    gate->counters = gate->code ? share(GATE_COUNTERS_SIZE, 0, &fds[1]) : NULL;
    gate->users = 1;
    gate->next = core->gates;
    core->gates = gate;
    if (gate->counters)
        return gate;
    if (fds[0] >= 0)
        close(fds[0]);
    gate_leave(core, gate);
    return NULL;
}

struct gate *gate_share(struct gate *gate)
{
    if (gate)
        gate->users++;
    return gate;
}

static void count(const struct gate *gate, uint64_t counts[PB_NR_COUNT])
{
    /* A number that no table has is no call of ours to count (pb_counters has one place for all of these). */
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++)
        counts[nr] += __atomic_load_n(&gate->counters[nr], __ATOMIC_RELAXED);
}

uint64_t gate_calls(const struct gate *gate)
{
    uint64_t counts[PB_NR_COUNT] = {0}, sum = 0;
    count(gate, counts);
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++)
        sum += counts[nr];
    return sum;
}

void gate_leave(struct pb_core *core, struct gate *gate)
{
    struct gate **link = &core->gates;
    if (!gate || --gate->users)
        return;
    while (*link != gate)
        link = &(*link)->next;
    *link = gate->next;
    if (gate->counters) {
        count(gate, core->gate_counts);
        munmap(gate->counters, GATE_COUNTERS_SIZE);
    }
    if (gate->code)
        munmap(gate->code, GATE_CODE_SIZE);
    free(gate);
}

void pb_gate_counters(struct pb_core *core, uint64_t *counts)
{
    LOCKED(core);
    memcpy(counts, core->gate_counts, sizeof core->gate_counts);
    for (const struct gate *gate = core->gates; gate; gate = gate->next)
        count(gate, counts);
}

static uint64_t slot_of(uint32_t stub)
{
    return stub_address(stub) + (stub % 2 ? SLOT_ODD : SLOT_EVEN);
}

uint64_t stub_call(const struct gate *gate, uint32_t stub)
{
    const struct gate_site *site = &gate->sites[stub];
    return stub_address(stub) + STUB_ENTRY + code_before(site) + COUNTING_LENGTH + site->decides;
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

void stub_region(const struct gate *gate, uint32_t stub, uint8_t *out)
{
    const struct gate_site *site = &gate->sites[stub];
    const uint8_t *moved = gate->code + stub * STUB_SIZE + STUB_ENTRY;
    if (site->record) {
        append(out, site->record->original, site->record->replaced);
        return;
    }
    out = append(out, moved, site->before);
    append(out, moved + site->before + COUNTING_LENGTH + site->decides, X86_SYSCALL_LENGTH + site->after);
}

/* A library that comes and goes at one address has its stubs there once. */
static int32_t find_stub(const struct gate *gate, const struct gate_site *site, const uint8_t *region)
{
    uint8_t bytes[REGION_LONGEST];
    for (uint32_t stub = 0; stub < gate->used; stub++) {
        const struct gate_site *found = &gate->sites[stub];
        if (found->call != site->call || found->before != site->before || found->after != site->after ||
            found->decides != site->decides || found->record != site->record)
            continue;
        stub_region(gate, stub, bytes);
        if (memcmp(bytes, region, site_end(site) - site_start(site)) == 0)
            return (int32_t)stub;
    }
    return -1;
}

/* The code of a record from one place on, with its addresses. */
static void fill(uint8_t *code, const struct gate_site *site, uint8_t first, uint8_t count)
{
    for (uint8_t i = first; i < first + count; i++) {
        uint64_t address = site->call + (uint64_t)(int64_t)site->record->literal_to[i];
        memcpy(code + site->record->literal_at[i], &address, sizeof address);
    }
}

/* What runs before or after the call in the place of a region's bytes. */
static uint8_t *append_before(uint8_t *at, const struct gate_site *site, const uint8_t *region)
{
    if (!site->record)
        return append(at, region, site->before);
    append(at, site->record->code, site->record->code_before);
    fill(at, site, 0, site->record->literals_before);
    return at + site->record->code_before;
}

static uint8_t *append_after(uint8_t *at, const struct gate_site *site, const uint8_t *region)
{
    if (!site->record)
        return append(at, region + site->before + X86_SYSCALL_LENGTH, site->after);
    append(at, site->record->code + site->record->code_before, site->record->code_after);
    fill(at, site, site->record->literals_before, site->record->literals_after);
    return at + site->record->code_after;
}

int32_t stub_get(struct gate *gate, const struct gate_site *site, const uint8_t *region)
{
    int32_t known = find_stub(gate, site, region);
    if (known >= 0)
        return known;
    uint64_t others = STUB_ENTRY + COUNTING_LENGTH + site->decides + X86_SYSCALL_LENGTH + JUMP_BACK_LENGTH;
    if (gate->used == STUB_COUNT || others + code_before(site) + code_after(site) > STUB_SIZE)
        return -1;
    uint32_t stub = gate->used++;
    uint8_t *base = gate->code + stub * STUB_SIZE, *at = base + STUB_ENTRY;
    uint64_t entry = stub_address(stub) + STUB_ENTRY, behind = site_end(site);
    gate->sites[stub] = *site;
    memset(base, FILL, STUB_SIZE);
    memcpy(base + (slot_of(stub) - stub_address(stub)), &entry, sizeof entry);
    memcpy(base + STUB_RETURN, &behind, sizeof behind);
    at = append_before(at, site, region);
    at = append(at, COUNTING, sizeof COUNTING);
    at = append(at, DECIDING, site->decides);
    at = append(at, region + site->before, X86_SYSCALL_LENGTH);
    at = append_after(at, site, region);
    at = append(at, (uint8_t[]){0xff, 0x25}, 2); /* jmp [rip + distance] */
    int32_t distance = (int32_t)(base + STUB_RETURN - (at + sizeof distance));
    append(at, &distance, sizeof distance);
    return (int32_t)stub;
}

/* jmp [slot], with a SIB byte that has neither base nor index. Of the four that there are this one is the prefix of gs:
   who comes to the third byte, behind what was the syscall instruction, meets an invalid opcode there (gate_heal). */
void stub_jump(uint32_t stub, const struct gate_site *site, uint8_t *out)
{
    uint32_t slot = (uint32_t)slot_of(stub);
    memset(out, FILL, site_end(site) - site_start(site));
    memcpy(append(out, (uint8_t[]){0xff, 0x24, 0x65}, 3), &slot, sizeof slot);
}

static bool overlaps(uint64_t start, uint64_t size, uint64_t address, uint64_t length)
{
    return address < start + size && (length > start || address + length > start);
}

bool gate_overlaps(uint64_t address, uint64_t length)
{
    return overlaps(GATE_CODE, GATE_CODE_SIZE, address, length) ||
           overlaps(GATE_COUNTERS, GATE_COUNTERS_SIZE, address, length);
}

