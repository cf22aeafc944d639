/* Owns what Python cannot ask of a file, or do to a name: when it was made, its handle, a rename that replaces nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"
#include "statx.h"

/* STATX_BTIME. */
#define WANTED_BIRTH 0x800

int32_t pb_birth_time(int32_t directory, const char *name, int64_t *nanoseconds)
{
    struct kernel_statx found;
    int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
    if (syscall(SYS_statx, directory, name, flags, WANTED_BIRTH, &found) < 0)
        return -errno;
    if (!(found.mask & WANTED_BIRTH))
        return -EOPNOTSUPP;
    *nanoseconds = found.birth.seconds * INT64_C(1000000000) + found.birth.nanoseconds;
    return 0;
}

int32_t pb_file_handle(int32_t directory, const char *name, uint8_t *out)
{
    union {
        struct file_handle handle;
        unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } found = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount;
    if (name_to_handle_at(directory, name, &found.handle, &mount, 0) < 0)
        return -errno;
    out[0] = (uint8_t)found.handle.handle_type;
    memcpy(out + 1, found.handle.f_handle, found.handle.handle_bytes);
    return (int32_t)found.handle.handle_bytes + 1;
}

int32_t pb_rename_new(int32_t directory, const char *name, int32_t to_directory, const char *to_name)
{
    return syscall(SYS_renameat2, directory, name, to_directory, to_name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}
