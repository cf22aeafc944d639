/* The contract of the C core: what Python may call and see. Read by the C compiler and, as cdef, by cffi. */

#define PB_NR_COUNT 512
#define PB_NR_UNKNOWN 511
/* No kernel has a call of this number; in a run that is recorded it is notified, so that one at least is. */
#define PB_NR_UNUSED 400
/* As little as that one, but a stop: a guest's code makes it when its ring is full. */
#define PB_NR_FULL 401
/* Of each address space: the argument page, see page.c. */
#define PB_PAGE_BYTES 67108864

/* Low byte of a disposition: what the core does with a call. Bits 16..27 hold an errno for PB_DO_ERRNO. */
#define PB_DO_UNKNOWN 0
#define PB_DO_NATIVE 1
#define PB_DO_CALL 2
#define PB_DO_ERRNO 3
/* The call could unmap, remap or cover the argument page; see pb_set_guards. */
#define PB_FLAG_GUARD 0x100

/* The call waits for children. */
#define PB_FLAG_REAP 0x200
/* A signal can end the call itself with -ERESTARTSYS (man 7 signal). */
#define PB_FLAG_INTERRUPTIBLE 0x400
/* The notify filter sends the call to the notify channel, not to a stop. With PB_DO_CALL, which is for close alone, the
   kernel runs the call, and Python is told afterwards if it watches the descriptor. */
#define PB_FLAG_NOTIFY 0x800
/* The call may give the task descriptors that it has not opened; see pb_take_receivers. */
#define PB_FLAG_RECEIVES 0x8000

/* The call may be refused for its arguments; see pb_set_rules. */
#define PB_FLAG_ARGUMENTS 0x1000

/* The filter lets the call through where the gate makes it; see pb_open_gate. */
#define PB_FLAG_GATE 0x2000
/* The call is Python's for its path alone: without one, of an open descriptor, the gate makes it as fstat. */
#define PB_FLAG_EMPTY_PATH 0x4000
/* The gate makes the call where its stub has decided that it may, see gate/decisions.c. Bits 29 and 30: the position of an
   open's flags, 0 if it has none. */
#define PB_FLAG_DECIDED 0x10000000
#define PB_OPEN_FLAGS_SHIFT 29
/* In the gate the filter lets the call through if its arguments are harmless: mmap, munmap and mprotect. */
#define PB_FLAG_PASSES 0x80000000
/* Where the instructions are by which the gate makes calls: those that it makes always, and those that it decides on. */
#define PB_GATE_CODE 0x7c000000
#define PB_GATE_CODE_SIZE 0x100000
#define PB_GATE_DECIDED 0x7c100000
#define PB_GATE_DECIDED_SIZE 0xc0000

#define PB_STOP_EMPTY 0
#define PB_STOP_INTERRUPT 1
#define PB_STOP_SYSCALL 2
#define PB_STOP_SYSCALL_EXIT 3
#define PB_STOP_FORK 4
#define PB_STOP_NEW 5
#define PB_STOP_EXEC 6
#define PB_STOP_SIGNAL 7
#define PB_STOP_GROUP 8
#define PB_STOP_DEAD 9
/* Text that was recorded is to be taken (pb_trace_take). */
#define PB_STOP_TRACE 10
#define PB_STOP_PARTING 11

/* Stages at which a spawn can fail. */
#define PB_SPAWN_OK 0
#define PB_SPAWN_FORK 1
#define PB_SPAWN_SEIZE 2
#define PB_SPAWN_CHDIR 3
#define PB_SPAWN_FILTER 4
#define PB_SPAWN_EXEC 5
#define PB_SPAWN_WALLS 6

struct pb_stop {
    int32_t kind;
    int32_t tid;
    /* PB_STOP_SYSCALL: the number as the kernel takes it. PB_STOP_INTERRUPT: the signal that woke the core. PB_STOP_EXEC: 1 if
       the call went on as that of an unseen task. */
    int32_t nr;
    /* PB_STOP_SIGNAL and _GROUP: the signal. */
    int32_t signal;
    /* PB_STOP_SIGNAL and _INTERRUPT: si_code. PB_STOP_SYSCALL: the errno that the call must get, 0 if it may run.
       PB_STOP_PARTING and _EXEC: 0, or 1 if a task is gone inside a call that makes an unseen one; args[0] has its flags.
       PB_STOP_DEAD: whether it was unseen, whose end is recorded where ends are. */
    int32_t code;
    /* PB_STOP_DEAD: the wait status. */
    int32_t status;
    /* PB_STOP_FORK: the child's tid; PB_STOP_NEW: the creator's, 0 if it died first; PB_STOP_EXEC: the tid before. */
    int32_t other;
    /* PB_STOP_FORK: which ptrace event. PB_STOP_INTERRUPT: sender's pid. */
    int32_t event;
    /* Of a call at its entry. PB_STOP_SIGNAL: the first 48 bytes of the siginfo, which hold all its members. */
    uint64_t args[6];
    uint64_t ip;
    uint64_t sp;
    /* PB_STOP_SYSCALL_EXIT: the result, -512..-516 when the kernel will restart the call. */
    int64_t result;
    /* Not 0: pb_take_change has something, which happened before this stop. */
    int64_t changed;
};

