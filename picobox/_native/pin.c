/* Owns where we and our guests run. While only one guest thread wants to run, or while guests stop so often that we are
   what they wait for, all share a CPU: a stop is three times cheaper there (mechanisms.md section 0, fact 1), and a crowd
   of threads that hand a lock around gets further there than anywhere else. While more want to run and the notify channel
   serves them, each is kept on a CPU of its own: the channel wakes a task on the CPU of the thread that answered it,
   which would gather them all on one. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid /* glibc has no name for it (man 2 timer_create) */
#endif

#define MILLISECOND INT64_C(1000000)
#define LOOK_EVERY_STOPS 64
#define LOOK_EVERY (MILLISECOND / 2)
#define LOOK_EVERY_SPREAD (4 * MILLISECOND)
#define CALM_LOOKS 2
#define TICK (4 * MILLISECOND)
#define CROWDED_TICKS 2
#define QUIET 8 /* stops and calls in a tick */
#define QUIET_TICKS 2
#define SHORTEST_REST (20 * MILLISECOND)
#define LONGEST_REST (320 * MILLISECOND)
#define MOST_TASKS 64
#define CROWD_LOOK_EVERY (32 * MILLISECOND)
#define LARGEST_CROWD 1024
/* Who has made no call for so long and still runs is computing. */
#define LONG (20 * MILLISECOND)
/* Longer than the notify channel takes to answer a call, nine times in ten. */
#define RECENTLY (MILLISECOND / 10)
/* Above this many stops a second two guests on one CPU get further than on two: there each stop costs 20 us more. */
#define BUSY INT64_C(25000)
#define TICK_SIGNAL SIGRTMAX

static volatile sig_atomic_t ticked;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 * MILLISECOND + time.tv_nsec;
}

/* Runs, or stands before us and will run at once. To the kernel a task that the notify channel is about to answer
   sleeps: the more calls it makes the more often. */
static bool is_active(const struct task *task, int64_t time)
{
    char stat[256];
    if (task->group_stopped)
        return false;
    if (time - task->called < RECENTLY)
        return true;
    if (!proc_read(task->tid, "stat", stat, sizeof stat))
        return false;
    const char *state = strrchr(stat, ')');
    return state && state[1] && (state[2] == 'R' || state[2] == 't');
}

/* Whether more tasks than so many but one want a CPU now. */
static bool more_are_active(const struct pb_core *core, int32_t except, int most)
{
    int64_t time = now();
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task->tid != except && is_active(task, time) && most-- == 0)
                return true;
    return false;
}

/* How many but one want a CPU on each that they are pinned to. */
static void count_active(const struct pb_core *core, int32_t except, int *load)
{
    int64_t time = now();
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task->tid != except && task->pinned && is_active(task, time))
                load[task->cpu]++;
}

static void set_free(struct pb_core *core, struct task *task)
{
    if (task->own_affinity)
        return;
    sched_setaffinity(task->tid, sizeof core->pin.home, &core->pin.home);
    task->masks++;
    task->pinned = false;
}

static void set_cpu(struct task *task, int cpu)
{
    cpu_set_t mask;
    if (task->own_affinity)
        return;
    CPU_ZERO(&mask);
    CPU_SET(cpu, &mask);
    sched_setaffinity(task->tid, sizeof mask, &mask);
    task->masks++;
    task->cpu = cpu;
    task->pinned = true;
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    ticked = 1;
    doorbell_rung = 1;
    wait4_abort(context);
}

static bool start_ticking(struct pb_core *core)
{
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};
    struct itimerspec interval = {{0, TICK}, {0, TICK}};
    event.sigev_notify_thread_id = core->pin.loop_tid;
    sigfillset(&action.sa_mask);
    if (sigaction(TICK_SIGNAL, &action, &core->pin.previous) < 0)
        return false;
    if (timer_create(CLOCK_MONOTONIC, &event, &core->pin.timer) < 0) {
        sigaction(TICK_SIGNAL, &core->pin.previous, NULL);
        return false;
    }
    timer_settime(core->pin.timer, 0, &interval, NULL);
    return true;
}

