/* What the files of the C core share among themselves. */
#ifndef PICOBOX_NATIVE_H
#define PICOBOX_NATIVE_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

#include "core.h"
#include "held.h"
#include "makings.h"
#include "registers.h"
#include "trace/contract.h"
#include "debug/contract.h"
#include "check/contract.h"
#include "check/brief.h"
#include "check/changes.h"
#include "check/files.h"
#include "check/readings.h"

/* renameat2(2); musl before 1.2.6 has no name for it. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* Registers whose value we changed at a call's entry, to be put back at its exit. */
struct saved_arguments {
    uint8_t mask;
    uint64_t value[6];
    uint64_t nr; /* 0: it is the call's own */
};

/* A call as the notify channel shows it. */
struct notified_call {
    uint64_t nr;
    uint64_t ip;
    uint64_t args[6];
};

/* As struct iovec. */
struct piece {
    uint64_t base, size;
};

/* What is left of a write, see rests.c: how many bytes are written (0: there is no rest), and what it was asked for; of a
   vector also the piece that is written in part, 0: none, and how it was. */
struct rest {
    uint64_t done, address, count;
    uint64_t changed;
    struct piece piece, before;
};

#define MOST_GROUPS 16

/* What a task may do with files, as it was asked for last; see gate/rights.c. */
struct rights {
    uint32_t asked; /* 1 more than core->credentials then; 0: never */
    uint32_t user, group, group_count;
    uint32_t groups[MOST_GROUPS];
    bool overrides;
};

struct task {
    int32_t tid;
    struct task *next;
    bool announced;      /* its creator's event was seen, or it has none */
    bool born;           /* its first stop was seen */
    bool starting;       /* before its first execve succeeded: the calls are ours */
    bool want_exit;      /* the call it is in ends with a stop */
    bool report_exit;    /* that stop is for Python */
    bool group_stopped;  /* resume with PTRACE_LISTEN */
    bool stop_postponed; /* a SIGSTOP came during injected calls */
    bool creating;       /* inside a call that makes a task, event not seen yet */
    bool makes_unstopped; /* by the notify channel, so that no stop will tell if it fails */
    uint64_t creates_since; /* of core->order, when it began that call */
    bool pinned;         /* its CPU mask is ours, not the guest's */
    bool own_affinity;   /* the guest chose its mask: hands off */
    int32_t cpu;         /* if pinned */
    uint64_t page;       /* address of the argument page in its address space, 0 if it has none */
    int32_t creator;
    bool noticed;        /* a signal that it does not ignore came since it entered its last call */
    int32_t interrupted_call; /* a call that ended by an ignored signal and will run again, else -1 */
    uint32_t masks;      /* how often its CPU mask was set by us */
    uint32_t calls;      /* how many calls it has entered */
    int64_t called;      /* when it entered the last one, 0 if that waits for children; see pin.c */
    struct saved_arguments saved;
    bool injecting;      /* the call it makes is ours */
    bool has_notified;   /* `notified` is the last call that it has entered */
    bool receives;       /* its call number `received` may have given it descriptors; Python does not know yet */
    uint32_t received;
    bool untold;         /* it may have files open that are not marked as open, see check/changes.c */
    uint32_t table;      /* the number of its descriptor table, if Python watches some of it; else 0 */
    struct notified_call notified;
    struct gate *gate;   /* of its address space, NULL if it has none */
    bool gate_is_new;    /* it came into the address space during the call that the task is in */
    uint64_t entering;   /* the first bytes of a program that is mapping the gate; 0: none is */
    uint64_t entry;      /* and where they are */
    const struct image *entered; /* whose text it is */
    uint32_t calls_before; /* that it had entered before it began the program */
    uint64_t gate_calls; /* of that, when it entered its last call that was seen */
    int *lends;          /* descriptors of ours that it gets with its next call, then their numbers there; else NULL */
    struct rights rights;
    uint32_t place;      /* where its relative names begin; 0: what its names mean is not remembered. See gate/misses.c */
    bool makes_name;     /* the call it is in may make a name */
    enum makes makes;    /* it was allowed to make `made` */
    struct made_name made;
    struct task *next_maker; /* in core->makers */
    struct permit permit;    /* to make it once more */
    bool copies;         /* it copies `copied`, or to a descriptor of which Python is told */
    int32_t copied;
    uint32_t block;      /* the number of its block, from 1 on; 0: it has none */
    bool own_gs;         /* it uses gs itself */
    int looked_at;       /* a signal that it stands before and has a handler for; negative: and has none for; 0: not known */
    bool ignores;        /* that one */
    bool stepping;       /* stops at the first instruction of a handler; see gate_delivers */
    struct rest rest;
    bool halted;         /* was asked to stop while the code that it shares changed */
    uint32_t making_masks; /* `masks` when that call began */
    uint32_t making;     /* MAKES_UNSEEN and the flags, if `creating` is a call that Python does not know of; else 0 */
    bool unseen;         /* Python does not know it */
    bool is_judged;      /* makes its call once more, for Python to see that it fails */
    bool replacing;      /* inside an execve that Python does not know of */
    bool finds_nothing;  /* of which it is known that nothing is there, and that nothing is hidden */
    bool is_plain;       /* inside a call that Python sees if it fails */
    bool has_image;      /* it is unseen, and has run a program since it was made */
    uint32_t birth_flags; /* with which it was made, of an unseen one */
    int32_t unseen_children;
    bool by_stop_signal; /* the last signal that it stopped for was one that stops */
    struct open_call *recorded; /* see trace/recorder.c */
    int32_t number;      /* as guests know it; 0: not known yet */
    bool in_space;       /* that is its number in the program's PID namespace */
    uint16_t ring;       /* the number of its ring, from 1 on; 0: it has none */
    uint64_t ring_read;  /* how much of that was read */
    uint64_t line_time;  /* of its last line, see trace/recorder.c */
    struct debugging *debugging; /* NULL: no guest traces it, and it traces none */
    struct domain *domain; /* NULL: it has not confined itself; see debug/domains.c */
    bool was_confined;     /* by another thread, and has made no task since */
    struct pb_reader *reader; /* NULL: a check is shown what it opens; see check/readings.c */
};

