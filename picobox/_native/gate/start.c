/* Owns how a program gets the gate before its first instruction, and images their copies: the tasks map them themselves. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/user.h>
#include <unistd.h>

#include "gate.h"
#include "guest.h"

#define CODE_SEGMENT_64 0x33
#define LEAST_SPACE (UINT64_C(1) << 30)

/* linux/fs.h, since Linux 6.11. */
struct area_query {
    uint64_t size, flags, address;
    uint64_t start, end, rights, page_size, offset, inode;
    uint32_t major, minor;
    uint32_t name_size, id_size;
    uint64_t name, id;
};
#define QUERY_AREA _IOWR('f', 17, struct area_query)
#define AREA_RIGHTS 0xf
#define READ_EXECUTE 5

/* What a new program's first instructions are for as long as it takes: xchg eax, ebx; syscall; jmp rax. They map the code
   of the gate, which begins with routine_start. */
static const uint8_t ENTERING[] = {0x93, 0x0f, 0x05, 0xff, 0xe0};
/* Where mappings are stops, what they need is lent by a call of its own, whose result is the number of the next one:
   xchg eax, ebx; syscall; syscall; jmp rax. */
static const uint8_t STOPPING[] = {0x93, 0x0f, 0x05, 0x0f, 0x05, 0xff, 0xe0};

/* Of r15, see routines.c. */
#define WITHOUT_RINGS (UINT64_C(1) << 63)

static bool area_at(int32_t tid, uint64_t address, struct mapping *out)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", tid);
    int maps = open(path, O_RDONLY | O_CLOEXEC);
    if (maps < 0)
        return false;
    struct area_query query = {
        .size = sizeof query, .address = address, .name_size = sizeof out->path, .name = (uint64_t)(uintptr_t)out->path,
    };
    int failed = ioctl(maps, QUERY_AREA, &query);
    close(maps);
    if (failed || !query.inode || (query.rights & AREA_RIGHTS) != READ_EXECUTE || out->path[0] != '/')
        return false;
    out->start = query.start;
    out->end = query.end;
    out->offset = query.offset;
    out->device = makedev(query.major, query.minor);
    out->inode = query.inode;
    return true;
}

/* Who may have little memory gets the gate when it is worth it, and descriptors need numbers. */
static bool has_room(int32_t tid)
{
    struct rlimit space, files;
    return prlimit(tid, RLIMIT_AS, NULL, &space) == 0 && space.rlim_cur >= LEAST_SPACE &&
           prlimit(tid, RLIMIT_NOFILE, NULL, &files) == 0 && files.rlim_cur > LENT_CODE;
}

static bool is_used(int32_t tid, int fd, int ours)
{
    return pb_same_description(getpid(), ours, tid, fd) != -EBADF;
}

bool start_is_recorded(const struct pb_core *core)
{
    return recorder_wants(core, SYS_mmap);
}

bool start_stops(const struct pb_core *core)
{
    return !(core->dispositions[SYS_mmap] & PB_FLAG_PASSES);
}

/* Where a check sees mappings of files on its drives, their images are mapped as they are: it looks for who maps them. */
static bool is_seen_as_it_is(const struct pb_core *core, const char *path)
{
    return start_stops(core) && !start_is_recorded(core) && !is_off_drives(core, path);
}

static bool can_map(const struct pb_core *core)
{
    const uint32_t *known = core->dispositions;
    uint64_t captures;
    if (!start_stops(core))
        return true;
    if (!core->gate_enters || !(known[SYS_close] & PB_FLAG_DECIDED) || !(known[PB_NR_UNUSED] & PB_FLAG_NOTIFY))
        return false;
    return !start_is_recorded(core) || (rings_can_record(core, SYS_mmap, &captures) && known[SYS_mmap] & PB_FLAG_DECIDED);
}

static bool can_start(struct pb_core *core, int32_t tid, const struct user_regs_struct *registers)
{
    if (!core->gate_patience || !core->listeners || !core->images || core->has_other_roots ||
        !can_map(core) || registers->cs != CODE_SEGMENT_64 || !has_room(tid))
        return false;
    int ours = core->images->tree;
    return !is_used(tid, LENT_CODE, ours) && !is_used(tid, LENT_COUNTERS, ours) && !is_used(tid, LENT_COPY, ours) &&
           !is_used(tid, LENT_RINGS, ours);
}

static bool poke(struct task *task, const struct mapping *text, const struct image *image, const uint8_t *code, size_t size)
{
    uint64_t word;
    errno = 0;
    task->entering = (uint64_t)ptrace(PTRACE_PEEKTEXT, task->tid, (void *)task->entry, NULL);
    if (errno || text->end - task->entry < sizeof word)
        return false;
    word = task->entering;
    memcpy(&word, code, size);
    task->entered = image;
    return ptrace(PTRACE_POKETEXT, task->tid, (void *)task->entry, (void *)word) == 0;
}