static void stop_ticking(struct pb_core *core)
{
    timer_delete(core->pin.timer);
    /* A tick that is on its way must not meet the default action, which is death. */
    signal(TICK_SIGNAL, SIG_IGN);
    sigaction(TICK_SIGNAL, &core->pin.previous, NULL);
}

/* Nothing is decided anew before a rest, which is longer the shorter the placement before had lasted. */
static void enter(struct pb_core *core, enum placement placement)
{
    int64_t time = now();
    bool lasted = time - core->pin.since > LONGEST_REST;
    core->pin.rest = lasted || !core->pin.rest ? SHORTEST_REST : 2 * core->pin.rest;
    if (core->pin.rest > LONGEST_REST)
        core->pin.rest = LONGEST_REST;
    core->pin.next_look = time + core->pin.rest;
    core->pin.since = time;
    core->pin.calm = core->pin.crowded = 0;
    core->pin.placement = placement;
}

static void be_free(struct pb_core *core)
{
    if (core->pin.placement == FREE)
        return;
    stop_ticking(core);
    enter(core, FREE);
    sched_setaffinity(core->pin.loop_tid, sizeof core->pin.home, &core->pin.home);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            set_free(core, task);
}

static bool leave_free(struct pb_core *core)
{
    if (core->pin.placement == FREE && !start_ticking(core))
        return false;
    core->pin.used = true;
    return true;
}

static void be_together(struct pb_core *core)
{
    cpu_set_t here;
    int cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE || !leave_free(core))
        return;
    enter(core, TOGETHER);
    CPU_ZERO(&here);
    CPU_SET(cpu, &here);
    core->pin.here = cpu;
    sched_setaffinity(core->pin.loop_tid, sizeof here, &here);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            set_cpu(task, cpu);
}

/* The CPU of ours with the least to do; among equals the one after the last choice. */
static int choose_cpu(struct pb_core *core, const int *load)
{
    int best = -1;
    for (int i = 1; i <= CPU_SETSIZE; i++) {
        int cpu = (core->pin.here + i) % CPU_SETSIZE;
        if (CPU_ISSET(cpu, &core->pin.home) && (best < 0 || load[cpu] < load[best]))
            best = cpu;
    }
    core->pin.here = best;
    return best;
}

static void be_spread(struct pb_core *core)
{
    int load[CPU_SETSIZE] = {0};
    if (!leave_free(core))
        return;
    enter(core, SPREAD);
    listeners_spread(core);
    sched_setaffinity(core->pin.loop_tid, sizeof core->pin.home, &core->pin.home);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next) {
            set_cpu(task, choose_cpu(core, load));
            load[task->cpu] += is_active(task, core->pin.since);
        }
}

/* One task moves from the CPU with the most to do to the one with the least, if that makes a difference. */
static void balance(struct pb_core *core)
{
    int load[CPU_SETSIZE] = {0};
    count_active(core, 0, load);
    int target = choose_cpu(core, load);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task->pinned && load[task->cpu] >= load[target] + 2 && is_active(task, now())) {
                set_cpu(task, target);
                return;
            }
}

static bool is_crowd(const struct pb_core *core)
{
    return core->task_count > MOST_TASKS;
}

/* Whether stops have come so fast since the last time this was asked, of a crowd calls of both channels. */
static bool is_busy(struct pb_core *core, int64_t time)
{
    int64_t count = core->pin.stops + (is_crowd(core) ? core->pin.calls : 0);
    int64_t stops = count - core->pin.stops_before, elapsed = time - core->pin.time_before;
    core->pin.stops_before = count;
    core->pin.time_before = time;
    return stops * 1000 * MILLISECOND > BUSY * elapsed;
}

/* Whether two tasks or more run without a call: on one CPU they would be in each other's way. */
static bool is_computing(const struct pb_core *core, int64_t time)
{
    int count = 0;
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next)
            if (time - task->called > LONG && is_active(task, time) && ++count > 1)
                return true;
    return false;
}

/* Whether a crowd does hardly more than to call us: threads that wait for each other, one of which can run. */
static bool is_calling(struct pb_core *core, int64_t time)
{
    if (core->task_count > LARGEST_CROWD || !is_busy(core, time))
        return false;
    if (time < core->pin.next_count)
        return true;
    core->pin.next_count = time + CROWD_LOOK_EVERY;
    return !is_computing(core, time);
}

