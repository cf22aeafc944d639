/* A11: rights that grow: a file opened to be read, or only as a place, opened again for writing through /proc; a file
   without a name that gets one elsewhere; a file by its handle, past all names. */
/* Walls: tree */
#include "attack.h"
#include <sys/ioctl.h>

static void reopen(int flags)
{
    char path[64];
    int fd = open(decoy("ATTACK_OUTSIDE"), flags | O_CLOEXEC);
    if (fd < 0)
        return;
    const char *const ways[] = {"/proc/self/fd/%d", "/dev/fd/%d", "/proc/thread-self/fd/%d"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        snprintf(path, sizeof path, ways[i], fd);
        int again = open(path, O_WRONLY | O_CLOEXEC);
        GOT_IF(again >= 0, "write access to a file that may only be read, opened with %#x\n", flags);
        GOT_IF(truncate(path, 100) == 0, "a file that may only be read truncated\n");
        GOT_IF(chmod(path, 0600) == 0, "the mode of a file that may only be read\n");
        if (again >= 0)
            close(again);
    }
    close(fd);
}

static void give_a_name(void)
{
    char path[64], target[PATH_MAX];
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    snprintf(target, sizeof target, "%s-made", decoy("ATTACK_OUTSIDE"));
    if (fd < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    GOT_IF(linkat(AT_FDCWD, path, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0, "a name outside for a file of ours\n");
}

/* The harness tells the handle: a guest could guess it. */
static void by_handle(void)
{
    struct {
        struct file_handle handle;
        unsigned char bytes[128];
    } file = {.handle = {.handle_bytes = sizeof file.bytes}};
    const char *text = decoy("ATTACK_HANDLE");
    unsigned int type, byte;
    int used;
    if (sscanf(text, "%u:%n", &type, &used) != 1)
        return;
    file.handle.handle_type = (int)type;
    file.handle.handle_bytes = 0;
    for (text += used; sscanf(text, "%2x", &byte) == 1; text += 2)
        file.handle.f_handle[file.handle.handle_bytes++] = (unsigned char)byte;
    int mount = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(mount >= 0);
    GOT_IF(holds_secret(open_by_handle_at(mount, &file.handle, O_RDONLY | O_CLOEXEC)), "the secret by its handle\n");
}

int main(void)
{
    begin();
    reopen(O_PATH);
    reopen(O_RDONLY);
    give_a_name();
    by_handle();
    return 0;
}
