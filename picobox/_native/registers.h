/* Owns the names of regs_x86_64.c: the registers of a stopped task, calls that it is made to run, waits. */
#ifndef PICOBOX_NATIVE_REGISTERS_H
#define PICOBOX_NATIVE_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

struct pb_core;
struct task;
struct notified_call;

struct call_info {
    uint64_t ip;
    uint64_t sp;
    uint64_t nr;
    uint64_t args[6];
    uint32_t verdict; /* the data that the filter gave with it, if its verdict is why the task stands */
    int64_t result;
};
int call_info_read(int32_t tid, struct call_info *info);
int argument_write(int32_t tid, int index, uint64_t value);
int argument_read(int32_t tid, int index, uint64_t *value);
int call_skip(int32_t tid, int64_t result);
int nr_write(int32_t tid, uint64_t nr);
int result_write(int32_t tid, int64_t result);
/* Makes the task run a call at the instruction that it entered the kernel by, waits for the call's end.
   entered: it stands at a call's entry, else at a call's exit. -EINTR: the task died, its status is kept in core. */
int call_inject(struct pb_core *core, struct task *task, bool entered, uint64_t nr, const uint64_t args[6], int64_t *result);
struct interruption {
    bool by_signal; /* the task leaves a call with EINTR */
    uint64_t nr;
};
int interruption_read(int32_t tid, struct interruption *found);
/* The call that a task leaves, as far as it is one that takes a descriptor, an address and a number of bytes; nr is none
   of a call if it leaves none. */
struct transfer {
    uint64_t nr, ip, fd, address, count;
    int64_t result;
};
int transfer_read(int32_t tid, struct transfer *found);
/* True, with the call, if the task is leaving one with -ERESTARTSYS. */
bool withdrawal_read(int32_t tid, struct notified_call *call);
/* Makes the task run the call again that it is leaving; _give takes that back. */
int interruption_undo(int32_t tid, uint64_t nr);
int interruption_give(int32_t tid, uint64_t nr);
int ip_read(int32_t tid, uint64_t *ip);
int ip_write(int32_t tid, uint64_t ip);
int gs_read(int32_t tid, uint64_t *base);
int gs_write(int32_t tid, uint64_t base);
/* The call that a task leaves, or the last one that it left. */
struct left_call {
    uint64_t nr; /* the kernel has -1 for none */
    uint64_t ip;
    uint64_t first; /* its first argument */
    int64_t result;
};
int left_call_read(int32_t tid, struct left_call *found);
/* The next stop of a task that may need the notify channel for it; 0 or -errno. */
int wait_unlocked(struct pb_core *core, int32_t tid, int *status);
/* Stops that came during injected calls come again. */
void stops_ask_again(struct task *task);
int registers_read(int32_t tid, uint64_t *registers);
int registers_write(int32_t tid, const uint64_t *registers);
/* Puts the task back before the call that it was in, or behind it; the kernel restarts nothing by itself. */
int registers_rewind(int32_t tid, const uint64_t *registers, uint64_t nr);
int registers_leave(int32_t tid, const uint64_t *registers);
/* wait4 that a handler which finds its instruction pointer inside can abort: no signal is lost before the wait. */
long wait4_interruptible(int32_t pid, int *status, int options, volatile int *flag);
bool wait4_abort(void *ucontext);

#endif
