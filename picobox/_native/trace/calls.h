/* Owns what the loop tells the recorder of calls; see recorder.c. */
#ifndef PICOBOX_TRACE_CALLS_H
#define PICOBOX_TRACE_CALLS_H

#include "../native.h"

/* Whether what becomes of a call is recorded, if it is one of this number. */
bool recorder_wants(const struct pb_core *core, uint32_t nr);
/* A task stands at the entry of a call. */
void recorder_entered(struct pb_core *core, struct task *task, uint32_t nr, const struct call_info *info);
/* The same, and Python may say that it is to be recorded (pb_trace_begin). */
void recorder_offered(struct pb_core *core, struct task *task, const struct call_info *info);
/* The same, and it is over at once. */
void recorder_refused(struct pb_core *core, struct task *task, uint32_t nr, const uint64_t args[6], int64_t result);
void recorder_left(struct pb_core *core, struct task *task, int64_t result);
/* The call that it is in, if any, will never end. */
void recorder_lost(struct pb_core *core, struct task *task);
/* The call of one task goes on as another's. */
void recorder_move(struct task *from, struct task *to);
void recorder_forget(struct task *task);
void recorder_close(struct pb_core *core);
/* Whether text is to be taken. */
bool recorder_is_full(const struct pb_core *core);

#endif
