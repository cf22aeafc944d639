/* Owns the tasks that Python has not seen: what makes, replaces and ends them is answered here, until they make a call that
   Python decides or somebody asks for them. Then Python makes of them, at once, what it would have made one by one. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "native.h"

#define VFORK_FLAGS (CLONE_VM | CLONE_VFORK)
/* What Python would have nothing to say about: a process of its own, which a debugger and we can see. */
#define PLAIN_FLAGS (0xff | VFORK_FLAGS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

static bool is_plain(uint64_t flags)
{
    /* Who shares memory and goes on is one of several that could write to what we check. */
    return !(flags & ~(uint64_t)PLAIN_FLAGS) && !((flags & VFORK_FLAGS) == CLONE_VM);
}

static bool makes_plain_process(const struct call_info *info, uint64_t *flags)
{
    switch (info->nr) {
    case SYS_fork:
        *flags = 0;
        return true;
    case SYS_vfork:
        *flags = VFORK_FLAGS;
        return true;
    case SYS_clone:
        *flags = info->args[0];
        return is_plain(*flags);
    default:
        return false;
    }
}

/* Who leaves an unseen child with another image than it was made from would leave it without its origin. Who finds none goes
   on as it is. */
static bool replaces_plainly(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (!task->unseen || task->unseen_children)
        return false;
    if (image_is_plain(core, task->tid, info->args[0]))
        return true;
    return task->finds_nothing = resolver_finds_nothing(core, task, info->args[0]);
}

/* clone(2) has a stack's end for its second argument, and no other bits where its flags are read. */
#define LARGEST_ADDRESS (UINT64_C(1) << 47)
#define NOT_NOTIFIED (UINT64_C(1) << 32)

static bool is_plain_clone3(const struct clone_args *args)
{
    bool has_stack = args->stack && args->stack_size && args->stack < LARGEST_ADDRESS && args->stack_size < LARGEST_ADDRESS;
    return is_plain(args->flags) && !(args->flags & 0xff) && args->exit_signal == SIGCHLD && !args->set_tid &&
           !args->set_tid_size && (has_stack || (!args->stack && !args->stack_size));
}

static void replace(struct task *task, int index, uint64_t before, uint64_t value)
{
    task->saved.mask |= (uint8_t)(1 << index);
    task->saved.value[index] = before;
    argument_write(task->tid, index, value);
}

/* What makes a plain process by clone3 is made by clone, whose arguments are in registers: another thread may be writing to
   the memory that was read. The task has the registers back when it goes on, or when the call has failed. */
static bool becomes_clone(struct pb_core *core, struct task *task, const struct call_info *info, uint64_t *flags)
{
    struct clone_args args;
    memset(&args, 0, sizeof args);
    uint64_t size = info->args[1];
    if (info->nr != SYS_clone3 || size < CLONE_ARGS_SIZE_VER0 || size > sizeof args ||
        pb_read(core, task->tid, info->args[0], &args, size) != (int64_t)size || !is_plain_clone3(&args))
        return false;
    *flags = args.flags | args.exit_signal;
    task->saved.nr = SYS_clone3;
    replace(task, 0, info->args[0], *flags | NOT_NOTIFIED);
    replace(task, 1, info->args[1], args.stack + args.stack_size);
    replace(task, 2, info->args[2], args.parent_tid);
    replace(task, 3, info->args[3], args.child_tid);
    return nr_write(task->tid, SYS_clone) == 0;
}

static bool is_full(const struct pb_core *core)
{
    return core->most_tasks && core->task_count + core->creating_count >= core->most_tasks;
}

/* The task is about to make another one: 0, or the errno that its call gets. */
static int32_t creation_begin(struct pb_core *core, struct task *task, uint64_t flags)
{
    if (is_full(core))
        return EAGAIN;
    task_set_creating(core, task, true);
    task->making_masks = task->masks;
    task->making = MAKES_UNSEEN | (uint32_t)flags;
    return 0;
}

static bool creates(uint64_t nr)
{
    return nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3;
}

