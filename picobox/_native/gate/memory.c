/* Owns the gate's memory: the stubs in which guests make calls, and what they count there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gate.h"
#include "guest.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* A slot's low byte is no opcode in 64-bit mode, see stub_jump. */
#define SLOT_EVEN 0x06
#define SLOT_ODD 0x02 /* at 0x82 of its 256 bytes */
#define FILL 0x06
#define JUMP_BACK_LENGTH 6

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
    if (gate->counters) {
        watches_copy(core, gate);
        if (core->gate_enters)
            guest_write(core, gate->code);
        return gate;
    }
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

static uint64_t slot_of(uint32_t stub, const struct gate_site *site)
{
    return stub_address(stub, site) + (stub % 2 ? SLOT_ODD : SLOT_EVEN);
}

struct stub_places stub_places(const struct gate *gate, uint32_t stub)
{
    const struct gate_site *site = &gate->sites[stub];
    uint64_t entry = stub_address(stub, site) + STUB_ENTRY, start = entry + code_before(site);
    return (struct stub_places){entry, start, start + call_again(site), start + call_length(site)};
}

bool stub_at(const struct gate *gate, uint64_t ip, uint32_t *stub)
{
    bool decides = ip >= GATE_DECIDED;
    if (!is_in_gate(ip))
        return false;
    *stub = (uint32_t)(ip >= GATE_ASKING  ? (ip - GATE_ASKING) / ASKING_SIZE
                       : ip >= GATE_DECIDED ? (ip - GATE_DECIDED) / STUB_SIZE
                                            : (ip - GATE_CODE) / STUB_SIZE);
    return *stub < gate->used && (gate->sites[*stub].way >= FINDS) == decides;
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

/* A library that comes and goes at one address has its stubs there once. */
static int32_t find_stub(const struct gate *gate, const struct gate_site *site)
{
    for (uint32_t stub = 0; stub < gate->used; stub++) {
        const struct gate_site *found = &gate->sites[stub];
        if (found->call == site->call && found->before == site->before && found->after == site->after &&
            found->way == site->way && found->record == site->record && (found->way < FINDS || found->nr == site->nr) &&
            memcmp(found->region, site->region, site_end(site) - site_start(site)) == 0)
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
static uint8_t *append_before(uint8_t *at, const struct gate_site *site)
{
    if (!site->record)
        return append(at, site->region, site->before);
    append(at, site->record->code, site->record->code_before);
    fill(at, site, 0, site->record->literals_before);
    return at + site->record->code_before;
}

static uint8_t *append_after(uint8_t *at, const struct gate_site *site)
{
    if (!site->record)
        return append(at, site->region + site->before + X86_SYSCALL_LENGTH, site->after);
    append(at, site->record->code + site->record->code_before, site->record->code_after);
    fill(at, site, site->record->literals_before, site->record->literals_after);
    return at + site->record->code_after;
}

/* syscall; jmp behind */
static void write_asking(struct gate *gate, uint32_t stub)
{
    uint64_t address = asking_address(stub);
    int32_t distance = (int32_t)(stub_places(gate, stub).behind - (address + X86_SYSCALL_LENGTH + 5));
    uint8_t *at = append(gate->code + (address - GATE_CODE), (uint8_t[]){0x0f, 0x05, 0xe9}, 3);
    append(at, &distance, sizeof distance);
}

int32_t stub_get(struct gate *gate, const struct gate_site *site)
{
    int32_t known = find_stub(gate, site);
    if (known >= 0)
        return known;
    uint64_t most = site->way < FINDS ? STUB_COUNT : DECIDED_COUNT;
    uint64_t length = STUB_ENTRY + code_before(site) + call_length(site) + code_after(site) + JUMP_BACK_LENGTH;
    uint32_t stub = gate->used;
    if (stub >= most || length > STUB_SIZE)
        return -1;
    uint64_t address = stub_address(stub, site), entry = address + STUB_ENTRY, behind = site_end(site);
    uint8_t *base = gate->code + (address - GATE_CODE), *at = base + STUB_ENTRY;
    gate->used++;
    gate->sites[stub] = *site;
    memset(base, FILL, STUB_SIZE);
    memcpy(base + (slot_of(stub, site) - address), &entry, sizeof entry);
    memcpy(base + STUB_RETURN, &behind, sizeof behind);
    at = append_before(at, site);
    at = call_append(site, stub, stub_places(gate, stub).start, at);
    at = append_after(at, site);
    at = append(at, (uint8_t[]){0xff, 0x25}, 2); /* jmp [rip + distance] */
    int32_t distance = (int32_t)(base + STUB_RETURN - (at + sizeof distance));
    append(at, &distance, sizeof distance);
    if (site->way >= FINDS)
        write_asking(gate, stub);
    return (int32_t)stub;
}

/* jmp [slot], with a SIB byte that has neither base nor index. Of the four that there are this one is the prefix of gs:
   who comes to the third byte, behind what was the syscall instruction, meets an invalid opcode there (gate_heal). */
void stub_jump(uint32_t stub, const struct gate_site *site, uint8_t *out)
{
    uint32_t slot = (uint32_t)slot_of(stub, site);
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
           overlaps(GATE_COUNTERS, GATE_COUNTERS_SIZE, address, length) ||
           overlaps(BLOCKS, BLOCKS_SIZE, address, length);
}