void gate_exec_seen(struct pb_core *core, struct task *task)
{
    struct user_regs_struct registers;
    struct mapping text;
    task->entering = 0;
    task->calls_before = task->calls;
    if (registers_read(task->tid, (uint64_t *)&registers) < 0 || !can_start(core, task->tid, &registers) ||
        !area_at(task->tid, registers.rip, &text) || is_seen_as_it_is(core, text.path))
        return;
    const struct image *image = image_find(core, task->tid, &text);
    struct gate *gate = image ? gate_new(core) : NULL;
    if (!gate)
        return;
    task->entry = registers.rip;
    bool stops = start_stops(core);
    registers.rbx = stops ? PB_NR_UNUSED : SYS_mmap; /* rax is the result of execve yet */
    registers.rdi = GATE_CODE;
    registers.rsi = GATE_CODE_SIZE;
    registers.rdx = PROT_READ | PROT_EXEC;
    registers.r10 = MAP_SHARED | MAP_FIXED_NOREPLACE;
    registers.r8 = LENT_CODE;
    registers.rbp = text.start;
    registers.r12 = text.end - text.start;
    registers.r13 = text.offset;
    registers.r14 = task->entry;
    registers.r15 = gate->number * GATE_COUNTERS_SIZE;
    if (!stops)
        registers.r15 = registers.r15 << 32 | (GATE_PRIVATE_SIZE + (core->gate_enters ? BLOCKS_SIZE : 0));
    else if (!start_is_recorded(core))
        registers.r15 |= WITHOUT_RINGS;
    const uint8_t *code = stops ? STOPPING : ENTERING;
    if (poke(task, &text, image, code, stops ? sizeof STOPPING : sizeof ENTERING) &&
        registers_write(task->tid, (uint64_t *)&registers) == 0) {
        task->gate = gate;
        block_give(core, task);
        return;
    }
    task->entering = 0;
    gate_leave(core, gate);
}

/* The program, which has run nothing, closes what it was lent; its first instructions still hold a call. */
static void take_back(struct pb_core *core, struct task *task, const struct user_regs_struct *before)
{
    static const int LENT[] = {LENT_CODE, LENT_COUNTERS, LENT_COPY, LENT_RINGS};
    struct user_regs_struct registers = *before;
    uint64_t mask, blocked = ~UINT64_C(0);
    int64_t result;
    registers.rip = task->entry + 1 + X86_SYSCALL_LENGTH;
    ptrace(PTRACE_GETSIGMASK, task->tid, (void *)sizeof mask, &mask);
    ptrace(PTRACE_SETSIGMASK, task->tid, (void *)sizeof blocked, &blocked);
    int error = registers_write(task->tid, (uint64_t *)&registers);
    for (size_t i = 0; !error && i < sizeof LENT / sizeof *LENT; i++) {
        uint64_t args[6] = {(uint64_t)LENT[i]};
        error = call_inject(core, task, false, SYS_close, args, &result);
    }
    ptrace(PTRACE_SETSIGMASK, task->tid, (void *)sizeof mask, &mask);
    stops_ask_again(task);
}

bool start_undo(struct pb_core *core, struct task *task)
{
    struct user_regs_struct registers;
    if (registers_read(task->tid, (uint64_t *)&registers) < 0)
        return false;
    if (is_in_gate(registers.rip)) { /* it has a part of the gate, which would be in its way */
        kill_noted(core, task->tid, 0);
        return true;
    }
    uint64_t first_word = task->entering;
    task->entering = 0;
    take_back(core, task, &registers);
    ptrace(PTRACE_POKETEXT, task->tid, (void *)task->entry, (void *)first_word);
    struct user_regs_struct first = {
        .rip = task->entry, .rsp = registers.rsp, .cs = registers.cs, .ss = registers.ss, .eflags = registers.eflags,
        .orig_rax = (uint64_t)-1, .fs_base = registers.fs_base,
    };
    block_leave(core, task);
    gate_leave(core, task->gate);
    task->gate = NULL;
    return registers_write(task->tid, (uint64_t *)&first) == 0;
}

/* A descriptor of ours becomes one of a task that waits in the notify channel: its number there, or -errno. `as`: the number
   that it gets, 0: any. */
static int lend_as(int listener, uint64_t id, int fd, int as)
{
    struct seccomp_notif_addfd request = {
        .id = id,
        .flags = as ? SECCOMP_ADDFD_FLAG_SETFD : 0,
        .srcfd = (uint32_t)fd,
        .newfd = (uint32_t)as,
        .newfd_flags = O_CLOEXEC,
    };
    int lent = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
    return lent < 0 ? -errno : lent;
}

