/* Owns which names tasks are about to make: of a name that one makes, no other makes another spelling at the same time. What
   the gate makes is over at the task's next call that is seen, or when it has stood still. */
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "../names.h"
#include "gate.h"

/* Pauses: whoever is in the kernel for longer hangs there, as all will that come to that directory. A disk that is busy with
   its journal takes seconds. */
#define PATIENCE 200000
#define PAUSE 50000    /* ns */

bool name_made(struct made_name *made, int directory, const char *name, size_t length)
{
    struct directory_key key;
    struct directory_state state;
    struct folded_name folded;
    if (length >= sizeof made->name || names_examine(directory, "", 0, &key, &state) < 0)
        return false;
    name_fold(&folded, 0, name, length);
    *made = (struct made_name){.device = key.device, .inode = key.inode, .hash = folded.hash, .length = (uint32_t)length};
    memcpy(made->name, name, length);
    return true;
}

/* Names whose hashes are equal count as spellings of one. None is as short as a name in whatever spelling. */
static bool is_other_spelling(const struct made_name *one, const struct made_name *other)
{
    return one->device == other->device && one->inode == other->inode && one->hash == other->hash &&
           (one->length != other->length || memcmp(one->name, other->name, one->length) != 0);
}

/* Of two whose calls Python sees it knows itself which has to wait. */
static struct task *rival_of(const struct pb_core *core, const struct task *task, const struct made_name *made, bool is_shown)
{
    struct task *maker = core->makers;
    while (maker && (maker == task || !is_other_spelling(&maker->made, made) || (is_shown && maker->makes == MAKES_SHOWN)))
        maker = maker->next_maker;
    return maker;
}

static void begin(struct pb_core *core, struct task *task, const struct made_name *made, bool is_shown)
{
    making_end(core, task);
    task->made = *made;
    task->makes = is_shown ? MAKES_SHOWN : MAKES_IN_GATE;
    task->next_maker = core->makers;
    core->makers = task;
    core->makings++;
    misses_name_made(core, made);
}

bool making_begin(struct pb_core *core, struct task *task, const struct made_name *made)
{
    if (rival_of(core, task, made, false))
        return false;
    begin(core, task, made, false);
    return true;
}

void making_end(struct pb_core *core, struct task *task)
{
    struct task **link = &core->makers;
    if (!task->makes)
        return;
    while (*link != task)
        link = &(*link)->next_maker;
    *link = task->next_maker;
    task->makes = MAKES_NOTHING;
    permit_end(core, task);
    core->makings++;
}

/* The task stands still: in the gate it begins its call anew, if it has not made it. */
static void leave(struct pb_core *core, struct task *task)
{
    uint64_t ip;
    if (ip_read(task->tid, &ip) == 0 && is_guest_code(ip))
        guest_leave(core, task, false);
    making_end(core, task);
}

void making_stopped(struct pb_core *core, struct task *task, int status)
{
    uint64_t ip;
    int signal = status >> 16 ? 0 : WSTOPSIG(status);
    bool is_fault = signal == SIGTRAP || signal == SIGSEGV || signal == SIGBUS || signal == SIGILL;
    if (task->makes != MAKES_IN_GATE)
        return;
    /* It enters another call, which may be that of its code whose ring is full: there it stands on. */
    if (status >> 16 == PTRACE_EVENT_SECCOMP) {
        making_end(core, task);
        return;
    }
    /* An affair of the gate's own: it goes on from there. */
    if (is_fault && ip_read(task->tid, &ip) == 0 && is_guest_code(ip))
        return;
    /* So is each call of the gate's that begins or ends, where those of a tracer are stops. */
    if (signal == (SIGTRAP | 0x80) && ip_read(task->tid, &ip) == 0 && is_in_gate(ip))
        return;
    leave(core, task);
}

/* Whoever is about to make another spelling has made it afterwards, or begins anew. */
static void settle(struct pb_core *core, const struct task *task, const struct made_name *made)
{
    struct task *rival;
    for (int i = 0; (rival = rival_of(core, task, made, true)); i++) {
        if (i >= PATIENCE) {
            making_end(core, rival);
        } else if (is_still(rival->tid)) {
            leave(core, rival);
        } else {
            if (!rival->halted) {
                rival->halted = true;
                ptrace(PTRACE_INTERRUPT, rival->tid, NULL, NULL);
            }
            /* It may wait in the notify channel, whose threads need the lock. */
            pthread_mutex_unlock(&core->lock);
            nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
            pthread_mutex_lock(&core->lock);
        }
    }
}

int32_t pb_reserve(struct pb_core *core, int32_t tid, int32_t directory, const char *name, uint64_t length, int32_t is_any)
{
    struct made_name made;
    if (!name_made(&made, directory, name, length))
        return -1;
    if (is_any)
        made.length = 0;
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -1;
    settle(core, task, &made);
    begin(core, task, &made, true);
    return 0;
}

void pb_release(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (task && task->makes == MAKES_SHOWN)
        making_end(core, task);
}
