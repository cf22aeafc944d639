/* Owns the recording of calls that are stops: each is a line of text when it is over, which Python takes by the block. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "trace.h"

/* What a ring has room for, see gate/rings.h. */
#define LONGEST_RECORD 131072
#define MOST_ERRNO 4095
/* linux/nsfs.h, since Linux 6.11: what a task has for its number there; opening its status takes ten times as long. */
#define NUMBER_IN_SPACE _IOR(0xb7, 8, int)
#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

int32_t pb_trace_open(struct pb_core *core, const struct pb_trace_table *table, const uint8_t *recorded)
{
    LOCKED(core);
    core->recorder = calloc(1, sizeof *core->recorder);
    if (!core->recorder)
        return -ENOMEM;
    core->recorder->table = table;
    core->recorder->space = -1;
    clock_start(&core->recorder->clock);
    memcpy(core->recorder->recorded, recorded, sizeof core->recorder->recorded);
    return 0;
}

/* Whether the processor's counter goes on at one pace everywhere, as the kernel found it fit to tell the time. */
static bool counter_is_clock(void)
{
    char name[4] = "";
    int fd = open(CLOCK_SOURCE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_clock = read(fd, name, sizeof name) == sizeof name && memcmp(name, "tsc\n", sizeof name) == 0;
    close(fd);
    return is_clock;
}

int32_t pb_trace_in_guests(struct pb_core *core)
{
    LOCKED(core);
    if (!counter_is_clock())
        return -EOPNOTSUPP;
    core->recorder->copy = malloc(LONGEST_RECORD);
    core->recorder->in_guests = core->recorder->copy != NULL;
    return core->recorder->in_guests ? 0 : -ENOMEM;
}

void recorder_close(struct pb_core *core)
{
    if (!core->recorder)
        return;
    if (core->recorder->ticks)
        timer_stop(core->recorder);
    sink_close(core->recorder);
    text_free(&core->recorder->text);
    text_free(&core->recorder->taken);
    text_free(&core->recorder->fields);
    if (core->recorder->space >= 0)
        close(core->recorder->space);
    free(core->recorder->lines);
    free(core->recorder->copy);
    free(core->recorder);
    core->recorder = NULL;
}

void pb_trace_others(struct pb_core *core)
{
    LOCKED(core);
    core->recorder->others = true;
}

void pb_trace_unseen(struct pb_core *core, const uint8_t *recorded, const uint8_t *judged, const uint8_t *plain)
{
    LOCKED(core);
    core->recorder->has_unseen = true;
    memcpy(core->recorder->unseen, recorded, sizeof core->recorder->unseen);
    memcpy(core->recorder->judged, judged, sizeof core->recorder->judged);
    memcpy(core->recorder->plain, plain, sizeof core->recorder->plain);
}

bool recorder_wants(const struct pb_core *core, uint32_t nr)
{
    return core->recorder && core->recorder->recorded[nr];
}

/* As picobox.platform.host.number_of; 0: it is gone. */
static int32_t innermost_number(int32_t tid)
{
    char status[4096];
    const char *at = proc_read(tid, "status", status, sizeof status) ? strstr(status, "\nNSpid:") : NULL;
    const char *last = at ? at + 7 : NULL;
    for (at = last; at && *at && *at != '\n'; at++)
        if (*at == '\t')
            last = at + 1;
    return last ? (int32_t)strtol(last, NULL, 10) : 0;
}

/* The program lives in the namespace that its plain children live in, as long as nobody has changed what they get. */
static void space_open(struct pb_core *core, struct task *task)
{
    char path[64];
    if (core->recorder->space >= 0 || task->tid != core->program || core->has_other_roots)
        return;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", task->tid);
    core->recorder->space = open(path, O_RDONLY | O_CLOEXEC);
    task->in_space = core->recorder->space >= 0;
}

int32_t recorder_number(struct pb_core *core, struct task *task)
{
    if (task->number)
        return task->number;
    int32_t found = 0;
    if (core->recorder->others && task->in_space)
        found = ioctl(core->recorder->space, NUMBER_IN_SPACE, task->tid);
    if (core->recorder->others && found <= 0) {
        found = innermost_number(task->tid);
        space_open(core, task);
    }
    task->number = found > 0 ? found : task->tid;
    return task->number;
}

void recorder_mark(struct recorder *recorder, struct task *task, uint64_t time)
{
    const struct line_place *last = recorder->line_count ? &recorder->lines[recorder->line_count - 1] : NULL;
    uint64_t start = last ? last->start + last->length : 0;
    if (recorder->line_count == recorder->line_room) {
        recorder->line_room = recorder->line_room ? 2 * recorder->line_room : 1024;
        recorder->lines = realloc(recorder->lines, recorder->line_room * sizeof *recorder->lines);
        if (!recorder->lines)
            abort(); /* as task_get */
    }
    /* A guest says when its calls were over; the order of one thread's is known all the same. */
    if (task && time < task->line_time)
        time = task->line_time;
    if (task)
        task->line_time = time;
    recorder->lines[recorder->line_count++] = (struct line_place){time, start, recorder->text.length - start};
}

static const struct pb_trace_row *row_of(const struct pb_trace_table *table, uint64_t nr)
{
    return nr < PB_NR_COUNT && table->rows[nr].name >= 0 ? &table->rows[nr] : NULL;
}

static struct open_call *record_of(struct task *task)
{
    if (!task->recorded)
        task->recorded = calloc(1, sizeof *task->recorded);
    if (!task->recorded)
        abort(); /* as task_get */
    return task->recorded;
}

static void finish(struct pb_core *core, struct task *task, bool ended, int64_t result, const struct pb_trace_verdict *verdict)
{
    struct recorder *recorder = core->recorder;
    struct open_call *open = task->recorded;
    struct shown_call call = {recorder->table, row_of(recorder->table, open->nr), open->args, ended, result};
    struct memory memory = {.core = core, .tid = task->tid};
    struct pb_trace_verdict known = {
        .performed = open->performed, .name = open->name.length ? open->name.data : NULL,
    };
    int64_t clock = open->left ? open->left_clock : clock_now(CLOCK_MONOTONIC);
    struct call_line line = {
        .call = &call, .nr = (int32_t)open->nr, .number = open->number, .time = open->time,
        .duration = clock - open->clock, .channel = recorder->table->channel, .fields = &open->fields,
        .ends = open->ends, .count = open->count, .verdict = verdict ? verdict : &known,
    };
    uint64_t counter = open->left ? open->left_counter : __rdtsc();
    open->open = false;
    open->left = 0;
    add_line(&recorder->text, &line, &memory);
    recorder_mark(recorder, task, counter);
}

/* Whether a call that leaves the kernel with a result may be made again without the guest's knowing: what we or a signal that
   is ignored have cut short goes on, and is one call. */
static bool may_go_on(const struct open_call *open, int64_t result)
{
    bool is_partial = result > 0 && (uint64_t)result < open->args[2];
    if (open->nr == SYS_rt_sigreturn) /* what another call has said */
        return false;
    return is_restart(result) || result == -EINTR || (is_partial && (open->nr == SYS_write || open->nr == SYS_sendto));
}

static struct open_call *left_of(const struct task *task)
{
    struct open_call *open = task->recorded;
    return open && open->open && !open->of_python && open->left ? open : NULL;
}

/* Whether the call at whose entry a task stands is what it has left. Another signal has not come since, see recorder_settle. */
static bool is_same_call(const struct task *task, const struct open_call *left, const struct call_info *info)
{
    if (task->rest.done)
        return true;
    if (left->left == -LAST_RESTART && info->nr == SYS_restart_syscall)
        return true;
    bool is_made_again = is_restart(left->left) || task->interrupted_call == (int32_t)left->nr;
    return is_made_again && info->nr == left->nr && memcmp(info->args, left->args, sizeof left->args) == 0;
}

bool recorder_goes_on(struct pb_core *core, struct task *task)
{
    struct call_info info;
    struct open_call *left = left_of(task);
    if (!left)
        return false;
    bool goes_on = call_info_read(task->tid, &info) == 0 && is_same_call(task, left, &info);
    if (goes_on)
        left->left = 0;
    else
        recorder_settle(core, task);
    return goes_on;
}

void recorder_settle(struct pb_core *core, struct task *task)
{
    struct open_call *left = left_of(task);
    if (left)
        finish(core, task, true, left->left, NULL);
}

void recorder_drop(struct task *task)
{
    task->recorded->open = false;
}

bool recorder_waits(const struct task *task)
{
    return left_of(task) != NULL;
}

/* Reads what the guest passes now, since it may change while the call runs. */
static void begin(struct pb_core *core, struct task *task, int32_t number)
{
    struct open_call *open = task->recorded;
    const struct pb_trace_table *table = core->recorder->table;
    struct shown_call call = {table, row_of(table, open->nr), open->args, false, 0};
    struct memory memory = {.core = core, .tid = task->tid};
    open->open = true;
    open->left = 0;
    open->number = number;
    open->time = clock_now(CLOCK_REALTIME);
    open->clock = clock_now(CLOCK_MONOTONIC);
    open->performed = 0;
    open->name.length = open->fields.length = 0;
    open->count = table->counts ? 0 : fields_count(&call);
    for (int i = 0; i < open->count; i++) {
        add_field(&open->fields, &call, i, &memory);
        open->ends[i] = (uint32_t)open->fields.length;
    }
}

static void take_over(struct task *task, const struct call_info *info)
{
    struct open_call *open = record_of(task);
    open->nr = info->nr;
    memcpy(open->args, info->args, sizeof open->args);
}

static void enter(struct pb_core *core, struct task *task, const struct call_info *info)
{
    recorder_settle(core, task);
    recorder_lost(core, task);
    take_over(task, info);
    task->recorded->of_python = false;
    begin(core, task, recorder_number(core, task));
}

void recorder_entered(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info)
{
    if (recorder_wants(core, nr))
        enter(core, task, info);
}

bool recorder_unseen(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (!core->recorder || info->nr >= PB_NR_COUNT || !core->recorder->unseen[info->nr])
        return false;
    enter(core, task, info);
    /* As picobox.syscalls.process has it. */
    task->recorded->performed = info->nr == SYS_exit || info->nr == SYS_exit_group;
    return !task->recorded->performed;
}

bool recorder_is_plain(const struct pb_core *core, uint64_t nr)
{
    return core->recorder && nr < PB_NR_COUNT && core->recorder->plain[nr];
}

static bool has_failed(const struct open_call *open, int64_t result)
{
    if (open->nr == SYS_brk) /* which says where the break is, not that it did not move */
        return (uint64_t)result < open->args[0];
    return result < 0 && result >= -MOST_ERRNO && !is_restart(result);
}

bool recorder_judges(struct pb_core *core, struct task *task, int64_t result, uint64_t *nr)
{
    struct open_call *open = task->recorded;
    if (!open || !open->open || open->of_python || !has_failed(open, result) || open->nr >= PB_NR_COUNT || !core->recorder->judged[open->nr])
        return false;
    open->open = false;
    *nr = open->nr;
    return true;
}

void recorder_born(struct pb_core *core, struct task *task)
{
    if (!core->recorder)
        return;
    const struct task *creator = task_find(core, task->creator);
    task->in_space = creator && creator->in_space && !core->has_other_roots;
    recorder_number(core, task);
}

void recorder_offered(struct pb_core *core, struct task *task, const struct call_info *info)
{
    if (!core->recorder)
        return;
    recorder_settle(core, task);
    recorder_lost(core, task);
    take_over(task, info);
}

void recorder_refused(struct pb_core *core, struct task *task, uint32_t nr, const uint64_t args[6], int64_t result)
{
    struct call_info info = {.nr = nr};
    memcpy(info.args, args, sizeof info.args);
    recorder_entered(core, task, nr, &info);
    recorder_left(core, task, result);
}

void recorder_left(struct pb_core *core, struct task *task, int64_t result)
{
    struct open_call *open = task->recorded;
    if (!open || !open->open || open->of_python)
        return;
    open->left = 0;
    if (!may_go_on(open, result)) {
        finish(core, task, true, result, NULL);
        return;
    }
    open->left = result;
    open->left_clock = clock_now(CLOCK_MONOTONIC);
    open->left_counter = __rdtsc();
}

void recorder_lost(struct pb_core *core, struct task *task)
{
    const struct open_call *left = left_of(task);
    bool ended = left && !is_restart(left->left);
    if (task->recorded && task->recorded->open)
        finish(core, task, ended, ended ? left->left : 0, NULL);
}

void recorder_move(struct task *from, struct task *to)
{
    struct open_call *moved = from->recorded;
    from->recorded = to->recorded;
    to->recorded = moved;
}

void recorder_forget(struct task *task)
{
    if (!task->recorded)
        return;
    text_free(&task->recorded->fields);
    text_free(&task->recorded->name);
    free(task->recorded);
    task->recorded = NULL;
}

void pb_trace_begin(struct pb_core *core, int32_t tid, int32_t number, const struct pb_trace_verdict *verdict)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (!task || !task->recorded)
        return;
    task->recorded->of_python = true;
    begin(core, task, number);
    task->recorded->performed = verdict->performed;
    if (verdict->name)
        text_add(&task->recorded->name, verdict->name, strlen(verdict->name) + 1);
}