/* What was seen while another stop was being answered, to be told at the next occasion. */
struct pending {
    int32_t tid;
    bool birth;
    bool debugs;    /* see debug/debugged.c */
    int32_t status; /* of a death */
    uint64_t order; /* when it was seen, of core->order */
    struct pending *next;
};

struct seen {
    int32_t tid;
    int32_t status;
};

/* A task's file "stat" in /proc, open; tid 0: none is. */
struct kept_stat {
    int32_t tid;
    int fd;
};
#define KEPT_STATS 8

/* A task that goes on as soon as the lock is free: it may be what comes next on our CPU, with a call for a thread that needs
   the lock. tid 0: there is none. See resume.c. */
struct resumption {
    int32_t tid;
    int how; /* the ptrace request */
    int signal;
};

#define TASK_BUCKETS 1024
#define WATCH_BUCKETS 256
#define REPEAT_BUCKETS 256
#define REPEAT_LONGEST 1023

/* Threads of a run that can have a block at once; see gate/blocks.c. */
#define PB_BLOCK_COUNT 4096

#define HOT_COUNT 2048
#define UNPLANNED_COUNT 8

/* An image that has no plan yet; see gate/plans.c. */
struct unplanned {
    uint64_t device, inode;
    int fd;
};

/* How often the notify channel got calls from one site; see gate/hot.c. */
struct hot_site {
    uint64_t call;
    uint32_t calls;
    uint32_t failures;
};

/* Where we and our guests run, see pin.c. */
enum placement { FREE, TOGETHER, SPREAD };

/* Strings that end with a zero, one after another. */
struct strings {
    char *text;
    uint64_t length;
};

