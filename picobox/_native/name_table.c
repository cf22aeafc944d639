/* Names folded by NTFS's upcase table, and a hash table of the names of one directory. */
#define _GNU_SOURCE
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "upcase.h"

#define FIRST_SLOTS 16
#define FIRST_TEXT 256
/* Places in a table's text: above every real one. */
#define PLACE_EMPTY UINT32_MAX
#define PLACE_REMOVED (UINT32_MAX - 1)
#define TEXT_LIMIT (UINT32_MAX - 2)
/* Before each name stands its length. */
#define LENGTH_SIZE sizeof(uint16_t)

uint32_t pb_upcase(uint32_t unit)
{
    if (unit < 0x80)
        return unit - 'a' < 26 ? unit - 32 : unit;
    uint32_t low = 0, high = sizeof UPCASE_RANGES / sizeof *UPCASE_RANGES;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (unit > UPCASE_RANGES[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sizeof UPCASE_RANGES / sizeof *UPCASE_RANGES || unit < UPCASE_RANGES[low].first)
        return unit;
    if ((unit - UPCASE_RANGES[low].first) % UPCASE_RANGES[low].step != 0)
        return unit;
    return (uint32_t)((int32_t)unit + UPCASE_RANGES[low].offset);
}

/* The next code point of a text, or -1: no UTF-8 (overlong, a surrogate, too large, cut off). */
static int32_t next_point(const unsigned char **cursor, const unsigned char *end)
{
    static const uint32_t LEAST[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *at = *cursor;
    uint32_t lead = *at++;
    if (lead < 0x80) {
        *cursor = at;
        return (int32_t)lead;
    }
    int more = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF8 ? 3 : 0;
    if (more == 0 || end - at < more)
        return -1;
    uint32_t point = lead & (0x3Fu >> more);
    for (int i = 0; i < more; i++, at++) {
        if ((*at & 0xC0) != 0x80)
            return -1;
        point = point << 6 | (*at & 0x3F);
    }
    if (point < LEAST[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return -1;
    *cursor = at;
    return (int32_t)point;
}

static uint64_t mix(uint64_t hash, uint32_t unit)
{
    hash = (hash ^ unit) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

void name_fold(struct folded_name *name, uint64_t seed, const char *text, size_t length)
{
    const unsigned char *cursor = (const unsigned char *)text, *end = cursor + length;
    uint64_t hash = seed;
    name->text = text;
    name->length = (uint32_t)length;
    name->count = 0;
    while (cursor < end) {
        int32_t point = next_point(&cursor, end);
        if (point < 0) {
            name->count = -1;
            break;
        }
        uint32_t unit = pb_upcase((uint32_t)point);
        name->points[name->count++] = unit;
        hash = mix(hash, unit);
    }
    if (name->count < 0) {
        hash = seed;
        for (size_t i = 0; i < length; i++)
            hash = mix(hash, (unsigned char)text[i]);
    }
    name->hash = (uint32_t)hash;
}

static bool same_bytes(const struct folded_name *name, const char *spelling, size_t length)
{
    return name->length == length && memcmp(name->text, spelling, length) == 0;
}

static bool folds_to(const struct folded_name *name, const char *spelling, size_t length)
{
    const unsigned char *cursor = (const unsigned char *)spelling, *end = cursor + length;
    int32_t i = 0;
    for (; cursor < end; i++) {
        int32_t point = next_point(&cursor, end);
        if (point < 0 || i >= name->count || pb_upcase((uint32_t)point) != name->points[i])
            return false;
    }
    return i == name->count;
}

void name_consider(struct name_match *match, const struct folded_name *name, const char *spelling, size_t length)
{
    if (same_bytes(name, spelling, length)) {
        match->exact = true;
        return;
    }
    if (!folds_to(name, spelling, length))
        return;
    /* Neither begins with the other: they have equally many points. */
    size_t shorter = length < match->length ? length : match->length;
    if (match->others++ > 0 && memcmp(spelling, match->spelling, shorter) > 0)
        return;
    memcpy(match->spelling, spelling, length);
    match->spelling[length] = 0;
    match->length = (uint32_t)length;
}

static const char *name_at(const struct name_table *table, uint32_t place, size_t *length)
{
    uint16_t size;
    memcpy(&size, table->text + place, sizeof size);
    *length = size;
    return table->text + place + LENGTH_SIZE;
}

/* The slot that holds exactly this name, or NULL. */
static struct name_slot *find_exact(const struct name_table *table, const struct folded_name *name)
{
    uint32_t mask = table->slot_count - 1;
    if (table->slot_count == 0)
        return NULL;
    for (uint32_t i = name->hash & mask; table->slots[i].place != PLACE_EMPTY; i = (i + 1) & mask) {
        if (table->slots[i].hash != name->hash || table->slots[i].place == PLACE_REMOVED)
            continue;
        size_t length;
        const char *spelling = name_at(table, table->slots[i].place, &length);
        if (same_bytes(name, spelling, length))
            return &table->slots[i];
    }
    return NULL;
}

static void put(struct name_slot *slots, uint32_t mask, struct name_slot slot)
{
    uint32_t i = slot.hash & mask;
    while (slots[i].place != PLACE_EMPTY)
        i = (i + 1) & mask;
    slots[i] = slot;
}

/* Makes room for one more name, without the removed ones. */
static int make_slots(struct name_table *table)
{
    uint32_t count = FIRST_SLOTS;
    if (table->names > UINT32_MAX / 4)
        return -ENOMEM;
    while (count < (table->names + 1) * 2)
        count *= 2;
    struct name_slot *slots = malloc(count * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    memset(slots, 0xFF, count * sizeof *slots);
    for (uint32_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].place < PLACE_REMOVED)
            put(slots, count - 1, table->slots[i]);
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    table->slots_used = table->names;
    return 0;
}

static int make_text(struct name_table *table, size_t more)
{
    uint64_t size = table->text_size == 0 ? FIRST_TEXT : table->text_size;
    while (size < (uint64_t)table->text_used + more)
        size += size / 2;
    if (size > TEXT_LIMIT)
        return -ENOMEM;
    char *text = realloc(table->text, size);
    if (text == NULL)
        return -ENOMEM;
    table->text = text;
    table->text_size = (uint32_t)size;
    return 0;
}

/* Drops the text of removed names. */
static int compact(struct name_table *table)
{
    char *text = malloc(table->text_size);
    uint32_t used = 0;
    if (text == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i].place >= PLACE_REMOVED)
            continue;
        size_t length;
        (void)name_at(table, table->slots[i].place, &length);
        memcpy(text + used, table->text + table->slots[i].place, LENGTH_SIZE + length);
        table->slots[i].place = used;
        used += (uint32_t)(LENGTH_SIZE + length);
    }
    free(table->text);
    table->text = text;
    table->text_used = used;
    table->text_removed = 0;
    return 0;
}

int name_table_add(struct name_table *table, const struct folded_name *name)
{
    size_t room = LENGTH_SIZE + name->length;
    uint16_t length = (uint16_t)name->length;
    if (find_exact(table, name) != NULL)
        return 0;
    if ((uint64_t)(table->slots_used + 1) * 4 > (uint64_t)table->slot_count * 3 && make_slots(table) < 0)
        return -ENOMEM;
    if (table->text_removed > table->text_used / 2 && compact(table) < 0)
        return -ENOMEM;
    if (table->text_used + room > table->text_size && make_text(table, room) < 0)
        return -ENOMEM;
    memcpy(table->text + table->text_used, &length, sizeof length);
    memcpy(table->text + table->text_used + LENGTH_SIZE, name->text, name->length);
    put(table->slots, table->slot_count - 1, (struct name_slot){.hash = name->hash, .place = table->text_used});
    table->text_used += (uint32_t)room;
    table->slots_used++;
    table->names++;
    return 0;
}

void name_table_remove(struct name_table *table, const struct folded_name *name)
{
    struct name_slot *slot = find_exact(table, name);
    if (slot == NULL)
        return;
    slot->place = PLACE_REMOVED;
    table->text_removed += (uint32_t)(LENGTH_SIZE + name->length);
    table->names--;
}

const char *name_table_next(const struct name_table *table, const struct folded_name *name, uint32_t *at,
                            size_t *length)
{
    if (table->slot_count == 0)
        return NULL;
    for (;;) {
        const struct name_slot *slot = &table->slots[(name->hash + *at) & (table->slot_count - 1)];
        if (slot->place == PLACE_EMPTY)
            return NULL;
        ++*at;
        if (slot->hash == name->hash && slot->place != PLACE_REMOVED)
            return name_at(table, slot->place, length);
    }
}

void name_table_match(const struct name_table *table, const struct folded_name *name, struct name_match *match)
{
    uint32_t at = 0;
    size_t length;
    const char *spelling;
    while ((spelling = name_table_next(table, name, &at, &length)) != NULL)
        name_consider(match, name, spelling, length);
}

void name_table_clear(struct name_table *table)
{
    free(table->slots);
    free(table->text);
    *table = (struct name_table){0};
}

char *name_table_copy(const struct name_table *table, size_t *size)
{
    char *copy = malloc((size_t)table->text_used + 1);
    *size = 0;
    if (copy == NULL)
        return NULL;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i].place >= PLACE_REMOVED)
            continue;
        size_t length;
        const char *name = name_at(table, table->slots[i].place, &length);
        memcpy(copy + *size, name, length);
        copy[*size + length] = 0;
        *size += length + 1; /* at most what the length before the name takes */
    }
    return copy;
}

uint64_t name_table_bytes(const struct name_table *table)
{
    return (uint64_t)table->slot_count * sizeof *table->slots + table->text_size;
}