struct pb_limit {
    int32_t resource; /* RLIMIT_x */
    uint64_t most;
    uint64_t end; /* from where on it is not the call that fails, or the signal that may be caught */
};

/* What keeps a guest in; descriptors are -1 for what is not there. */
struct pb_walls {
    int32_t pid_namespace;
    int32_t mount_namespace;
    int32_t ruleset;     /* of Landlock */
    int32_t group;       /* directory of a cgroup */
    int32_t own_session; /* neither the session nor the terminal of ours */
    int32_t only_limits; /* nothing but the limits and the group: no wall */
    const struct pb_limit *limits;
    int32_t limit_count;
};

struct pb_spawn {
    char **argv;
    char **envp;
    char **paths;       /* candidate files, tried in order, NULL at the end */
    const char *cwd;    /* NULL: stay */
    const char *shell;  /* runs a file that execve calls ENOEXEC; NULL: do not */
    const int32_t *fds; /* descriptors that become 0, 1, 2 ... */
    int32_t fd_count;
    const int32_t *kept; /* descriptors above those that the program has too, under their numbers; close-on-exec here */
    int32_t kept_count;
    int32_t terminal; /* which of them, counted from 1, becomes the controlling terminal of a new session; 0: none */
    const uint8_t *filter; /* struct sock_filter array */
    int32_t filter_length; /* in instructions */
    const uint8_t *notify_filter; /* the same for the notify channel; NULL: every call is a stop */
    int32_t notify_length;
    uint64_t ignored_signals; /* bit signal-1: ignored in the program as they were in us */
    const struct pb_walls *walls; /* NULL: none */
};

struct pb_spawned {
    int32_t tid;
    int32_t stage;  /* PB_SPAWN_* */
    int32_t error;  /* errno of that stage */
    int32_t status_fd; /* tells a later failure: read it with pb_spawn_failure once the task is dead */
};

/* 1 if two descriptors share one open file description, 0 if not, -errno if the kernel does not tell (kcmp). */
int32_t pb_same_description(int32_t tid, int32_t fd, int32_t other_tid, int32_t other_fd);
/* 1 if two tasks have one address space, else 0. */
int32_t pb_shares_memory(int32_t tid, int32_t other_tid);

struct pb_core;
struct pb_page;
struct pb_names;

struct pb_core *pb_core_new(void);
void pb_core_free(struct pb_core *core);

/* dispositions: PB_NR_COUNT values. */
void pb_set_dispositions(struct pb_core *core, const uint32_t *dispositions);
/* guards: PB_NR_COUNT values, four bytes each: index + 1 of (address, length, address, length) arguments, 0 for none. */
void pb_set_guards(struct pb_core *core, const uint32_t *guards, int32_t mmap_nr);
/* A call of this number ends with error, or goes on with 0, if all conditions hold: that the argument of an index, less one,
   has a value in the bits of a mask; index 0 is no condition. The first rule of a number that applies decides. */
struct pb_rule {
    uint64_t nr;
    uint64_t error;
    struct {
        uint64_t argument;
        uint64_t mask;
        uint64_t value;
    } conditions[2];
};
#define PB_RULE_COUNT 64
/* 0, or -E2BIG. */
int32_t pb_set_rules(struct pb_core *core, const struct pb_rule *rules, int32_t count);
/* How often the rule of an index has refused a call. */
uint64_t pb_rule_refusals(struct pb_core *core, int32_t index);
/* Every signal stop is reported, not only hardware faults. */
void pb_set_report_signals(struct pb_core *core, int32_t report);
/* We and a guest thread may share a CPU while no other thread wants to run. */
void pb_set_pinning(struct pb_core *core, int32_t enabled);
/* The mask that a pinned task would have: its size in bytes, 0 if the task is not pinned. */
int32_t pb_hidden_affinity(struct pb_core *core, int32_t tid, uint8_t *mask, int32_t size);
/* The guest is about to choose the task's mask itself: it is not pinned any more. */
void pb_own_affinity(struct pb_core *core, int32_t tid);
/* The descriptors of a task that stand for regular files and directories, without those of `except`, which ascend: their
   number, at most `limit`, or -errno. */
