/* Owns the copies of images whose sites are jumps: files in a file system of ours, under the names of those that they stand
   for, which guests map in their place. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gate.h"

#define MODE_OF_DIRECTORIES 0755
#define ATTRIBUTES (MOUNT_READ_ONLY | MOUNT_NO_SUID | MOUNT_NO_DEVICES)
/* linux/mount.h */
#define MOUNT_READ_ONLY 0x1
#define MOUNT_NO_SUID 0x2
#define MOUNT_NO_DEVICES 0x4
#define LARGEST_TEXT (UINT64_C(1) << 26)

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
           memcmp(&one->st_mtim, &other->st_mtim, sizeof one->st_mtim) == 0 &&
           memcmp(&one->st_ctim, &other->st_ctim, sizeof one->st_ctim) == 0;
}

int32_t pb_open_copies(struct pb_core *core)
{
    int writable = pb_tree_new("tmpfs", "mode=0755", MOUNT_NO_SUID | MOUNT_NO_DEVICES);
    int tree = writable < 0 ? writable : pb_tree_clone(writable);
    int error = tree < 0 ? tree : pb_tree_change(tree, ATTRIBUTES, 0);
    struct images *images = error ? NULL : calloc(1, sizeof *images);
    if (images) {
        *images = (struct images){.writable = writable, .tree = tree};
        core->images = images;
        return 0;
    }
    if (tree >= 0)
        close(tree);
    if (writable >= 0)
        close(writable);
    return error ? error : -ENOMEM;
}

void images_close(struct pb_core *core)
{
    struct images *images = core->images;
    if (!images)
        return;
    while (images->count--) {
        close(images->images[images->count].original);
        close(images->images[images->count].copy);
        free(images->images[images->count].path);
    }
    close(images->tree);
    close(images->writable);
    free(images);
    core->images = NULL;
}

const struct image *image_of_copy(const struct pb_core *core, uint64_t device, uint64_t inode)
{
    for (int i = 0; core->images && i < core->images->count; i++)
        if (core->images->images[i].copy_inode == inode && core->images->images[i].copy_device == device)
            return &core->images->images[i];
    return NULL;
}

uint64_t pb_original(struct pb_core *core, uint64_t device, uint64_t inode)
{
    LOCKED(core);
    const struct image *image = image_of_copy(core, device, inode);
    return image ? image->file.st_ino : 0;
}

/* A new file under the path that the original has, in the place of the copy of another one that had it. */
static int copy_create(const struct images *images, char *path)
{
    int directory = images->writable;
    char *name = path + 1, *slash;
    while (directory >= 0 && (slash = strchr(name, '/'))) {
        *slash = 0;
        mkdirat(directory, name, MODE_OF_DIRECTORIES);
        int below = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        *slash = '/';
        if (directory != images->writable)
            close(directory);
        directory = below;
        name = slash + 1;
    }
    if (directory < 0)
        return -1;
    unlinkat(directory, name, 0);
    int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (directory != images->writable)
        close(directory);
    return fd;
}

/* Whether the image's text is in the copy now: by the kernel alone, since a page that is written whole is neither cleared
   nor mapped first, which took twice as long. */
static bool text_copy(int original, int copy, const struct image *image)
{
    char path[64];
    size_t left = image->end - image->start;
    off_t from = (off_t)image->start;
    snprintf(path, sizeof path, "/proc/self/fd/%d", original);
    /* Who has a lease on it is not waited for (fcntl(2)). */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool ready = file >= 0 && ftruncate(copy, image->file.st_size) == 0 && lseek(copy, from, SEEK_SET) == from;
    ssize_t got = 1;
    while (ready && left && got > 0) {
        got = sendfile(copy, file, &from, left);
        left -= got > 0 ? (size_t)got : 0;
    }
    if (file >= 0)
        close(file);
    return ready && got >= 0;
}

