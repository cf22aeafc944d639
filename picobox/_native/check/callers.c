/* Owns the callers of whom Python knows that what they set of files, make or look at tells a check nothing: each is the part of
   a task's stack down to the frame that decides it. */
#define _GNU_SOURCE
#include <errno.h>

#include "native.h"

/* Address spaces that are gone leave theirs behind. Who is forgotten is shown. */
#define MOST_CALLERS (UINT64_C(1) << 16)

/* A task's stack as rows, the innermost first; how many there are, or less than 1. */
static int32_t read_rows(struct pb_core *core, const struct task *task, int64_t *rows, uint32_t *words)
{
    uint64_t innermost;
    if (!task->reader || !reader_innermost(core, task, &innermost))
        return 0;
    *words = task->reader->form.field_count + 3;
    return pb_read_frames(core, task->tid, &task->reader->form, innermost, PB_READING_FRAMES, rows);
}

static uint64_t start_of(const struct task *task, int32_t does)
{
    return key_of((uint64_t)does, &task->reader->space, sizeof task->reader->space);
}

int32_t pb_leave_caller(struct pb_core *core, int32_t tid, int32_t does, uint32_t frames, uint32_t all, int32_t for_now)
{
    LOCKED(core);
    struct task *task = task_find(core, tid);
    int64_t rows[PB_READING_FRAMES * PB_READING_WORDS];
    uint32_t words;
    if (!task || !frames || read_rows(core, task, rows, &words) != (int32_t)all || frames > all)
        return -EINVAL;
    struct keys *callers = for_now ? &core->unopposed.callers_for_now : &core->unopposed.callers;
    if (callers->used >= MOST_CALLERS)
        keys_clear(callers);
    uint64_t key = start_of(task, does);
    for (uint32_t frame = 0; frame < frames; frame++)
        key = key_of(key, rows + frame * words, words * sizeof *rows);
    return keys_add(callers, key);
}

void pb_forget_callers(struct pb_core *core)
{
    LOCKED(core);
    keys_clear(&core->unopposed.callers_for_now);
}

bool caller_is_left(struct pb_core *core, const struct task *task, int32_t does)
{
    int64_t rows[PB_READING_FRAMES * PB_READING_WORDS];
    uint32_t words;
    if (!core->unopposed.callers.used && !core->unopposed.callers_for_now.used)
        return false;
    int32_t count = read_rows(core, task, rows, &words);
    uint64_t key = count > 0 ? start_of(task, does) : 0;
    for (int32_t frame = 0; frame < count; frame++) {
        key = key_of(key, rows + (uint32_t)frame * words, words * sizeof *rows);
        if (keys_has(&core->unopposed.callers, key) || keys_has(&core->unopposed.callers_for_now, key))
            return true;
    }
    return false;
}
