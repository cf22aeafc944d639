/* Owns the plans of images: which call sites of a file can enter the gate, as picobox.platform.site_records keeps them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate.h"

#define LARGEST_PLAN (1 << 23)
#define LARGEST_IMAGE (1 << 23) /* of those that a plan is wanted for: it is made while somebody waits */
#define NAME_SIZE 128
#define CRC_POLYNOMIAL UINT32_C(0xedb88320)

struct plan_header {
    char magic[8];
    uint8_t digest[32];
    uint32_t sites, refused, check, size;
    uint8_t unused[8];
};
_Static_assert(sizeof(struct plan_header) == 64, "as site_records writes it");
_Static_assert(sizeof(struct site_record) == 256, "as site_records writes it");
#define REFUSED_SIZE 12

struct plan {
    struct plan *next;
    char name[NAME_SIZE];
    struct plan_header header;
    struct site_record sites[];
};

/* CRC-32 as zlib has it. */
static uint32_t check_of(const uint8_t *data, size_t size)
{
    uint32_t table[256], check = ~UINT32_C(0);
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? CRC_POLYNOMIAL : 0);
    }
    for (size_t i = 0; i < size; i++)
        check = table[(check ^ data[i]) & 0xff] ^ check >> 8;
    return ~check;
}

static bool literals_fit(const uint8_t *at, uint8_t count, uint8_t length)
{
    for (uint8_t i = 0; i < count; i++)
        if (at[i] + sizeof(uint64_t) > length)
            return false;
    return true;
}

static bool is_sound(const struct site_record *site)
{
    return site->replaced >= JUMP_LENGTH && site->replaced <= sizeof site->original &&
           site->before + X86_SYSCALL_LENGTH <= site->replaced &&
           site->code_before + site->code_after <= (int)sizeof site->code &&
           site->literals_before + site->literals_after <= SITE_LITERALS &&
           site->steps_before + site->steps_after <= SITE_STEPS &&
           literals_fit(site->literal_at, site->literals_before, site->code_before) &&
           literals_fit(site->literal_at + site->literals_before, site->literals_after, site->code_after);
}

/* Whoever may write the file could have: what its numbers lead to is inside of it. */
static bool is_plan(const struct plan *plan, size_t size)
{
    const struct plan_header *header = &plan->header;
    if (size < sizeof *header || memcmp(header->magic, "PBSITE01", sizeof header->magic) != 0 || header->size != size ||
        size - sizeof *header != sizeof(struct site_record) * (uint64_t)header->sites + REFUSED_SIZE * (uint64_t)header->refused ||
        check_of((const uint8_t *)plan->sites, size - sizeof *header) != header->check)
        return false;
    for (uint32_t i = 0; i < header->sites; i++)
        if (!is_sound(&plan->sites[i]) || (i && plan->sites[i].offset <= plan->sites[i - 1].offset))
            return false;
    return true;
}

static struct plan *plan_read(int fd)
{
    struct stat found;
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode) || found.st_uid != geteuid() ||
        found.st_mode & (S_IWGRP | S_IWOTH) || found.st_size > LARGEST_PLAN)
        return NULL;
    size_t size = (size_t)found.st_size;
    struct plan *plan = malloc(offsetof(struct plan, header) + (size < sizeof plan->header ? sizeof plan->header : size));
    if (plan && read(fd, &plan->header, size) == (ssize_t)size && is_plan(plan, size))
        return plan;
    free(plan);
    return NULL;
}

static struct plan *plan_named(struct pb_core *core, const char *name)
{
    for (struct plan *plan = core->plans; plan; plan = plan->next)
        if (strcmp(plan->name, name) == 0)
            return plan;
    int fd = openat(core->plan_directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    struct plan *plan = plan_read(fd);
    close(fd);
    if (!plan)
        return NULL;
    strcpy(plan->name, name);
    plan->next = core->plans;
    core->plans = plan;
    return plan;
}

int image_open(int32_t tid, const struct mapping *mapping, struct stat *image)
{
    char path[sizeof mapping->path + 64];
    snprintf(path, sizeof path, "/proc/%d/root%s", tid, mapping->path);
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, image) == 0 && S_ISREG(image->st_mode) && image->st_dev == mapping->device && image->st_ino == mapping->inode)
        return fd;
    close(fd);
    return -1;
}

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static void name_of(const struct stat *image, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%llx-%llx-%llx-%llx-%llx", (unsigned long long)image->st_dev,
             (unsigned long long)image->st_ino, (unsigned long long)image->st_size,
             (unsigned long long)nanoseconds(image->st_mtim), (unsigned long long)nanoseconds(image->st_ctim));
}

/* Remembers an image for pb_take_unplanned. */
static void want(struct pb_core *core, int image, const struct stat *found)
{
    char path[64];
    for (int i = 0; i < core->unplanned_count; i++)
        if (core->unplanned[i].device == found->st_dev && core->unplanned[i].inode == found->st_ino)
            return;
    if (core->unplanned_count == UNPLANNED_COUNT || found->st_size > LARGEST_IMAGE)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    /* Who has a lease on it is not waited for (fcntl(2)). */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        core->unplanned[core->unplanned_count++] = (struct unplanned){found->st_dev, found->st_ino, fd};
}

const struct site_record *plan_sites(struct pb_core *core, const struct stat *image, uint32_t *count)
{
    char name[NAME_SIZE];
    name_of(image, name);
    const struct plan *plan = core->plan_directory >= 0 ? plan_named(core, name) : NULL;
    *count = plan ? plan->header.sites : 0;
    return plan ? plan->sites : NULL;
}

static const struct site_record *record_at(const struct site_record *sites, uint32_t count, uint64_t offset)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sites[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && sites[low].offset == offset ? &sites[low] : NULL;
}

bool plan_find(struct pb_core *core, int32_t tid, const struct mapping *mapping, uint64_t call,
               const struct site_record **out)
{
    struct stat found;
    uint32_t count;
    uint64_t offset = call - mapping->start + mapping->offset;
    const struct image *copied = image_of_copy(core, mapping->device, mapping->inode);
    if (copied) {
        *out = record_at(copied->sites, copied->site_count, offset);
        return true;
    }
    int image = core->plan_directory >= 0 && !guests_serve_to(core, tid) ? image_open(tid, mapping, &found) : -1;
    if (image < 0)
        return false;
    const struct site_record *sites = plan_sites(core, &found, &count);
    if (sites)
        *out = record_at(sites, count, offset);
    else
        want(core, image, &found);
    close(image);
    return sites != NULL;
}

void plans_close(struct pb_core *core)
{
    while (core->plans) {
        struct plan *first = core->plans;
        core->plans = first->next;
        free(first);
    }
    while (core->unplanned_count)
        close(core->unplanned[--core->unplanned_count].fd);
    if (core->plan_directory >= 0)
        close(core->plan_directory);
}

void pb_set_plans(struct pb_core *core, int32_t directory)
{
    LOCKED(core);
    core->plan_directory = directory;
}

int32_t pb_take_unplanned(struct pb_core *core)
{
    LOCKED(core);
    return core->unplanned_count ? core->unplanned[--core->unplanned_count].fd : -1;
}
