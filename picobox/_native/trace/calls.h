/* Owns what the loop tells the recorder of calls; see recorder.c. */
#ifndef PICOBOX_TRACE_CALLS_H
#define PICOBOX_TRACE_CALLS_H

#include <signal.h>

#include "../native.h"

/* Whether what becomes of a call is recorded, if it is one of this number. */
bool recorder_wants(const struct pb_core *core, uint32_t nr);
/* A task stands at the entry of a call. */
void recorder_entered(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info);
/* The same, and Python may say that it is to be recorded (pb_trace_begin). */
void recorder_offered(struct pb_core *core, struct task *task, const struct call_info *info);
/* The same, and it is over at once. */
void recorder_refused(struct pb_core *core, struct task *task, uint32_t nr, const uint64_t args[6], int64_t result);
/* The core answers the call, which Python would decide for another task. Whether its end is to be seen. */
bool recorder_unseen(struct pb_core *core, struct task *task, const struct call_info *info);
/* Whether Python has nothing to say about calls of a number but that one was refused. */
bool recorder_is_plain(const struct pb_core *core, uint64_t nr);
/* Whether such a call has failed in a way that Python is to judge: then it is none yet, and is made once more. */
bool recorder_judges(struct pb_core *core, struct task *task, int64_t result, uint64_t *nr);
/* With what the kernel may take back, since the call is made again, it is not over: as soon as the guest hears of that result
   recorder_settle says so, and recorder_goes_on finds the call at the entry of the next one. */
void recorder_left(struct pb_core *core, struct task *task, int64_t result);
void recorder_settle(struct pb_core *core, struct task *task);
/* True: what the task is about to make is the call that it has left. */
bool recorder_goes_on(struct pb_core *core, struct task *task);
/* Then Python tells of it. */
void recorder_drop(struct task *task);
/* Whether it has left a call that may go on. */
bool recorder_waits(const struct task *task);
/* The call that it is in, if any, will never end. */
void recorder_lost(struct pb_core *core, struct task *task);
/* The call of one task goes on as another's. */
void recorder_move(struct task *from, struct task *to);
/* events.c: of a task that Python does not know. */
void recorder_ended(struct pb_core *core, struct task *task, int32_t status);
void recorder_replaced(struct pb_core *core, struct task *task);
/* Whether a signal that a task is about to get has its line now, so that Python need not be told of it. */
bool recorder_signalled(struct pb_core *core, struct task *task, const siginfo_t *info);
/* Task numbers are asked for while they can be had. */
void recorder_born(struct pb_core *core, struct task *task);
void recorder_forget(struct task *task);
void recorder_close(struct pb_core *core);
/* Whether text is to be taken. */
bool recorder_is_full(const struct pb_core *core);
/* Has it written, if nothing of it is for Python. */
bool recorder_writes(struct pb_core *core);

#endif
