/* Owns the rings of guests' threads as the supervisor reads them: what stands there is the guest's word, and may change
   while it is read. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../trace/trace.h"
#include "rings.h"

#define KERNEL_SIGSET_SIZE 8

_Static_assert(sizeof(struct ring) == RING_SIZE, "rings follow each other");
_Static_assert(RING_COUNT % 64 == 0, "whole words");

/* Each family of address spaces has rings of its own, as one guest's memory is no other's. */
struct rings {
    struct ring *view;
    uint64_t used[RING_COUNT / 64];
};

static struct ring *ring_of(const struct task *task)
{
    return task->ring ? &task->gate->rings->view[task->ring - 1] : NULL;
}

static uint64_t head_of(const struct ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

static void set_head(struct ring *ring, uint64_t head)
{
    __atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
}

/* Which of an argument's memory is to be read for what is shown of it; -1: a guest does not know how to. */
static int32_t capture_of(const struct pb_trace_argument *argument)
{
    int32_t counted = argument->sibling >= 0 ? argument->sibling << 4 : 0xf0;
    switch (argument->kind) {
    case PB_KIND_USERSTRING:
    case PB_KIND_USERPATH: return CAPTURE_STRING;
    case PB_KIND_INBYTES: return CAPTURE_BYTES | counted;
    case PB_KIND_OUTBYTES: return CAPTURE_RESULT;
    case PB_KIND_OUTSTRING: return CAPTURE_WRITTEN;
    case PB_KIND_TIMESPEC:
    case PB_KIND_TIMEVAL: return CAPTURE_IN | 4 << 4;
    case PB_KIND_TIMESPECPAIR: return CAPTURE_IN | 8 << 4;
    case PB_KIND_SIGNALSET: return CAPTURE_IN | 2 << 4;
    case PB_KIND_OUTTIMESPEC:
    case PB_KIND_OUTTIMEVAL: return CAPTURE_OUT | 4 << 4;
    case PB_KIND_OUTFDPAIR:
    case PB_KIND_OUTSIGNALSET: return CAPTURE_OUT | 2 << 4;
    case PB_KIND_OUTINT:
    case PB_KIND_WAITSTATUS: return CAPTURE_OUT | 1 << 4;
    case PB_KIND_SOCKETADDRESS: return CAPTURE_ADDRESS | counted;
    case PB_KIND_POLLFDS: return CAPTURE_POLL | counted;
    case PB_KIND_INVECTOR: return CAPTURE_GATHER | counted;
    case PB_KIND_OUTVECTOR: return CAPTURE_SCATTER | counted;
    case PB_KIND_STRINGVECTOR:
    case PB_KIND_ENVIRONMENT:
    case PB_KIND_OUTSOCKETADDRESS:
    case PB_KIND_UNKNOWN: return -1;
    default: return CAPTURE_NONE;
    }
}

bool rings_can_record(const struct pb_core *core, uint32_t nr, uint64_t *captures)
{
    *captures = 0;
    /* On the stack of a block the kernel would take it that no alternate stack is in use. */
    if (!recorder_wants(core, nr) || !core->recorder->in_guests || nr == SYS_sigaltstack)
        return false;
    const struct pb_trace_table *table = core->recorder->table;
    const struct pb_trace_row *row = &table->rows[nr];
    for (int32_t i = 0; row->name >= 0 && i < row->count; i++) {
        int32_t capture = capture_of(&table->arguments[row->first + i]);
        if (capture < 0)
            return false;
        *captures |= (uint64_t)capture << 8 * i;
    }
    return row->name >= 0;
}

bool rings_want_object(const struct pb_core *core, uint32_t nr)
{
    const struct pb_trace_table *table = core->recorder ? core->recorder->table : NULL;
    return table && recorder_wants(core, nr) && table->volume_count && table->rows[nr].performs == PB_PERFORMS_OPEN;
}

bool rings_tell_errors(const struct pb_core *core, uint32_t nr)
{
    const struct pb_trace_table *table = core->recorder ? core->recorder->table : NULL;
    return table && recorder_wants(core, nr) && table->judged && table->judged[nr];
}

void rings_write(const struct pb_core *core, uint8_t *code)
{
    uint64_t *captures = (uint64_t *)(code + (GUEST_CAPTURES - GATE_CODE));
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++)
        if (rings_can_record(core, nr, &captures[nr]))
            captures[nr] |= CAPTURES_WANTED | (rings_want_object(core, nr) ? CAPTURES_OBJECT : 0);
}

