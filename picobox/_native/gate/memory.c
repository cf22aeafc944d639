/* Owns the gate's memory: the stubs in which guests make calls, and what they count there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

static void stubs_free(struct stubs *stubs)
{
    if (stubs->code)
        munmap(stubs->code, GATE_CODE_SIZE);
    if (stubs->counters)
        munmap(stubs->counters, GATES_AT_ONCE * GATE_COUNTERS_SIZE);
    for (int i = 0; i < 2; i++)
        if (stubs->fds[i] >= 0)
            close(stubs->fds[i]);
    free(stubs);
}

static struct stubs *stubs_new(const struct pb_core *core)
{
    struct stubs *stubs = calloc(1, sizeof *stubs);
    if (!stubs)
        return NULL;
    stubs->fds[0] = stubs->fds[1] = -1;
    stubs->code = share(GATE_CODE_SIZE, F_SEAL_FUTURE_WRITE, &stubs->fds[0]);
    stubs->counters = share(GATES_AT_ONCE * GATE_COUNTERS_SIZE, 0, &stubs->fds[1]);
    if (!stubs->code || !stubs->counters) {
        stubs_free(stubs);
        return NULL;
    }
    stubs->used = FIRST_STUB;
    for (uint32_t stub = 0; stub < FIRST_STUB; stub++)
        stubs->users[stub] = 1;
    routines_write(core, stubs->code);
    if (core->gate_enters)
        guest_write(core, stubs->code);
    if (core->recorder)
        rings_write(core, stubs->code);
    watches_copy(core, stubs);
    return stubs;
}

void stubs_close(struct pb_core *core)
{
    if (core->stubs)
        stubs_free(core->stubs);
    core->stubs = NULL;
}

struct stubs *stubs_of(struct pb_core *core)
{
    if (!core->stubs)
        core->stubs = stubs_new(core);
    return core->stubs;
}

struct gate *gate_new(struct pb_core *core)
{
    uint32_t taken = stubs_of(core) ? number_take(core->stubs->taken, GATES_AT_ONCE) : 0, number = taken - 1;
    if (!taken)
        return NULL;
    struct gate *gate = calloc(1, sizeof *gate);
    if (!gate) {
        core->stubs->taken[number / 64] &= ~(UINT64_C(1) << number % 64);
        return NULL;
    }
    *gate = (struct gate){.users = 1, .next = core->gates, .stubs = core->stubs, .number = number};
    gate->counters = core->stubs->counters + (size_t)number * GATE_COUNTER_COUNT;
    core->gates = gate;
    return gate;
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
    uint64_t sum = 0;
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++)
        sum += __atomic_load_n(&gate->counters[nr], __ATOMIC_RELAXED);
    return sum;
}

uint32_t next_jump(const struct gate *gate, uint32_t stub)
{
    while (stub < STUB_COUNT) {
        uint64_t rest = gate->jumps[stub / 64] >> stub % 64;
        if (rest)
            return stub + (uint32_t)__builtin_ctzll(rest);
        stub = (stub / 64 + 1) * 64;
    }
    return STUB_COUNT;
}

void gate_leave(struct pb_core *core, struct gate *gate)
{
    struct gate **link = &core->gates;
    if (!gate || --gate->users)
        return;
    while (*link != gate)
        link = &(*link)->next;
    *link = gate->next;
    count(gate, core->gate_counts);
    memset(gate->counters, 0, PB_NR_COUNT * sizeof *gate->counters);
    gate->stubs->taken[gate->number / 64] &= ~(UINT64_C(1) << gate->number % 64);
    for (uint32_t stub = 0; (stub = next_jump(gate, stub)) < STUB_COUNT; stub++)
        gate->stubs->users[stub]--;
    rings_free(gate);
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

static struct stub_places places_of(const struct stubs *stubs, uint32_t stub)
{
    const struct gate_site *site = &stubs->sites[stub];
    uint64_t entry = stub_address(stub, site) + STUB_ENTRY, start = entry + code_before(site);
    return (struct stub_places){entry, start, start + call_again(site), start + call_length(site)};
}

struct stub_places stub_places(const struct gate *gate, uint32_t stub)
{
    return places_of(gate->stubs, stub);
}

bool stub_at(const struct gate *gate, uint64_t ip, uint32_t *stub)
{
    bool decides = ip >= GATE_DECIDED;
    if (!is_in_gate(ip))
        return false;
    *stub = (uint32_t)(ip >= GATE_ASKING  ? (ip - GATE_ASKING) / ASKING_SIZE
                       : ip >= GATE_DECIDED ? (ip - GATE_DECIDED) / STUB_SIZE
                                            : (ip - GATE_CODE) / STUB_SIZE);
    return *stub >= FIRST_STUB && *stub < gate->stubs->used && (gate->stubs->sites[*stub].way >= FINDS) == decides;
}

void gate_uncount(struct pb_core *core, const struct task *task, uint64_t nr, uint64_t ip)
{
    uint32_t stub;
    if (task->gate && stub_at(task->gate, ip, &stub) && task->gate->stubs->sites[stub].way < ENTERS)
        core->gate_counts[nr]--; /* of a sum that is not less */
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