int32_t pb_open_files(int32_t tid, const int32_t *except, int32_t except_count, int32_t *fds, int32_t limit);
/* PB_NR_COUNT counters of calls answered as PB_DO_x; index PB_NR_UNKNOWN counts unknown numbers. */
const uint64_t *pb_counters(struct pb_core *core, int32_t disposition);
int32_t pb_task_count(struct pb_core *core);
/* 1 if a task of this number is ours. */
int32_t pb_is_task(struct pb_core *core, int32_t tid);
/* How many calls the task has entered: tells whether one that it was in is over. */
uint32_t pb_calls_entered(struct pb_core *core, int32_t tid);
/* How many calls the threads of a process have made, those from the gate as far as its memory says so. */
uint64_t pb_calls(struct pb_core *core, const int32_t *tids, int32_t count);

/* From now on tasks that make no call for Python are unseen: their births, images and deaths are not told, nor are calls that
   make processes or end one. most_tasks: how many tasks there may be, 0 for any number. Such a task's first call for Python
   is a stop of a task that was never told, and pb_meet has to follow. PB_STOP_PARTING, which needs no answer, tells that a
   task with unseen children will be told dead: they are to be met before. */
void pb_leave_unseen(struct pb_core *core, int32_t most_tasks);
struct pb_birth {
    int32_t creator;
    int32_t has_image; /* it has run a program since it was made */
    uint64_t flags;    /* of clone(2) */
};
/* An unseen task is Python's from now on: 0, or -ESRCH if there is none of this number. */
int32_t pb_meet(struct pb_core *core, int32_t tid, struct pb_birth *out);
/* The unseen tasks that a task has made, 0: all; their number, at most `limit`. */
int32_t pb_unseen(struct pb_core *core, int32_t creator, int32_t *tids, int32_t limit);

/* 0 if this kernel has a notify channel that is faster than stops, else -errno. */
int32_t pb_can_notify(void);
/* 1 if the calls that PB_FLAG_NOTIFY marks arrive by the notify channel. */
int32_t pb_is_notifying(struct pb_core *core);

/* Call sites from which the notify channel gets many calls that PB_FLAG_GATE marks are made to enter the gate: code of ours
   in the guest, where the filter lets those calls through. patience: how many calls that takes of a process that has no gate
   yet. 0 or -errno. */
int32_t pb_open_gate(struct pb_core *core, int32_t patience);
/* Where it makes those by which it asks what a name means; they come to the notify channel. */
#define PB_GATE_RESOLVING 0x7c1df000
#define PB_GATE_RESOLVING_SIZE 16

/* Which sites enter the gate by code that they share, which keeps registers in a block of each thread: none, those of calls
   on names, or all. None on a machine that has no instruction for it. */
#define PB_GATE_ENTERED_BY_NONE 0
#define PB_GATE_ENTERED_BY_NAMES 1
#define PB_GATE_ENTERED_BY_ALL 2
void pb_enter_gate(struct pb_core *core, int32_t by);
/* What the channel says to a call that asks what its names mean: of each number PB_RESOLVES and how its path is meant, 0 for
   those that Python is asked. */
#define PB_RESOLVES 1
#define PB_RESOLVES_ENTRY 2      /* a link is meant even before a slash */
#define PB_RESOLVES_FOLLOWING 4  /* a link counts as what it leads to, unless flags say otherwise */
#define PB_RESOLVES_AT_DIRECTORY 8 /* the argument before each path is a directory's descriptor */
#define PB_RESOLVES_MAKING 0x80  /* the name is made, whatever flags say; of two paths the second one's is */
#define PB_RESOLVES_PATH_SHIFT 4 /* 3 bits: the position of the path */
#define PB_RESOLVES_FLAGS_SHIFT 8 /* 3 bits: the position of flags, 0 if there are none, and 18 bits: the one that turns round */
#define PB_RESOLVES_BIT_SHIFT 11
#define PB_RESOLVES_BIT_MASK 0x3ffff
#define PB_RESOLVES_SECOND_SHIFT 29 /* 3 bits: the position of a second path, 0 if there is none */
/* Names mean what the index says, on all volumes, and every guest has our root; NULL: that is so no longer. To be called
   before the first guest gets a gate. */