static struct rings *rings_new(int *fd)
{
    struct rings *rings = calloc(1, sizeof *rings);
    *fd = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *view = MAP_FAILED;
    if (rings && *fd >= 0 && ftruncate(*fd, (off_t)RINGS_SIZE) == 0 &&
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        view = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
    if (view != MAP_FAILED) {
        rings->view = view;
        return rings;
    }
    if (*fd >= 0)
        close(*fd);
    free(rings);
    *fd = -1;
    return NULL;
}

void rings_free(struct gate *gate)
{
    if (!gate->rings)
        return;
    munmap(gate->rings->view, RINGS_SIZE);
    free(gate->rings);
    gate->rings = NULL;
}

static void tell_guest(const struct task *task, uint16_t number)
{
    uint16_t *numbers = (uint16_t *)(task->gate->stubs->code + (GUEST_RINGS - GATE_CODE));
    __atomic_store_n(&numbers[task->block - 1], number, __ATOMIC_RELEASE);
}

void ring_give(struct pb_core *core, struct task *task)
{
    if (!core->recorder || !task->gate || !task->gate->rings || !task->block || task->ring)
        return;
    task->ring = (uint16_t)number_take(task->gate->rings->used, RING_COUNT);
    task->ring_read = 0;
    if (!task->ring)
        return;
    set_head(ring_of(task), 0);
    tell_guest(task, task->ring);
}

int rings_begin(struct pb_core *core, struct task *task)
{
    int fd = -1;
    task->gate->has_no_rings = true; /* if they cannot be had now, they are not asked for again */
    if (!task->gate->rings)
        task->gate->rings = rings_new(&fd);
    if (task->gate->rings)
        ring_give(core, task);
    return fd;
}

static void give_to_all(struct pb_core *core, const struct gate *gate)
{
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task->gate == gate)
                ring_give(core, task);
}

/* The task maps the rings itself; it stands at the entry of a call, which is over then. */
static bool map_rings(struct pb_core *core, struct task *task, int fd)
{
    int lent[2] = {fd, -1};
    int64_t result = 0;
    if (!gate_lends(core, task, true, lent) || lent[0] < 0)
        return false;
    uint64_t map[6] = {RINGS, RINGS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, (uint64_t)lent[0], 0};
    uint64_t args[6] = {(uint64_t)lent[0]};
    bool mapped = call_inject(core, task, false, SYS_mmap, map, &result) == 0 && result == (int64_t)RINGS;
    call_inject(core, task, false, SYS_close, args, &result);
    return mapped;
}

bool rings_open(struct pb_core *core, struct task *task, uint64_t nr)
{
    uint64_t registers[27], mask, blocked = ~UINT64_C(0);
    int fd;
    if (!core->recorder || task->debugging || !task->block || task->gate->rings || task->gate->has_no_rings ||
        !core->recorder->in_guests || registers_read(task->tid, registers) < 0)
        return false;
    task->gate->has_no_rings = true;
    struct rings *rings = rings_new(&fd);
    if (!rings)
        return false;
    ptrace(PTRACE_GETSIGMASK, task->tid, (void *)KERNEL_SIGSET_SIZE, &mask);
    ptrace(PTRACE_SETSIGMASK, task->tid, (void *)KERNEL_SIGSET_SIZE, &blocked);
    bool mapped = map_rings(core, task, fd);
    ptrace(PTRACE_SETSIGMASK, task->tid, (void *)KERNEL_SIGSET_SIZE, &mask);
    registers_rewind(task->tid, registers, nr);
    stops_ask_again(task);
    close(fd);
    task->gate->rings = rings;
    if (mapped)
        give_to_all(core, task->gate);
    else
        rings_free(task->gate);
    return true;
}

