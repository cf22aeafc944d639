/* Owns pinning: we and our guests share a CPU, which makes a stop three times cheaper (mechanisms.md section 0, fact 1),
   while only one guest thread wants to run, or while they stop so often that we are what they wait for. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define MILLISECOND INT64_C(1000000)
#define LOOK_EVERY_STOPS 64
#define LOOK_EVERY (MILLISECOND / 2)
#define CALM_LOOKS 2
#define TICK (4 * MILLISECOND)
#define CROWDED_TICKS 2
#define SHORTEST_REST (20 * MILLISECOND)
#define LONGEST_REST (320 * MILLISECOND)
#define MOST_TASKS 64
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

static bool is_running(int32_t tid)
{
    char stat[256];
    if (!proc_read(tid, "stat", stat, sizeof stat))
        return false;
    const char *state = strrchr(stat, ')');
    return state && state[1] && state[2] == 'R';
}

/* How many tasks but one want a CPU now. */
static int count_running(const struct pb_core *core, int32_t except)
{
    int count = 0;
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (const struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task->tid != except && is_running(task->tid))
                count++;
    return count;
}

static void set_mask(struct task *task, const cpu_set_t *mask, bool pinned)
{
    if (task->own_affinity)
        return;
    sched_setaffinity(task->tid, sizeof *mask, mask);
    task->pinned = pinned;
}

static void set_all(struct pb_core *core, const cpu_set_t *mask, bool pinned)
{
    sched_setaffinity(0, sizeof *mask, mask);
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            set_mask(task, mask, pinned);
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
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
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

static void pin(struct pb_core *core)
{
    int cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE || !start_ticking(core))
        return;
    CPU_ZERO(&core->pin.here);
    CPU_SET(cpu, &core->pin.here);
    core->pin.active = core->pin.used = true;
    core->pin.crowded = 0;
    core->pin.since = now();
    set_all(core, &core->pin.here, true);
}

static void unpin(struct pb_core *core)
{
    int64_t time = now();
    timer_delete(core->pin.timer);
    /* A tick that is on its way must not meet the default action, which is death. */
    signal(TICK_SIGNAL, SIG_IGN);
    sigaction(TICK_SIGNAL, &core->pin.previous, NULL);
    core->pin.active = false;
    core->pin.calm = 0;
    bool lasted = time - core->pin.since > LONGEST_REST;
    core->pin.rest = lasted || !core->pin.rest ? SHORTEST_REST : 2 * core->pin.rest;
    if (core->pin.rest > LONGEST_REST)
        core->pin.rest = LONGEST_REST;
    core->pin.next_look = time + core->pin.rest;
    set_all(core, &core->pin.home, false);
}

/* Whether stops have come so fast since the last time this was asked. */
static bool is_busy(struct pb_core *core, int64_t time)
{
    int64_t stops = core->pin.stops - core->pin.stops_before, elapsed = time - core->pin.time_before;
    core->pin.stops_before = core->pin.stops;
    core->pin.time_before = time;
    return stops * 1000 * MILLISECOND > BUSY * elapsed;
}

void pin_stop_seen(struct pb_core *core, struct task *task)
{
    if (++core->pin.stops % LOOK_EVERY_STOPS || core->pin.active || !core->pin.enabled)
        return;
    int64_t time = now();
    if (time < core->pin.next_look)
        return;
    core->pin.next_look = time + LOOK_EVERY;
    if (core->task_count > MOST_TASKS || (!is_busy(core, time) && count_running(core, task->tid)))
        core->pin.calm = 0;
    else if (++core->pin.calm >= CALM_LOOKS)
        pin(core);
}

void pin_tick_seen(struct pb_core *core)
{
    if (!ticked)
        return;
    ticked = 0;
    if (!core->pin.active)
        return;
    bool crowded = core->task_count > MOST_TASKS || (!is_busy(core, now()) && count_running(core, 0) > 1);
    core->pin.crowded = crowded ? core->pin.crowded + 1 : 0;
    if (core->pin.crowded >= CROWDED_TICKS)
        unpin(core);
}

void pin_task_made(struct pb_core *core, struct task *task)
{
    if (core->pin.used)
        set_mask(task, core->pin.active ? &core->pin.here : &core->pin.home, core->pin.active);
}

void pin_close(struct pb_core *core)
{
    if (core->pin.active)
        unpin(core);
}

void pb_set_pinning(struct pb_core *core, int32_t enabled)
{
    core->pin.enabled = enabled && sched_getaffinity(0, sizeof core->pin.home, &core->pin.home) == 0 &&
                        CPU_COUNT(&core->pin.home) > 1;
}

int32_t pb_hidden_affinity(struct pb_core *core, int32_t tid, uint8_t *mask, int32_t size)
{
    struct task *task = task_find(core, tid);
    if (!task || !task->pinned)
        return 0;
    int32_t length = size < (int32_t)sizeof core->pin.home ? size : (int32_t)sizeof core->pin.home;
    memcpy(mask, &core->pin.home, (size_t)length);
    return length;
}

void pb_own_affinity(struct pb_core *core, int32_t tid)
{
    struct task *task = task_find(core, tid);
    if (!task)
        return;
    if (task->pinned)
        set_mask(task, &core->pin.home, false);
    task->own_affinity = true;
}