/* Everything in it is for the holder of `lock`: the loop's thread, or a thread of the notify channel. */
struct pb_core {
    pthread_mutex_t lock;
    struct listener *listeners;
    struct task *buckets[TASK_BUCKETS];
    int32_t task_count;
    bool has_domains;        /* somebody has confined itself; see debug/domains.c */
    int32_t program;         /* the thread group that was spawned */
    int32_t spawner;         /* socket of the process that makes guests for us; -1: there is none */
    struct pb_limit space;   /* of address spaces, see page.c; 0 for none */
    int32_t held_count;      /* tasks born before their creator's event */
    int32_t creating_count;
    uint64_t order;          /* counts calls that create, and births and deaths that they may explain */
    uint64_t held_at;        /* of it, the last birth that was held */
    bool lost_creator;       /* one died in such a call: its child may be born and never be explained */
    uint32_t dispositions[PB_NR_COUNT];
    bool taken[PB_NR_COUNT]; /* calls that went by unseen when the run began, and are shown now */
    uint32_t guards[PB_NR_COUNT];
    int32_t mmap_nr;
    struct pb_rule rules[PB_RULE_COUNT];
    uint64_t refusals[PB_RULE_COUNT];
    int32_t rule_count;
    bool report_signals;
    uint64_t counters[4][PB_NR_COUNT];
    struct {
        bool enabled;
        enum placement placement;
        bool used;           /* tasks may have inherited a mask of ours */
        int32_t loop_tid;
        int64_t calls;       /* seen by the notify channel */
        int64_t stops;
        int64_t stops_before; /* when is_busy was asked last */
        int64_t time_before;
        int64_t next_count;  /* when is_calling looks at every task again */
        int32_t calm;        /* looks in a row at which nobody else wanted a CPU */
        int64_t asked_before; /* stops and calls, a tick ago */
        int32_t quiet;       /* ticks in a row in which few of them came */
        int32_t crowded;     /* ticks in a row at which two wanted the one CPU to compute */
        int64_t since;       /* times in ns, CLOCK_MONOTONIC */
        int64_t next_look;
        int64_t rest;
        timer_t timer;
        struct sigaction previous;
        cpu_set_t home;      /* the mask of before, ours and the guests' */
        int32_t here;        /* the CPU of TOGETHER, the last one chosen in SPREAD */
    } pin;
    struct watched *watched[WATCH_BUCKETS];
    struct change *changes; /* what is not told yet of descriptors, the first first */
    struct repeat *repeats[REPEAT_BUCKETS];
    struct {
        struct strings looks;       /* paths of the files that are waited for; none: every look is shown */
        uint64_t *inodes;           /* of them, as far as they are known */
        uint64_t inode_count;
        struct strings directories; /* opens in these are shown; none: every open */
        bool anonymous;
        bool handlers;
        bool copies;                /* of those of descriptors without handles nobody wants to know */
        bool shows_copies;          /* all are shown, those made in the gate too */
    } unshown;
    struct readings readings;
    struct unopposed unopposed;
    struct brief brief;
    int32_t receiver_count;  /* tasks that have `receives` */
    bool receiver_gone;      /* one of them is no more */
    bool leaves_unseen;      /* see unseen.c */
    int32_t most_tasks;      /* then: how many there may be, 0 for any number */
    int32_t unseen_count;
    uint32_t gate_patience;  /* 0: no gates */
    int32_t gate_enters;     /* PB_GATE_ENTERED_BY_x */
    struct pb_names *resolver; /* see pb_set_resolver */
    uint32_t resolved[PB_NR_COUNT];
    uint64_t resolutions;
    struct pb_kills kills;
    struct misses *misses;   /* NULL until one is to be remembered */
    uint64_t generation;     /* of what is remembered, another one forgets it */
    bool spares_instance;    /* see pb_spare_instance */
    bool remembers;          /* there may be something of this generation */
    uint32_t places;         /* so many there were */
    struct task *makers;     /* tasks that make a name */
    uint32_t permits;        /* so many tasks have one */
    uint64_t makings;        /* goes up when one begins to, and when that is over */
    uint32_t credentials;    /* goes up when those of a task may have changed */
    uint64_t blocks[PB_BLOCK_COUNT / 64]; /* a bit for each that a task has */
    struct stubs *stubs;     /* of all gates, NULL before the first */
    struct gate *gates;
    struct images *images;   /* NULL: there are no copies */
    bool has_other_rights;   /* guests may not be allowed to see what others see */
    bool has_other_roots;    /* see roots_differ: guests may see other paths than we do: copies would not be what they call them */
    uint32_t *watchers;      /* by descriptor, in how many tables it is watched; see gate/watches.c */
    struct plan *plans;
    int32_t plan_directory;  /* -1: there are no plans */
    int32_t mount_table;     /* -1: guests can mount nothing; see guests_serve_files */
    int32_t served_before;
    bool guests_serve;
    bool has_end_stops;      /* tasks may stop where they end, for their tracers */
    int32_t unplanned_count;
    struct unplanned unplanned[UNPLANNED_COUNT];
    struct gate_wait *waits; /* calls that the notify channel has left to the loop */
    struct hot_site hot[HOT_COUNT];
    struct recorder *recorder; /* NULL: nothing is recorded */
    uint64_t gate_counts[PB_NR_COUNT]; /* of gates that are gone */
    struct sigaction before_bell;
    struct pending *pending;
    /* Deaths of tasks nobody has announced yet: killed before their first stop, or while they were held. */
    struct pending *early_deaths;
    /* Stops taken from the kernel together, see next_status. */
    struct seen *round;
    int32_t round_size;
    int32_t round_next;
    int32_t round_end;
    bool was_asked; /* what was told last is SIGIO: now it is a task's turn */
    int32_t unfair; /* stops taken one by one since the last round */
    struct resumption resumption;
    struct kept_stat kept_stats[KEPT_STATS]; /* of tasks that were asked for lately, see proc.c */
};