/* The image's text, at its place in the copy's memory; NULL if it cannot be there. What lies behind the end of the file is
   zero, as in a mapping. */
static uint8_t *text_read(int original, int copy, const struct image *image)
{
    if (!text_copy(original, copy, image))
        return NULL;
    uint8_t *text =
        mmap(NULL, image->end - image->start, PROT_READ | PROT_WRITE, MAP_SHARED, copy, (off_t)image->start);
    return text == MAP_FAILED ? NULL : text;
}

/* Whether a site is worth a jump from the beginning, and can have one that is the same wherever the image is. */
static bool is_worth(struct pb_core *core, const struct site_record *record, const struct image *image, struct gate_site *out)
{
    uint64_t start = record->offset - record->before;
    uint64_t args[6] = {0, record->nr == SYS_ioctl ? TCGETS : F_GETFD, 0, AT_EMPTY_PATH};
    if (record->nr < 0 || record->nr >= PB_NR_COUNT ||
        !is_for_gate(core, (uint64_t)record->nr, args) || start < image->start || start + record->replaced > image->end)
        return false;
    *out = (struct gate_site){
        .call = record->offset,
        .before = record->before,
        .after = (uint8_t)(record->replaced - record->before - X86_SYSCALL_LENGTH),
        .in_image = true,
        .record = record,
    };
    memcpy(out->region, record->original, record->replaced);
    way_choose(core, (uint32_t)record->nr, NULL, 0, out);
    if (record->nr == SYS_mmap && !start_is_recorded(core))
        out->way = MAPS;
    return stub_fits(out);
}

/* The stubs, and the jumps to them in the text. */
static bool text_patch(struct pb_core *core, struct stubs *stubs, struct image *image, uint8_t *text)
{
    struct gate_site *sites = calloc(image->site_count, sizeof *sites);
    image->count = image->word_count = 0;
    image->first_word = stubs->words;
    for (uint32_t i = 0; sites && i < image->site_count; i++) {
        const struct site_record *record = &image->sites[i];
        if (!is_worth(core, record, image, &sites[image->count]))
            continue;
        /* Else the plan is of another file. */
        if (memcmp(text + (record->offset - record->before - image->start), record->original, record->replaced) != 0)
            continue;
        sites[image->count++].words = (uint16_t)(image->first_word + image->word_count);
        image->word_count += 1U + record->literals_before + record->literals_after;
    }
    bool has_room = image->count && image->first_word + image->word_count <= WORD_COUNT;
    stubs->words += has_room ? image->word_count : 0;
    int32_t first = has_room ? stubs_get(stubs, sites, image->count) : -1;
    image->first = (uint32_t)first;
    for (uint32_t i = 0; first >= 0 && i < image->count; i++)
        stub_jump(image->first + i, &sites[i], text + (site_start(&sites[i]) - image->start));
    free(sites);
    return first >= 0;
}

