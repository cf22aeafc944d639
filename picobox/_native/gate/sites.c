/* Owns call sites: which of them can enter the gate, and the jump that is written over them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gate.h"

/* As far from the site a jump with a short, and with a long distance, is looked for. */
#define SHORT_REACH 128
#define LONG_REACH 4096
/* As far before it the number of its call is looked for. */
#define NUMBER_REACH 32
/* Behind it what looks like padding may be a function's first instruction. */
#define FUNCTION_ALIGNMENT 16

static const uint8_t SYSCALL[X86_SYSCALL_LENGTH] = {0x0f, 0x05};

static bool begins(const uint8_t *at, size_t left, const void *bytes, size_t length)
{
    return left >= length && memcmp(at, bytes, length) == 0;
}

/* Length of an instruction that only fills space up to the next function, or 0. */
static size_t padding(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t length;
        uint8_t bytes[10];
    } known[] = {
        {1, {0x90}},
        {1, {0xcc}},
        {2, {0x66, 0x90}},
        {3, {0x0f, 0x1f, 0x00}},
        {4, {0x0f, 0x1f, 0x40, 0x00}},
        {5, {0x0f, 0x1f, 0x44, 0x00, 0x00}},
        {6, {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00}},
        {7, {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00}},
        {8, {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}},
        {9, {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}},
        {10, {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (begins(at, left, known[i].bytes, known[i].length))
            return known[i].length;
    return 0;
}

/* How many bytes of whole instructions behind a call can move with it, 0 if they are not known well enough. The call
   returns to the first of them, so what is read here is what runs. */
static size_t movable(uint64_t address, const uint8_t *at, size_t left)
{
    static const uint8_t compare_wide[] = {0x48, 0x3d}, compare[] = {0x3d}, high[] = {0xf0, 0xff, 0xff}, ret[] = {0xc3};
    size_t length = begins(at, left, compare_wide, 2) ? 2 : begins(at, left, compare, 1) ? 1 : 0;
    if (length) /* cmp rax, -4096 or -4095: what decides whether a result is an error */
        return left >= length + 4 && at[length] <= 1 && memcmp(at + length + 1, high, 3) == 0 ? length + 4 : 0;
    if (!begins(at, left, ret, 1))
        return 0;
    for (length = 1; X86_SYSCALL_LENGTH + length < JUMP_LENGTH;) {
        size_t more = padding(at + length, left - length);
        if (!more || (address + length) % FUNCTION_ALIGNMENT == 0)
            return 0;
        length += more;
    }
    return length;
}

/* Whether some bytes near the site, read as a jump or call of their own, lead into its region but not to its start. */
static bool is_target(const uint8_t *text, size_t length, size_t start, size_t end)
{
    for (size_t i = 0; i + 2 <= length; i++) {
        int64_t target = -1;
        if ((text[i] & 0xf0) == 0x70 || text[i] == 0xeb || (text[i] & 0xfc) == 0xe0)
            target = (int64_t)i + 2 + (int8_t)text[i + 1];
        if (target > (int64_t)start && target < (int64_t)end && i + SHORT_REACH + 2 >= start && i <= end + SHORT_REACH)
            return true;
        bool condition = i + 6 <= length && text[i] == 0x0f && (text[i + 1] & 0xf0) == 0x80;
        if (i + 6 > length || !(condition || text[i] == 0xe8 || text[i] == 0xe9))
            continue;
        int32_t distance;
        size_t opcode = condition ? 2 : 1;
        memcpy(&distance, text + i + opcode, sizeof distance);
        target = (int64_t)(i + opcode + sizeof distance) + distance;
        if (target > (int64_t)start && target < (int64_t)end)
            return true;
    }
    return false;
}

bool mapping_read(int32_t tid, uint64_t address, struct mapping *out, char rights[5])
{
    char path[64], line[sizeof out->path + 128];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", tid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return false;
    while (!found && fgets(line, sizeof line, maps)) {
        unsigned long start, end, offset, inode;
        unsigned int major, minor;
        int at = 0;
        if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &start, &end, rights, &offset, &major, &minor, &inode, &at) != 7)
            continue; /* the rest of a long name */
        if (address < start || address >= end)
            continue;
        *out = (struct mapping){start, end, offset, makedev(major, minor), inode, ""};
        line[strcspn(line, "\n")] = 0;
        snprintf(out->path, sizeof out->path, "%s", line + at);
        found = inode && line[at] == '/';
        break;
    }
    fclose(maps);
    return found;
}

