/* Owns what the rest of the core tells the gate, and asks it. */
#ifndef PICOBOX_GATE_CALLS_H
#define PICOBOX_GATE_CALLS_H

#include "../native.h"

/* gate/memory.c */
struct gate *gate_share(struct gate *gate);
void gate_leave(struct pb_core *core, struct gate *gate);
bool gate_overlaps(uint64_t address, uint64_t length);
/* No gate is left. */
void stubs_close(struct pb_core *core);
/* A call that ends at an address was seen and counted: a stub may have counted it, too. */
void gate_uncount(struct pb_core *core, const struct task *task, uint64_t nr, uint64_t ip);
/* How often it was gone through, as its guests say. */
uint64_t gate_calls(const struct gate *gate);

/* gate/blocks.c */
/* A new task, which stands still, may have the block of another one. */
void block_born(struct pb_core *core, struct task *task);
/* A task is no more, or runs another program. */
void block_leave(struct pb_core *core, struct task *task);
/* It is about to look at its gs base, or to change it, which from then on is its own. */
void block_hide(struct pb_core *core, struct task *task);

/* gate/blocks.c: guests do about each call what is to be done about it from now on. */
void gate_kinds_change(struct pb_core *core);
/* Whether the gate makes the call as long as nobody wants to see it. */
bool may_be_taken(const struct pb_core *core, uint64_t nr);
/* gate/blocks.c: whether an address is in the code that stubs share. */
bool is_guest_code(uint64_t ip);
/* gate/births.c */
/* A task has made another one, which has its memory or a copy of it. */
void gate_inherit(const struct task *creator, struct task *child);
/* The same of a task whose creator did not live to tell of it. */
void gate_adopt(struct pb_core *core, struct task *child);
/* gate/resolve.c */
/* A call that asks what its name means: what it is told, the length of the name in its block, 0: it is right as it is, less:
   Python is to be asked. */
bool is_resolving(uint64_t ip);
int64_t resolve(struct pb_core *core, int listener, uint64_t id, int32_t tid, const struct notified_call *call);

/* gate/rings.c */
/* The task, which stands at the entry of a call, gets rings for its address space if it may have some; true if the call
   begins anew then. */
bool rings_open(struct pb_core *core, struct task *task, uint64_t nr);
/* What a task has recorded up to its stop. */
void ring_stopped(struct pb_core *core, struct task *task);
/* It is no more, or runs another program. */
void ring_leave(struct pb_core *core, struct task *task);
/* What all have recorded. */
void rings_read(struct pb_core *core);

/* gate/misses.c */
/* A task begins a program of a run, in a directory that only it is in. */
void place_begin(struct pb_core *core, struct task *task);
/* A task has entered a call, whose arguments are NULL if it is no open. */
void name_call_seen(struct pb_core *core, struct task *task, uint64_t nr, const uint64_t *args);
/* Something may have a name that had none. */
void misses_forget(struct pb_core *core);
void misses_close(struct pb_core *core);
/* Lets the inotify instance go; there will be none any more. */
void misses_spare_instance(struct pb_core *core);

/* gate/hot.c */
/* True if the call is answered later, by the loop. */
bool gate_holds(struct pb_core *core, const struct task *task, const struct notified_call *call, int listener, uint64_t id);
void gate_serve(struct pb_core *core);
/* A call that is made for us came to the notify channel. */
void gate_lend(struct task *task, int listener, uint64_t id);
/* A call that Python is to answer is better made in the gate: true if it begins anew there when the task is resumed. */
bool gate_opens(struct pb_core *core, struct task *task, const struct call_info *info);
void gate_close(struct pb_core *core);

/* gate/watches.c: the descriptor is watched in so many more tables. */
void gate_watch(struct pb_core *core, int32_t fd, int32_t more);
/* Whether a check has seen a task's locks of whole files often enough; and that it sees those of all tasks again. */
void gate_repeats(struct pb_core *core, const struct task *task, bool are_seen);
void gate_repeats_forget(struct pb_core *core);

/* gate/outside.c: an open without links lies outside of a check's directories. */
void outside_seen(struct pb_core *core, const char *path);
void outside_forget(struct pb_core *core);

/* gate/images.c */
void images_close(struct pb_core *core);

/* gate/start.c */
/* A task has begun a program: it is to map the gate first, if its image has a plan. */
void gate_exec_seen(struct pb_core *core, struct task *task);
/* 1 if the call of a task with a gate is ours, which it makes to map something of that: the kernel runs it and nobody is
   told. -errno: so it ends. Else 0. call->ip: behind it; listener: -1 if it did not come by the notify channel. */
int32_t gate_own_call(struct pb_core *core, struct task *task, const struct notified_call *call, int listener, uint64_t id);
/* What the kernel says to such a call that has only asked for descriptors; 0: the call is run. */
int64_t gate_own_result(const struct pb_core *core, const struct task *task, uint64_t nr);
/* Whether a task at the entry of a recorded mmap has mapped what the gate has of an image: the call is over, or about to be
   made as it is. `entered`: the recorder knows of it. */
bool gate_records_copy(struct pb_core *core, struct task *task, const struct call_info *info, bool entered);
/* The same for an mmap that nobody is to see. */
void gate_maps_copy(struct pb_core *core, struct task *task, const struct call_info *info);
/* gate/blocks.c: some guest may have another root from now on. */
void roots_differ(struct pb_core *core);
/* Whether a call can give a task another root. */
static inline bool changes_root(uint64_t nr)
{
    return nr == SYS_chroot || nr == SYS_pivot_root || nr == SYS_setns || nr == SYS_unshare;
}
/* The result of a call that the notify channel has been asked about if the gate exchanges it for another one, else 0. */
int64_t gate_exchanges(struct pb_core *core, struct task *task, int listener, uint64_t id);

/* gate/sites.c */
/* Whether a call moves code with sites, or makes it writable, which must then be as the guest knows it. */
bool changes_sites(const struct task *task, uint64_t nr, const uint64_t args[6]);
/* Takes the jumps out of a range of an address space. */
void sites_restore(struct pb_core *core, const struct task *task, uint64_t address, uint64_t length);

/* gate/plans.c */
void plans_close(struct pb_core *core);

/* gate/signals.c */
/* Where the task would be without the gate. */
uint64_t gate_origin(const struct task *task, uint64_t ip);
/* A signal is about to be delivered: if a handler of the guest's is about to interrupt the gate, the task is taken out of it.
   True if that can only be done in the handler's frame: it is to be stepped, for gate_signal_seen. */
bool gate_delivers(struct pb_core *core, struct task *task, int signal);
/* A signal is told: the call that its task was recording is over before, has not begun, or goes on. */
void gate_signal_told(struct pb_core *core, struct task *task, int signal);
/* True if the stop was the gate's own affair and is answered. */
bool gate_signal_seen(struct pb_core *core, struct task *task, int signal);
/* A task with a gate is about to return from a handler. */
void gate_sigreturn_seen(struct pb_core *core, const struct task *task, uint64_t frame);
/* Whether the last call that was seen of a task is over, as it has made others unseen since. */
bool gate_has_left(const struct pb_core *core, const struct task *task);
/* Whether a call that a task leaves was made in the gate. */
bool gate_was_called(const struct pb_core *core, const struct task *task, const struct left_call *call);

#endif