void pb_set_resolver(struct pb_core *core, struct pb_names *names, const uint32_t *rows);
/* How often a call asked what its name means. */
uint64_t pb_resolutions(struct pb_core *core);
/* A task is about to make a name in an open directory of ours, by a call that Python sees to its end: no guest makes another
   spelling of it, or any if nobody knows which one the call will make (is_any), until it is released, and those that were
   about to have done so, or begin anew. 0, or -1 if there can be none. */
int32_t pb_reserve(struct pb_core *core, int32_t tid, int32_t directory, const char *name, uint64_t length, int32_t is_any);
void pb_release(struct pb_core *core, int32_t tid);
/* A guest is about to make an inotify instance: if the user has none left, those of the core are let go. */
void pb_spare_instance(struct pb_core *core);
/* Guests may have other credentials than before. */
void pb_forget_credentials(struct pb_core *core);
/* Where the plans of images are kept (picobox.platform.site_cache), a descriptor that is ours from now on; without it, and in
   images that have none, only the two most usual forms of sites enter the gate. */
void pb_set_plans(struct pb_core *core, int32_t directory);
/* Images with a plan are mapped as copies, in which sites enter the gate. 0, or -errno: we may have no file system for them. */
int32_t pb_open_copies(struct pb_core *core);
/* The inode of the image for which a file of those is mapped; 0: it is none of them. */
uint64_t pb_original(struct pb_core *core, uint64_t device, uint64_t inode);
/* A descriptor, which is the caller's, of an image that had no plan when a site of it was hot; -1 if there is no other. */
int32_t pb_take_unplanned(struct pb_core *core);
/* How often each call was made in the gate, by what the guests say: PB_NR_COUNT numbers. */
void pb_gate_counters(struct pb_core *core, uint64_t *counts);

/* The task has the descriptor table of this number, of which Python watches some descriptors; 0: a table without any. */
int32_t pb_set_table(struct pb_core *core, int32_t tid, uint32_t table);
/* The next close of a descriptor in this table is told. */
int32_t pb_watch(struct pb_core *core, uint32_t table, int32_t fd);
/* What becomes of a descriptor in this table is not told; -1: of none, since the table is gone. */
void pb_unwatch(struct pb_core *core, uint32_t table, int32_t fd);
/* What happened first to a watched descriptor and its table: it is closed, or about to be, if the source is -1, else it is a
   copy of the source, and watched. -1 if there is no more. */
int32_t pb_take_change(struct pb_core *core, uint32_t *table, int32_t *source);
/* The descriptor that the task's last call closes, if it came by the notify channel; else -1. */
int32_t pb_closing(struct pb_core *core, int32_t tid);

/* A call that Python need not see any more: of a task whose descriptor table has this number (pb_set_table), with those of
   these arguments whose bit is in `mask`, and with `length` bytes of path at argument `path_index`. That is -1 for a call
   on the descriptor that is its first argument, which goes unseen as long as that is not watched. */
struct pb_repeat {
    uint32_t table;
    uint32_t nr;
    uint32_t mask;
    int32_t path_index;
    uint64_t args[6];
    uint64_t length;
};
/* 0, -ENOMEM, or -EINVAL if the path is too long. The kernel runs the call as if it were PB_DO_NATIVE; with a path it may
   have given the task a descriptor (pb_take_receivers). */
int32_t pb_add_repeat(struct pb_core *core, const struct pb_repeat *call, const char *path);
void pb_forget_repeats(struct pb_core *core);
/* Calls that are PB_DO_CALL only to be looked at, and need not be when they tell nothing. Each list is of strings that end
   with a zero, one after another; it replaces the one before, and an empty one has every call shown. 0, -ENOMEM, -EINVAL. */
/* stat(2) and its like of other files than have these paths, without links, by whatever path. `inodes`: the numbers that the
   files have, by which a descriptor tells in the gate that it may be of one of them. */
int32_t pb_leave_looks(struct pb_core *core, const char *paths, uint64_t length, const uint64_t *inodes, uint64_t count);
/* Opens by an absolute path without links that lies in none of these directories, and that make nothing; nor are opens of
   files as directories shown then. */
int32_t pb_leave_opens(struct pb_core *core, const char *directories, uint64_t length);
/* Mappings of no file, and of files in none of these directories; signals that get no handler; copies of descriptors, which pb_take_change tells of where they are of watched ones, and fcntl(2)
   about flags. Where the gate may make copies, they are shown if `leaves` is 0 (before the first call: if they are watched). */
