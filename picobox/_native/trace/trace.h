/* What the files of the trace share: text that grows, a guest's memory as it is read, and lines made of calls. */
#ifndef PICOBOX_TRACE_H
#define PICOBOX_TRACE_H

#include <string.h>
#include <sys/stat.h>

#include "../native.h"

/* Limits of what is shown (picobox.abi.view), and of a path (limits.h). */
#define STRING_LIMIT 32
#define ELEMENT_LIMIT 32
#define LONGEST_PATH 4096

/* text.c: memory that there is no more of ends us, and by that the guests. */
struct text {
    char *data;
    size_t length, size;
};
/* Makes room for so much more. */
void text_grow(struct text *text, size_t length);

/* Where what is added is to be written. A line has a hundred such pieces, so all this is done in place. */
static inline char *text_room(struct text *text, size_t length)
{
    if (text->size - text->length < length)
        text_grow(text, length);
    char *at = text->data + text->length;
    text->length += length;
    return at;
}

static inline void text_add(struct text *text, const void *bytes, size_t length)
{
    if (length)
        memcpy(text_room(text, length), bytes, length);
}

static inline void text_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

static inline void text_char(struct text *text, char character)
{
    *text_room(text, 1) = character;
}

void text_repeat(struct text *text, char character, size_t count);
void text_signed(struct text *text, int64_t value);
void text_unsigned(struct text *text, uint64_t value);
/* With 0x, and a sign if it is negative. */
void text_hex(struct text *text, uint64_t value);
void text_signed_hex(struct text *text, int64_t value);
/* As permission bits: a leading zero, at least three digits. */
void text_octal(struct text *text, uint64_t value);
void text_padded(struct text *text, uint64_t value, int digits);
/* Bytes as a C string literal, of which no more than `limit` are shown. */
void text_quote(struct text *text, const uint8_t *bytes, size_t length, size_t limit);
/* ASCII, or UTF-8, inside the quotes of a JSON string; false, with nothing added, if it is neither. */
bool text_json(struct text *text, const uint8_t *bytes, size_t length);
void text_base64(struct text *text, const uint8_t *bytes, size_t length);
void text_free(struct text *text);

/* A guest's memory: a task's, or what a record holds of it. */
struct memory {
    struct pb_core *core;
    int32_t tid;
    const uint8_t *pieces, *end; /* of a record, see struct pb_trace_piece; NULL: the task's */
    int32_t when;                /* which of them count: PB_AT_ENTRY or PB_AT_EXIT */
};
/* memory.c */
/* The next piece that counts, and where its bytes are; NULL: there is no other, or what follows is none. */
const uint8_t *memory_piece(const struct memory *memory, const uint8_t **at, struct pb_trace_piece *piece);
/* Whether all of it could be read. */
bool memory_read(const struct memory *memory, uint64_t address, void *buffer, uint64_t size);
/* The length of the string without its NUL, negative if it cannot be read or does not end within the limit. */
int64_t memory_string(const struct memory *memory, uint64_t address, char *buffer, uint64_t limit);

/* A call as it is shown. */
struct shown_call {
    const struct pb_trace_table *table;
    const struct pb_trace_row *row; /* NULL: the table has none */
    const uint64_t *args;
    bool ended;
    int64_t result;
};

static inline bool has_succeeded(const struct shown_call *call)
{
    return call->ended && call->result >= 0;
}

/* values.c */
const char *table_string(const struct pb_trace_table *table, int32_t offset);
uint64_t argument_unsigned(const struct pb_trace_argument *argument, uint64_t raw);
int64_t argument_signed(const struct pb_trace_argument *argument, uint64_t raw);
/* NULL: it has no name. */
const char *name_of(const struct pb_trace_table *table, int32_t vocabulary, uint64_t value);
/* The names of the bits of a value, each with a bar before it unless it is the `first`; whether there was none. */
bool add_flags(struct text *text, const struct pb_trace_table *table, int32_t vocabulary, uint64_t value, bool first);
void add_signal(struct text *text, const struct pb_trace_table *table, int64_t number);
/* False if the kind has to do with memory. */
bool add_value(struct text *text, const struct shown_call *call, const struct pb_trace_argument *argument, uint64_t raw);

/* addresses.c: a struct sockaddr. */
void add_address(struct text *text, const struct pb_trace_table *table, const uint8_t *data, size_t size);

/* structures.c: false if the memory could not be read, with nothing that counts added. */
bool add_structure(struct text *text, const struct shown_call *call, const struct pb_trace_argument *argument, uint64_t raw,
                   const struct memory *memory);

/* fields.c */
/* How many arguments a call has that the kernel looks at. */
int fields_count(const struct shown_call *call);
/* What the line says of one argument, in the form of the trace. */
void add_field(struct text *text, const struct shown_call *call, int index, const struct memory *memory);