/* Whether guests want more than one CPU; `except`: who is known to want one. */
static bool want_more(struct pb_core *core, int64_t time, int32_t except, int most)
{
    if (is_crowd(core))
        return !is_calling(core, time);
    return !is_busy(core, time) && more_are_active(core, except, most);
}

static void part(struct pb_core *core)
{
    if (core->listeners && !is_crowd(core))
        be_spread(core);
    else
        be_free(core);
}

static void look(struct pb_core *core, const struct task *task)
{
    int64_t time = now();
    if (core->pin.placement == TOGETHER || !core->pin.enabled || time < core->pin.next_look)
        return;
    core->pin.next_look = time + (is_crowd(core) ? CROWD_LOOK_EVERY :
                                  core->pin.placement == SPREAD ? LOOK_EVERY_SPREAD : LOOK_EVERY);
    bool others = want_more(core, time, task->tid, 0);
    core->pin.calm = others ? 0 : core->pin.calm + 1;
    if (core->pin.calm >= CALM_LOOKS)
        be_together(core);
    else if (others && core->pin.placement == FREE && core->listeners && !is_crowd(core))
        be_spread(core);
}

void pin_stop_seen(struct pb_core *core, struct task *task, bool waits)
{
    task->called = waits ? 0 : now();
    if (++core->pin.stops % LOOK_EVERY_STOPS == 0)
        look(core, task);
}

void pin_call_seen(struct pb_core *core, struct task *task)
{
    task->called = now();
    if (++core->pin.calls % LOOK_EVERY_STOPS == 0)
        look(core, task);
}

/* Whether guests with a gate ask so little of us that where they run is better left to the kernel. */
static bool is_quiet(struct pb_core *core)
{
    int64_t asked = core->pin.stops + core->pin.calls;
    bool little = core->gates && asked - core->pin.asked_before < QUIET;
    core->pin.asked_before = asked;
    core->pin.quiet = little ? core->pin.quiet + 1 : 0;
    return core->pin.quiet >= QUIET_TICKS;
}

void pin_tick_seen(struct pb_core *core)
{
    if (!ticked)
        return;
    ticked = 0;
    if (core->pin.placement != FREE && is_quiet(core)) {
        be_free(core);
        return;
    }
    if (core->pin.placement == SPREAD && is_crowd(core))
        be_free(core);
    else if (core->pin.placement == SPREAD)
        balance(core);
    if (core->pin.placement != TOGETHER)
        return;
    core->pin.crowded = want_more(core, now(), 0, 1) ? core->pin.crowded + 1 : 0;
    if (core->pin.crowded >= CROWDED_TICKS)
        part(core);
}

void pin_task_made(struct pb_core *core, struct task *task)
{
    int load[CPU_SETSIZE] = {0};
    if (core->pin.placement == TOGETHER) {
        if (!task->pinned || task->cpu != core->pin.here)
            set_cpu(task, core->pin.here);
    } else if (core->pin.placement == SPREAD) {
        count_active(core, task->creator, load);
        set_cpu(task, choose_cpu(core, load));
    } else if (core->pin.used) {
        set_free(core, task);
    }
}

void pin_close(struct pb_core *core)
{
    be_free(core);
}

void pb_set_pinning(struct pb_core *core, int32_t enabled)
{
    core->pin.loop_tid = (int32_t)syscall(SYS_gettid);
    core->pin.enabled = enabled && sched_getaffinity(0, sizeof core->pin.home, &core->pin.home) == 0 &&
                        CPU_COUNT(&core->pin.home) > 1;
}

int32_t pb_hidden_affinity(struct pb_core *core, int32_t tid, uint8_t *mask, int32_t size)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !task->pinned)
        return 0;
    int32_t length = size < (int32_t)sizeof core->pin.home ? size : (int32_t)sizeof core->pin.home;
    memcpy(mask, &core->pin.home, (size_t)length);
    return length;
}

void pb_own_affinity(struct pb_core *core, int32_t tid)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task)
        return;
    if (task->pinned)
        set_free(core, task);
    task->own_affinity = true;
}