/* A library that comes and goes at one address has its stubs there once, and so have programs that are there in others. */
static int32_t find_stub(const struct gate *gate, const struct gate_site *site)
{
    for (uint32_t stub = FIRST_STUB; stub < gate->stubs->used; stub++) {
        const struct gate_site *found = &gate->stubs->sites[stub];
        if (!found->in_image && found->call == site->call && found->before == site->before && found->after == site->after &&
            found->way == site->way && found->record == site->record && (found->way < FINDS || found->nr == site->nr) &&
            memcmp(found->region, site->region, site_end(site) - site_start(site)) == 0)
            return (int32_t)stub;
    }
    return -1;
}

/* Instructions with an address of 64 bits in them, as site_moves writes them, and with its place of 31 bits instead. */
static const struct {
    uint8_t length;
    uint8_t bytes[6], others[4];
    uint8_t other_length, padding;
} ADDRESSED[] = {
    {2, {0x49, 0xbb}, {0x4c, 0x8b, 0x1c, 0x25}, 4, 2}, /* mov r11, address; mov r11, [place] */
    {2, {0x48, 0xb9}, {0x48, 0x8b, 0x0c, 0x25}, 4, 2}, /* the same with rcx */
    {6, {0xff, 0x25, 0, 0, 0, 0}, {0xff, 0x24, 0x25}, 3, 0}, /* jmp [rip]; jmp [place] */
};

/* Which of them has its address at a position of the code, -1: none. */
static int addressed_at(const uint8_t *code, uint8_t at)
{
    for (int i = 0; i < (int)(sizeof ADDRESSED / sizeof ADDRESSED[0]); i++)
        if (at >= ADDRESSED[i].length && memcmp(code + at - ADDRESSED[i].length, ADDRESSED[i].bytes, ADDRESSED[i].length) == 0)
            return i;
    return -1;
}

/* The code of a record from one place on, with its addresses. */
static void fill(uint8_t *code, const struct gate_site *site, uint8_t first, uint8_t count)
{
    static const uint8_t padding[] = {0x66, 0x90};
    for (uint8_t i = first; i < first + count; i++) {
        uint8_t at = site->record->literal_at[i];
        if (!site->in_image) {
            uint64_t address = site->call + (uint64_t)(int64_t)site->record->literal_to[i];
            memcpy(code + at, &address, sizeof address);
            continue;
        }
        int how = addressed_at(code, at);
        uint32_t place = (uint32_t)(GATE_WORDS + sizeof(uint64_t) * (site->words + 1 + i));
        uint8_t *end = append(code + at - ADDRESSED[how].length, ADDRESSED[how].others, ADDRESSED[how].other_length);
        append(append(end, &place, sizeof place), padding, ADDRESSED[how].padding);
    }
}