void pb_leave_anonymous(struct pb_core *core, int32_t leaves);
void pb_leave_handlers(struct pb_core *core, int32_t leaves);
void pb_leave_copies(struct pb_core *core, int32_t leaves);
/* The tasks that have made such a call, or are in one, since this was asked last: their number, at most `limit`. -1: any
   task may have, since there are more, or one of them is gone whose descriptors others may have. */
int32_t pb_take_receivers(struct pb_core *core, int32_t *tids, int32_t limit);
/* The call that a task has entered is such a call. 0, -ESRCH. */
int32_t pb_expect(struct pb_core *core, int32_t tid);

void pb_spawn(struct pb_core *core, const struct pb_spawn *request, struct pb_spawned *out);
/* From now on another process makes what pb_spawn starts, also once we may not; its filters and walls are those
   of `kind`, which needs a namespace of processes. To be called once, with one thread and 0, 1, 2 open. 0 or -errno. */
int32_t pb_spawner_open(struct pb_core *core, const struct pb_spawn *kind);
/* Guests' roots are not ours: their paths mean something else to us. */
void pb_roots_differ(struct pb_core *core);
/* 0 if the program started, else the stage, with *error the errno. Closes the descriptor. */
int32_t pb_spawn_failure(int32_t status_fd, int32_t *error);

/* Waits until a task stops in a way that Python has to answer. */
void pb_next(struct pb_core *core, struct pb_stop *out);
/* The following return 0, or -errno; -ESRCH means that the task was killed meanwhile and its death will be reported. */
int32_t pb_resume(struct pb_core *core, int32_t tid, int32_t signal, int32_t want_exit);
/* Ends the call at its entry with a result, without the kernel. */
int32_t pb_answer(struct pb_core *core, int32_t tid, int64_t result);
/* The call at whose entry the task stands makes a task: its child may be seen before its own event. */
int32_t pb_set_creating(struct pb_core *core, int32_t tid);
/* Changes an argument of the call at its entry; it is put back at the call's exit, in the task and in a child it made. */
int32_t pb_rewrite(struct pb_core *core, int32_t tid, int32_t index, uint64_t value);
/* At a call's exit. */
int32_t pb_set_result(struct pb_core *core, int32_t tid, int64_t result);
int32_t pb_get_registers(struct pb_core *core, int32_t tid, uint64_t *registers);
int32_t pb_set_registers(struct pb_core *core, int32_t tid, const uint64_t *registers);
/* Tasks that were killed because they stood where they cannot be served: how many, the first one and its wait status. */
struct pb_kills {
    uint64_t count;
    int32_t tid;
    int32_t status;
};
struct pb_kills pb_kills(struct pb_core *core);
/* SIGKILL to every task. */
void pb_kill_all(struct pb_core *core);

/* Bytes moved (short at the first unmapped page), or -errno; -EPERM: the kernel keeps the guest's memory from us. */
int64_t pb_read(struct pb_core *core, int32_t tid, uint64_t address, void *buffer, uint64_t size);
int64_t pb_write(struct pb_core *core, int32_t tid, uint64_t address, const void *buffer, uint64_t size);
/* Reads blocks of the same size, one after another into the buffer; of a block that cannot be read whole, zeros. */
void pb_read_blocks(struct pb_core *core, int32_t tid, const uint64_t *addresses, uint64_t count, uint64_t size,
                    void *buffer);
/* A list of frames in a guest, innermost first: where in a frame are the frame of its caller, its target, the next
   instruction and one byte that tells its owner, and which fields, of 4 bytes with a sign or of 8, of the target are
   wanted. Frames whose owner is `first_shim` or more are passed over, three for each that is wanted. */
enum { PB_FRAME_FIELDS = 8 };
struct pb_frames {
    uint32_t caller, target, instruction, owner;
    int64_t mask; /* of the bits that are the target's address */
    int32_t first_shim;
    uint32_t target_size, field_count;
    uint32_t fields[8], widths[8];
};
/* For each of at most `limit` frames a row: target, instruction, owner, the target's fields. What cannot be read is
   zero. Gives the number of rows, or -EINVAL for a form or limit that is beyond what is read at once. */
int32_t pb_read_frames(struct pb_core *core, int32_t tid, const struct pb_frames *form, uint64_t innermost,
                       uint32_t limit, int64_t *rows);
/* Length of the NUL-terminated string copied (without NUL), -EFAULT, -EPERM as above, or -ENAMETOOLONG if none ends within limit. */
int64_t pb_read_string(struct pb_core *core, int32_t tid, uint64_t address, char *buffer, uint64_t limit);

