/* Owns the text of arguments that are addresses: strings, buffers, arrays, structures. */
#define _GNU_SOURCE
#include <string.h>

#include "trace.h"

/* Of the strings of an environment no more are counted, of an address no more is looked at (struct sockaddr_storage). */
#define ENVIRONMENT_LIMIT 4096
#define ADDRESS_LIMIT 128
/* utimensat(2) */
#define NOW 0x3fffffff
#define OMIT 0x3ffffffe

struct view {
    const struct shown_call *call;
    const struct pb_trace_argument *argument;
    uint64_t raw;
    const struct memory *memory;
};

static uint64_t sibling_of(const struct view *view)
{
    return view->argument->sibling >= 0 ? view->call->args[view->argument->sibling] : 0;
}

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static bool read_element(const struct view *view, uint64_t index, void *out, size_t size)
{
    return memory_read(view->memory, view->raw + index * size, out, size);
}

static bool add_string(struct text *text, const struct memory *memory, uint64_t address, size_t limit)
{
    char buffer[LONGEST_PATH];
    int64_t length = memory_string(memory, address, buffer, sizeof buffer);
    if (length < 0)
        return false;
    text_quote(text, (const uint8_t *)buffer, (size_t)length, limit);
    return true;
}

static bool add_vector_of_strings(struct text *text, const struct view *view)
{
    uint64_t addresses[ELEMENT_LIMIT + 1];
    int count = 0;
    do
        if (!read_element(view, (uint64_t)count, &addresses[count], sizeof addresses[0]))
            return false;
    while (addresses[count] && ++count <= ELEMENT_LIMIT);
    bool more = count > ELEMENT_LIMIT;
    text_char(text, '[');
    for (int i = 0; i < count && i < ELEMENT_LIMIT; i++) {
        if (i)
            text_string(text, ", ");
        if (!add_string(text, view->memory, addresses[i], STRING_LIMIT))
            text_hex(text, addresses[i]);
    }
    text_string(text, more ? ", ...]" : "]");
    return true;
}

static bool add_environment(struct text *text, const struct view *view)
{
    uint64_t address = 0;
    int count = 0;
    do
        if (!read_element(view, (uint64_t)count, &address, sizeof address))
            return false;
    while (address && ++count <= ENVIRONMENT_LIMIT);
    text_hex(text, view->raw);
    text_string(text, " /* ");
    text_signed(text, count > ENVIRONMENT_LIMIT ? ENVIRONMENT_LIMIT : count);
    if (count > ENVIRONMENT_LIMIT)
        text_char(text, '+');
    text_string(text, count == 1 ? " var */" : " vars */");
    return true;
}

static bool add_bytes(struct text *text, const struct memory *memory, uint64_t address, uint64_t size)
{
    uint8_t bytes[STRING_LIMIT];
    if (!memory_read(memory, address, bytes, least(size, sizeof bytes)))
        return false;
    text_quote(text, bytes, least(size, sizeof bytes), sizeof bytes);
    if (size > sizeof bytes)
        text_string(text, "...");
    return true;
}

static bool add_written_string(struct text *text, const struct view *view)
{
    uint8_t bytes[LONGEST_PATH];
    uint64_t length = view->call->result > 1 ? least((uint64_t)view->call->result - 1, sizeof bytes) : 0;
    if (!memory_read(view->memory, view->raw, bytes, length))
        return false;
    text_quote(text, bytes, length, length);
    return true;
}

/* `available`: how many bytes lie in it. */
static bool add_vector(struct text *text, const struct view *view, uint64_t available)
{
    uint64_t entries = sibling_of(view);
    size_t before = text->length;
    text_char(text, '[');
    for (uint64_t i = 0; i < least(entries, ELEMENT_LIMIT); i++) {
        uint64_t entry[2];
        if (!read_element(view, i, entry, sizeof entry)) {
            text->length = before;
            return false;
        }
        uint64_t size = least(entry[1], available);
        text_string(text, i ? ", {iov_base=" : "{iov_base=");
        size_t base = text->length;
        if (!entry[0]) {
            text_string(text, "NULL");
        } else if (!add_bytes(text, view->memory, entry[0], size)) {
            text->length = base;
            text_hex(text, entry[0]);
        }
        text_string(text, ", iov_len=");
        text_unsigned(text, entry[1]);
        text_char(text, '}');
        available = available == UINT64_MAX ? available : available - size;
    }
    text_string(text, entries > ELEMENT_LIMIT ? ", ...]" : "]");
    return true;
}

