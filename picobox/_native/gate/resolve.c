/* Owns what the channel says to a call in the gate that found nothing under its name, or is to make one: the name that is
   stored. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "guest.h"
#include "walk.h"

void pb_set_resolver(struct pb_core *core, struct pb_names *names, const uint32_t *rows)
{
    LOCKED(core);
    misses_forget(core);
    core->resolver = names;
    if (names)
        memcpy(core->resolved, rows, sizeof core->resolved);
}

void pb_forget_credentials(struct pb_core *core)
{
    LOCKED(core);
    core->credentials++;
}

uint64_t pb_resolutions(struct pb_core *core)
{
    LOCKED(core);
    return core->resolutions;
}

bool is_resolving(uint64_t ip)
{
    return ip >= PB_GATE_RESOLVING && ip < PB_GATE_RESOLVING + PB_GATE_RESOLVING_SIZE;
}

bool resolver_finds_nothing(struct pb_core *core, struct task *task, uint64_t path)
{
    struct walk walk;
    walk_clear(&walk);
    walk.core = core;
    walk.names = core->resolver;
    walk.tid = task->tid;
    walk.dirfd = AT_FDCWD;
    walk.follows = true;
    struct rights rights = task->rights;
    if (!core->resolver || core->has_other_roots || guests_serve_files(core) ||
        pb_read_string(core, task->tid, path, walk.given, sizeof walk.given) <= 0)
        return false;
    if (rights.asked != core->credentials + 1) {
        rights.asked = core->credentials + 1;
        if (!rights_read(task->tid, &rights))
            return false;
        task->rights = rights;
    }
    walk.rights = &rights;
    walk.judged = rings_tell_errors(core, SYS_execve) ? core->recorder->table : NULL;
    bool absent = walk_look_up(&walk) == 0 && walk.absent;
    walk_leave(&walk);
    return absent;
}

/* Whether a call may make a name, by its flags. */
static bool is_making(const struct pb_core *core, uint32_t row, const struct notified_call *call)
{
    uint32_t flags = core->dispositions[call->nr] >> PB_OPEN_FLAGS_SHIFT & 3;
    return row & PB_RESOLVES_MAKING || (flags && call->args[flags] & O_CREAT);
}

/* A call whose names are looked up. */
struct lookup {
    struct pb_core *core;
    int listener;
    uint64_t id;
    uint32_t row;
    const struct notified_call *call;
    int32_t tid;
    uint64_t names; /* where its block has room for them */
    bool makes;
    const struct pb_trace_table *judged; /* see walk */
    bool tells;
};

/* How the call means its path; false: it is not for us. Called with the lock. */
static bool prepare(struct lookup *lookup, const struct task *task)
{
    struct pb_core *core = lookup->core;
    uint64_t nr = lookup->call->nr;
    lookup->row = nr < PB_NR_COUNT ? core->resolved[nr] : 0;
    if (!core->resolver || !lookup->row || !task->block || task->injecting || task->starting || guests_serve_files(core))
        return false;
    lookup->names = block_address(task->block) + offsetof(struct gate_block, name);
    lookup->makes = is_making(core, lookup->row, lookup->call);
    /* Who makes a name is told of no absent one, and how that fails is seen. */
    lookup->judged = !lookup->makes && rings_tell_errors(core, nr) ? core->recorder->table : NULL;
    lookup->tells = !lookup->makes && rings_want_object(core, nr);
    return true;
}

/* Begins to look up the path at a position. */
static bool begin_path(const struct lookup *lookup, struct walk *walk, uint32_t position, bool at_directory)
{
    const uint64_t *args = lookup->call->args;
    walk->core = lookup->core;
    walk->names = lookup->core->resolver;
    walk->tid = lookup->tid;
    walk->dirfd = at_directory ? (int32_t)args[position - 1] : AT_FDCWD;
    /* What only looks is asked about once more before anything is told or remembered. */
    return walk->names && pb_read_string(lookup->core, lookup->tid, args[position], walk->given, sizeof walk->given) > 0 &&
           (!lookup->makes || is_asking_still(lookup->listener, lookup->id));
}

/* The new length of the path that is looked up, 0: it stays as it is, or ASK_PYTHON. It is in the block from `offset` on. */
static int64_t tell_path(const struct lookup *lookup, struct walk *walk, uint64_t offset, uint64_t room)
{
    int64_t length = walk_look_up(walk);
    /* Nobody hears an answer to a call that is over. */
    if (length < 0 || (length == 0 && !walk->tells))
        return length;
    const char *told = length ? walk->spelled : walk->real;
    uint64_t size = strlen(told) + 1;
    if (size > room || !is_asking_still(lookup->listener, lookup->id) ||
        pb_write(lookup->core, lookup->tid, lookup->names + offset, told, size) != (int64_t)size)
        return ASK_PYTHON;
    return length;
}