/* core.c: holds the lock until the end of the block. */
struct pb_core *core_lock(struct pb_core *core);
void core_unlock(struct pb_core **core);
#define LOCKED(core) __attribute__((cleanup(core_unlock), unused)) struct pb_core *locked = core_lock(core)
/* SIGKILL to a task that cannot be served: `status` says where it stands, 0 if that is not why. */
void kill_noted(struct pb_core *core, int32_t tid, int status);

/* task.c */
struct task *task_find(struct pb_core *core, int32_t tid);
struct task *task_get(struct pb_core *core, int32_t tid);
void task_remove(struct pb_core *core, int32_t tid);
void task_set_creating(struct pb_core *core, struct task *task, bool creating);
void pending_push(struct pending **list, struct pending what);
/* Takes the entry of a task out of a list; false if there is none. */
bool pending_take(struct pending **list, int32_t tid, struct pending *what);
void pending_clear(struct pending **list);

/* doorbell.c */
extern volatile int doorbell_rung;
/* The oldest signal to us that the program is not about to be given as well. */
bool doorbell_take(struct pb_core *core, struct pb_stop *out);
bool doorbell_has(int signal);
/* Forgets a signal that somebody has sent to us. */
void doorbell_drop(int signal);

/* proc.c: a file of a task's directory in /proc, NUL-terminated; false if it cannot be read. */
bool proc_read(int32_t tid, const char *name, char *buffer, size_t size);
/* What a task does about signals, a bit for each from bit 0 on. */
struct signal_actions {
    uint64_t ignored;
    uint64_t caught;
};
/* The same of /proc; false if that cannot be read. `signal`: it is asked for the sake of that one. */
bool signal_actions_read(struct pb_core *core, int32_t tid, int signal, struct signal_actions *actions);
uint64_t mask_in(const char *status, const char *field);
void kept_stats_close(struct pb_core *core);

/* signals.c: whether the program is yet to handle a signal. */
bool signal_is_due(struct pb_core *core, int signal);
/* True if Python has to answer; the signal to resume with, or -errno. */
bool signal_seen(struct pb_core *core, struct task *task, int signal, struct pb_stop *out);
int signal_to_deliver(struct pb_core *core, struct task *task, int signal);
/* Whether the task would not notice a signal without us: what that has cut short goes on. */
bool goes_unnoticed(struct pb_core *core, struct task *task, int signal);
/* Whether the task has a handler for the signal. */
bool is_caught(struct pb_core *core, const struct task *task, int signal);
bool is_stop_signal(int signal);

/* resume.c: for the loop's thread alone. */
int task_resume(struct pb_core *core, struct task *task, int signal);
/* The same for a stop that is answered by it, when the lock is free. */
void task_resume_soon(struct pb_core *core, struct task *task, int signal);
/* Whoever was to go on soon does, with or without the lock. To be called before a status is taken: a death makes the number
   another task's. */
void resume_last(struct pb_core *core);

/* loop.c */
/* The task enters a call: all that was known of the one before is void. */
void call_begin(struct pb_core *core, struct task *task);
void death_keep(struct pb_core *core, int32_t tid, int32_t status);
void call_forget(struct pb_core *core, struct task *task);

