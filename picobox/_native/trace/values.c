/* Owns the text of arguments that are values: numbers, flags, choices. */
#define _GNU_SOURCE
#include <string.h>

#include "trace.h"

#define INT(raw) ((uint64_t)(raw) & UINT64_C(0xffffffff))

/* asm-generic/fcntl.h, asm-generic/mman.h, linux/futex.h */
#define AT_FDCWD_VALUE (-100)
#define ACCESS_MODES 3
#define HUGE_PAGES 0x40000
#define HUGE_SHIFT 26
#define FUTEX_IS_PRIVATE 0x80
#define FUTEX_IS_REALTIME 0x100

const char *table_string(const struct pb_trace_table *table, int32_t offset)
{
    return table->strings + offset;
}

uint64_t argument_unsigned(const struct pb_trace_argument *argument, uint64_t raw)
{
    return ((raw & argument->mask) ^ argument->sign) - argument->sign;
}

int64_t argument_signed(const struct pb_trace_argument *argument, uint64_t raw)
{
    return (int64_t)argument_unsigned(argument, raw);
}

const char *name_of(const struct pb_trace_table *table, int32_t vocabulary, uint64_t value)
{
    const struct pb_trace_vocabulary *words = &table->vocabularies[vocabulary];
    for (int32_t i = 0; i < words->count; i++)
        if (table->words[words->first + i].value == value)
            return table_string(table, table->words[words->first + i].name);
    return NULL;
}

static void add_bar(struct text *text, bool *first)
{
    if (!*first)
        text_char(text, '|');
    *first = false;
}

/* What no name is for. */
static void add_unnamed(struct text *text, const struct pb_trace_table *table, int32_t vocabulary)
{
    text_string(text, " /* ");
    text_string(text, table_string(table, table->vocabularies[vocabulary].name));
    text_string(text, "_??? */");
}

bool add_flags(struct text *text, const struct pb_trace_table *table, int32_t vocabulary, uint64_t value, bool first)
{
    const struct pb_trace_vocabulary *words = &table->vocabularies[vocabulary];
    bool named = false;
    for (int32_t i = 0; i < words->count && value; i++) {
        const struct pb_trace_word *word = &table->words[words->first + i];
        if (!word->value || (value & word->value) != word->value)
            continue;
        add_bar(text, &first);
        text_string(text, table_string(table, word->name));
        value &= ~word->value;
        named = true;
    }
    if (value) {
        add_bar(text, &first);
        text_hex(text, value);
        if (!named)
            add_unnamed(text, table, vocabulary);
    }
    return first;
}

void add_signal(struct text *text, const struct pb_trace_table *table, int64_t number)
{
    const char *name = name_of(table, PB_WORDS_SIGNAL, (uint64_t)number);
    if (number == 32) {
        text_string(text, "SIGRTMIN");
    } else if (number > 32 && number <= 64) {
        text_string(text, "SIGRT_");
        text_signed(text, number - 32);
    } else if (name) {
        text_string(text, name);
    } else {
        text_signed(text, number);
    }
}

static void add_mode(struct text *text, uint64_t value)
{
    static const char *const types[16] = {
        [1] = "S_IFIFO", [2] = "S_IFCHR", [4] = "S_IFDIR", [6] = "S_IFBLK", [8] = "S_IFREG", [10] = "S_IFLNK", [12] = "S_IFSOCK",
    };
    const char *type = types[value >> 12 & 15];
    if (type) {
        text_string(text, type);
        text_char(text, '|');
        value &= 07777;
    }
    text_octal(text, value);
}

static void add_device(struct text *text, uint64_t value)
{
    text_string(text, "makedev(");
    text_hex(text, (value & 0xfff00) >> 8);
    text_string(text, ", ");
    text_hex(text, (value & 0xff) | (value >> 12 & 0xfff00));
    text_char(text, ')');
}

static void add_choice(struct text *text, const struct pb_trace_table *table, const struct pb_trace_argument *argument,
                       uint64_t raw)
{
    int64_t value = argument_signed(argument, raw);
    const char *name = name_of(table, argument->vocabulary, (uint64_t)value);
    if (!name)
        name = name_of(table, argument->vocabulary, INT(value));
    if (name) {
        text_string(text, name);
    } else if (argument->vocabulary == PB_WORDS_IOCTL) {
        text_hex(text, INT(value));
    } else {
        text_signed_hex(text, value);
        add_unnamed(text, table, argument->vocabulary);
    }
}

