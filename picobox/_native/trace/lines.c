/* Owns the line of a call, as strace writes it or as a JSON object (docs/event.schema.json). */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "trace.h"

/* strace(1), -a: the column of the result. */
#define RESULT_COLUMN 40
#define MOST_ERRNO 4095

/* 0: no failure that has a number. */
static int32_t errno_of(const struct shown_call *call)
{
    return call->ended && call->result < 0 && call->result >= -MOST_ERRNO ? (int32_t)-call->result : 0;
}

static const struct pb_trace_error *error_of(const struct shown_call *call)
{
    int32_t number = errno_of(call);
    return number && number < PB_TRACE_ERRORS && call->table->errors[number].result >= 0 ? &call->table->errors[number] : NULL;
}

static bool begins_anew(const struct shown_call *call)
{
    int32_t number = errno_of(call);
    return number >= ERESTARTSYS && number <= LAST_RESTART;
}

static void add_result(struct text *text, const struct shown_call *call)
{
    const struct pb_trace_error *error = error_of(call);
    int32_t number = errno_of(call);
    if (!call->ended) {
        text_char(text, '?');
    } else if (error) {
        text_string(text, table_string(call->table, error->result));
    } else if (number) {
        text_string(text, "-1 ERRNO_");
        text_signed(text, number);
        text_string(text, " (");
        text_string(text, strerror(number));
        text_char(text, ')');
    } else if (call->row && call->row->returns == PB_RETURNS_HEXADECIMAL) {
        text_hex(text, (uint64_t)call->result);
    } else if (call->row && call->row->returns == PB_RETURNS_OCTAL) {
        text_octal(text, (uint64_t)call->result);
    } else {
        text_signed(text, call->result);
    }
}

/* NULL: none yet. */
static const char *status_of(const struct shown_call *call, const struct pb_trace_verdict *verdict)
{
    const struct pb_trace_error *error = error_of(call);
    if (verdict && verdict->status)
        return verdict->status;
    if (!call->ended || begins_anew(call))
        return NULL;
    if (!errno_of(call))
        return table_string(call->table, call->table->errors[0].status);
    return table_string(call->table, error ? error->status : call->table->other_status);
}

static void add_name(struct text *text, const struct call_line *line)
{
    if (line->call->row) {
        text_string(text, table_string(line->call->table, line->call->row->name));
    } else {
        text_string(text, "syscall_");
        text_hex(text, (uint32_t)line->nr);
    }
}

static void add_fields(struct text *text, const struct call_line *line, const struct memory *memory, const char *between)
{
    const struct shown_call *call = line->call;
    for (int i = 0; i < line->count; i++) {
        uint32_t start = i ? line->ends[i - 1] : 0;
        if (i)
            text_string(text, between);
        if (call->row && has_succeeded(call) && call->table->arguments[call->row->first + i].is_output)
            add_field(text, call, i, memory);
        else
            text_add(text, line->fields->data + start, line->ends[i] - start);
    }
}

static void add_seconds(struct text *text, int64_t micros)
{
    text_signed(text, micros / 1000000);
    text_char(text, '.');
    text_padded(text, (uint64_t)(micros % 1000000), 6);
}

/* Numbers that come from a clock, or from guests' records. */
static int64_t micros_of(int64_t nanoseconds)
{
    return nanoseconds <= 0 || nanoseconds > INT64_MAX - 500 ? 0 : (nanoseconds + 500) / 1000;
}

/* As Python writes the number: no more digits than it takes, and a power of ten where it is small. */
static void add_json_seconds(struct text *text, int64_t micros)
{
    if (micros && micros < 100) {
        text_char(text, (char)('0' + (micros < 10 ? micros : micros / 10)));
        if (micros > 9 && micros % 10) {
            text_char(text, '.');
            text_char(text, (char)('0' + micros % 10));
        }
        text_string(text, micros < 10 ? "e-06" : "e-05");
        return;
    }
    add_seconds(text, micros);
    while (text->data[text->length - 1] == '0' && text->data[text->length - 2] != '.')
        text->length--;
}

static void add_prefix(struct text *text, const struct pb_trace_table *table, int32_t task, int64_t time)
{
    size_t before = text->length;
    if (table->to_file) {
        text_signed(text, task);
        if (text->length - before < 5)
            text_repeat(text, ' ', 5 - (text->length - before));
        text_char(text, ' ');
    } else {
        struct text number = {0};
        text_signed(&number, task);
        text_string(text, "[pid ");
        if (number.length < 5)
            text_repeat(text, ' ', 5 - number.length);
        text_add(text, number.data, number.length);
        text_string(text, "] ");
        text_free(&number);
    }
    add_seconds(text, micros_of(time));
    text_char(text, ' ');
}

static void add_json_start(struct text *text, const char *kind, int32_t number, int64_t time, const char *channel)
{
    text_string(text, "{\"schema\":\"picobox.event/1\",\"kind\":\"");
    text_string(text, kind);
    text_string(text, "\",\"time\":");
    add_json_seconds(text, micros_of(time));
    text_string(text, ",\"tid\":");
    text_signed(text, number);
    text_string(text, ",\"channel\":\"");
    text_string(text, channel);
    text_char(text, '"');
}

