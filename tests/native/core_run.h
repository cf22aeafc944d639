/* Runs a program under the C core as the supervisor does, without Python. */
#ifndef CORE_RUN_H
#define CORE_RUN_H
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_guest.h"
#include "native.h"

enum { MOST_PAGES = 8 };

struct run;
typedef void on_call(struct run *run, const struct pb_stop *stop);

/* One program under the core, and what was seen of it. */
struct run {
    struct pb_core *core;
    on_call *on_call; /* answers a PB_STOP_SYSCALL of a call that makes no task; NULL: resume it */
    int32_t main;
    int status;
    int stops[PB_STOP_DEAD + 1];
    int signals[65];
    int32_t replacing; /* the task whose next result is ours */
    int32_t interrupted_by;
    struct {
        int32_t tid;
        struct pb_page *page;
    } pages[MOST_PAGES];
};

static const char *guest;

/* Calls that the core answers alone arrive by the notify channel. */
static bool notify;

static bool makes_task(int32_t nr)
{
    return nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3;
}

static void set_default_rules(struct pb_core *core)
{
    uint32_t rules[PB_NR_COUNT], guards[PB_NR_COUNT] = {0};
    for (int nr = 0; nr < PB_NR_COUNT; nr++)
        rules[nr] = nr >= 470 ? PB_DO_UNKNOWN : makes_task(nr) ? PB_DO_CALL : PB_DO_NATIVE;
    rules[SYS_wait4] |= PB_FLAG_REAP;
    rules[SYS_mmap] |= PB_FLAG_GUARD;
    rules[SYS_munmap] |= PB_FLAG_GUARD;
    rules[SYS_mprotect] |= PB_FLAG_GUARD;
    /* The kernel knows this call and the rules do not: it must not run. */
    rules[SYS_sched_get_priority_max] = PB_DO_UNKNOWN;
    rules[SYS_getsid] = PB_DO_ERRNO | (uint32_t)EXDEV << 16;
    rules[SYS_getpgid] = rules[SYS_lseek] = rules[SYS_getpgrp] = PB_DO_CALL;
    rules[SYS_getpriority] = rules[SYS_access] = PB_DO_CALL;
    for (int nr = 0; nr < PB_NR_COUNT; nr++)
        if (notify && !(rules[nr] & PB_FLAG_REAP) &&
            ((rules[nr] & 0xff) == PB_DO_NATIVE || (rules[nr] & 0xff) == PB_DO_ERRNO))
            rules[nr] |= PB_FLAG_NOTIFY;
    guards[SYS_mmap] = guards[SYS_munmap] = guards[SYS_mprotect] = 1 | 2 << 8;
    pb_set_dispositions(core, rules);
    pb_set_guards(core, guards, SYS_mmap);
}

static struct run *new_run(on_call *on_call)
{
    struct run *run = calloc(1, sizeof *run);
    assert(run);
    run->core = pb_core_new();
    assert(run->core);
    run->on_call = on_call;
    set_default_rules(run->core);
    return run;
}

/* A comparison for each notified number, which leads past the number's own return to the next one. */
static int make_notify_filter(const struct pb_core *core, struct sock_filter *filter)
{
    int length = 0;
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (uint32_t nr = 0; nr < PB_NR_COUNT; nr++)
        if (core->dispositions[nr] & PB_FLAG_NOTIFY) {
            filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
            filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
        }
    filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, PB_NR_COUNT, 2, 0);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_TRACE);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0xffff);
    return length;
}

static struct pb_spawned spawn(struct run *run, char **argv, const struct pb_spawn *more)
{
    static const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, PB_NR_COUNT, 2, 0),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0xffff),
    };
    char *envp[] = {"PATH=/bin:/usr/bin", NULL}, *paths[] = {"/no/such/directory/program", argv[0], NULL};
    struct sock_filter notify_filter[2 * PB_NR_COUNT + 5];
    struct pb_spawn request = more ? *more : (struct pb_spawn){0};
    struct pb_spawned spawned;
    request.argv = argv;
    request.envp = envp;
    request.paths = paths;
    request.filter = (const uint8_t *)filter;
    request.filter_length = sizeof filter / sizeof filter[0];
    if (notify) {
        request.notify_filter = (const uint8_t *)notify_filter;
        request.notify_length = make_notify_filter(run->core, notify_filter);
    }
    pb_spawn(run->core, &request, &spawned);
    run->main = spawned.tid;
    return spawned;
}