/* Whether an address is in code that a process has of a file, and that it cannot write by itself. What a compiler inside
   the guest makes is no such code. */
static bool is_file_text(int32_t tid, uint64_t address, struct mapping *out)
{
    char rights[5];
    return mapping_read(tid, address, out, rights) && strcmp(rights, "r-xp") == 0;
}

/* The site as its image's plan has it. */
static bool take_record(const struct pb_core *core, const struct site_record *record, uint64_t call, uint32_t nr,
                        struct gate_site *out)
{
    if (!record)
        return false;
    uint8_t after = (uint8_t)(record->replaced - record->before - X86_SYSCALL_LENGTH);
    *out = (struct gate_site){.call = call, .before = record->before, .after = after, .record = record};
    memcpy(out->region, record->original, record->replaced);
    way_choose(core, nr, NULL, 0, out);
    return true;
}

bool site_plan(struct pb_core *core, int32_t tid, uint64_t call, uint32_t nr, struct gate_site *out)
{
    uint8_t text[2 * LONG_REACH];
    struct mapping mapping;
    const struct site_record *record;
    if (!is_file_text(tid, call, &mapping))
        return false;
    if (plan_find(core, tid, &mapping, call, &record))
        return take_record(core, record, call, nr, out);
    uint64_t begin = call - mapping.start > LONG_REACH ? call - LONG_REACH : mapping.start;
    uint64_t length = mapping.end - begin < sizeof text ? mapping.end - begin : sizeof text;
    size_t at = call - begin;
    if (pb_read(core, tid, begin, text, length) != (int64_t)length ||
        !begins(text + at, length - at, SYSCALL, sizeof SYSCALL))
        return false;
    const uint8_t *behind = text + at + X86_SYSCALL_LENGTH;
    size_t after = movable(call + X86_SYSCALL_LENGTH, behind, (size_t)(text + length - behind));
    if (!after || is_target(text, length, at, at + X86_SYSCALL_LENGTH + after))
        return false;
    *out = (struct gate_site){.call = call, .after = (uint8_t)after};
    memcpy(out->region, text + at, X86_SYSCALL_LENGTH + after);
    size_t before = at < NUMBER_REACH ? at : NUMBER_REACH;
    way_choose(core, nr, text + at - before, before, out);
    return true;
}

/* As a debugger does it, through the protection of the page and into a copy of it. */
static bool write_text(int32_t tid, uint64_t address, const uint8_t *bytes, size_t length)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", tid);
    int memory = open(path, O_RDWR | O_CLOEXEC);
    if (memory < 0)
        return false;
    bool written = pwrite(memory, bytes, length, (off_t)address) == (ssize_t)length;
    close(memory);
    return written;
}

int32_t site_patch(struct pb_core *core, int32_t tid, struct gate *gate, const struct gate_site *site)
{
    uint8_t now[REGION_LONGEST], jump[sizeof now];
    size_t length = site_end(site) - site_start(site);
    if (pb_read(core, tid, site_start(site), now, length) != (int64_t)length || memcmp(now, site->region, length) != 0)
        return -1;
    int32_t stub = stub_get(gate, site);
    if (stub < 0)
        return -1;
    stub_jump((uint32_t)stub, site, jump);
    if (write_text(tid, site_start(site), jump, length))
        return stub;
    write_text(tid, site_start(site), site->region, length);
    return -1;
}

bool site_at(struct pb_core *core, const struct task *task, uint64_t start, struct gate_site *site, uint32_t *stub)
{
    uint8_t found[JUMP_LENGTH], jump[REGION_LONGEST];
    uint32_t slot;
    if (pb_read(core, task->tid, start, found, sizeof found) != sizeof found)
        return false;
    memcpy(&slot, found + JUMP_LENGTH - sizeof slot, sizeof slot);
    if (!stub_at(task->gate, slot, stub))
        return false;
    *site = task->gate->stubs->sites[*stub];
    if (site->in_image)
        site->call = start + site->before;
    stub_jump(*stub, site, jump);
    return site_start(site) == start && memcmp(found, jump, sizeof found) == 0;
}