/* Maps an argument page into the address space of a task that stands at a call's entry, through calls made by the task
   itself; the call then starts anew at the next pb_resume. NULL with *error an errno on failure. */
struct pb_page *pb_page_new(struct pb_core *core, int32_t tid, int32_t *error);
void pb_page_free(struct pb_page *page);
/* The guest's address of a slot, 0 if every slot is taken. */
uint64_t pb_page_acquire(struct pb_page *page, int32_t tid);
void pb_page_release(struct pb_page *page, int32_t tid);
/* Copies into the slot of an address that pb_page_acquire gave. */
int32_t pb_page_write(struct pb_page *page, uint64_t address, const void *data, uint64_t size);

/* Orphans among the guests become children of this process, 0 or -errno. */
int32_t pb_adopt_orphans(void);

/* Version of Landlock that the kernel speaks, or -errno: -ENOSYS not built in, -EOPNOTSUPP not enabled at boot. */
int32_t pb_landlock_abi(void);
/* Whether a child of this process may unshare these CLONE_NEW* namespaces, one set after the other: 0 or -errno. */
int32_t pb_try_unshare(uint32_t first, uint32_t then);

/* This process, which has one thread, and its children get a mount namespace of their own, in a user namespace where it has
   to be. 0 or -errno. */
int32_t pb_own_mounts(void);
/* mount(2), and umount2(2) with MNT_DETACH: 0 or -errno. */
int32_t pb_mount(const char *source, const char *target, const char *kind, uint64_t flags, const char *data);
int32_t pb_unmount(const char *target);
/* Once all is mounted: a user other than root has no more capabilities than before pb_own_mounts, as his guests have none
   after an exec; else they could not see into this process. 0 or -errno. */
int32_t pb_return_capabilities(void);

/* This process, which has one thread, enters new namespaces of these kinds, CLONE_NEW* in one word; in a new user namespace it
   has all capabilities and its own ids. Mounts are private to a new mount namespace. 0 or -errno. */
int32_t pb_enter_namespaces(uint64_t kinds);
/* The loopback interface of this network namespace works from now on. 0 or -errno. */
int32_t pb_loopback_up(void);
/* Capabilities count for nothing until a child of ours raises them to make guests. 0 or -errno. */
int32_t pb_lower_capabilities(void);
/* They count again, for what is to be done when no guest is left. 0 or -errno. */
int32_t pb_raise_capabilities(void);

/* Makes a system call with six arguments, addresses being ours. Its result, or -errno. */
int64_t pb_call(int64_t nr, const uint64_t *args);
/* A descriptor of ours for what one of a task's stands for, or -errno. */
int32_t pb_take_descriptor(int32_t tid, int32_t fd);

/* A new set of Landlock's rules, a descriptor: what of files and of the network it denies unless a rule gives it, and what
   is kept to those who are held to it. -errno where the kernel does not know that much. */
int32_t pb_landlock_new(uint64_t files, uint64_t network, uint64_t scoped);
/* Gives rights to an open file, or to a directory and all below it. 0 or -errno. */
int32_t pb_landlock_allow(int32_t ruleset, int32_t fd, uint64_t rights);

/* What a file of an instance is to the host. */
struct pb_looked {
    char status[144];   /* struct stat */
    int64_t mount;      /* the number of its mount; -1: not told */
    int32_t kept_size;  /* of an extended attribute, or -errno */
    char kept[256];
};
/* Fills it for an open file. 0 or -errno. */
int32_t pb_look(int32_t fd, const char *attribute, struct pb_looked *looked);
/* The same for what a path leads to from another one of ours, with openat2's flags and restrictions: a descriptor of
   the path alone, or -errno. */
int32_t pb_look_at(const char *start, const char *path, uint64_t flags, uint64_t resolve, const char *attribute,
                   struct pb_looked *looked);

/* The following give a descriptor or 0, or -errno. pb_open_below opens what a path without links leads to from a root. */
int32_t pb_open_below(int32_t root, const char *path);
/* Copies what is mounted at and below an open path into a tree that is mounted nowhere yet. */
int32_t pb_tree_clone(int32_t fd);
/* Sets MOUNT_ATTR_x. */
int32_t pb_tree_change(int32_t tree, uint64_t set, int32_t recursive);
/* A new file system of a kind, mounted nowhere yet. options: words or name=value, with commas between. */
int32_t pb_tree_new(const char *kind, const char *options, uint64_t attributes);
/* Which of some absolute paths below a root have something, links included: strings one after the other, best sorted.
   What cannot be told counts as something. */
