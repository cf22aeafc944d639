/* Owns copies of what a program is started with, for a child that has none of our heap. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

/* Memory of one copy; with no memory it only counts what would be needed. */
struct block {
    char *memory;
    size_t used;
};

static void *put(struct block *block, const void *data, size_t size)
{
    char *place = block->memory ? block->memory + block->used : NULL;
    if (place && size)
        memcpy(place, data, size);
    block->used += (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    return place;
}

static char *put_text(struct block *block, const char *text)
{
    return text ? put(block, text, strlen(text) + 1) : NULL;
}

static char **put_texts(struct block *block, char *const *texts)
{
    size_t count = 0;
    while (texts[count])
        count++;
    char **copies = put(block, texts, (count + 1) * sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        char *copy = put_text(block, texts[i]);
        if (copies)
            copies[i] = copy;
    }
    return copies;
}

static const struct pb_walls *put_walls(struct block *block, const struct pb_walls *walls)
{
    if (!walls)
        return NULL;
    struct pb_walls copy = *walls;
    copy.limits = put(block, walls->limits, (size_t)walls->limit_count * sizeof *walls->limits);
    return put(block, &copy, sizeof copy);
}

static const uint8_t *put_filter(struct block *block, const uint8_t *filter, int32_t length)
{
    return filter ? put(block, filter, (size_t)length * sizeof(struct sock_filter)) : NULL;
}

static struct pb_spawn *put_request(struct block *block, const struct pb_spawn *request)
{
    struct pb_spawn copy = *request;
    copy.argv = put_texts(block, request->argv);
    copy.envp = put_texts(block, request->envp);
    copy.paths = put_texts(block, request->paths);
    copy.cwd = put_text(block, request->cwd);
    copy.shell = put_text(block, request->shell);
    copy.fds = put(block, request->fds, (size_t)request->fd_count * sizeof *request->fds);
    copy.kept = put(block, request->kept, (size_t)request->kept_count * sizeof *request->kept);
    copy.filter = put_filter(block, request->filter, request->filter_length);
    copy.notify_filter = put_filter(block, request->notify_filter, request->notify_length);
    copy.walls = put_walls(block, request->walls);
    return put(block, &copy, sizeof copy);
}

struct pb_spawn *request_copy(const struct pb_spawn *request, size_t room, void **memory, size_t *size)
{
    struct block block = {NULL, room};
    put_request(&block, request);
    *size = block.used;
    *memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*memory == MAP_FAILED)
        return NULL;
    block = (struct block){*memory, room};
    return put_request(&block, request);
}