struct gate_site site_here(const struct task *task, uint32_t stub)
{
    struct gate_site site = task->gate->stubs->sites[stub];
    uint64_t behind = 0;
    void *word = (void *)(uintptr_t)(GATE_WORDS + sizeof behind * site.words);
    struct iovec local = {&behind, sizeof behind}, remote = {word, sizeof behind};
    if (site.in_image) {
        process_vm_readv(task->tid, &local, 1, &remote, 1, 0);
        site.call = behind - site.after - X86_SYSCALL_LENGTH;
    }
    return site;
}

/* Where in the stub of a site a task goes on that would be at an address in the middle of its region. */
static uint64_t inside(const struct gate *gate, uint32_t stub, const struct gate_site *site, uint64_t ip)
{
    const struct site_record *record = site->record;
    struct stub_places places = stub_places(gate, stub);
    if (ip == site->call)
        return places.again;
    if (ip == site->call + X86_SYSCALL_LENGTH)
        return places.behind;
    for (uint8_t i = 0; record && i < record->steps_before + record->steps_after; i++)
        if (site->call + (uint64_t)(int64_t)record->step_to[i] == ip)
            return (i < record->steps_before ? places.entry : places.behind) + record->step_at[i];
    return 0;
}

uint64_t site_inside(struct pb_core *core, const struct task *task, uint64_t ip)
{
    uint8_t before[REGION_LONGEST];
    struct gate_site site;
    uint32_t stub;
    if (ip < sizeof before || pb_read(core, task->tid, ip - sizeof before, before, sizeof before) != sizeof before)
        return 0;
    for (size_t i = 0; i < sizeof before; i++) {
        uint64_t start = ip - sizeof before + i;
        if (before[i] == 0xff && site_at(core, task, start, &site, &stub) && ip < site_end(&site))
            return inside(task->gate, stub, &site, ip);
    }
    return 0;
}

static bool touches(const struct gate_site *site, uint64_t address, uint64_t length)
{
    return site_end(site) > address && site_start(site) < address + length;
}

bool changes_sites(const struct task *task, uint64_t nr, const uint64_t args[6])
{
    bool moves = nr == SYS_mremap, opens = (nr == SYS_mprotect || nr == SYS_pkey_mprotect) && args[2] & PROT_WRITE;
    if (!task->gate || !(moves || opens))
        return false;
    for (int i = 0; i < task->gate->text_count; i++)
        if (task->gate->texts[i].end > args[0] && task->gate->texts[i].start < args[0] + args[1])
            return true;
    for (uint32_t stub = 0; (stub = next_jump(task->gate, stub)) < STUB_COUNT; stub++)
        if (touches(&task->gate->stubs->sites[stub], args[0], args[1]))
            return true;
    return false;
}

/* A site as it may be in the memory of a task that runs one copy of an image. */
static void restore(struct pb_core *core, const struct task *task, struct gate_site site, uint64_t address, uint64_t length)
{
    struct gate_site found;
    uint32_t stub;
    if (touches(&site, address, length) && site_at(core, task, site_start(&site), &found, &stub) && found.call == site.call)
        write_text(task->tid, site_start(&site), found.region, site_end(&found) - site_start(&found));
}

void sites_restore(struct pb_core *core, const struct task *task, uint64_t address, uint64_t length)
{
    const struct gate *gate = task->gate;
    for (uint32_t stub = 0; (stub = next_jump(gate, stub)) < STUB_COUNT; stub++)
        restore(core, task, gate->stubs->sites[stub], address, length);
    for (int i = 0; i < gate->text_count; i++) {
        const struct copied_text *text = &gate->texts[i];
        for (uint32_t stub = text->image->first; stub < text->image->first + text->image->count; stub++) {
            struct gate_site site = gate->stubs->sites[stub];
            site.call = site.call - text->image->start + text->start;
            restore(core, task, site, address, length);
        }
    }
}