static void add_open_flags(struct text *text, const struct pb_trace_table *table, uint64_t raw)
{
    static const char *const accesses[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
    text_string(text, accesses[raw & ACCESS_MODES]);
    add_flags(text, table, PB_WORDS_O, INT(raw) & ~(uint64_t)ACCESS_MODES, false);
}

static void add_map_flags(struct text *text, const struct pb_trace_table *table, uint64_t value)
{
    static const char *const types[] = {"MAP_FILE", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE"};
    uint64_t type = value & 15, rest = value & ~UINT64_C(15);
    uint64_t huge = rest & HUGE_PAGES ? rest >> HUGE_SHIFT & 63 : 0;
    if (type < 4) {
        text_string(text, types[type]);
    } else {
        text_hex(text, type);
        add_unnamed(text, table, PB_WORDS_MAP);
    }
    add_flags(text, table, PB_WORDS_MAP, rest & ~(huge << HUGE_SHIFT), false);
    if (huge) {
        text_char(text, '|');
        text_unsigned(text, huge);
        text_string(text, "<<MAP_HUGE_SHIFT");
    }
}

static void add_clone_flags(struct text *text, const struct pb_trace_table *table, uint64_t value)
{
    bool first = add_flags(text, table, PB_WORDS_CLONE, value & ~UINT64_C(255), true);
    if (value & 255) {
        add_bar(text, &first);
        add_signal(text, table, (int64_t)(value & 255));
    }
    if (first)
        text_char(text, '0');
}

static void add_socket_type(struct text *text, const struct pb_trace_table *table, uint64_t value)
{
    const char *name = name_of(table, PB_WORDS_SOCK_TYPE, value & 15);
    if (name)
        text_string(text, name);
    else
        text_unsigned(text, value & 15);
    add_flags(text, table, PB_WORDS_SOCK, value & ~UINT64_C(15), false);
}

static void add_futex_operation(struct text *text, const struct pb_trace_table *table, uint64_t value)
{
    uint64_t command = value & ~(uint64_t)(FUTEX_IS_PRIVATE | FUTEX_IS_REALTIME);
    const char *name = name_of(table, PB_WORDS_FUTEX, command);
    if (name) {
        text_string(text, name);
    } else {
        text_hex(text, command);
        add_unnamed(text, table, PB_WORDS_FUTEX);
    }
    if (value & FUTEX_IS_PRIVATE)
        text_string(text, name ? "_PRIVATE" : "|FUTEX_PRIVATE_FLAG");
    if (value & FUTEX_IS_REALTIME)
        text_string(text, "|FUTEX_CLOCK_REALTIME");
}

static void add_hexadecimal(struct text *text, uint64_t value)
{
    if (value)
        text_hex(text, value);
    else
        text_char(text, '0');
}

static void add_fcntl_argument(struct text *text, const struct shown_call *call, const struct pb_trace_argument *argument,
                               uint64_t raw)
{
    switch (argument->sibling >= 0 ? INT(call->args[argument->sibling]) : 0) {
    case 0: /* F_DUPFD */
    case 1030: /* F_DUPFD_CLOEXEC */
        text_signed(text, (int32_t)raw);
        break;
    case 2: /* F_SETFD */
        if (add_flags(text, call->table, PB_WORDS_FD, raw, true))
            text_char(text, '0');
        break;
    case 4: /* F_SETFL */
        add_open_flags(text, call->table, raw);
        break;
    default:
        add_hexadecimal(text, argument_unsigned(argument, raw));
    }
}

static void add_number(struct text *text, const struct pb_trace_argument *argument, uint64_t raw)
{
    if (argument->sign)
        text_signed(text, argument_signed(argument, raw));
    else
        text_unsigned(text, argument_unsigned(argument, raw));
}

static void add_flag_set(struct text *text, const struct pb_trace_table *table, const struct pb_trace_argument *argument,
                         uint64_t value)
{
    const char *none;
    if (!add_flags(text, table, argument->vocabulary, value, true))
        return;
    none = name_of(table, argument->vocabulary, 0);
    text_string(text, none ? none : "0");
}

bool add_value(struct text *text, const struct shown_call *call, const struct pb_trace_argument *argument, uint64_t raw)
{
    const struct pb_trace_table *table = call->table;
    uint64_t value = argument_unsigned(argument, raw);
    switch (argument->kind) {
    case PB_KIND_ARGUMENT: add_number(text, argument, raw); break;
    case PB_KIND_HEXADECIMAL: add_hexadecimal(text, value); break;
    case PB_KIND_DIRFD:
        if ((int64_t)value == AT_FDCWD_VALUE)
            text_string(text, "AT_FDCWD");
        else
            text_signed(text, (int64_t)value);
        break;
    case PB_KIND_USERID:
        if (value == UINT64_C(0xffffffff))
            text_string(text, "-1");
        else
            text_unsigned(text, value);
        break;
    case PB_KIND_MODE: add_mode(text, value); break;
    case PB_KIND_DEVICE: add_device(text, value); break;
    case PB_KIND_SIGNAL: add_signal(text, table, (int64_t)value); break;
    case PB_KIND_FLAGS: add_flag_set(text, table, argument, value); break;
    case PB_KIND_CHOICE: add_choice(text, table, argument, raw); break;
    case PB_KIND_OPENFLAGS: add_open_flags(text, table, value); break;
    case PB_KIND_MAPFLAGS: add_map_flags(text, table, value); break;
    case PB_KIND_CLONEFLAGS: add_clone_flags(text, table, value); break;
    case PB_KIND_SOCKETTYPE: add_socket_type(text, table, INT(value)); break;
    case PB_KIND_FUTEXOPERATION: add_futex_operation(text, table, INT(value)); break;
    case PB_KIND_FCNTLARGUMENT: add_fcntl_argument(text, call, argument, raw); break;
    default: return false;
    }
    return true;
}