static void show(struct pb_core *core, struct task *task, const uint8_t *bytes, uint64_t size, const struct memory *after)
{
    struct recorder *recorder = core->recorder;
    struct pb_trace_record record;
    memcpy(&record, bytes, sizeof record);
    if (!recorder_wants(core, record.nr))
        return;
    /* Who has come to this call has heard of the one before. */
    recorder_settle(core, task);
    uint64_t end = record.ended ? record.end : __rdtsc();
    int64_t begun = clock_time(&recorder->clock, record.begin), ended = clock_time(&recorder->clock, end);
    record.begin = (uint64_t)begun;
    record.end = (uint64_t)(ended > begun ? ended : begun);
    memcpy((uint8_t *)bytes, &record, sizeof record);
    struct text name = {0};
    struct pb_trace_verdict verdict;
    bool judged = record_judge(recorder->table, &recorder->devices, task->tid, bytes, size, &verdict, &name);
    if (record_show(&recorder->text, &recorder->fields, recorder->table, recorder->table->gate_channel, recorder_number(core, task),
                    bytes, size, judged ? &verdict : NULL, after))
        recorder_mark(recorder, task, end);
    text_free(&name);
}

/* Copies a record, as it may change, and checks its length. 0: there is none. */
static uint64_t copy_record(struct pb_core *core, const struct ring *ring, uint64_t from, uint64_t end)
{
    struct pb_trace_record record;
    if (end < from || end - from < sizeof record)
        return 0;
    memcpy(&record, ring->data + from, sizeof record);
    uint64_t size = record.size;
    if (size < sizeof record || size % 8 || size > end - from)
        return 0;
    memcpy(core->recorder->copy, ring->data + from, size);
    return size;
}

/* How long the record is that bytes of ours begin with, 0: they begin with none. */
static uint64_t size_of(const uint8_t *bytes, uint64_t left)
{
    const struct pb_trace_record *record = (const struct pb_trace_record *)bytes;
    return left < sizeof *record || record->size < sizeof *record || record->size % 8 || record->size > left ? 0 : record->size;
}

void ring_read(struct pb_core *core, struct task *task)
{
    struct ring *ring = ring_of(task);
    if (!ring)
        return;
    uint64_t end = head_of(ring) & ~RING_OPEN, size;
    if (end > RING_DATA || end <= task->ring_read || task->ring_read % 8)
        return;
    uint8_t *at = core->recorder->copy;
    uint64_t left = end - task->ring_read;
    memcpy(at, ring->data + task->ring_read, left);
    clock_look(&core->recorder->clock);
    for (; (size = size_of(at, left)); at += size, left -= size)
        show(core, task, at, size, NULL);
    /* What is no record hides all behind it. */
    task->ring_read = end;
}

void ring_stopped(struct pb_core *core, struct task *task)
{
    struct ring *ring = ring_of(task);
    if (!ring)
        return;
    ring_read(core, task);
    if (head_of(ring) & RING_OPEN)
        return;
    set_head(ring, 0);
    task->ring_read = 0;
}

/* The record of the call that the task is in. */
static uint64_t copy_open(struct pb_core *core, const struct task *task, const struct ring *ring)
{
    uint64_t head = head_of(ring);
    if (!(head & RING_OPEN) || (head & ~RING_OPEN) != task->ring_read)
        return 0;
    return copy_record(core, ring, task->ring_read, RING_DATA);
}

void ring_close(struct pb_core *core, struct task *task, bool made, int64_t result)
{
    struct ring *ring = ring_of(task);
    if (!ring)
        return;
    ring_read(core, task);
    uint64_t size = made ? copy_open(core, task, ring) : 0;
    if (size) {
        struct pb_trace_record *record = (struct pb_trace_record *)core->recorder->copy;
        struct memory after = {.core = core, .tid = task->tid};
        record->ended = 1;
        record->result = result;
        record->end = __rdtsc();
        show(core, task, core->recorder->copy, size, &after);
    }
    set_head(ring, 0);
    task->ring_read = 0;
}

void ring_leave(struct pb_core *core, struct task *task)
{
    struct ring *ring = ring_of(task);
    if (!ring)
        return;
    ring_read(core, task);
    uint64_t size = copy_open(core, task, ring);
    if (size) {
        ((struct pb_trace_record *)core->recorder->copy)->ended = 0;
        show(core, task, core->recorder->copy, size, NULL);
    }
    tell_guest(task, 0);
    task->gate->rings->used[(task->ring - 1) / 64] &= ~(UINT64_C(1) << (task->ring - 1) % 64);
    task->ring = 0;
}

void rings_read(struct pb_core *core)
{
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            ring_read(core, task);
}
