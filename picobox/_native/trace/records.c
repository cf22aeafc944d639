/* Owns records as they are read: a guest may have written anything there. */
#define _GNU_SOURCE
#include <string.h>

#include "trace.h"

/* Whether an argument is shown as it is at the call's exit alone. */
static bool is_shown_later(const struct shown_call *call, int index)
{
    return has_succeeded(call) && call->table->arguments[call->row->first + index].is_output;
}

bool record_show(struct text *out, struct text *fields, const struct pb_trace_table *table, const char *channel, int32_t number,
                 const uint8_t *bytes, uint64_t size, const struct pb_trace_verdict *verdict, const struct memory *after)
{
    struct pb_trace_record record;
    uint32_t ends[6];
    if (size < sizeof record)
        return false;
    memcpy(&record, bytes, sizeof record);
    if (record.nr >= PB_NR_COUNT || table->rows[record.nr].name < 0)
        return false;
    struct shown_call entry = {table, &table->rows[record.nr], record.args, false, 0}, call = entry;
    call.ended = record.ended;
    call.result = record.result;
    struct memory memory = {.pieces = bytes + sizeof record, .end = bytes + size, .when = PB_AT_ENTRY};
    int count = table->counts ? 0 : fields_count(&entry);
    fields->length = 0;
    for (int i = 0; i < count; i++) {
        if (!is_shown_later(&call, i))
            add_field(fields, &entry, i, &memory);
        ends[i] = (uint32_t)fields->length;
    }
    memory.when = PB_AT_EXIT;
    struct call_line line = {
        .call = &call, .nr = record.nr, .number = number, .time = (int64_t)record.begin,
        .duration = (int64_t)(record.end - record.begin), .channel = channel, .fields = fields, .ends = ends,
        .count = count, .verdict = verdict,
    };
    add_line(out, &line, after ? after : &memory);
    return true;
}

uint64_t pb_trace_show(const struct pb_trace_table *table, int32_t number, const uint8_t *record, uint64_t size,
                       const struct pb_trace_verdict *verdict, char *out, uint64_t room)
{
    struct text text = {0}, fields = {0}, name = {0};
    uint64_t length = 0;
    struct pb_trace_verdict own;
    if (!verdict && record_judge(table, NULL, 0, record, size, &own, &name))
        verdict = &own;
    if (record_show(&text, &fields, table, table->channel, number, record, size, verdict, NULL)) {
        length = text.length;
        memcpy(out, text.data, length < room ? length : room);
    }
    text_free(&text);
    text_free(&fields);
    text_free(&name);
    return length;
}
