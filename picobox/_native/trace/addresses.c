/* Owns the text of socket addresses of any family, also of such as are cut short. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "trace.h"

static unsigned big_endian(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void add_local(struct text *text, const uint8_t *path, size_t size)
{
    text_string(text, ", sun_path=");
    if (!path[0]) {
        text_char(text, '@');
        text_quote(text, path + 1, size - 1, size);
        return;
    }
    const uint8_t *end = memchr(path, 0, size);
    text_quote(text, path, end ? (size_t)(end - path) : size, size);
}

static void add_internet(struct text *text, const uint8_t *data)
{
    char address[INET_ADDRSTRLEN];
    text_string(text, ", sin_port=htons(");
    text_unsigned(text, big_endian(data + 2));
    text_string(text, "), sin_addr=inet_addr(\"");
    text_string(text, inet_ntop(AF_INET, data + 4, address, sizeof address));
    text_string(text, "\")");
}

static void add_internet6(struct text *text, const uint8_t *data)
{
    char address[INET6_ADDRSTRLEN];
    text_string(text, ", sin6_port=htons(");
    text_unsigned(text, big_endian(data + 2));
    text_string(text, "), sin6_flowinfo=htonl(");
    text_unsigned(text, (uint64_t)big_endian(data + 4) << 16 | big_endian(data + 6));
    text_string(text, "), inet_pton(AF_INET6, \"");
    text_string(text, inet_ntop(AF_INET6, data + 8, address, sizeof address));
    text_string(text, "\", &sin6_addr)");
}

void add_address(struct text *text, const struct pb_trace_table *table, const uint8_t *data, size_t size)
{
    uint16_t family;
    if (size < sizeof family) {
        text_quote(text, data, size, STRING_LIMIT);
        return;
    }
    memcpy(&family, data, sizeof family);
    const char *name = name_of(table, PB_WORDS_AF, family);
    text_string(text, "{sa_family=");
    if (name)
        text_string(text, name);
    else
        text_hex(text, family);
    if (family == AF_UNIX && size > 2) {
        add_local(text, data + 2, size - 2);
    } else if (family == AF_INET && size >= 8) {
        add_internet(text, data);
    } else if (family == AF_INET6 && size >= 24) {
        add_internet6(text, data);
    } else if (size > 2) {
        text_string(text, ", sa_data=");
        text_quote(text, data + 2, size - 2, STRING_LIMIT);
    }
    text_char(text, '}');
}