static bool answers(struct pb_core *core, struct task *task, const struct call_info *info)
{
    uint64_t flags;
    /* That there are too many is told with the rule that says so. */
    if (core->recorder && creates(info->nr) && is_full(core))
        return false;
    if (info->nr == SYS_exit_group || rights_stay(task->tid, info->nr, info->args))
        return true;
    if (info->nr == SYS_exit)
        return task->unseen;
    if (recorder_is_plain(core, info->nr))
        return task->is_plain = true;
    if (info->nr == SYS_execve)
        return task->replacing = replaces_plainly(core, task, info);
    if (!makes_plain_process(info, &flags) && !becomes_clone(core, task, info, &flags))
        return false;
    int32_t error = creation_begin(core, task, flags);
    if (error)
        call_skip(task->tid, -error);
    /* A failure has to be seen: nobody can be born of this call any more. */
    task->want_exit = !error;
    return true;
}

bool unseen_answers(struct pb_core *core, struct task *task, const struct call_info *info)
{
    bool is_judged = task->is_judged;
    task->is_judged = false;
    if (!core->leaves_unseen || is_judged || !answers(core, task, info))
        return false;
    task->want_exit |= recorder_unseen(core, task, info);
    return true;
}

bool unseen_fails(struct pb_core *core, struct task *task, int64_t result)
{
    uint64_t registers[27], nr;
    if (!recorder_judges(core, task, result, &nr) || registers_read(task->tid, registers) < 0)
        return false;
    core->counters[core->dispositions[nr] & 3][nr]--;
    task->is_judged = registers_rewind(task->tid, registers, nr) == 0;
    return true;
}

int32_t unseen_notified(struct pb_core *core, struct task *task, const struct notified_call *call)
{
    struct call_info info = {.nr = call->nr, .args = {call->args[0]}};
    uint64_t flags;
    if (!core->leaves_unseen || !makes_plain_process(&info, &flags))
        return ENOSYS;
    int32_t error = creation_begin(core, task, flags);
    task->makes_unstopped = !error;
    return error;
}

void unseen_not_made(struct pb_core *core, struct task *task)
{
    if (!task->makes_unstopped)
        return;
    task->makes_unstopped = false;
    task->making = 0;
    task_set_creating(core, task, false);
}

void unseen_made(struct pb_core *core, struct task *task, struct task *child)
{
    child->unseen = true;
    child->birth_flags = task->making & ~MAKES_UNSEEN;
    /* It has its creator's mask, as that was while the call ran. */
    if (task->making_masks == task->masks) {
        child->pinned = task->pinned;
        child->cpu = task->cpu;
    }
    core->unseen_count++;
    task->unseen_children++;
    task->making = 0;
    /* It has not failed, and no argument of it was changed. */
    task->want_exit = task->recorded != NULL;
    task->makes_unstopped = false;
}

void unseen_is_no_more(struct pb_core *core, struct task *task)
{
    if (!task->unseen)
        return;
    task->unseen = false;
    core->unseen_count--;
    struct task *creator = task_find(core, task->creator);
    if (creator)
        creator->unseen_children--;
}

bool unseen_leaves(const struct task *task)
{
    return task->unseen_children || task->making;
}

void pb_leave_unseen(struct pb_core *core, int32_t most_tasks)
{
    LOCKED(core);
    core->leaves_unseen = true;
    core->most_tasks = most_tasks;
}

int32_t pb_meet(struct pb_core *core, int32_t tid, struct pb_birth *out)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !task->unseen)
        return -ESRCH;
    *out = (struct pb_birth){.creator = task->creator, .has_image = task->has_image, .flags = task->birth_flags};
    unseen_is_no_more(core, task);
    return 0;
}

int32_t pb_unseen(struct pb_core *core, int32_t creator, int32_t *tids, int32_t limit)
{
    LOCKED(core);
    int32_t count = 0;
    for (int bucket = 0; bucket < TASK_BUCKETS && core->unseen_count; bucket++)
        for (const struct task *task = core->buckets[bucket]; task && count < limit; task = task->next)
            if (task->unseen && (!creator || task->creator == creator))
                tids[count++] = task->tid;
    return count;
}
