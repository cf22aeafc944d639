/* Directories that guests watch: what they hold is found without a listing, which the watch would show. */
#define _GNU_SOURCE
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static struct observed **observed_link(struct pb_names *names, uint64_t device, uint64_t inode)
{
    uint64_t hash = (inode ^ device << 32) * 0x9E3779B97F4A7C15u;
    struct observed **link = &names->observed[(hash >> 32) % NAMES_OBSERVED_BUCKETS];
    while (*link != NULL && ((*link)->device != device || (*link)->inode != inode))
        link = &(*link)->next;
    return link;
}

static int observe(struct pb_names *names, const struct directory_key *key)
{
    struct observed **link = observed_link(names, key->device, key->inode);
    if (*link != NULL)
        return 0;
    *link = calloc(1, sizeof **link);
    if (*link == NULL)
        return -ENOMEM;
    (*link)->device = key->device;
    (*link)->inode = key->inode;
    names->observed_count++;
    return 0;
}

void names_forget_observed(struct pb_names *names, const struct directory_key *key)
{
    struct observed **link = observed_link(names, key->device, key->inode);
    struct observed *gone = *link;
    if (gone == NULL)
        return;
    *link = gone->next;
    free(gone);
    names->observed_count--;
}

void names_free_observed(struct pb_names *names)
{
    for (size_t i = 0; i < NAMES_OBSERVED_BUCKETS; i++) {
        while (names->observed[i] != NULL) {
            struct observed *gone = names->observed[i];
            names->observed[i] = gone->next;
            free(gone);
        }
    }
}

/* A watch of a directory also shows who opens and reads what is directly in it (inotify(7)). */
bool names_is_observed(struct pb_names *names, const struct directory_key *key, int fd)
{
    struct directory_key above;
    struct directory_state state;
    if (names->observed_count == 0)
        return false;
    if (*observed_link(names, key->device, key->inode) != NULL)
        return true;
    return names_examine(fd, "..", 0, &above, &state) == 0 &&
           *observed_link(names, above.device, above.inode) != NULL;
}

/* The file system says whether a name is there, which no watch shows. */
static int is_there(int fd, const char *name, size_t length)
{
    struct stat status;
    char text[NAME_LONGEST + 1];
    memcpy(text, name, length);
    text[length] = 0;
    if (fstatat(fd, text, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    return errno == ENOENT || errno == ENAMETOOLONG ? 0 : -errno;
}

/* Leaves in names->match what of a directory's names is there. */
static int match_those_there(struct pb_names *names, struct directory *directory, int fd)
{
    uint32_t at = 0;
    size_t length;
    const char *spelling;
    names_forget_match(names);
    while ((spelling = name_table_next(&directory->table, &names->wanted, &at, &length)) != NULL) {
        int there = is_there(fd, spelling, length);
        if (there < 0)
            return there;
        if (there == 1)
            name_consider(&names->match, &names->wanted, spelling, length);
    }
    return 0;
}

int names_match_unlisted(struct pb_names *names, struct directory *directory, const struct directory_key *key, int fd)
{
    if (directory == NULL)
        directory = directory_new(names, key, 0, fd);
    if (directory == NULL)
        return -ENOMEM;
    directory_watch(names, directory, fd);
    directory->stale = true;
    directory->unlisted = true;
    int result = match_those_there(names, directory, fd);
    if (result < 0)
        return result;
    int exact = is_there(fd, names->wanted.text, names->wanted.length);
    if (exact < 0)
        return exact;
    names->match.exact = exact == 1;
    /* What is looked for is what will be made: another spelling of it is then found. */
    name_fold(&names->other, names->seed, names->wanted.text, names->wanted.length);
    return directory_add(names, directory);
}

/* Lists an open directory and watches it, unless that was done. */
static int list_now(struct pb_names *names, int fd)
{
    struct directory_key key;
    struct directory_state state;
    int result = names_examine(fd, "", 0, &key, &state);
    if (result < 0)
        return result;
    name_fold(&names->wanted, names->seed, ".", 1);
    names_forget_match(names);
    names->expects_observer = true;
    result = names_match_in(names, fd, &key, &state);
    names->expects_observer = false;
    return result;
}

static void list_directories_in(struct pb_names *names, const struct directory_key *key, int fd)
{
    size_t size;
    struct directory *directory = directory_find(names, key);
    char *all = directory == NULL ? NULL : name_table_copy(&directory->table, &size);
    if (all == NULL)
        return;
    for (const char *name = all; name < all + size; name += strlen(name) + 1) {
        int below = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            continue;
        (void)list_now(names, below);
        close(below);
    }
    free(all);
}

int32_t pb_names_expect_observer(struct pb_names *names, int32_t fd)
{
    struct directory_key key;
    struct directory_state state;
    int result = names_examine(fd, "", 0, &key, &state);
    if (result < 0)
        return result;
    pthread_mutex_lock(&names->lock);
    if (list_now(names, fd) == 0)
        list_directories_in(names, &key, fd);
    result = observe(names, &key);
    pthread_mutex_unlock(&names->lock);
    return result;
}

static void spare_instance(struct pb_names *names)
{
    if (names->inotify < 0)
        return;
    int another = inotify_init1(IN_CLOEXEC);
    if (another >= 0)
        close(another);
    else if (errno == EMFILE)
        close(names_leave_inotify(names)); /* there is another at once */
}

void pb_names_spare_instance(struct pb_names *names)
{
    pthread_mutex_lock(&names->lock);
    spare_instance(names);
    pthread_mutex_unlock(&names->lock);
}
