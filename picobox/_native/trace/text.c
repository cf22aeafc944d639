/* Owns text that grows: numbers, string literals of C and of JSON. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define FIRST_SIZE 256
#define LONGEST_ESCAPE 4
#define MOST_DIGITS 20 /* of 64 bits */

void text_grow(struct text *text, size_t length)
{
    size_t size = text->size ? text->size : FIRST_SIZE;
    while (size - text->length < length)
        size *= 2;
    text->data = realloc(text->data, size);
    if (!text->data)
        abort(); /* as task_get */
    text->size = size;
}

void text_repeat(struct text *text, char character, size_t count)
{
    if (count)
        memset(text_room(text, count), character, count);
}

/* The digits of a number at the end of a buffer that has room for them; where they begin. */
static char *decimal(uint64_t value, char *end)
{
    static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                                "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    while (value >= 100) {
        end -= 2;
        memcpy(end, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, pairs + value * 2, 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

/* The base is a power of two. */
static void add_digits(struct text *text, uint64_t value, int bits)
{
    char digits[64];
    int at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[value & ((UINT64_C(1) << bits) - 1)];
    while (value >>= bits);
    text_add(text, digits + at, sizeof digits - (size_t)at);
}

void text_unsigned(struct text *text, uint64_t value)
{
    char digits[MOST_DIGITS], *end = digits + sizeof digits, *at = decimal(value, end);
    text_add(text, at, (size_t)(end - at));
}

void text_signed(struct text *text, int64_t value)
{
    if (value < 0)
        text_char(text, '-');
    text_unsigned(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void text_hex(struct text *text, uint64_t value)
{
    text_add(text, "0x", 2);
    add_digits(text, value, 4);
}

void text_signed_hex(struct text *text, int64_t value)
{
    if (value < 0)
        text_char(text, '-');
    text_hex(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void text_octal(struct text *text, uint64_t value)
{
    if (value < 8)
        text_char(text, '0');
    text_char(text, '0');
    add_digits(text, value, 3);
}

void text_padded(struct text *text, uint64_t value, int digits)
{
    char *at = text_room(text, (size_t)digits);
    while (digits--) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* What follows the backslash of a byte that has a short escape; 0: it has none. */
static char escape_of(uint8_t byte)
{
    switch (byte) {
    case '\t': return 't';
    case '\n': return 'n';
    case '\v': return 'v';
    case '\f': return 'f';
    case '\r': return 'r';
    case '"':
    case '\\': return (char)byte;
    default: return 0;
    }
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The escape of a byte. A digit that follows would be read as part of a short octal one. */
static char *put_escape(char *at, uint8_t byte, bool before_digit)
{
    char escape = escape_of(byte);
    *at++ = '\\';
    if (escape) {
        *at++ = escape;
        return at;
    }
    if (before_digit || byte >= 64)
        *at++ = (char)('0' + (byte >> 6));
    if (before_digit || byte >= 8)
        *at++ = (char)('0' + (byte >> 3 & 7));
    *at++ = (char)('0' + (byte & 7));
    return at;
}

#define WORD sizeof(uint64_t)
#define ONES UINT64_C(0x0101010101010101)
#define HIGHEST UINT64_C(0x8080808080808080)

/* The highest bit of each byte that is zero, and it may be of others if one is. */
static uint64_t zeros_in(uint64_t word)
{
    return (word - ONES) & ~word & HIGHEST;
}

/* Eight bytes of a kind that are shown as they are, or zeros before another byte that is no digit; false: they are neither. */
static bool put_word(char **at, const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, WORD);
    if (!word && !is_digit(bytes[WORD])) {
        memcpy(*at, "\\0\\0\\0\\0\\0\\0\\0\\0", 2 * WORD);
        *at += 2 * WORD;
        return true;
    }
    /* Neither above 126, nor below a space, nor one of two. */
    uint64_t is_high = (word + ONES) | word, is_low = (word - ONES * ' ') & ~word;
    if ((is_high | is_low) & HIGHEST || zeros_in(word ^ ONES * '"') || zeros_in(word ^ ONES * '\\'))
        return false;
    memcpy(*at, &word, WORD);
    *at += WORD;
    return true;
}

void text_quote(struct text *text, const uint8_t *bytes, size_t length, size_t limit)
{
    size_t shown = length < limit ? length : limit;
    char *at = text_room(text, LONGEST_ESCAPE * shown + sizeof "\"\"...");
    *at++ = '"';
    for (size_t i = 0; i < shown; i++) {
        if (shown - i > WORD && put_word(&at, bytes + i)) {
            i += WORD - 1;
            continue;
        }
        uint8_t byte = bytes[i];
        if (byte >= ' ' && byte < 127 && byte != '"' && byte != '\\')
            *at++ = (char)byte;
        else
            at = put_escape(at, byte, i + 1 < shown && is_digit(bytes[i + 1]));
    }
    *at++ = '"';
    text->length = (size_t)(at - text->data);
    if (shown < length)
        text_add(text, "...", 3);
}

/* The code point that begins here and its length in bytes; 0: this is no UTF-8 (RFC 3629). */
static size_t decode(const uint8_t *at, size_t left, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;
    if (!length || length > left)
        return 0;
    uint32_t value = length == 1 ? *at : *at & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3f);
    }
    *point = value;
    return value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0 : length;
}

static void add_unit(struct text *text, uint32_t unit)
{
    text_add(text, "\\u", 2);
    for (int shift = 12; shift >= 0; shift -= 4)
        text_char(text, "0123456789abcdef"[unit >> shift & 0xf]);
}

static void add_point(struct text *text, uint32_t point)
{
    static const char short_forms[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    const char *found = point && point < 128 ? strchr(short_forms, (int)point) : NULL;
    if (found && (found - short_forms) % 2 == 0) {
        text_char(text, '\\');
        text_char(text, found[1]);
    } else if (point >= ' ' && point < 127) {
        text_char(text, (char)point);
    } else if (point < 0x10000) {
        add_unit(text, point);
    } else {
        add_unit(text, 0xd800 + (point - 0x10000) / 0x400);
        add_unit(text, 0xdc00 + (point - 0x10000) % 0x400);
    }
}

bool text_json(struct text *text, const uint8_t *bytes, size_t length)
{
    size_t before = text->length;
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t point;
        size = decode(bytes + at, length - at, &point);
        if (!size) {
            text->length = before;
            return false;
        }
        add_point(text, point);
    }
    return true;
}

void text_base64(struct text *text, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < length; at += 3) {
        size_t count = length - at < 3 ? length - at : 3;
        uint32_t group = (uint32_t)bytes[at] << 16;
        if (count > 1)
            group |= (uint32_t)bytes[at + 1] << 8;
        if (count > 2)
            group |= bytes[at + 2];
        for (size_t i = 0; i < 4; i++)
            text_char(text, i <= count ? digits[group >> (18 - 6 * i) & 0x3f] : '=');
    }
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