void pb_trace_end(struct pb_core *core, int32_t tid, int32_t ended, int64_t result, const struct pb_trace_verdict *verdict)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    if (task && task->recorded && task->recorded->open && task->recorded->of_python)
        finish(core, task, ended, result, verdict);
}

void pb_trace_add(struct pb_core *core, const char *text, uint64_t length)
{
    LOCKED(core);
    text_add(&core->recorder->text, text, length);
    recorder_mark(core->recorder, NULL, __rdtsc());
}

void pb_trace_set_limit(struct pb_core *core, uint64_t limit)
{
    LOCKED(core);
    core->recorder->limit = limit;
    core->recorder->ticks = limit && timer_start(core->recorder);
}

bool recorder_is_full(const struct pb_core *core)
{
    const struct recorder *recorder = core->recorder;
    return recorder && (recorder->text.length > recorder->limit || (recorder->ticks && timer_is_due()));
}

static int compare(const void *one, const void *other)
{
    const struct line_place *left = one, *right = other;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    return left->start < right->start ? -1 : 1;
}

static bool is_in_order(const struct recorder *recorder)
{
    for (size_t i = 1; i < recorder->line_count; i++)
        if (recorder->lines[i].time < recorder->lines[i - 1].time)
            return false;
    return true;
}

uint64_t recorder_take(struct pb_core *core, const char **text)
{
    struct recorder *recorder = core->recorder;
    struct text taken = recorder->taken;
    timer_rest();
    rings_read(core);
    taken.length = 0;
    if (is_in_order(recorder)) {
        recorder->taken = recorder->text;
        recorder->text = taken;
    } else {
        qsort(recorder->lines, recorder->line_count, sizeof *recorder->lines, compare);
        for (size_t i = 0; i < recorder->line_count; i++)
            text_add(&taken, recorder->text.data + recorder->lines[i].start, recorder->lines[i].length);
        recorder->text.length = 0;
        recorder->taken = taken;
    }
    recorder->line_count = 0;
    *text = recorder->taken.data;
    return recorder->taken.length;
}

uint64_t pb_trace_take(struct pb_core *core, const char **text)
{
    LOCKED(core);
    struct recorder *recorder = core->recorder;
    uint64_t length = sink_settle(core, text);
    if (length)
        return length;
    if (!recorder->is_taken)
        return recorder_take(core, text);
    recorder->is_taken = false;
    *text = recorder->taken.data;
    return recorder->taken.length;
}
