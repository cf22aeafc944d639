/* Owns which tasks have confined themselves by Landlock: who has may trace none but those that were made since (landlock(7)). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../native.h"

/* The tasks that have confined themselves together. Whoever is made has its maker's. */
struct domain {
    struct domain *outer;
    uint32_t users; /* tasks, and domains within */
};

static void put(struct domain *domain)
{
    while (domain && --domain->users == 0) {
        struct domain *outer = domain->outer;
        free(domain);
        domain = outer;
    }
}

/* Who confines itself again and again, and ends, leaves domains in which nobody is: they part nobody from anybody. */
static void tidy(struct domain *domain)
{
    for (; domain; domain = domain->outer)
        while (domain->outer && domain->outer->users == 1) {
            struct domain *empty = domain->outer;
            domain->outer = empty->outer;
            free(empty);
        }
}

/* A new domain within the task's own one. */
static bool enter(struct task *task)
{
    tidy(task->domain);
    if (task->domain && task->domain->users == 1)
        return true; /* nobody else is in it */
    struct domain *domain = calloc(1, sizeof *domain);
    if (!domain)
        return false;
    *domain = (struct domain){task->domain, 1};
    task->domain = domain;
    return true;
}

void domain_leave(struct task *task)
{
    put(task->domain);
    task->domain = NULL;
}

void domain_isolate(struct task *task)
{
    domain_leave(task);
    if (!enter(task))
        abort(); /* as task_get */
}

void domain_inherit(struct task *task, struct task *child)
{
    domain_leave(child);
    /* It may have been made before the others confined the one that has made it. */
    if (task->was_confined) {
        task->was_confined = false;
        domain_isolate(child);
        return;
    }
    child->domain = task->domain;
    if (child->domain)
        child->domain->users++;
}

void domain_adopt(struct pb_core *core, struct task *child)
{
    if (core->has_domains)
        domain_isolate(child);
}

void domain_move(struct task *from, struct task *to)
{
    domain_leave(to);
    to->domain = from->domain;
    to->was_confined = from->was_confined;
    from->domain = NULL;
}

bool domain_allows(const struct task *tracer, const struct task *task)
{
    if (!tracer->domain)
        return true;
    for (const struct domain *domain = task->domain; domain; domain = domain->outer)
        if (domain == tracer->domain)
            return true;
    return false;
}

int32_t pb_debug_confine(struct pb_core *core, int32_t tid, int32_t group)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return -ESRCH;
    core->has_domains = true;
    if (!enter(task))
        return -ENOMEM;
    for (int bucket = 0; group && bucket < TASK_BUCKETS; bucket++)
        for (struct task *other = core->buckets[bucket]; other; other = other->next) {
            if (other == task || syscall(SYS_tgkill, group, other->tid, 0) < 0)
                continue;
            other->was_confined = true;
            if (!enter(other))
                return -ENOMEM;
        }
    return 0;
}
