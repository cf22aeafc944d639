/* The contract of the C core, second part: what is recorded of calls. Read as core.h is. */

/* What is recorded of calls, without Python: text in the form of picobox.trace, made after a description of the table. */

/* How an argument is shown: the class of picobox.abi.types whose renderer it has. */
enum pb_trace_kind {
    PB_KIND_UNKNOWN,
    PB_KIND_ARGUMENT,
    PB_KIND_HEXADECIMAL,
    PB_KIND_DIRFD,
    PB_KIND_USERID,
    PB_KIND_MODE,
    PB_KIND_DEVICE,
    PB_KIND_SIGNAL,
    PB_KIND_FLAGS,
    PB_KIND_CHOICE,
    PB_KIND_OPENFLAGS,
    PB_KIND_MAPFLAGS,
    PB_KIND_CLONEFLAGS,
    PB_KIND_SOCKETTYPE,
    PB_KIND_FUTEXOPERATION,
    PB_KIND_FCNTLARGUMENT,
    PB_KIND_USERPOINTER, /* the following are addresses */
    PB_KIND_USERSTRING,
    PB_KIND_USERPATH,
    PB_KIND_STRINGVECTOR,
    PB_KIND_ENVIRONMENT,
    PB_KIND_INBYTES,
    PB_KIND_OUTBYTES,
    PB_KIND_OUTSTRING,
    PB_KIND_INVECTOR,
    PB_KIND_OUTVECTOR,
    PB_KIND_TIMESPEC,
    PB_KIND_TIMESPECPAIR,
    PB_KIND_OUTTIMESPEC,
    PB_KIND_TIMEVAL,
    PB_KIND_OUTTIMEVAL,
    PB_KIND_OUTFDPAIR,
    PB_KIND_OUTINT,
    PB_KIND_WAITSTATUS,
    PB_KIND_SIGNALSET,
    PB_KIND_OUTSIGNALSET,
    PB_KIND_SOCKETADDRESS,
    PB_KIND_OUTSOCKETADDRESS,
    PB_KIND_POLLFDS,
};

/* The vocabularies that kinds know by themselves; those that arguments name come behind them. */
enum pb_trace_words {
    PB_WORDS_O,
    PB_WORDS_MAP,
    PB_WORDS_CLONE,
    PB_WORDS_SOCK,
    PB_WORDS_SOCK_TYPE,
    PB_WORDS_FUTEX,
    PB_WORDS_FD,
    PB_WORDS_AF,
    PB_WORDS_POLL,
    PB_WORDS_SIGNAL,
    PB_WORDS_IOCTL,
};

/* Numbers of strings are their places among the table's `strings`; -1 is none. */
struct pb_trace_argument {
    int32_t kind;
    int32_t name;
    int32_t vocabulary;
    int32_t sibling;  /* the index of the argument that counts it, or says what it means; -1 for none */
    int32_t decides;  /* the sibling says whether the kernel looks at it */
    int32_t is_string; /* its value is the string, where whole values are shown */
    int32_t is_output; /* to be shown again when the call is over */
    int32_t unused;
    uint64_t mask;
    uint64_t sign;
};

#define PB_RETURNS_DECIMAL 0
#define PB_RETURNS_HEXADECIMAL 1
#define PB_RETURNS_OCTAL 2

/* What the executive does of a call that a guest makes unseen, as the kernel's result tells. */
#define PB_PERFORMS_NOTHING 0
#define PB_PERFORMS_OPEN 1  /* NtCreateFile of what lies on a volume and has a name */
#define PB_PERFORMS_CLOSE 2 /* NtClose of a descriptor that is one of those that have handles */
#define PB_PERFORMS_COPY 3  /* NtDuplicateObject */
#define PB_PERFORMS_REPLACE 4 /* and before it NtClose of what has the number */
#define PB_PERFORMS_CONTROL 5 /* fcntl: as a copy if it makes one */
#define PB_MOST_DESCRIPTORS 1048576

struct pb_trace_row {
    int32_t name; /* -1: the table has no row of this number */
    int32_t service;
    int32_t disposition;
    int32_t returns;
    int32_t first; /* of its arguments */
    int32_t count;
    int32_t performs;
};

/* A volume: the directory that it begins at, and how the names of what is below it begin. */
struct pb_trace_volume {
    const char *path;
    const char *prefix; /* in the form of the trace */
    uint8_t plain[256]; /* whether a byte of a component is itself in the name, and in the form */
};

/* A rule of a policy about files: whether what is at or below the path is hidden. */
struct pb_trace_rule {
    const char *path;
    int32_t hides;
    int32_t unused;
};

struct pb_trace_word {
    uint64_t value;
    int32_t name;
    int32_t unused;
};

struct pb_trace_vocabulary {
    int32_t name;
    int32_t first; /* of its words */
    int32_t count;
};

#define PB_TRACE_ERRORS 520
struct pb_trace_error {
    int32_t result; /* what stands behind the = sign */
    int32_t name;   /* as JSON; -1 for a restart, which is no error */
    int32_t status; /* in the form of the trace */
};

/* How calls end of which lines are made. */
enum pb_trace_results {
    PB_RESULTS_ANY,
    PB_RESULTS_SUCCESSFUL,
    PB_RESULTS_FAILED, /* or begin anew; who did not return has done neither */
};

/* What is counted of the calls of one number: elapsed ns from their beginning to their end, as far as they have ended. */
struct pb_trace_count {
    uint64_t calls, errors;
    int64_t elapsed;
};