/* Opens the copy as guests get it, once nobody can write it any more. */
static bool copy_lend(const struct images *images, int written, struct image *image)
{
    struct stat found;
    if (fchmod(written, image->file.st_mode & 0777) < 0)
        return false;
    image->copy = openat(images->tree, image->path + 1, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (image->copy < 0 || fstat(image->copy, &found) < 0)
        return false;
    image->copy_device = found.st_dev;
    image->copy_inode = found.st_ino;
    return true;
}

static bool copy_make(struct pb_core *core, struct image *image)
{
    struct stubs *stubs = stubs_of(core);
    int copy = stubs ? copy_create(core->images, image->path) : -1;
    if (copy < 0)
        return false;
    uint8_t *text = text_read(image->original, copy, image);
    bool made = text && text_patch(core, stubs, image, text);
    if (text)
        munmap(text, image->end - image->start);
    made = made && copy_lend(core->images, copy, image);
    close(copy);
    return made;
}

static const struct image *image_make(struct pb_core *core, int32_t tid, const struct mapping *mapping)
{
    struct images *images = core->images;
    struct image image = {.copy = -1, .start = mapping->offset, .end = mapping->offset + (mapping->end - mapping->start)};
    if (images->count == IMAGE_COUNT || guests_serve_to(core, tid) || mapping->path[0] != '/' || image.end - image.start > LARGEST_TEXT ||
        (image.original = image_open(tid, mapping, &image.file)) < 0)
        return NULL;
    image.path = strdup(mapping->path);
    image.sites = plan_sites(core, &image.file, &image.site_count);
    if (image.path && image.sites && copy_make(core, &image)) {
        images->images[images->count] = image;
        return &images->images[images->count++];
    }
    if (image.copy >= 0)
        close(image.copy);
    close(image.original);
    free(image.path);
    return NULL;
}

const struct image *image_find(struct pb_core *core, int32_t tid, const struct mapping *mapping)
{
    struct images *images = core->images;
    uint64_t end = mapping->offset + (mapping->end - mapping->start);
    for (int i = images->count; i-- > 0;) {
        const struct image *image = &images->images[i];
        struct stat now;
        if (image->file.st_ino != mapping->inode || image->file.st_dev != mapping->device ||
            strcmp(image->path, mapping->path) != 0)
            continue;
        /* The descriptor keeps the inode's number from being another file's. */
        if (fstat(image->original, &now) < 0 || !is_same(&now, &image->file))
            return NULL;
        return mapping->offset == image->start && end == image->end ? image : NULL;
    }
    return image_make(core, tid, mapping);
}

/* The words of an image whose first byte would be at an address. */
static void fill_in(const struct stubs *stubs, const struct image *image, uint64_t base, uint64_t *words)
{
    for (uint32_t i = 0; i < image->count; i++) {
        const struct gate_site *site = &stubs->sites[image->first + i];
        const struct site_record *record = site->record;
        uint64_t *word = words + (site->words - image->first_word);
        *word++ = base + site_end(site);
        for (uint8_t j = 0; j < record->literals_before + record->literals_after; j++)
            *word++ = base + site->call + (uint64_t)(int64_t)record->literal_to[j];
    }
}

/* Whether a text has any of its sites still: each page of it may have become the guest's own. */
static bool is_there(struct pb_core *core, const struct task *task, const struct copied_text *text)
{
    for (uint32_t of_text = text->image->first; of_text < text->image->first + text->image->count; of_text++) {
        struct gate_site site = task->gate->stubs->sites[of_text], found;
        uint32_t stub;
        if (site_at(core, task, site_start(&site) - text->image->start + text->start, &found, &stub) && stub == of_text)
            return true;
    }
    return false;
}

/* Where to note that a text will be there; NULL: there is no place, or its stubs would have to return to two places. */
static struct copied_text *place_for(struct pb_core *core, const struct task *task, const struct image *image, uint64_t start)
{
    struct gate *gate = task->gate;
    struct copied_text *gone = NULL;
    for (struct copied_text *text = gate->texts; text < gate->texts + gate->text_count; text++) {
        if (text->image != image)
            continue;
        if (text->start == start)
            return text;
        if (is_there(core, task, text))
            return NULL;
        gone = text;
    }
    return gate->text_count < TEXT_COUNT ? &gate->texts[gate->text_count++] : gone;
}

bool image_enter(struct pb_core *core, struct task *task, const struct image *image, uint64_t start, uint64_t length,
                 uint64_t offset)
{
    struct gate *gate = task->gate;
    struct copied_text *text = place_for(core, task, image, start);
    uint64_t words[WORD_COUNT], size = image->word_count * sizeof *words;
    if (!text)
        return false;
    *text = (struct copied_text){start, start + length, image};
    fill_in(gate->stubs, image, start - offset, words);
    return pb_write(core, task->tid, GATE_WORDS + sizeof *words * image->first_word, words, size) == (int64_t)size;
}