void pb_points_find(int32_t root, const char *paths, int32_t count, uint8_t *found);
/* Copies what is mounted at and below a path, with MOUNT_ATTR_x set. -ENOENT: nothing is there that may be reached. */
int32_t pb_point_copy(int32_t root, const char *path, uint64_t attributes);
/* Mounts a tree at a path, which is made if that is in a file system of ours. 1; 0 if there is no place for it; -errno. */
int32_t pb_point_mount(int32_t root, const char *path, int32_t tree);
/* Mounts an empty directory, or a file that nobody may open, over what is at a path, if something is. `store`: an open
   directory of a file system of ours, which keeps them. */
int32_t pb_point_hide(int32_t root, const char *path, int32_t store, uint64_t attributes);
/* Makes a symbolic link at a path where that is in a file system of ours and nothing is there. */
void pb_point_link(int32_t root, const char *path, const char *target);
/* A mounted tree becomes the root of this process, and all other mounts of its namespace are gone. */
int32_t pb_tree_enter(int32_t root);

struct pb_init {
    int32_t tid; /* the host's */
    int32_t pid_namespace, mount_namespace; /* descriptors, as the next two */
    int32_t proc; /* the directory /proc of its namespaces */
    int32_t life; /* when its last copy is closed, the init ends */
    int32_t ready; /* where it says that it has mounted what it has to; -1 once that is known */
};

/* Starts process 1 of a new process namespace. Its mounts are a copy of ours, with a /proc of its own and without those at
   the `paths`: strings one after the other, an empty one at the end; or, if `root` is not -1, what is mounted there and below
   alone, with a directory /proc at which something is mounted. 0 or -errno, with nothing left. It makes them while
   we do something else; until the next pb_spawn, children have none of what is our heap now. */
int32_t pb_init_start(const char *paths, int32_t size, int32_t root, struct pb_init *out);
/* Waits until they are made, and opens what `init` holds descriptors of. 0 or -errno, with nothing left. */
int32_t pb_init_await(struct pb_init *init);
/* Kills it, and so all in its namespace, and closes the descriptors. */
void pb_init_end(struct pb_init *init);
/* When a file was made, in nanoseconds since 1970; a link itself. The empty name is the directory. 0 or -errno: -EOPNOTSUPP if
   its file system does not tell. */
int32_t pb_birth_time(int32_t directory, const char *name, int64_t *nanoseconds);
/* The handle of a file, a link itself (name_to_handle_at(2)): its type and its bytes, at most 129. Their number, or -errno. */
int32_t pb_file_handle(int32_t directory, const char *name, uint8_t *out);
/* What a descriptor of a task stands for, as far as the kernel knows it without asking who serves the file. */
struct pb_held {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    uint32_t mode;
    uint32_t links;
};
/* 0 or -errno. */
int32_t pb_held_status(int32_t tid, int32_t fd, struct pb_held *held);
/* Guests may mount file systems that they serve, from now on. 0 or -errno. */
int32_t pb_watch_mounts(struct pb_core *core);
/* renameat2(2) with RENAME_NOREPLACE: 0 or -errno. */
int32_t pb_rename_new(int32_t directory, const char *name, int32_t to_directory, const char *to_name);

/* A process that makes calls on paths for guests, behind their walls. */
struct pb_broker {
    int32_t tid;
    int32_t pidfd, socket;
    int32_t seconds; /* after so many it is no longer waited for */
};

/* What it can be asked for: of an open descriptor, or of what a path leads to from one, or from the root. */
#define PB_BROKER_OPEN 0     /* nothing more */
#define PB_BROKER_STAT 1
#define PB_BROKER_STATX 2    /* words: flags, mask */
#define PB_BROKER_STATFS 3
#define PB_BROKER_READLINK 4
#define PB_BROKER_ACCESS 5   /* words: mode */
#define PB_BROKER_CHMOD 6    /* words: mode */
#define PB_BROKER_CHOWN 7    /* words: user, group */
#define PB_BROKER_UTIMES 8   /* data: two struct timespec, or none: now */
#define PB_BROKER_SETXATTR 9 /* name, data; words: flags */
#define PB_BROKER_REMOVEXATTR 10
#define PB_BROKER_GETXATTR 11
#define PB_BROKER_LISTXATTR 12
#define PB_BROKER_WATCH 13   /* the second descriptor is an inotify instance; words: mask */
#define PB_BROKER_CONNECT 14 /* the second descriptor is a local socket */