/* Everything stays where it is as long as the core has it. */
struct pb_trace_table {
    const struct pb_trace_row *rows; /* PB_NR_COUNT */
    const struct pb_trace_argument *arguments;
    const struct pb_trace_vocabulary *vocabularies;
    const struct pb_trace_word *words;
    const struct pb_trace_error *errors; /* PB_TRACE_ERRORS, by errno; the first is success */
    const char *strings;
    int32_t other_status; /* of an errno that is not among them */
    int32_t as_json;
    int32_t to_file; /* the prefix that strace writes with -o */
    const char *channel;
    const char *gate_channel;
    const struct pb_trace_volume *volumes; /* the deepest first, with one for all; none: opens are not NT's */
    int32_t volume_count;
    int32_t rule_count;
    const struct pb_trace_rule *rules;
    const uint8_t *judged; /* by number: an error may be a rule's refusal, which Python tells. NULL: no rule refuses */
    int32_t results;       /* enum pb_trace_results: of which calls lines are made */
    int32_t status_count;
    struct pb_trace_count *counts; /* by number: calls are counted there, and no lines are made. NULL: lines are made */
    const char *const *statuses; /* those with one of these, in the form of the trace; NULL: with any */
    const char *pseudo;    /* the file systems that are no volumes, a line each, with one end before the first, too */
};

/* What Python knows of a call that it decided; strings are in the form of the trace, NULL for none. */
struct pb_trace_verdict {
    int32_t performed;
    const char *name;
    const char *status; /* NULL: what the result stands for */
    const char *refusal;
    int32_t answered; /* the kernel does not run it */
};

/* Calls of these numbers, PB_NR_COUNT times 0 or 1, are recorded without Python. 0 or -ENOMEM. */
int32_t pb_trace_open(struct pb_core *core, const struct pb_trace_table *table, const uint8_t *recorded);
/* Guests record what they can in the gate; before the first one starts. -ENOMEM, -EOPNOTSUPP if their times would be none. */
int32_t pb_trace_in_guests(struct pb_core *core);
/* Of calls that the core answers for tasks that Python does not know: those of these numbers are recorded, as are these tasks'
   ends; of the ones of `judged`, Python is to see those that would fail. Signals about children are recorded of all tasks, and
   so are those of `plain`, about which Python has nothing else to say. PB_NR_COUNT times 0 or 1. */
void pb_trace_unseen(struct pb_core *core, const uint8_t *recorded, const uint8_t *judged, const uint8_t *plain);
/* Guests know tasks by other numbers than we (proc(5), NSpid). */
void pb_trace_others(struct pb_core *core);
/* The call at whose entry the task stands, as it came; Python will tell how it ends. verdict: what is known already. */
void pb_trace_begin(struct pb_core *core, int32_t tid, int32_t number, const struct pb_trace_verdict *verdict);
/* ended: 0 if it has no result. */
void pb_trace_end(struct pb_core *core, int32_t tid, int32_t ended, int64_t result, const struct pb_trace_verdict *verdict);
/* Adds whole lines. */
void pb_trace_add(struct pb_core *core, const char *text, uint64_t length);
/* How much text there may be before PB_STOP_TRACE asks for it to be taken; with a limit it asks from time to time as well.
   For the thread that calls pb_next. */
void pb_trace_set_limit(struct pb_core *core, uint64_t limit);
/* Text is written to this descriptor without asking for anything, as long as that is a regular file, nothing fails and no name
   in it is Python's to write. For the time that the core lives. */
void pb_trace_write_to(struct pb_core *core, int32_t fd);
/* What has been recorded and is not written, until the next call with this core; its length. All before is written then. After
   a failure there may be more. */
uint64_t pb_trace_take(struct pb_core *core, const char **text);

/* A call as a guest records it, and whoever compares: what was read of memory at its entry and at its exit follows. */
struct pb_trace_record {
    uint32_t size;  /* in all, a multiple of 8 */
    uint16_t nr;
    uint16_t ended; /* else there is neither a result nor an end */
    uint64_t args[6];
    uint64_t begin, end;
    int64_t result;
};
#define PB_AT_ENTRY 0
#define PB_AT_EXIT 1
/* What an open has opened: a struct stat and its path; of a name that is not there the path alone is something. */
#define PB_OF_OBJECT 2
/* `size` bytes follow, and then what makes them a multiple of 8. */
struct pb_trace_piece {
    uint64_t address;
    uint32_t size;
    uint32_t when;
};
/* A name that is not plain stands in the text as the bytes of its path, two digits each, between two of these. */
#define PB_TRACE_PATH 255
/* The line of a record whose times are ns, of a task of this number; needs no core. The length of the text, of which as much
   is copied as there is room for; 0 if it is no record. */
uint64_t pb_trace_show(const struct pb_trace_table *table, int32_t number, const uint8_t *record, uint64_t size,
                       const struct pb_trace_verdict *verdict, char *out, uint64_t room);
/* The same of a task's end by this wait status, and of a signal about a child (0 if it is about something else), of which
   `words` are the first six of its siginfo_t; at a time in ns. */
uint64_t pb_trace_show_end(const struct pb_trace_table *table, int32_t number, int64_t time, int32_t status, char *out,
                           uint64_t room);
uint64_t pb_trace_show_child(const struct pb_trace_table *table, int32_t number, int64_t time, const uint64_t *words, char *out,
                             uint64_t room);