/* lines.c: an event that is a call. */
struct call_line {
    const struct shown_call *call;
    int32_t nr;
    int32_t number;          /* the task's, as the guest knows it */
    int64_t time, duration;  /* ns, the first since the epoch */
    const char *channel;
    const struct text *fields;
    const uint32_t *ends;    /* of each field in that text */
    int count;
    const struct pb_trace_verdict *verdict; /* NULL: the row says all */
};
void add_line(struct text *out, const struct call_line *line, const struct memory *memory);
/* What an event of another kind begins with in the form of the trace: ns since the epoch. */
void add_start(struct text *text, const struct pb_trace_table *table, const char *kind, int32_t number, int64_t time);

/* clock.c */
struct trace_clock {
    uint64_t first_counter, counter;
    int64_t first_monotonic, monotonic, real; /* ns */
};
int64_t clock_now(clockid_t clock);
void clock_start(struct trace_clock *clock);
/* What times are told by from now on. */
void clock_look(struct trace_clock *clock);
/* When the counter was so, in ns since the epoch, never after the last look. */
int64_t clock_time(const struct trace_clock *clock, uint64_t counter);

/* records.c: adds the line of a record; false if it is none. Times are those of the record. `after`: the memory at its call's
   exit, NULL for what the record has of it. `fields`: is overwritten. */
bool record_show(struct text *out, struct text *fields, const struct pb_trace_table *table, const char *channel, int32_t number,
                 const uint8_t *record, uint64_t size, const struct pb_trace_verdict *verdict, const struct memory *after);

/* devices.c: which devices the kernel makes up the files of, as far as tasks were asked for it. */
#define DEVICES_KNOWN 256
struct devices {
    uint32_t count;
    uint64_t devices[DEVICES_KNOWN];
    bool pseudo[DEVICES_KNOWN];
};
/* Whether it is one of those in the eyes of a task. */
bool device_is_pseudo(struct devices *devices, const char *kinds, int32_t tid, uint64_t device);

/* opened.c */
/* The verdict on a record's call; false: its row says all. The task may be gone, or be unknown (0). `name`: is the verdict's. */
bool record_judge(const struct pb_trace_table *table, struct devices *devices, int32_t tid, const uint8_t *record, uint64_t size,
                  struct pb_trace_verdict *verdict, struct text *name);
/* Whether a rule keeps a path from guests, or may do so: that nothing is there is its refusal then. */
bool path_is_hidden(const struct pb_trace_table *table, const char *path);

/* recorder.c */
/* One event of the text: when it was over, by the processor's counter. */
struct line_place {
    uint64_t time;
    uint64_t start, length;
};
struct recorder {
    const struct pb_trace_table *table;
    uint8_t recorded[PB_NR_COUNT];
    bool has_unseen; /* there may be tasks that Python does not know; see pb_trace_unseen */
    uint8_t unseen[PB_NR_COUNT], judged[PB_NR_COUNT], plain[PB_NR_COUNT];
    bool others;    /* guests have other numbers than we */
    int space;      /* the program's PID namespace, -1: not open */
    uint64_t limit; /* of text that is not taken */
    struct text text, taken;
    struct text fields; /* of the record that is being shown */
    struct line_place *lines;
    size_t line_count, line_room;
    struct trace_clock clock;
    bool in_guests;    /* guests record what they can, see gate/rings.c */
    uint8_t *copy;     /* of a record that is being read */
    struct devices devices;
    struct sink *sink; /* NULL: all text is Python's to take */
    bool is_taken;     /* `taken` is for Python, which has not got it yet */
    bool ticks;        /* see timer.c */
    timer_t timer;
    struct sigaction before_timer;
};

/* timer.c: the loop wakes up from time to time, until timer_stop. */
bool timer_start(struct recorder *recorder);
void timer_stop(struct recorder *recorder);
bool timer_is_due(void);
void timer_rest(void);

/* As guests know the task. */
int32_t recorder_number(struct pb_core *core, struct task *task);
/* What was added to the text since the last time is an event of a task, or of none. */
void recorder_mark(struct recorder *recorder, struct task *task, uint64_t time);

uint64_t recorder_take(struct pb_core *core, const char **text);

/* sink.c: waits until all is written that was given; what could not be, which is Python's then as is all that follows. */
uint64_t sink_settle(struct pb_core *core, const char **rest);
void sink_close(struct recorder *recorder);

/* A call between its entry and its end. */
struct open_call {
    bool open;
    bool of_python; /* which will tell how it ends */
    uint64_t nr;
    uint64_t args[6];
    int32_t number;
    int64_t time, clock; /* ns, of CLOCK_REALTIME and CLOCK_MONOTONIC */
    struct text fields;
    uint32_t ends[6];
    int count;
    int32_t performed;
    struct text name; /* with its NUL, empty for none */
    /* It has left the kernel with this result, which may not be the last word: see recorder_left. 0: it has not. */
    int64_t left;
    int64_t left_clock;
    uint64_t left_counter;
};

#endif
