/* Owns what the parts of the loop tell it of a stop. */
#pragma once

#include "native.h"

enum outcome { ANSWERED, FOR_PYTHON };

static inline enum outcome resume_quietly(struct pb_core *core, struct task *task)
{
    task_resume_soon(core, task, 0);
    return ANSWERED;
}

/* entries.c: a task stands at the entry of a call. */
enum outcome on_call(struct pb_core *core, struct task *task, struct pb_stop *out);
