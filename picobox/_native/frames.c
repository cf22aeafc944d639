/* Owns the walk along a guest's list of frames, each of which leads to a structure that tells what it runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "native.h"

#define PAGE UINT64_C(4096)
#define USER_END (UINT64_C(1) << 47)
#define PAGES_KEPT 4
#define MOST_FRAMES 64
#define LARGEST_TARGET 512
#define FRAME_WORDS 3
#define STEPS_A_FRAME 4

struct page {
    uint64_t base;
    uint8_t data[PAGE];
};

/* What a walk has read last; a page that nobody can read is zeros. */
struct reader {
    struct pb_core *core;
    int32_t tid;
    uint32_t next;
    struct page pages[PAGES_KEPT];
};

static const struct page *page_at(struct reader *reader, uint64_t base)
{
    for (int i = 0; i < PAGES_KEPT; i++)
        if (reader->pages[i].base == base)
            return &reader->pages[i];
    struct page *page = &reader->pages[reader->next++ % PAGES_KEPT];
    page->base = base;
    if (base >= USER_END || pb_read(reader->core, reader->tid, base, page->data, PAGE) != (int64_t)PAGE)
        memset(page->data, 0, PAGE);
    return page;
}

static int64_t number_at(struct reader *reader, uint64_t address, uint32_t width)
{
    uint8_t bytes[8] = {0};
    for (uint32_t done = 0; done < width;) {
        uint64_t at = address + done, offset = at % PAGE;
        uint32_t count = PAGE - offset < width - done ? (uint32_t)(PAGE - offset) : width - done;
        memcpy(bytes + done, page_at(reader, at - offset)->data + offset, count);
        done += count;
    }
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return width == 1 ? (int8_t)value : (int64_t)value;
}

static uint32_t walk(struct reader *reader, const struct pb_frames *form, uint64_t frame, uint32_t limit,
                     int64_t found[][FRAME_WORDS])
{
    uint32_t count = 0;
    for (uint32_t step = 0; step < STEPS_A_FRAME * limit && frame && count < limit; step++) {
        int64_t target = number_at(reader, frame + form->target, 8), owner = number_at(reader, frame + form->owner, 1);
        if (owner < form->first_shim) {
            found[count][0] = target & form->mask;
            found[count][1] = number_at(reader, frame + form->instruction, 8);
            found[count++][2] = owner;
        }
        frame = (uint64_t)number_at(reader, frame + form->caller, 8);
    }
    return count;
}

static bool is_sound(const struct pb_frames *form, uint32_t limit)
{
    if (limit > MOST_FRAMES || form->field_count > PB_FRAME_FIELDS || form->target_size > LARGEST_TARGET)
        return false;
    for (uint32_t i = 0; i < form->field_count; i++)
        if ((form->widths[i] != 4 && form->widths[i] != 8) || form->fields[i] > form->target_size ||
            form->target_size - form->fields[i] < form->widths[i])
            return false;
    return true;
}

int32_t pb_read_frames(struct pb_core *core, int32_t tid, const struct pb_frames *form, uint64_t innermost,
                       uint32_t limit, int64_t *rows)
{
    if (!is_sound(form, limit))
        return -EINVAL;
    struct reader reader;
    reader.core = core;
    reader.tid = tid;
    reader.next = 0;
    for (int i = 0; i < PAGES_KEPT; i++)
        reader.pages[i].base = UINT64_MAX;
    int64_t found[MOST_FRAMES][FRAME_WORDS];
    uint32_t count = walk(&reader, form, innermost, limit, found);
    uint64_t targets[MOST_FRAMES];
    uint8_t data[MOST_FRAMES * LARGEST_TARGET];
    for (uint32_t i = 0; i < count; i++)
        targets[i] = (uint64_t)found[i][0] % USER_END;
    pb_read_blocks(core, tid, targets, count, form->target_size, data);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(rows, found[i], sizeof found[i]);
        rows += FRAME_WORDS;
        for (uint32_t j = 0; j < form->field_count; j++) {
            const uint8_t *field = data + i * form->target_size + form->fields[j];
            int32_t narrow;
            if (form->widths[j] == 4) {
                memcpy(&narrow, field, sizeof narrow);
                *rows++ = narrow;
            } else {
                memcpy(rows++, field, sizeof *rows);
            }
        }
    }
    return (int32_t)count;
}
