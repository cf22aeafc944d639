/* What the loop tells of tasks that trace others or are traced; see debugged.c and tracers.c. */
#ifndef PICOBOX_DEBUG_CALLS_H
#define PICOBOX_DEBUG_CALLS_H

#include "../native.h"

/* Of a task that is traced by a guest, or traces others. */
struct debugging {
    bool traced, seized;
    int32_t tracer;          /* the thread that traces it */
    uint32_t options;        /* PTRACE_O_x that the tracer has set */
    uint32_t kernel_options; /* those of them that the kernel has been given */
    int32_t how;             /* PB_DEBUG_x, how it was let go on last */
    int32_t due;             /* a stop to be shown before it goes on: signal and event << 8; 0: none */
    int32_t held;            /* the same of the stop that is shown; 0: it is not held */
    bool is_signal;          /* that one is before the delivery of a signal */
    bool is_group;           /* that one is its group's */
    bool is_step;            /* that one ends a step behind a call */
    bool is_told;            /* Python knows of it */
    int32_t delivers;        /* the signal that it is given next */
    bool interrupt;          /* was asked to stop, and has not been seen to */
    bool again;              /* makes a call again that its tracer has seen begin */
    bool tells_waits;        /* it is a tracer */
    bool asks;               /* it stands at the entry of a wait that Python decides on */
    int32_t waits;           /* how it waits; see tracers.c */
    uint64_t wait_nr;
    int64_t answer;
};

/* debugged.c */
bool is_debugged(const struct task *task);
/* Of one for which there may be none yet. */
struct debugging *debugging_of(struct task *task);
void debugging_drop(struct task *task);
/* Nobody traces the task, nor does it trace any more: it is as fast as before. */
bool debug_is_over(const struct task *task);
/* The task stays where it is, for its tracer to see or for Python to decide; else it may go on. */
bool debug_keeps(struct pb_core *core, struct task *task);
/* The ptrace request by which a task goes on; `how` is that of one that nobody debugs. */
int debug_request_for(const struct task *task, int how);
/* What a task's tracer is to see of a stop, before it goes on from there. */
void debug_stop_seen(struct task *task, int status, bool halted);
/* The same of a signal that is about to be delivered: whether a tracer is to see it. */
bool debug_signal_seen(struct task *task, int signal);
/* Begins with the end of a call: whether it is only its entry, for those whose stops at calls are wanted. */
bool debug_entry_seen(struct pb_core *core, struct task *task);
/* A task has made another one. */
void debug_born(struct task *task, struct task *child, int event);
/* A thread has taken its leader's place. */
void debug_move(struct task *from, struct task *to);
/* Before the first instruction of a new program. */
void debug_exec_seen(struct task *task);
/* Tells what was kept. */
bool debug_tell(struct pb_core *core, int32_t tid, struct pb_stop *out);

/* domains.c */
void domain_leave(struct task *task);
/* A task has made another one. */
void domain_inherit(struct task *task, struct task *child);
/* Nobody knows whose child it is. */
void domain_adopt(struct pb_core *core, struct task *child);
/* A thread has taken its leader's place. */
void domain_move(struct task *from, struct task *to);
bool domain_allows(const struct task *tracer, const struct task *task);

/* tracers.c */
void wait_entered(struct task *task, uint64_t nr);
void wait_left(struct task *task);
/* The filter's stop has ended what was asked for before it: a tracer that is about to wait is asked once more. */
void wait_asked_again(struct task *task);
#endif
