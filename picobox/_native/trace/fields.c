/* Owns what a line says of a call's arguments, as text or as the members of a JSON object. */
#define _GNU_SOURCE
#include <string.h>

#include "trace.h"

#define O_CREAT_VALUE 0100
#define O_TMPFILE_VALUE 020200000
#define REGISTERS 6

/* Whether the kernel does not look at an argument for what another one says. */
static bool is_ignored(const struct shown_call *call, const struct pb_trace_argument *argument)
{
    if (!argument->decides)
        return false;
    uint64_t sibling = argument->sibling >= 0 ? call->args[argument->sibling] : 0;
    if (argument->kind == PB_KIND_MODE)
        return !(sibling & O_CREAT_VALUE) && (sibling & O_TMPFILE_VALUE) != O_TMPFILE_VALUE;
    switch (sibling & UINT64_C(0xffffffff)) { /* fcntl(2): F_GETFD, _GETFL, _GETOWN, _GETSIG, _GETLEASE, _GETPIPE_SZ, _GET_SEALS */
    case 1:
    case 3:
    case 9:
    case 11:
    case 1025:
    case 1032:
    case 1034:
        return true;
    default:
        return false;
    }
}

int fields_count(const struct shown_call *call)
{
    if (!call->row)
        return REGISTERS;
    int count = 0;
    while (count < call->row->count && !is_ignored(call, &call->table->arguments[call->row->first + count]))
        count++;
    return count;
}

static void add_text(struct text *text, const struct shown_call *call, int index, const struct memory *memory)
{
    uint64_t raw = call->args[index];
    if (!call->row) {
        text_hex(text, raw);
        return;
    }
    const struct pb_trace_argument *argument = &call->table->arguments[call->row->first + index];
    size_t before = text->length;
    if (argument->kind >= PB_KIND_USERPOINTER && !raw) {
        text_string(text, "NULL");
    } else if (!add_value(text, call, argument, raw) && !add_structure(text, call, argument, raw, memory)) {
        text->length = before;
        text_hex(text, raw);
    }
}

/* The string that an argument is; its length, negative if there is none that could be read. */
static int64_t read_whole(const struct shown_call *call, const struct pb_trace_argument *argument, uint64_t raw,
                          const struct memory *memory, char buffer[LONGEST_PATH])
{
    if (argument->kind != PB_KIND_OUTSTRING)
        return memory_string(memory, raw, buffer, LONGEST_PATH);
    if (!has_succeeded(call) || call->result > LONGEST_PATH || !memory_read(memory, raw, buffer, (uint64_t)call->result))
        return -1;
    return call->result && !buffer[call->result - 1] ? call->result - 1 : call->result;
}

static void add_json_value(struct text *text, const struct shown_call *call, const struct pb_trace_argument *argument,
                           uint64_t raw, const struct memory *memory)
{
    char buffer[LONGEST_PATH];
    int64_t length = argument->is_string ? read_whole(call, argument, raw, memory, buffer) : -1;
    if (length < 0) {
        if (argument->sign)
            text_signed(text, argument_signed(argument, raw));
        else
            text_unsigned(text, argument_unsigned(argument, raw));
        return;
    }
    size_t before = text->length;
    text_char(text, '"');
    if (text_json(text, (const uint8_t *)buffer, (size_t)length)) {
        text_char(text, '"');
        return;
    }
    text->length = before;
    text_string(text, "{\"b64\":\"");
    text_base64(text, (const uint8_t *)buffer, (size_t)length);
    text_string(text, "\"}");
}

static void add_json(struct text *text, const struct shown_call *call, int index, const struct memory *memory)
{
    text_string(text, "{\"name\":\"");
    if (call->row) {
        const struct pb_trace_argument *argument = &call->table->arguments[call->row->first + index];
        text_string(text, table_string(call->table, argument->name));
        text_string(text, "\",\"value\":");
        add_json_value(text, call, argument, call->args[index], memory);
    } else {
        text_string(text, "arg");
        text_signed(text, index);
        text_string(text, "\",\"value\":");
        text_unsigned(text, call->args[index]);
    }
    struct text plain = {0};
    add_text(&plain, call, index, memory);
    text_string(text, ",\"text\":\"");
    text_json(text, (const uint8_t *)plain.data, plain.length);
    text_string(text, "\"}");
    text_free(&plain);
}

void add_field(struct text *text, const struct shown_call *call, int index, const struct memory *memory)
{
    if (call->table->as_json)
        add_json(text, call, index, memory);
    else
        add_text(text, call, index, memory);
}