/* A task that is killed between its stop and our answer is no error. */
static void done(int32_t error)
{
    assert(error == 0 || error == -ESRCH);
}

static void serve_call(struct run *run, const struct pb_stop *stop)
{
    assert(stop->nr >= 0 && stop->nr < PB_NR_COUNT && stop->ip && stop->sp);
    assert(pb_calls_entered(run->core, stop->tid) > 0);
    if (makes_task(stop->nr)) {
        done(pb_set_creating(run->core, stop->tid));
        /* An exit stop as well: it comes after the child's birth, or instead of it. */
        done(pb_resume(run->core, stop->tid, 0, 1));
    } else if (run->on_call) {
        run->on_call(run, stop);
    } else {
        done(pb_resume(run->core, stop->tid, 0, 0));
    }
}

static void serve(struct run *run, const struct pb_stop *stop)
{
    run->stops[stop->kind]++;
    switch (stop->kind) {
    case PB_STOP_SYSCALL:
        serve_call(run, stop);
        return;
    case PB_STOP_SYSCALL_EXIT:
        if (stop->tid == run->replacing) {
            assert(stop->result == getpgid(stop->tid));
            done(pb_set_result(run->core, stop->tid, GUEST_ANSWER));
            run->replacing = 0;
        }
        break;
    case PB_STOP_SIGNAL:
        run->signals[stop->signal]++;
        done(pb_resume(run->core, stop->tid, stop->signal, 0));
        return;
    case PB_STOP_DEAD:
        if (stop->tid == run->main)
            run->status = stop->status;
        return;
    case PB_STOP_INTERRUPT:
        run->interrupted_by = stop->nr;
        return;
    }
    done(pb_resume(run->core, stop->tid, 0, 0));
}

static void serve_until_interrupt(struct run *run)
{
    struct pb_stop stop;
    do {
        pb_next(run->core, &stop);
        assert(stop.kind != PB_STOP_EMPTY);
        serve(run, &stop);
    } while (stop.kind != PB_STOP_INTERRUPT);
}

static void serve_all(struct run *run)
{
    struct pb_stop stop;
    for (;;) {
        pb_next(run->core, &stop);
        if (stop.kind == PB_STOP_EMPTY)
            break;
        serve(run, &stop);
    }
    assert(pb_task_count(run->core) == 0);
}

static void free_run(struct run *run)
{
    for (int i = 0; i < MOST_PAGES; i++)
        if (run->pages[i].page)
            pb_page_free(run->pages[i].page);
    pb_core_free(run->core);
    free(run);
}

/* Runs a program to its end, which must be this wait status. */
static struct run *run_to_end(char **argv, on_call *on_call, int status)
{
    struct run *run = new_run(on_call);
    int32_t error;
    pb_set_pinning(run->core, 1);
    struct pb_spawned spawned = spawn(run, argv, NULL);
    assert(spawned.stage == PB_SPAWN_OK);
    serve_all(run);
    assert(pb_spawn_failure(spawned.status_fd, &error) == PB_SPAWN_OK);
    if (run->status != status)
        fprintf(stderr, "%s %s: wait status %#x\n", argv[0], argv[1] ? argv[1] : "", run->status);
    assert(run->status == status);
    assert(pb_is_notifying(run->core) == notify);
    return run;
}

static struct run *run_guest(char *behaviour, on_call *on_call, int status)
{
    char *argv[] = {(char *)guest, behaviour, NULL};
    return run_to_end(argv, on_call, status);
}

static uint64_t count(const struct run *run, int32_t disposition, int32_t nr)
{
    return pb_counters(run->core, disposition)[nr];
}

#endif