static bool lend_rings(struct pb_core *core, struct task *task, int listener, uint64_t id)
{
    int rings = rings_begin(core, task);
    bool lent = rings >= 0 && lend_as(listener, id, rings, LENT_RINGS) >= 0;
    if (rings >= 0)
        close(rings);
    return lent;
}

static bool maps_code(const struct notified_call *call)
{
    return call->nr == SYS_mmap && call->args[0] == GATE_CODE && call->args[1] == GATE_CODE_SIZE &&
           call->args[2] == (PROT_READ | PROT_EXEC) && call->args[3] == (MAP_SHARED | MAP_FIXED_NOREPLACE) &&
           (int)call->args[4] == LENT_CODE;
}

static bool maps_copy(const struct notified_call *call)
{
    return call->nr == SYS_mmap && call->args[2] == (PROT_READ | PROT_EXEC) && call->args[3] == (MAP_PRIVATE | MAP_FIXED) &&
           (int)call->args[4] == LENT_COPY && !gate_overlaps(call->args[0], call->args[1]);
}

/* A call of a program that maps the gate. Others can write to its memory and trace it meanwhile, so that nothing but what it
   is to call passes: 0, this is something else. */
static int32_t enters(struct pb_core *core, struct task *task, const struct notified_call *call, int listener, uint64_t id)
{
    const struct stubs *stubs = task->gate->stubs;
    bool stops = start_stops(core);
    if (call->ip == task->entry + 3) {
        if (stops ? call->nr != PB_NR_UNUSED : !maps_code(call))
            return 0;
        bool lent = listener >= 0 && lend_as(listener, id, stubs->fds[0], LENT_CODE) >= 0 &&
                    lend_as(listener, id, stubs->fds[1], LENT_COUNTERS) >= 0 &&
                    lend_as(listener, id, task->entered->copy, LENT_COPY) >= 0 &&
                    (!start_is_recorded(core) || lend_rings(core, task, listener, id));
        return lent ? 1 : -EMFILE;
    }
    if (call->ip == routine_address(stops ? stopping_copied : routine_copied)) {
        if (!maps_copy(call))
            return 0;
        image_enter(core, task, task->entered, call->args[0], call->args[1], call->args[5]);
        task->entering = 0;
        return 1;
    }
    return stops && call->ip == task->entry + 5 && maps_code(call);
}

int32_t gate_own_call(struct pb_core *core, struct task *task, const struct notified_call *call, int listener, uint64_t id)
{
    if (!task->entering)
        return 0;
    int32_t own = enters(core, task, call, listener, id);
    if (own)
        task->has_notified = false;
    else
        task->entering = 0; /* somebody has led it elsewhere */
    return own;
}

int64_t gate_own_result(const struct pb_core *core, const struct task *task, uint64_t nr)
{
    return task->entering && nr == PB_NR_UNUSED && start_stops(core) ? SYS_mmap : 0;
}

/* Whether another task may still read what leads its exchange. */
static bool is_busy(struct pb_core *core, const struct task *task)
{
    const struct exchange *exchange = &task->gate->exchange;
    const struct task *other = exchange->tid == task->tid ? NULL : task_find(core, exchange->tid);
    return other && other->gate == task->gate && (exchange->open || other->calls == exchange->calls);
}

static const struct image *image_asked(struct pb_core *core, const struct task *task, const uint64_t args[6])
{
    struct mapping text = {.start = args[0], .end = args[0] + args[1], .offset = args[5]};
    char path[64];
    struct pb_held file;
    struct stat opened;
    if (!(args[2] & PROT_EXEC) || args[2] & PROT_WRITE || (args[3] & (MAP_TYPE | MAP_FIXED)) != (MAP_PRIVATE | MAP_FIXED))
        return NULL;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", task->tid, (int)args[4]);
    ssize_t length = readlink(path, text.path, sizeof text.path - 1);
    /* Who cannot read by it can map nothing (proc(5), fd). */
    if (length <= 0 || pb_held_status(task->tid, (int32_t)args[4], &file) < 0 || !S_ISREG(file.mode) || lstat(path, &opened) < 0 || !(opened.st_mode & S_IRUSR))
        return NULL;
    text.path[length] = 0;
    text.device = file.device;
    text.inode = file.inode;
    return image_find(core, task->tid, &text);
}