/* Nothing has the name, by whoever's rights, the path is to be made as it is, and that it is absent is no rule's refusal. */
static bool may_have_permit(const struct notified_call *call, struct walk *walk)
{
    const struct pb_trace_table *table = walk->core->recorder ? walk->core->recorder->table : NULL;
    return walk->made && walk->absent && strcmp(walk->spelled, walk->given) == 0 &&
           (call->nr == SYS_open || call->nr == SYS_openat) && is_of_permits(call->args[call->nr == SYS_open ? 1 : 2]) &&
           (!table || !table->judged || (walk_name_real(walk, strlen(walk->rest)) && !path_is_hidden(table, walk->real)));
}

/* Of a call with one path: its length, as tell_path has it. */
static int64_t tell_one(const struct lookup *lookup, struct miss *miss)
{
    uint32_t row = lookup->row;
    uint32_t flags = row >> PB_RESOLVES_FLAGS_SHIFT & 7, bit = row >> PB_RESOLVES_BIT_SHIFT & PB_RESOLVES_BIT_MASK;
    struct walk walk;
    walk_clear(&walk);
    walk.makes = lookup->makes;
    walk.is_asked = !lookup->makes;
    walk.entry = row & PB_RESOLVES_ENTRY;
    walk.follows = row & PB_RESOLVES_FOLLOWING;
    walk.judged = lookup->judged;
    walk.tells = lookup->tells;
    if (flags && lookup->call->args[flags] & bit)
        walk.follows = !walk.follows;
    if (lookup->makes && flags && lookup->call->args[flags] & O_EXCL)
        walk.follows = false;
    if (!begin_path(lookup, &walk, row >> PB_RESOLVES_PATH_SHIFT & 7, row & PB_RESOLVES_AT_DIRECTORY))
        return ASK_PYTHON;
    int64_t length = tell_path(lookup, &walk, 0, GUEST_NAME);
    bool means_nothing = length == 0 && walk.absent, is_spelled = length > 0 && walk.looks && !walk.forgets && !walk.absent;
    if (length > 0 && may_have_permit(lookup->call, &walk)) {
        struct miss made = *miss;
        made.path = walk.given;
        made.dirfd = walk.dirfd;
        made.makings++; /* it has begun to make this one */
        if (permit_seen(lookup->core, &made, walk.directory))
            walk.directory = -1;
    }
    walk_leave(&walk);
    if (!lookup->makes && (means_nothing || is_spelled)) {
        miss->path = walk.given;
        miss->stored = is_spelled ? walk.spelled : NULL;
        miss->looks = walk.looks;
        miss->dirfd = walk.dirfd;
        miss_seen(lookup->core, miss);
    }
    return length;
}

/* Flags that change what names mean are Python's. */
static bool has_plain_flags(const struct notified_call *call)
{
    switch (call->nr) {
    case SYS_linkat:
        return call->args[4] == 0;
    case SYS_renameat2:
        return (call->args[4] & ~(uint64_t)RENAME_NOREPLACE) == 0;
    default:
        return true;
    }
}

/* Of a call that makes a name of another one: which of them are in the block, or ASK_PYTHON. */
static int64_t tell_two(const struct lookup *lookup)
{
    uint32_t row = lookup->row;
    struct walk walk;
    walk_clear(&walk);
    walk.entry = row & PB_RESOLVES_ENTRY;
    walk.follows = row & PB_RESOLVES_FOLLOWING;
    if (!has_plain_flags(lookup->call) ||
        !begin_path(lookup, &walk, row >> PB_RESOLVES_PATH_SHIFT & 7, row & PB_RESOLVES_AT_DIRECTORY))
        return ASK_PYTHON;
    int64_t first = tell_path(lookup, &walk, 0, GUEST_SECOND_NAME);
    walk_leave(&walk);
    if (first < 0)
        return ASK_PYTHON;
    walk_clear(&walk);
    walk.makes = walk.entry = true;
    if (!begin_path(lookup, &walk, row >> PB_RESOLVES_SECOND_SHIFT & 7, row & PB_RESOLVES_AT_DIRECTORY))
        return ASK_PYTHON;
    int64_t second = tell_path(lookup, &walk, GUEST_SECOND_NAME, GUEST_SECOND_NAME);
    walk_leave(&walk);
    if (second < 0)
        return ASK_PYTHON;
    return (first ? GUEST_HAS_FIRST : 0) | (second ? GUEST_HAS_SECOND : 0);
}

int64_t resolve(struct pb_core *core, int listener, uint64_t id, int32_t tid, const struct notified_call *call)
{
    struct lookup lookup = {.core = core, .listener = listener, .id = id, .call = call, .tid = tid};
    struct miss miss = {.tid = tid, .listener = listener, .id = id};
    {
        LOCKED(core);
        struct task *task = task_find(core, tid);
        if (!task)
            return ASK_PYTHON;
        core->resolutions++;
        call_begin(core, task);
        pin_call_seen(core, task);
        if (!prepare(&lookup, task))
            return ASK_PYTHON;
        miss_begin(core, task, &miss);
    }
    if (lookup.row >> PB_RESOLVES_SECOND_SHIFT & 7)
        return tell_two(&lookup);
    return tell_one(&lookup, &miss);
}
