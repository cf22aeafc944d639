/* The contract of the C core, third part: guests that trace guests. Read as core.h is. */

/* A task stops in a way that its tracer is to see, and stays there until pb_debug_resume or pb_debug_end: `signal` as
   WSTOPSIG gives it, with the bit 0x80 of a call's stop, `status` the ptrace event or 0, `nr` 1 if it is about to get a signal,
   2 if a step has led behind a call,
   `code` 1 if it stops with its group, `other` its tracer. */
#define PB_STOP_DEBUGGED 12
/* A tracer is about to wait for children: `nr` and `args`. It is answered by pb_debug_wait_x. */
#define PB_STOP_WAIT 13

/* How a tracee goes on. */
#define PB_DEBUG_CONT 0
#define PB_DEBUG_CALLS 1
#define PB_DEBUG_STEP 2
#define PB_DEBUG_LISTEN 3

/* The following give 0 or -errno; -ESRCH: there is no such task, or it is not held where its tracer sees it. */
/* A task is traced from now on, by the thread `tracer`. seized: as by PTRACE_SEIZE. options: PTRACE_O_x. 1: it is stopped with
   its group, and will tell so. -ESRCH also for one that is being launched, -EPERM: the tracer has confined itself, the other
   one was not made since. */
int32_t pb_debug_begin(struct pb_core *core, int32_t tid, int32_t tracer, int32_t seized, uint32_t options);
int32_t pb_debug_options(struct pb_core *core, int32_t tid, uint32_t options);
/* A task is traced no more, and goes on with a signal if it is held. */
int32_t pb_debug_end(struct pb_core *core, int32_t tid, int32_t signal);
int32_t pb_debug_resume(struct pb_core *core, int32_t tid, int32_t how, int32_t signal);
/* A tracee is to stop soon (PTRACE_INTERRUPT), or a group that is stopped to tell so. */
int32_t pb_debug_interrupt(struct pb_core *core, int32_t tid);
/* Makes a request of ptrace(2) on a tracee that is held: its result. */
int64_t pb_debug_request(struct pb_core *core, int32_t tid, int32_t request, uint64_t address, void *data);

/* A task is about to confine itself by Landlock, or with it, if `group` is not 0, all threads of that group. */
int32_t pb_debug_confine(struct pb_core *core, int32_t tid, int32_t group);

/* Whether what a task waits for is told as PB_STOP_WAIT. */
int32_t pb_debug_tell_waits(struct pb_core *core, int32_t tid, int32_t tells);
/* The kernel waits. zero_if_none: 0 instead of ECHILD. */
int32_t pb_debug_wait_kernel(struct pb_core *core, int32_t tid, int32_t zero_if_none);
/* The task sleeps until it gets a signal or pb_debug_wake; then it waits anew. */
int32_t pb_debug_wait_parked(struct pb_core *core, int32_t tid);
/* The wait is over with a result. */
int32_t pb_debug_wait_answer(struct pb_core *core, int32_t tid, int64_t result);
/* Who waits in the kernel or is parked waits anew. */
int32_t pb_debug_wake(struct pb_core *core, int32_t tid);