/* Whether fill can do it. */
static bool are_addressed(const struct site_record *record)
{
    for (uint8_t i = 0; i < record->literals_before + record->literals_after; i++) {
        const uint8_t *code = record->code + (i < record->literals_before ? 0 : record->code_before);
        if (addressed_at(code, record->literal_at[i]) < 0)
            return false;
    }
    return true;
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
static void write_asking(struct stubs *stubs, uint32_t stub)
{
    uint64_t address = asking_address(stub);
    int32_t distance = (int32_t)(places_of(stubs, stub).behind - (address + X86_SYSCALL_LENGTH + 5));
    uint8_t *at = append(stubs->code + (address - GATE_CODE), (uint8_t[]){0x0f, 0x05, 0xe9}, 3);
    append(at, &distance, sizeof distance);
}

/* To the instruction behind the site: its address is in the stub, or of each address space. */
static void append_return(uint8_t *base, uint8_t *at, const struct gate_site *site)
{
    uint64_t behind = site_end(site);
    int32_t distance = (int32_t)(base + STUB_RETURN - (at + JUMP_BACK_LENGTH));
    if (site->in_image) {
        uint32_t address = (uint32_t)(GATE_WORDS + sizeof behind * site->words);
        memcpy(append(at, (uint8_t[]){0xff, 0x24, 0x25}, 3), &address, sizeof address); /* jmp [address] */
        return;
    }
    memcpy(base + STUB_RETURN, &behind, sizeof behind);
    memcpy(append(at, (uint8_t[]){0xff, 0x25}, 2), &distance, sizeof distance); /* jmp [rip + distance] */
}

static void write_stub(struct stubs *stubs, uint32_t stub, const struct gate_site *site)
{
    uint64_t address = stub_address(stub, site), entry = address + STUB_ENTRY;
    uint8_t *base = stubs->code + (address - GATE_CODE), *at = base + STUB_ENTRY;
    stubs->sites[stub] = *site;
    memset(base, FILL, STUB_SIZE);
    memcpy(base + (slot_of(stub, site) - address), &entry, sizeof entry);
    at = append_before(at, site);
    at = call_append(site, stub, places_of(stubs, stub).start, at);
    append_return(base, append_after(at, site), site);
    if (site->way >= FINDS)
        write_asking(stubs, stub);
}

bool stub_fits(const struct gate_site *site)
{
    uint64_t back = site->in_image ? JUMP_LENGTH : JUMP_BACK_LENGTH;
    if (site->in_image && !are_addressed(site->record))
        return false;
    return STUB_ENTRY + code_before(site) + call_length(site) + code_after(site) + back <= STUB_SIZE;
}

int32_t stubs_get(struct stubs *stubs, const struct gate_site *sites, uint32_t count)
{
    uint32_t first = stubs->used;
    if (count > DECIDED_COUNT || first > DECIDED_COUNT - count)
        return -1;
    stubs->used += count;
    for (uint32_t i = 0; i < count; i++) {
        stubs->users[first + i] = 1; /* as long as the run */
        write_stub(stubs, first + i, &sites[i]);
    }
    return (int32_t)first;
}

/* A number below `most` for a stub that is to be written, or `most`. */
static uint32_t take_stub(struct stubs *stubs, uint32_t most)
{
    if (stubs->used < most)
        return stubs->used++;
    for (uint32_t i = 0; i < most; i++) {
        uint32_t stub = stubs->next++ % most;
        if (!stubs->users[stub])
            return stub;
    }
    return most;
}

static int32_t use_stub(struct gate *gate, uint32_t stub)
{
    uint64_t bit = UINT64_C(1) << stub % 64;
    gate->stubs->users[stub] += !(gate->jumps[stub / 64] & bit);
    gate->jumps[stub / 64] |= bit;
    return (int32_t)stub;
}

int32_t stub_get(struct gate *gate, const struct gate_site *site)
{
    int32_t known = find_stub(gate, site);
    if (known >= 0)
        return use_stub(gate, (uint32_t)known);
    uint32_t most = site->way < FINDS ? STUB_COUNT : DECIDED_COUNT;
    uint32_t stub = stub_fits(site) ? take_stub(gate->stubs, most) : most;
    if (stub == most)
        return -1;
    write_stub(gate->stubs, stub, site);
    return use_stub(gate, stub);
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
           overlaps(RINGS, RINGS_SIZE, address, length) ||
           overlaps(GATE_COUNTERS, GATE_COUNTERS_SIZE, address, length) ||
           overlaps(BLOCKS, BLOCKS_SIZE, address, length) ||
           overlaps(GATE_PRIVATE, GATE_PRIVATE_SIZE, address, length);
}

