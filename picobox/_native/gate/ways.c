/* Owns the ways in which a stub makes the call of its site, and what a task that is on one of them would have without it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "gate.h"

/* Counts the call without touching flags or the stack: rcx and r11 are the kernel's to overwrite. */
static const uint8_t COUNTING[] = {
    0x44, 0x0f, 0xb7, 0xd8,                         /* movzx r11d, ax */
    0x4a, 0x8b, 0x0c, 0xdd, 0x00, 0x00, 0x20, 0x7c, /* mov rcx, [GATE_COUNTERS + 8 * r11] */
    0x48, 0x8d, 0x49, 0x01,                         /* lea rcx, [rcx + 1] */
    0x4a, 0x89, 0x0c, 0xdd, 0x00, 0x00, 0x20, 0x7c, /* mov [GATE_COUNTERS + 8 * r11], rcx */
};
_Static_assert(GATE_COUNTERS == 0x7c200000, "COUNTING has this address in it");

/* newfstatat(fd, "", buffer, AT_EMPTY_PATH) of a descriptor is fstat(fd, buffer), which names nothing. r10 keeps the path's
   address over the call, as it is known what was in it. Flags are of no use to who makes a call: compilers take them for lost. */
static const uint8_t FSTAT[] = {
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
/* Where in it instructions are. */
enum {
    FSTAT_LOOK = 21,  /* may fault */
    FSTAT_SAVED = 29, /* r10 has the path's address */
    FSTAT_CALL = 37,
    FSTAT_MADE = 39,
    FSTAT_BACK = 42, /* rsi has it again */
    FSTAT_DONE = 48, /* and r10 the flags */
};

static const uint8_t SYSCALL[X86_SYSCALL_LENGTH] = {0x0f, 0x05};

/* From the call of MAPS on: syscall; cmp rax, MAP_TAG; je routine_exchange */
#define MAPS_LENGTH (X86_SYSCALL_LENGTH + 6 + 6)
/* A call of another number than the site's asks. */
#define NUMBER_LENGTH 8
/* An open that may make a name asks. */
#define FLAGS_LENGTH 8
/* From the call of FINDS on: */
enum {
    FINDS_JUDGING = X86_SYSCALL_LENGTH,
    FINDS_ASKING = 17, /* the number is back in rax */
    FINDS_COUNTING = 22,
    FINDS_LENGTH = 30,
};
/* r11 is where the stub's call, right behind this, returns to. */
static const uint8_t ENTERING[] = {
    0x4c, 0x8d, 0x1d, 0x07, 0x00, 0x00, 0x00, /* lea r11, [rip + 7] */
    0xe9,                                     /* jmp guest_entry */
};
#define ENTERING_LENGTH (sizeof ENTERING + 4)
enum {
    CLOSES_CALL = NUMBER_LENGTH + 18,
    CLOSES_ASKING = CLOSES_CALL + X86_SYSCALL_LENGTH + 2,
    CLOSES_COUNTING = CLOSES_ASKING + 5,
    CLOSES_LENGTH = CLOSES_COUNTING + 8,
};

static uint8_t finds_call(const struct gate_site *site)
{
    return NUMBER_LENGTH + (site->open_flags ? FLAGS_LENGTH : 0);
}

uint8_t call_length(const struct gate_site *site)
{
    switch (site->way) {
    case AS_FSTAT:
        return sizeof COUNTING + sizeof FSTAT + X86_SYSCALL_LENGTH;
    case MAPS:
        return sizeof COUNTING + MAPS_LENGTH;
    case FINDS:
        return finds_call(site) + FINDS_LENGTH;
    case CLOSES:
        return CLOSES_LENGTH;
    case ENTERS:
    case ENTERS_DECIDED:
        return ENTERING_LENGTH + X86_SYSCALL_LENGTH;
    default:
        return sizeof COUNTING + X86_SYSCALL_LENGTH;
    }
}

uint8_t call_again(const struct gate_site *site)
{
    return site->way < ENTERS ? sizeof COUNTING : 0;
}

uint64_t call_return(const struct gate_site *site, uint32_t stub, const struct stub_places *places)
{
    switch (site->way) {
    case MAPS:
        return places->start + sizeof COUNTING + X86_SYSCALL_LENGTH;
    case FINDS:
    case CLOSES:
    case ENTERS_DECIDED: /* which calls without asking only what it has decided itself */
        return asking_address(stub) + X86_SYSCALL_LENGTH;
    default:
        return places->behind;
    }
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

static uint8_t *append_word(uint8_t *at, uint32_t word)
{
    return append(at, &word, sizeof word);
}

/* cmp rax, nr; jne asking, which is so far from the start */
static uint8_t *append_number(uint8_t *at, uint32_t nr, uint8_t asking)
{
    at = append_word(append(at, (uint8_t[]){0x48, 0x3d}, 2), nr);
    return append(at, (uint8_t[]){0x75, (uint8_t)(asking - NUMBER_LENGTH)}, 2);
}

/* jmp to where the call is made to be seen */
static uint8_t *append_asking(uint8_t *at, uint32_t stub, uint64_t address)
{
    *at++ = 0xe9;
    return append_word(at, (uint32_t)(asking_address(stub) - (address + 5)));
}

/* inc qword [counter] */
static uint8_t *append_counting(uint8_t *at, uint32_t nr)
{
    return append_word(append(at, (uint8_t[]){0x48, 0xff, 0x04, 0x25}, 4), (uint32_t)(GATE_COUNTERS + 8 * (uint64_t)nr));
}

static uint8_t *append_finds(const struct gate_site *site, uint32_t stub, uint64_t address, uint8_t *at)
{
    uint8_t call = finds_call(site), asking = call + FINDS_ASKING;
    at = append_number(at, site->nr, asking);
    if (site->open_flags) {
        /* test esi or edx, flags; jnz asking */
        at = append_word(append(at, (uint8_t[]){0xf7, site->open_flags == 1 ? 0xc6 : 0xc2}, 2), MAKES_NAMES);
        at = append(at, (uint8_t[]){0x75, (uint8_t)(asking - NUMBER_LENGTH - FLAGS_LENGTH)}, 2);
    }
    at = append(at, SYSCALL, sizeof SYSCALL);
    at = append(at, (uint8_t[]){0x83, 0xf8, (uint8_t)-ENOENT, 0x74, 5}, 5);                /* cmp eax, -ENOENT; je taken back */
    at = append(at, (uint8_t[]){0x83, 0xf8, (uint8_t)-ELOOP, 0x75, FINDS_COUNTING - 12}, 5); /* cmp eax, -ELOOP; jne counting */
    *at++ = 0xb8;                                                                          /* taken back: mov eax, nr */
    at = append_word(at, site->nr);
    at = append_asking(at, stub, address + asking);
    return append_counting(at, site->nr);
}

static uint8_t *append_closes(const struct gate_site *site, uint32_t stub, uint64_t address, uint8_t *at)
{
    at = append_number(at, site->nr, CLOSES_ASKING);
    at = append_word(append(at, (uint8_t[]){0x81, 0xff}, 2), WATCHED_COUNT);          /* cmp edi, count */
    at = append(at, (uint8_t[]){0x73, CLOSES_ASKING - NUMBER_LENGTH - 8}, 2);        /* jae asking */
    at = append_word(append(at, (uint8_t[]){0x0f, 0xa3, 0x3c, 0x25}, 4), GATE_WATCHED); /* bt [watched], edi */
    at = append(at, (uint8_t[]){0x72, CLOSES_ASKING - CLOSES_CALL}, 2);              /* jc asking */
    at = append(at, SYSCALL, sizeof SYSCALL);
    at = append(at, (uint8_t[]){0xeb, CLOSES_COUNTING - CLOSES_ASKING}, 2);          /* jmp counting */
    at = append_asking(at, stub, address + CLOSES_ASKING);
    return append_counting(at, site->nr);
}

static uint8_t *append_entering(const struct gate_site *site, uint64_t address, uint8_t *at)
{
    at = append(at, ENTERING, sizeof ENTERING);
    at = append_word(at, (uint32_t)(guest_entry(site->way) - (address + ENTERING_LENGTH)));
    return append(at, SYSCALL, sizeof SYSCALL);
}

/* `end`: the address behind all this. */
static uint8_t *append_exchange(uint64_t end, uint8_t *at)
{
    at = append_word(append(at, (uint8_t[]){0x48, 0x3d}, 2), (uint32_t)MAP_TAG);
    return append_word(append(at, (uint8_t[]){0x0f, 0x84}, 2), (uint32_t)(routine_address(routine_exchange) - end));
}

uint8_t *call_append(const struct gate_site *site, uint32_t stub, uint64_t address, uint8_t *at)
{
    if (site->way == FINDS)
        return append_finds(site, stub, address, at);
    if (site->way == CLOSES)
        return append_closes(site, stub, address, at);
    if (site->way == ENTERS || site->way == ENTERS_DECIDED)
        return append_entering(site, address, at);
    at = append(at, COUNTING, sizeof COUNTING);
    if (site->way == AS_FSTAT)
        at = append(at, FSTAT, sizeof FSTAT);
    at = append(at, SYSCALL, sizeof SYSCALL);
    return site->way == MAPS ? append_exchange(address + sizeof COUNTING + MAPS_LENGTH, at) : at;
}

static bool fstat_give_back(uint64_t at, struct borrowed *registers)
{
    if (at >= FSTAT_SAVED && at < FSTAT_DONE) {
        if (at <= FSTAT_CALL)
            registers->rax = SYS_newfstatat;
        if (at < FSTAT_BACK)
            registers->rsi = registers->r10;
        registers->r10 = AT_EMPTY_PATH;
    }
    return at >= FSTAT_MADE && at < sizeof FSTAT;
}

/* What found nothing has done nothing: it is as if it had not been made. */
static bool finds_give_back(const struct gate_site *site, uint64_t at, struct borrowed *registers)
{
    int32_t result = (int32_t)registers->rax;
    if (at < FINDS_JUDGING || at == FINDS_ASKING)
        return false;
    if (at > FINDS_ASKING || (result != -ENOENT && result != -ELOOP))
        return true;
    registers->rax = site->nr;
    return false;
}

void call_give_back(const struct gate_site *site, uint32_t stub, uint64_t start, struct borrowed *registers)
{
    uint64_t at = registers->ip - start;
    bool made = false;
    if (registers->ip >= GATE_ASKING)
        made = registers->ip > asking_address(stub);
    else if (site->way == AS_FSTAT && at >= sizeof COUNTING)
        made = fstat_give_back(at - sizeof COUNTING, registers);
    else if (site->way == FINDS && at >= finds_call(site))
        made = finds_give_back(site, at - finds_call(site), registers);
    else if (site->way == CLOSES)
        made = at > CLOSES_CALL && at != CLOSES_ASKING;
    else if (site->way == MAPS && at > sizeof COUNTING)
        made = registers->rax != MAP_TAG;
    if (!made && site->way == MAPS)
        registers->rax = SYS_mmap;
    registers->ip = made ? site->call + X86_SYSCALL_LENGTH : site->call;
}

uint64_t call_unread(const struct gate_site *site, uint64_t start, uint64_t ip)
{
    uint64_t look = start + sizeof COUNTING + FSTAT_LOOK;
    return site->way == AS_FSTAT && ip == look ? start + sizeof COUNTING + sizeof FSTAT : 0;
}

bool gate_passes(const struct pb_core *core, uint64_t ip, uint64_t nr)
{
    if (nr >= PB_NR_COUNT || !is_in_gate(ip) || ip >= GATE_ASKING)
        return false;
    return core->dispositions[nr] & (ip < GATE_DECIDED ? PB_FLAG_GATE : PB_FLAG_DECIDED);
}

static uint8_t open_flags_of(uint32_t disposition)
{
    return disposition >> PB_OPEN_FLAGS_SHIFT & 3;
}

static bool copies(uint64_t nr)
{
    return nr == SYS_fcntl || nr == SYS_dup || nr == SYS_dup2 || nr == SYS_dup3;
}

static bool makes(uint64_t nr)
{
    switch (nr) {
    case SYS_creat:
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_symlink:
    case SYS_symlinkat:
    case SYS_link:
    case SYS_linkat:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
        return true;
    default:
        return false;
    }
}

static bool is_decided(const struct pb_core *core, uint64_t nr)
{
    if (!(core->dispositions[nr] & PB_FLAG_DECIDED))
        return false;
    /* A stub by itself cannot decide on these. */
    uint32_t disposition = core->dispositions[nr];
    bool is_judged = ((nr == SYS_rt_sigaction || nr == SYS_flock) && (disposition & 0xff) == PB_DO_CALL) ||
                     ((nr == SYS_open || nr == SYS_openat) && !open_flags_of(disposition));
    return makes(nr) ? core->gate_enters && (core->resolver || core->unopposed.index)
                     : core->gate_enters || !(copies(nr) || is_judged || may_be_taken(core, nr));
}

bool is_for_gate(const struct pb_core *core, uint64_t nr, const uint64_t args[6])
{
    uint32_t disposition = core->dispositions[nr];
    uint64_t captures;
    if (recorder_wants(core, (uint32_t)nr) && !(core->gate_enters && rings_can_record(core, (uint32_t)nr, &captures)))
        return false;
    if (is_decided(core, nr)) {
        if (nr == SYS_ioctl)
            return is_asking_request(args[1]);
        uint8_t flags = open_flags_of(disposition);
        return !flags || !(args[flags] & (core->resolver && core->gate_enters ? TEMPORARY : MAKES_NAMES));
    }
    if (nr == SYS_fcntl && disposition & PB_FLAG_PASSES)
        return (uint32_t)args[1] - F_GETFD <= F_SETFL - F_GETFD;
    if (nr == SYS_ioctl && disposition & PB_FLAG_PASSES)
        return is_asking_request(args[1]);
    return disposition & (PB_FLAG_GATE | PB_FLAG_PASSES) || (disposition & PB_FLAG_EMPTY_PATH && args[3] == AT_EMPTY_PATH);
}

/* mov eax, nr */
static bool loads(const uint8_t *code, size_t length, uint32_t nr)
{
    uint8_t load[5] = {0xb8};
    memcpy(load + 1, &nr, sizeof nr);
    for (size_t i = 0; i + sizeof load <= length; i++)
        if (memcmp(code + i, load, sizeof load) == 0)
            return true;
    return false;
}

void way_choose(const struct pb_core *core, uint32_t nr, const uint8_t *before, size_t length, struct gate_site *site)
{
    uint32_t disposition = core->dispositions[nr];
    site->nr = nr;
    site->open_flags = open_flags_of(disposition);
    site->way = disposition & PB_FLAG_EMPTY_PATH ? AS_FSTAT : PLAIN;
    /* A site of many numbers makes them as a plain one, for which these ask. */
    bool is_own = site->record ? site->record->nr == (int32_t)nr : loads(before, length, nr);
    if (is_decided(core, nr) && is_own)
        site->way = nr == SYS_close && !recorder_wants(core, nr) ? CLOSES : FINDS;
    if (core->gate_enters == PB_GATE_ENTERED_BY_ALL || (core->gate_enters && site->way == FINDS))
        site->way = site->way < FINDS ? ENTERS : ENTERS_DECIDED;
}