int64_t gate_exchanges(struct pb_core *core, struct task *task, int listener, uint64_t id)
{
    const struct notified_call *call = &task->notified;
    struct exchange *exchange = &task->gate->exchange;
    uint32_t stub;
    if (!core->images || core->has_other_roots || !stub_at(task->gate, call->ip, &stub) || task->gate->stubs->sites[stub].way != MAPS || is_busy(core, task))
        return 0;
    const struct image *image = image_asked(core, task, call->args);
    if (!image || !image_enter(core, task, image, call->args[0], call->args[1], call->args[5]))
        return 0;
    bool has_it = exchange->open && exchange->tid == task->tid &&
                  pb_same_description(getpid(), image->copy, task->tid, exchange->fd) == 1;
    int fd = has_it ? exchange->fd : lend_as(listener, id, image->copy, 0);
    if (fd < 0)
        return 0;
    *exchange = (struct exchange){.tid = task->tid, .fd = fd, .calls = task->calls, .call = site_here(task, stub).call};
    memcpy(exchange->args, call->args, sizeof exchange->args);
    struct exchange_memory memory = {stub_places(task->gate, stub).behind, call->args[0], call->args[4], (uint64_t)fd, 0};
    pb_write(core, task->tid, GATE_EXCHANGE, &memory, sizeof memory);
    return (int64_t)MAP_TAG;
}

/* Makes the call with a descriptor of the copy: its result. The task stands at the entry, and behind a call then. */
static int64_t map_copy(struct pb_core *core, struct task *task, const struct image *image, const uint64_t args[6])
{
    int lent[2] = {image->copy, -1};
    uint64_t map[6], closed[6] = {0};
    int64_t result = -EAGAIN, ended;
    if (!gate_lends(core, task, true, lent) || lent[0] < 0)
        return -EAGAIN;
    memcpy(map, args, sizeof map);
    map[4] = closed[0] = (uint64_t)lent[0];
    if (call_inject(core, task, false, SYS_mmap, map, &result) < 0)
        result = -EAGAIN;
    call_inject(core, task, false, SYS_close, closed, &ended);
    return result;
}

/* The image of which a task maps the text; NULL: it maps something else. */
static const struct image *copy_of(struct pb_core *core, struct task *task, const uint64_t args[6])
{
    const struct image *image = image_asked(core, task, args);
    return image && image_enter(core, task, image, args[0], args[1], args[5]) ? image : NULL;
}

/* The call is over then, with this result; negative: it is about to be made as it is. */
static int64_t exchange_stopped(struct pb_core *core, struct task *task, const struct image *image, const struct call_info *info)
{
    struct user_regs_struct before;
    uint64_t mask, blocked = ~UINT64_C(0);
    int64_t result = registers_read(task->tid, (uint64_t *)&before);
    if (result < 0)
        return result;
    ptrace(PTRACE_GETSIGMASK, task->tid, (void *)sizeof mask, &mask);
    ptrace(PTRACE_SETSIGMASK, task->tid, (void *)sizeof blocked, &blocked);
    result = map_copy(core, task, image, info->args);
    ptrace(PTRACE_SETSIGMASK, task->tid, (void *)sizeof mask, &mask);
    if (result < 0) {
        task->gate->has_no_copies = true;
        registers_rewind(task->tid, (uint64_t *)&before, info->nr);
    } else {
        before.rax = (uint64_t)result;
        before.orig_rax = (uint64_t)-1;
        registers_write(task->tid, (uint64_t *)&before);
    }
    stops_ask_again(task);
    return result;
}

/* What of an image is in the gate that a task is about to map; NULL: it maps something else, or as it is. */
static const struct image *exchanged(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (!core->images || task->debugging || core->has_other_roots || !task->gate || task->gate->has_no_copies)
        return NULL;
    return copy_of(core, task, info->args);
}

bool gate_records_copy(struct pb_core *core, struct task *task, const struct call_info *info, bool entered)
{
    const struct image *image = start_is_recorded(core) ? exchanged(core, task, info) : NULL;
    if (!image)
        return false;
    if (!entered)
        recorder_entered(core, task, SYS_mmap, info);
    int64_t result = exchange_stopped(core, task, image, info);
    if (result < 0)
        recorder_drop(task);
    else
        recorder_left(core, task, result);
    return true;
}

void gate_maps_copy(struct pb_core *core, struct task *task, const struct call_info *info)
{
    const struct image *image = can_map(core) ? exchanged(core, task, info) : NULL;
    if (image)
        exchange_stopped(core, task, image, info);
}

void exchange_give_back(const struct task *task, struct borrowed *registers)
{
    const struct exchange *exchange = &task->gate->exchange;
    if (exchange->tid != task->tid || exchange_stage(registers->ip) == NO_EXCHANGE)
        return;
    registers->ip = exchange->call; /* made again it does the same again */
    registers->rax = SYS_mmap;
    registers->rdi = exchange->args[0];
    registers->r8 = exchange->args[4];
}

void exchange_interrupt(const struct task *task, uint64_t ip)
{
    struct exchange *exchange = &task->gate->exchange;
    if (exchange->tid == task->tid && exchange_stage(ip) == NOT_CLOSED)
        exchange->open = true;
}