/* The most bytes of each part of a request, a NUL at the end of the first two included. */
#define PB_BROKER_PATH 4096
#define PB_BROKER_NAME 256
#define PB_BROKER_DATA 65536

struct pb_request {
    int32_t operation;
    int32_t follows; /* a link in the path's last component counts as what it leads to */
    uint32_t path_size, name_size, data_size; /* 0: there is none */
    uint32_t room; /* bytes that may come back, 0: how many there are is asked for */
    int32_t cpu;   /* filled in when it is sent */
    int64_t words[2];
};

struct pb_reply {
    int32_t size;
    int32_t opened; /* a descriptor for what the path led to, or -1 */
    int64_t result; /* or -errno */
    char data[65536];
};

/* Starts one, held by a ruleset of Landlock. 0 or -errno, with nothing left. */
int32_t pb_broker_start(int32_t ruleset, int32_t seconds, struct pb_broker *out);
/* Has a call made: 0, or -EPIPE: the broker has ended; -ETIMEDOUT: it was waited for long enough, and can be asked for nothing
   more. */
int32_t pb_broker_ask(const struct pb_broker *broker, struct pb_request *request, const char *path,
                      const char *name, const void *data, const int32_t *fds, int32_t count, struct pb_reply *out);
void pb_broker_end(struct pb_broker *broker);

/* This process, all its threads, may not be looked into any more, and its calls pass a filter (struct sock_filter array of
   this many instructions). 0 or -errno. */
int32_t pb_harden(const uint8_t *filter, int32_t length);

/* Signals that wake pb_next instead of acting on this process. Returns the set that was ignored before. */
uint64_t pb_doorbell_open(const int32_t *signals, int32_t count);
void pb_doorbell_close(void);

/* A socket of the caller's alone (unix(7), SOCK_SEQPACKET) with a name in a directory, and what has come to it; SIGIO, of
   which there must be a doorbell, tells of either. A descriptor, or -errno. */
int32_t pb_door_open(int32_t directory, const char *name);
int32_t pb_door_accept(int32_t door);
/* Has SIGIO tell of what comes to a descriptor, which does not block from now on. The descriptor, or -errno and it is
   closed. */
int32_t pb_door_ring(int32_t fd);

/* The folded directory index: which stored spelling a name means where case does not matter. */
#define PB_NAMES_ABSENT 0
#define PB_NAMES_EXACT 1
#define PB_NAMES_FOLDED 2    /* in one other spelling */
#define PB_NAMES_AMBIGUOUS 3 /* in several other spellings */
/* What a kept directory counts for in addition to its names. */
#define PB_NAMES_DIRECTORY_WEIGHT 64

struct pb_names_statistics {
    uint64_t directories; /* kept */
    uint64_t watches;     /* of these, that inotify watches */
    uint64_t names;       /* kept */
    uint64_t bytes;       /* that all this takes */
    uint64_t listings;    /* how often a directory was read */
    uint64_t events;      /* how many changes inotify told */
};

/* NTFS's upcase table: a UTF-16 unit or a code point. */
uint32_t pb_upcase(uint32_t unit);
/* limit: how many names are kept, of the directories used last. NULL: no memory. */
struct pb_names *pb_names_new(uint64_t limit);
void pb_names_free(struct pb_names *names);
/* Finds a component, NUL-terminated and of this length, in an open directory: PB_NAMES_x or -errno. An exact spelling wins;
   what is no UTF-8 is found only exactly, and so is everything in a directory that may not be listed. */
int32_t pb_names_look_up(struct pb_names *names, int32_t fd, const char *name, uint64_t length);
/* After PB_NAMES_FOLDED and _AMBIGUOUS, until the next call: the stored spelling, of several the least. */
const char *pb_names_spelling(const struct pb_names *names);
/* An operation that we know of changed the directory's names. 0 or -errno. */
int32_t pb_names_told_changed(struct pb_names *names, int32_t fd);
/* The directory is read anew at the next look-up. 0 or -errno. */
int32_t pb_names_forget(struct pb_names *names, int32_t fd);
/* A guest is about to see who opens or reads a directory, and those in it: they are listed now and not again. 0 or -errno. */
int32_t pb_names_expect_observer(struct pb_names *names, int32_t fd);
/* A guest is about to make an inotify instance: if the user has none left, ours is let go. */
void pb_names_spare_instance(struct pb_names *names);
void pb_names_statistics(const struct pb_names *names, struct pb_names_statistics *out);
