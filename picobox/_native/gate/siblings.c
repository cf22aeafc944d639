/* Owns the other tasks of an address space whose code is about to change. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "gate.h"

#define PATIENCE 100 /* pauses */
#define PAUSE 50000  /* ns */

#ifndef SYS_clone3
#define SYS_clone3 435 /* asm/unistd_64.h */
#endif

/* Whether a task waits until the child that shares its memory has run a program or ended, for which that needs us. */
static bool waits_for_child(int32_t tid)
{
    char call[64];
    if (!proc_read(tid, "syscall", call, sizeof call))
        return false;
    long nr = strtol(call, NULL, 10);
    return nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3;
}

/* Its state as /proc has it, 0 if it is gone. */
static char state_of(int32_t tid)
{
    char stat[256];
    if (!proc_read(tid, "stat", stat, sizeof stat))
        return 0;
    const char *name_end = strrchr(stat, ')');
    return name_end && name_end[1] ? name_end[2] : 0;
}

static bool is_still_by(char state)
{
    return state == 't' || state == 'Z' || state == 'X' || state == 0;
}

bool is_still(int32_t tid)
{
    return is_still_by(state_of(tid));
}

static struct task *next_task(struct pb_core *core, int *bucket, struct task *task)
{
    task = task ? task->next : NULL;
    while (!task && *bucket < TASK_BUCKETS)
        task = core->buckets[(*bucket)++];
    return task;
}

/* A task that only listens for the end of a stop answers no question of where it is. */
static bool listens(const struct task *task, char state)
{
    uint64_t ip;
    return state == 't' && task->group_stopped && ip_read(task->tid, &ip) < 0;
}

/* Tasks may come and go while the lock is released, so a round begins anew after each pause. */
static bool all_still(struct pb_core *core, const struct task *of, bool *hopeless)
{
    int bucket = 0;
    bool still = true;
    for (struct task *task = next_task(core, &bucket, NULL); task; task = next_task(core, &bucket, task)) {
        if (task == of || !pb_shares_memory(of->tid, task->tid))
            continue;
        char state = state_of(task->tid);
        if (is_still_by(state) && !listens(task, state))
            continue;
        *hopeless = *hopeless || (state == 'D' && waits_for_child(task->tid));
        still = false;
        if (!task->halted && !*hopeless) {
            task->halted = true;
            ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
        }
    }
    return still;
}

bool siblings_stop(struct pb_core *core, const struct task *task)
{
    bool hopeless = false;
    for (int i = 0; i < PATIENCE; i++) {
        if (all_still(core, task, &hopeless))
            return true;
        if (hopeless)
            return false;
        /* What they wait for in the notify channel is answered by threads that need the lock. */
        gate_release(core);
        pthread_mutex_unlock(&core->lock);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
        pthread_mutex_lock(&core->lock);
    }
    return false;
}

static void move(struct task *task, const struct gate_site *site, uint64_t ip, uint32_t stub)
{
    struct stub_places places = stub_places(task->gate, stub);
    uint64_t to = ip == site->call ? places.start : call_return(&task->gate->stubs->sites[stub], stub, &places);
    ip_write(task->tid, to);
    /* It makes the same call still, and if it did not come to it again before a signal does, it is that which is ended. */
    if (task->notified.ip == ip)
        task->notified.ip = to;
}

bool siblings_leave(struct pb_core *core, const struct task *of, const struct gate_site *site, int32_t stub)
{
    int bucket = 0;
    for (struct task *task = next_task(core, &bucket, NULL); task; task = next_task(core, &bucket, task)) {
        uint64_t ip;
        if (task == of || !pb_shares_memory(of->tid, task->tid) || ip_read(task->tid, &ip) < 0)
            continue;
        /* From right behind the call the kernel may take it back to the call, also where the region ends there. */
        if (ip <= site_start(site) || (ip >= site_end(site) && ip != site->call + X86_SYSCALL_LENGTH))
            continue;
        if (ip != site->call && ip != site->call + X86_SYSCALL_LENGTH)
            return false;
        if (stub >= 0)
            move(task, site, ip, (uint32_t)stub);
    }
    return true;
}