/* rounds.c */
/* A stop or death that was taken from the kernel is to be answered by the loop. */
void round_add(struct pb_core *core, int32_t tid, int32_t status);
/* Takes every stop and death that there is, to be answered in this order. */
void take_round(struct pb_core *core);
/* Whose stop or death is to be answered next, with its status, or -errno; waits until there is one, without the lock. */
long next_status(struct pb_core *core, int *status);

/* pin.c */
void pin_stop_seen(struct pb_core *core, struct task *task, bool waits);
void pin_call_seen(struct pb_core *core, struct task *task);
void pin_tick_seen(struct pb_core *core);
void pin_task_made(struct pb_core *core, struct task *task);
void pin_close(struct pb_core *core);

/* arguments.c: the error that the call must end with, or 0. */
int32_t argument_error(struct pb_core *core, const struct task *task, uint32_t nr, const uint64_t args[6]);

/* page.c: the error of a call that would change memory of ours, or 0. */
int32_t page_guards(const struct pb_core *core, const struct task *task, uint32_t nr, const uint64_t args[6]);

/* request.c: a copy in memory of its own, with `room` free before it, to be unmapped; NULL with errno if there is none. */
/* child.c: what a new guest does until it runs its program, and how it is made. */
_Noreturn void be_child(const struct pb_spawn *request, int go_fd, int status_fd);
/* As clone with these flags and a copy of our memory, into the cgroup of the walls if they have one. */
int32_t clone_guest(const struct pb_spawn *request, uint64_t flags, int status_fd);

/* spawner.c: as fork, by another process. The child is ours. */
int32_t spawner_fork(int32_t socket, const struct pb_spawn *request, const int go[2], const int status[2]);

struct pb_spawn *request_copy(const struct pb_spawn *request, size_t room, void **memory, size_t *size);

/* mounts.c */
/* A user of a namespace of his own keeps his ids there (user_namespaces(7)); 0 or -errno. */
int32_t mounts_keep_ids(uid_t user, gid_t group);

/* Attaches a tree that is mounted nowhere at an open path. 0 or -errno. */
int32_t tree_attach(int32_t tree, int32_t target);

/* walls.c: 0, or -1 with errno. */
/* All capabilities that this process may have count again, see pb_lower_capabilities. */
int walls_raise_capabilities(void);
/* For good, of this process and of all that it will run. */
int walls_drop_capabilities(void);
/* Whether children have what Python and malloc keep. Without it they may only call what needs neither. */
void heap_is_inherited(bool inherited);
/* The core learns how large an address space may be. */
void walls_tell_space(struct pb_core *core, const struct pb_walls *walls);
/* This process goes into a cgroup, given by its directory. */
int walls_join_group(int32_t group);
/* A child enters the tree of the guests. */
int walls_enter(const struct pb_walls *walls);
/* It gives up what guests must not have; descriptors from first_closed on are closed by its exec. */
int walls_close_in(const struct pb_spawn *request);

/* closes.c */
/* A task is about to close a descriptor; tells: pb_take_change is to say so. */
void close_seen(struct pb_core *core, const struct task *task, int32_t fd, bool tells);
void closes_clear(struct pb_core *core);
/* Whether a call closes, or marks, a range of descriptors of which Python wants to know nothing. */
bool range_closes_unseen(const struct pb_core *core, const struct task *task, const struct call_info *info);
/* Whether a call copies a descriptor, and is told of when it is over, if anybody wants to know of that. */
bool copy_seen(struct pb_core *core, struct task *task, const struct call_info *info);
void copy_ended(struct pb_core *core, struct task *task);
/* Whether Python is to know when a task's descriptor is closed. */
bool is_watched(struct pb_core *core, const struct task *task, int32_t fd);

/* repeats.c */
/* Whether the call that a task is about to make need not be seen by Python; whether there are any like that. */
bool has_repeats(const struct pb_core *core);
bool is_repeat(struct pb_core *core, struct task *task, const struct call_info *info);
void repeats_clear(struct pb_core *core);

/* unshown.c */
/* Whether a call that Python wants to see tells it nothing by what it names. */
bool is_unshown(struct pb_core *core, const struct task *task, const struct call_info *info);
/* Whether a check has told its drives, and a file is on none of them. */
bool is_off_drives(const struct pb_core *core, const char *path);
void unshown_clear(struct pb_core *core);