static void add_time(struct text *text, const int64_t time[2], const char *fraction)
{
    text_string(text, "{tv_sec=");
    text_signed(text, time[0]);
    text_string(text, ", ");
    text_string(text, fraction);
    text_char(text, '=');
    text_signed(text, time[1]);
    text_char(text, '}');
}

static bool add_one_time(struct text *text, const struct view *view, const char *fraction)
{
    int64_t time[2];
    if (!read_element(view, 0, time, sizeof time))
        return false;
    add_time(text, time, fraction);
    return true;
}

static bool add_time_pair(struct text *text, const struct view *view)
{
    int64_t times[2][2];
    for (uint64_t i = 0; i < 2; i++)
        if (!read_element(view, i, times[i], sizeof times[i]))
            return false;
    for (int i = 0; i < 2; i++) {
        text_string(text, i ? ", " : "[");
        if (times[i][1] == NOW)
            text_string(text, "UTIME_NOW");
        else if (times[i][1] == OMIT)
            text_string(text, "UTIME_OMIT");
        else
            add_time(text, times[i], "tv_nsec");
    }
    text_char(text, ']');
    return true;
}

static bool add_ints(struct text *text, const struct view *view, int count)
{
    int32_t values[2];
    if (!memory_read(view->memory, view->raw, values, (size_t)count * sizeof values[0]))
        return false;
    for (int i = 0; i < count; i++) {
        text_string(text, i ? ", " : "[");
        text_signed(text, values[i]);
    }
    text_char(text, ']');
    return true;
}