void add_start(struct text *text, const struct pb_trace_table *table, const char *kind, int32_t number, int64_t time)
{
    if (table->as_json)
        add_json_start(text, kind, number, time, table->channel);
    else
        add_prefix(text, table, number, time);
}

static void add_service(struct text *text, const struct call_line *line)
{
    const struct shown_call *call = line->call;
    const struct pb_trace_verdict *verdict = line->verdict;
    const char *status = status_of(call, verdict);
    text_string(text, verdict && verdict->performed ? "    " : "    ~");
    text_string(text, table_string(call->table, call->row->service));
    if (verdict && verdict->name)
        text_string(text, verdict->name);
    text_string(text, " -> ");
    text_string(text, status ? status : "?");
    text_char(text, '\n');
}

static void add_as_text(struct text *out, const struct call_line *line, const struct memory *memory)
{
    size_t before = out->length;
    add_prefix(out, line->call->table, line->number, line->time);
    add_name(out, line);
    text_char(out, '(');
    add_fields(out, line, memory, ", ");
    text_char(out, ')');
    if (out->length - before < RESULT_COLUMN - 1)
        text_repeat(out, ' ', RESULT_COLUMN - 1 - (out->length - before));
    text_string(out, " = ");
    add_result(out, line->call);
    if (line->call->ended) {
        text_string(out, " <");
        add_seconds(out, micros_of(line->duration));
        text_char(out, '>');
    }
    text_char(out, '\n');
    if (line->call->row && line->call->row->service >= 0)
        add_service(out, line);
    if (line->verdict && line->verdict->refusal)
        text_string(out, line->verdict->refusal);
}

static void add_json_error(struct text *out, const struct shown_call *call)
{
    const struct pb_trace_error *error = error_of(call);
    int32_t number = errno_of(call);
    text_string(out, ",\"errno\":");
    if (!number || begins_anew(call)) {
        text_string(out, "null");
    } else if (error) {
        text_string(out, table_string(call->table, error->name));
    } else {
        text_char(out, '"');
        text_signed(out, number);
        text_char(out, '"');
    }
}

static void add_json_service(struct text *out, const struct call_line *line)
{
    const struct shown_call *call = line->call;
    const struct pb_trace_verdict *verdict = line->verdict;
    const char *status = status_of(call, verdict);
    text_string(out, ",\"nt\":");
    if (!call->row || call->row->service < 0) {
        text_string(out, "null}\n");
        return;
    }
    text_string(out, "{\"service\":\"");
    text_string(out, table_string(call->table, call->row->service));
    text_string(out, verdict && verdict->performed ? "\",\"performed\":true,\"status\":" : "\",\"performed\":false,\"status\":");
    text_string(out, status ? status : "null");
    text_string(out, ",\"name\":");
    text_string(out, verdict && verdict->name ? verdict->name : "null");
    text_string(out, "}}\n");
}

static void add_as_json(struct text *out, const struct call_line *line, const struct memory *memory)
{
    const struct shown_call *call = line->call;
    add_json_start(out, "call", line->number, line->time, line->channel);
    text_char(out, ',');
    if (line->verdict && line->verdict->refusal)
        text_string(out, line->verdict->refusal);
    text_string(out, "\"call\":\"");
    add_name(out, line);
    text_string(out, "\",\"nr\":");
    text_signed(out, line->nr);
    text_string(out, ",\"args\":[");
    add_fields(out, line, memory, ",");
    text_string(out, "],\"result\":");
    if (call->ended)
        text_signed(out, call->result);
    else
        text_string(out, "null");
    add_json_error(out, call);
    text_string(out, ",\"duration\":");
    if (call->ended)
        add_json_seconds(out, micros_of(line->duration));
    else
        text_string(out, "null");
    text_string(out, ",\"disposition\":\"");
    text_string(out, call->row ? table_string(call->table, call->row->disposition) : "unknown");
    text_char(out, '"');
    add_json_service(out, line);
}

/* As picobox.trace.filters has it. */
static bool is_kept(const struct call_line *line)
{
    const struct pb_trace_table *table = line->call->table;
    bool has_service = line->call->row && line->call->row->service >= 0;
    const char *status = table->statuses && has_service ? status_of(line->call, line->verdict) : NULL;
    bool is_among = !table->statuses;
    for (int32_t i = 0; status && !is_among && i < table->status_count; i++)
        is_among = strcmp(status, table->statuses[i]) == 0;
    if (!is_among || table->results == PB_RESULTS_ANY)
        return is_among;
    return line->call->ended && (errno_of(line->call) != 0) == (table->results == PB_RESULTS_FAILED);
}

static void count(const struct call_line *line)
{
    if (line->nr < 0 || line->nr >= PB_NR_COUNT)
        return;
    struct pb_trace_count *counted = &line->call->table->counts[line->nr];
    counted->calls++;
    counted->errors += errno_of(line->call) && !begins_anew(line->call);
    bool is_answered = line->verdict && line->verdict->answered;
    if (line->call->ended && line->duration > 0 && !is_answered)
        counted->elapsed += line->duration;
}

void add_line(struct text *out, const struct call_line *line, const struct memory *memory)
{
    if (!is_kept(line))
        return;
    if (line->call->table->counts)
        count(line);
    else if (line->call->table->as_json)
        add_as_json(out, line, memory);
    else
        add_as_text(out, line, memory);
}