/* receipts.c */
/* The call that a task has entered may give it descriptors. */
void receipt_seen(struct pb_core *core, struct task *task);
/* A task is no more. */
void receipt_lost(struct pb_core *core, struct task *task);

/* rests.c */
/* True if the task leaves a write that did not get everything to a pipe, socket or device, and will go on with it. */
bool rest_begin(struct pb_core *core, struct task *task);
/* What was written must do, as a signal is about to be noticed. */
void rest_give(struct task *task);
/* The task enters or leaves the call that writes the rest; halted: we have ended that as well. */
void rest_seen(struct pb_core *core, struct task *task, bool halted);

/* waits.c */
/* Whether a call that signals can interrupt would end before one could, as things are now; false if nothing tells. */
bool ends_at_once(int32_t tid, const struct notified_call *call);
/* Whether a call that waits goes past us until a child has ended: what only looks for one (WNOHANG) never does. `first`: its
   first argument. */
bool waits_unseen(const struct pb_core *core, uint64_t nr, uint64_t first);
/* Whether it waits by a pidfd, which is a stop always. */
bool waits_by_pidfd(uint64_t nr, uint64_t first);
/* images.c: whether the path in a task's memory leads, as it is spelled, to a program that its calls can be answered for. */
bool image_is_plain(struct pb_core *core, int32_t tid, uint64_t path);

/* gate/resolve.c: whether a path from where a task is leads to nothing, in any spelling. */
bool resolver_finds_nothing(struct pb_core *core, struct task *task, uint64_t path);

/* gate/rights.c: whether a call that may give a task other users or groups names those that it has. */
bool rights_stay(int32_t tid, uint64_t nr, const uint64_t args[6]);

/* unseen.c */
#define MAKES_UNSEEN UINT32_C(0x80000000)
/* Whether a call that makes, replaces or ends a task, or changes nothing, goes on without Python. */
bool unseen_answers(struct pb_core *core, struct task *task, const struct call_info *info);
/* A call that was answered so has failed: whether it is to be made once more, for Python to judge that. */
bool unseen_fails(struct pb_core *core, struct task *task, int64_t result);
/* The same for one that the notify channel gets: 0, or the errno that it ends with. */
int32_t unseen_notified(struct pb_core *core, struct task *task, const struct notified_call *call);
/* A task stands elsewhere than where a child is told: a call of the channel that makes one has failed or begins anew. */
void unseen_not_made(struct pb_core *core, struct task *task);
/* Such a call has made a child. */
void unseen_made(struct pb_core *core, struct task *task, struct task *child);
/* The task is gone, or Python's from now on. */
void unseen_is_no_more(struct pb_core *core, struct task *task);
/* Whether somebody that Python does not know can only be understood as long as this task is there. */
bool unseen_leaves(const struct task *task);

/* notify.c */
/* The number by which a child that has installed the notify filter hands over the listener: no call of the kernel. */
#define HAND_OVER_NR 0x7fffffff
/* release.c */
/* Closes an inotify instance, or -1: none. One that has watched takes long to go, which is not waited for. */
void release(int fd);
/* Whether a notification is still waiting to be answered. The number of its task may be another's as soon as that was killed, so
   this is asked once more before what was found under the number is used. */
bool is_asking_still(int listener, uint64_t id);
/* A descriptor of ours for what one of a task's stands for; or -errno. */
int open_descriptor_of(int32_t tid, int fd);
/* Serves the listener that is a stopped child's descriptor from now on; 0 or -errno. */
int listener_adopt(struct pb_core *core, int32_t tid, int fd);
/* Guests are on several CPUs from now on. */
void listeners_spread(struct pb_core *core);
void listeners_close(struct pb_core *core);

#include "debug/calls.h"
#include "gate/calls.h"
#include "trace/calls.h"

#define X86_SYSCALL_LENGTH 2

/* Results that only a tracer sees (linux/errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define LAST_RESTART 516 /* ERESTART_RESTARTBLOCK */
static inline bool is_restart(int64_t result)
{
    return result <= -ERESTARTSYS && result >= -LAST_RESTART;
}

#endif