static bool add_wait_status(struct text *text, const struct view *view)
{
    int32_t status;
    if (view->call->result == 0) {
        text_hex(text, view->raw);
        return true;
    }
    if (!read_element(view, 0, &status, sizeof status))
        return false;
    if (status == 0xffff) {
        text_string(text, "[{WIFCONTINUED(s)}]");
    } else if ((status & 0xff) == 0x7f) {
        text_string(text, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
        add_signal(text, view->call->table, status >> 8 & 0xff);
        text_string(text, "}]");
    } else if (status & 0x7f) {
        text_string(text, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
        add_signal(text, view->call->table, status & 0x7f);
        text_string(text, status & 0x80 ? " && WCOREDUMP(s)}]" : "}]");
    } else {
        text_string(text, "[{WIFEXITED(s) && WEXITSTATUS(s) == ");
        text_signed(text, status >> 8 & 0xff);
        text_string(text, "}]");
    }
    return true;
}

static bool add_signal_set(struct text *text, const struct view *view)
{
    uint64_t mask;
    if (!read_element(view, 0, &mask, sizeof mask))
        return false;
    /* strace shows the complement once two thirds of all signals are in the set. */
    bool inverted = __builtin_popcountll(mask) >= 64 * 2 / 3;
    bool first = true;
    if (inverted)
        mask = ~mask;
    text_string(text, inverted ? "~[" : "[");
    for (int number = 1; number <= 64; number++) {
        if (!(mask >> (number - 1) & 1))
            continue;
        if (!first)
            text_char(text, ' ');
        first = false;
        size_t at = text->length;
        add_signal(text, view->call->table, number);
        if (text->length - at > 3 && memcmp(text->data + at, "SIG", 3) == 0) {
            memmove(text->data + at, text->data + at + 3, text->length - at - 3);
            text->length -= 3;
        }
    }
    text_char(text, ']');
    return true;
}

static bool add_socket_address(struct text *text, const struct view *view, uint64_t size)
{
    uint8_t data[ADDRESS_LIMIT];
    size = least(size, sizeof data);
    if (!memory_read(view->memory, view->raw, data, size))
        return false;
    add_address(text, view->call->table, data, size);
    return true;
}

static bool add_written_address(struct text *text, const struct view *view)
{
    uint64_t pointer = sibling_of(view);
    uint32_t size;
    if (!pointer) {
        text_hex(text, view->raw);
        return true;
    }
    return memory_read(view->memory, pointer, &size, sizeof size) && add_socket_address(text, view, size);
}

struct poll_entry {
    int32_t fd;
    uint16_t events, revents;
};

static void add_events(struct text *text, const struct pb_trace_table *table, uint16_t events)
{
    if (add_flags(text, table, PB_WORDS_POLL, events, true))
        text_char(text, '0');
}

static bool add_poll(struct text *text, const struct view *view)
{
    uint64_t entries = sibling_of(view) & UINT64_C(0xffffffff);
    text_char(text, '[');
    for (uint64_t i = 0; i < least(entries, ELEMENT_LIMIT); i++) {
        struct poll_entry entry;
        if (!read_element(view, i, &entry, sizeof entry))
            return false;
        text_string(text, i ? ", {fd=" : "{fd=");
        text_signed(text, entry.fd);
        text_string(text, ", events=");
        add_events(text, view->call->table, entry.events);
        if (has_succeeded(view->call) && entry.revents) {
            text_string(text, ", revents=");
            add_events(text, view->call->table, entry.revents);
        }
        text_char(text, '}');
    }
    text_string(text, entries > ELEMENT_LIMIT ? ", ...]" : "]");
    return true;
}

static bool is_written(int32_t kind)
{
    switch (kind) {
    case PB_KIND_OUTBYTES:
    case PB_KIND_OUTSTRING:
    case PB_KIND_OUTVECTOR:
    case PB_KIND_OUTTIMESPEC:
    case PB_KIND_OUTTIMEVAL:
    case PB_KIND_OUTFDPAIR:
    case PB_KIND_OUTINT:
    case PB_KIND_WAITSTATUS:
    case PB_KIND_OUTSIGNALSET:
    case PB_KIND_OUTSOCKETADDRESS:
        return true;
    default:
        return false;
    }
}

static bool add_known(struct text *text, const struct view *view)
{
    const struct memory *memory = view->memory;
    switch (view->argument->kind) {
    case PB_KIND_USERSTRING: return add_string(text, memory, view->raw, STRING_LIMIT);
    case PB_KIND_USERPATH: return add_string(text, memory, view->raw, LONGEST_PATH);
    case PB_KIND_STRINGVECTOR: return add_vector_of_strings(text, view);
    case PB_KIND_ENVIRONMENT: return add_environment(text, view);
    case PB_KIND_INBYTES: return add_bytes(text, memory, view->raw, sibling_of(view));
    case PB_KIND_OUTBYTES: return add_bytes(text, memory, view->raw, (uint64_t)view->call->result);
    case PB_KIND_OUTSTRING: return add_written_string(text, view);
    case PB_KIND_INVECTOR: return add_vector(text, view, UINT64_MAX);
    case PB_KIND_OUTVECTOR: return add_vector(text, view, (uint64_t)view->call->result);
    case PB_KIND_TIMESPEC:
    case PB_KIND_OUTTIMESPEC: return add_one_time(text, view, "tv_nsec");
    case PB_KIND_TIMESPECPAIR: return add_time_pair(text, view);
    case PB_KIND_TIMEVAL:
    case PB_KIND_OUTTIMEVAL: return add_one_time(text, view, "tv_usec");
    case PB_KIND_OUTFDPAIR: return add_ints(text, view, 2);
    case PB_KIND_OUTINT: return add_ints(text, view, 1);
    case PB_KIND_WAITSTATUS: return add_wait_status(text, view);
    case PB_KIND_SIGNALSET:
    case PB_KIND_OUTSIGNALSET: return add_signal_set(text, view);
    case PB_KIND_SOCKETADDRESS: return add_socket_address(text, view, sibling_of(view) & UINT64_C(0xffffffff));
    case PB_KIND_OUTSOCKETADDRESS: return add_written_address(text, view);
    case PB_KIND_POLLFDS: return add_poll(text, view);
    default: return false;
    }
}

bool add_structure(struct text *text, const struct shown_call *call, const struct pb_trace_argument *argument, uint64_t raw,
                   const struct memory *memory)
{
    struct view view = {call, argument, raw, memory};
    if (argument->kind == PB_KIND_USERPOINTER || (is_written(argument->kind) && !has_succeeded(call))) {
        text_hex(text, raw);
        return true;
    }
    return add_known(text, &view);
}
