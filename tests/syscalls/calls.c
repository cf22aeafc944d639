/* Makes the raw calls it is told of, each in a child of its own, and prints what they gave.

   Standard input: records of fields that end in NUL: root, cwd, directory (of a descriptor; empty: AT_FDCWD), call,
   flags, path. A path of one byte 1 is NULL, one of one byte 2 is an address where nothing is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "own_sites.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define SETXATTRAT 463
#define GETXATTRAT 464
#define LISTXATTRAT 465
#define REMOVEXATTRAT 466
#define OTHER "Other"
#define STAMP 123456789

enum { FIELDS = 6 };

static char input[1 << 24];
static char shown[1 << 16];
static size_t shown_length;

static const char *path;
static int dirfd;
static long flags;

static void show(const char *bytes, size_t length)
{
    if (shown_length + length >= sizeof shown)
        abort();
    memcpy(shown + shown_length, bytes, length);
    shown_length += length;
}

static void show_text(const char *text)
{
    show(text, strlen(text));
}

static void show_number(const char *name, long value)
{
    char text[64];
    snprintf(text, sizeof text, " %s=%ld", name, value);
    show_text(text);
}

static void show_link(const char *name, const char *link)
{
    char target[8192];
    ssize_t length = readlink(link, target, sizeof target);
    show_text(" ");
    show_text(name);
    show_text("=");
    if (length > 0)
        show(target, (size_t)length);
}

static long opened(long fd)
{
    char link[64];
    if (fd < 0)
        return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
    show_link("fd", link);
    return 0;
}

static long statted(long result, const struct stat *found)
{
    if (result == 0) {
        show_number("mode", found->st_mode);
        show_number("size", S_ISDIR(found->st_mode) ? 0 : found->st_size);
    }
    return result;
}

static long entered(long result)
{
    char cwd[8192];
    if (result < 0)
        return result;
    show_link("cwd", "/proc/self/cwd");
    if (syscall(SYS_getcwd, cwd, sizeof cwd) > 0) {
        show_text(" getcwd=");
        show_text(cwd);
    }
    return result;
}

static long listed(long call, long fd)
{
    char entries[4096];
    long length, names = 0;
    if (fd < 0)
        return fd;
    length = syscall(call, fd, entries, sizeof entries);
    for (long at = 0; at < length; at += *(uint16_t *)(entries + at + 16))
        names++;
    show_number("names", names);
    return length < 0 ? length : 0;
}

static long text(long length, const char *bytes)
{
    if (length >= 0) {
        show_text(" text=");
        show(bytes, (size_t)length);
    }
    return length;
}

static socklen_t address(struct sockaddr_un *made)
{
    /* What a bad pointer or a long path is to other calls cannot be said here. */
    size_t length = path == NULL || (uintptr_t)path == 8 ? 0 : strlen(path);
    if (length > sizeof made->sun_path)
        length = sizeof made->sun_path;
    memset(made, 0, sizeof *made);
    made->sun_family = AF_UNIX;
    memcpy(made->sun_path, path, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static long with_handle(int opens)
{
    struct file_handle *handle = calloc(1, sizeof *handle + 128);
    int mount_id, mount_fd;
    long result;
    handle->handle_bytes = 128;
    result = syscall(SYS_name_to_handle_at, dirfd, path, handle, &mount_id, flags);
    if (result < 0 || !opens)
        return result;
    mount_fd = open(".", O_RDONLY);
    return opened(syscall(SYS_open_by_handle_at, mount_fd, handle, O_PATH));
}

static long socket_call(const char *call)
{
    struct sockaddr_un to;
    socklen_t length = address(&to);
    struct iovec data = {"x", 1};
    struct msghdr message = {.msg_name = &to, .msg_namelen = length, .msg_iov = &data, .msg_iovlen = 1};
    int stream = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (strcmp(call, "bind") == 0) {
        struct sockaddr_un bound = {0};
        socklen_t size = sizeof bound;
        long result = syscall(SYS_bind, stream, &to, length);
        if (result == 0 && getsockname(stream, (struct sockaddr *)&bound, &size) == 0)
            show_number("named", bound.sun_path[0] != 0);
        return result;
    }
    if (strcmp(call, "connect") == 0)
        return syscall(SYS_connect, stream, &to, length);
    if (strcmp(call, "connect_datagram") == 0)
        return syscall(SYS_connect, datagram, &to, length);
    if (strcmp(call, "sendto") == 0)
        return syscall(SYS_sendto, datagram, "x", 1, 0, &to, length);
    if (strcmp(call, "sendmsg") == 0)
        return syscall(SYS_sendmsg, datagram, &message, 0);
    abort();
}

/* Whoever renames or mounts anything on the machine meanwhile makes a walk that must not leave a place fail (openat2(2)). */
static long open_by(int directory, const char *path, const struct open_how *how)
{
    long fd;
    do
        fd = syscall(SYS_openat2, directory, path, how, sizeof *how);
    while (fd < 0 && errno == EAGAIN);
    return fd;
}

static long make(const char *call)
{
    static const struct utimbuf times = {STAMP, STAMP};
    static const struct timeval timevals[2] = {{STAMP, 0}, {STAMP, 0}};
    static const struct timespec timespecs[2] = {{STAMP, 0}, {STAMP, 0}};
    static char *const argv[] = {"shown", "--show", NULL}, *const envp[] = {NULL};
    char buffer[4096];
    struct stat found;
    struct statx extended;
    struct statfs volume;
    struct open_how how = {.flags = O_PATH};
    struct { uint64_t value; uint32_t size, flags; } value = {(uintptr_t)buffer, sizeof buffer, 0};
    struct { uint64_t value; uint32_t size, flags; } given = {(uintptr_t)"v", 1, 0};

#define CALL(name, made)                                                                                               \
    if (strcmp(call, name) == 0)                                                                                       \
        return made
    CALL("open", opened(syscall(SYS_open, path, O_RDONLY | flags, 0)));
    CALL("open_nofollow", opened(syscall(SYS_open, path, O_RDONLY | O_NOFOLLOW, 0)));
    CALL("open_path", opened(syscall(SYS_open, path, O_PATH | O_NOFOLLOW, 0)));
    CALL("getdents", listed(SYS_getdents, syscall(SYS_open, path, O_RDONLY | O_DIRECTORY, 0)));
    CALL("getdents64", listed(SYS_getdents64, syscall(SYS_open, path, O_RDONLY | O_DIRECTORY, 0)));
    CALL("open_creat", opened(syscall(SYS_open, path, O_RDWR | O_CREAT, 0640)));
    CALL("open_trunc", opened(syscall(SYS_open, path, O_WRONLY | O_TRUNC, 0)));
    CALL("open_creat_trunc", opened(syscall(SYS_open, path, O_WRONLY | O_CREAT | O_TRUNC, 0640)));
    CALL("open_excl", opened(syscall(SYS_open, path, O_RDWR | O_CREAT | O_EXCL, 0640)));
    CALL("open_tmpfile", syscall(SYS_open, path, O_RDWR | O_TMPFILE, 0640) < 0 ? -1 : 0);
    CALL("openat", opened(syscall(SYS_openat, dirfd, path, O_RDONLY, 0)));
    CALL("openat_creat", opened(syscall(SYS_openat, dirfd, path, O_RDWR | O_CREAT, 0640)));
    CALL("openat2", opened(open_by(dirfd, path, &how)));
    CALL("openat2_creat", (how.flags = O_CREAT | O_RDWR, how.mode = 0640,
                           opened(open_by(dirfd, path, &how))));
    CALL("openat2_beneath", (how.resolve = 8, opened(open_by(dirfd, path, &how))));
    CALL("openat2_no_links", (how.resolve = 4, opened(open_by(dirfd, path, &how))));
    CALL("openat2_in_root", (how.resolve = 16, opened(open_by(dirfd, path, &how))));
    CALL("creat", opened(syscall(SYS_creat, path, 0640)));
    CALL("stat", statted(syscall(SYS_stat, path, &found), &found));
    CALL("lstat", statted(syscall(SYS_lstat, path, &found), &found));
    CALL("newfstatat", statted(syscall(SYS_newfstatat, dirfd, path, &found, flags), &found));
    CALL("statx", syscall(SYS_statx, dirfd, path, flags, STATX_BASIC_STATS, &extended) < 0
                      ? -1
                      : (show_number("mode", extended.stx_mode), 0));
    CALL("access", syscall(SYS_access, path, R_OK));
    CALL("faccessat", syscall(SYS_faccessat, dirfd, path, F_OK));
    CALL("faccessat2", syscall(SYS_faccessat2, dirfd, path, R_OK, flags));
    CALL("readlink", text(syscall(SYS_readlink, path, buffer, sizeof buffer), buffer));
    CALL("readlinkat", text(syscall(SYS_readlinkat, dirfd, path, buffer, sizeof buffer), buffer));
    CALL("chdir", entered(syscall(SYS_chdir, path)));
    CALL("fchdir", entered(syscall(SYS_fchdir, syscall(SYS_open, path, O_PATH, 0))));
    CALL("rename_from", syscall(SYS_rename, path, OTHER));
    CALL("rename_to", syscall(SYS_rename, OTHER, path));
    CALL("renameat_from", syscall(SYS_renameat, dirfd, path, AT_FDCWD, OTHER));
    CALL("renameat_to", syscall(SYS_renameat, AT_FDCWD, OTHER, dirfd, path));
    CALL("renameat2_from", syscall(SYS_renameat2, dirfd, path, AT_FDCWD, OTHER, 0));
    CALL("renameat2_to", syscall(SYS_renameat2, AT_FDCWD, OTHER, dirfd, path, 0));
    CALL("renameat2_noreplace", syscall(SYS_renameat2, AT_FDCWD, OTHER, dirfd, path, 1));
    CALL("renameat2_exchange", syscall(SYS_renameat2, AT_FDCWD, OTHER, dirfd, path, 2));
    CALL("link_from", syscall(SYS_link, path, "New"));
    CALL("link_to", syscall(SYS_link, OTHER, path));
    CALL("linkat_from", syscall(SYS_linkat, dirfd, path, AT_FDCWD, "New", flags));
    CALL("linkat_to", syscall(SYS_linkat, AT_FDCWD, OTHER, dirfd, path, 0));
    CALL("symlink", syscall(SYS_symlink, "Text", path));
    CALL("symlinkat", syscall(SYS_symlinkat, "Text", dirfd, path));
    CALL("unlink", syscall(SYS_unlink, path));
    CALL("unlinkat", syscall(SYS_unlinkat, dirfd, path, 0));
    CALL("unlinkat_directory", syscall(SYS_unlinkat, dirfd, path, AT_REMOVEDIR));
    CALL("rmdir", syscall(SYS_rmdir, path));
    CALL("mkdir", syscall(SYS_mkdir, path, 0750));
    CALL("mkdirat", syscall(SYS_mkdirat, dirfd, path, 0750));
    CALL("mknod", syscall(SYS_mknod, path, S_IFIFO | 0640, 0));
    CALL("mknodat", syscall(SYS_mknodat, dirfd, path, S_IFREG | 0640, 0));
    CALL("truncate", syscall(SYS_truncate, path, 2));
    CALL("chmod", syscall(SYS_chmod, path, 0711));
    CALL("fchmodat", syscall(SYS_fchmodat, dirfd, path, 0711));
    CALL("fchmodat2", syscall(SYS_fchmodat2, dirfd, path, 0711, flags));
    CALL("chown", syscall(SYS_chown, path, 12, 34));
    CALL("lchown", syscall(SYS_lchown, path, 12, 34));
    CALL("fchownat", syscall(SYS_fchownat, dirfd, path, 12, 34, flags));
    CALL("utime", syscall(SYS_utime, path, &times));
    CALL("utimes", syscall(SYS_utimes, path, timevals));
    CALL("futimesat", syscall(SYS_futimesat, dirfd, path, timevals));
    CALL("utimensat", syscall(SYS_utimensat, dirfd, path, timespecs, flags));
    CALL("setxattr", syscall(SYS_setxattr, path, "user.b", "v", 1, 0));
    CALL("lsetxattr", syscall(SYS_lsetxattr, path, "trusted.b", "v", 1, 0));
    CALL("getxattr", text(syscall(SYS_getxattr, path, "user.a", buffer, sizeof buffer), buffer));
    CALL("lgetxattr", text(syscall(SYS_lgetxattr, path, "user.a", buffer, sizeof buffer), buffer));
    CALL("listxattr", text(syscall(SYS_listxattr, path, buffer, sizeof buffer), buffer));
    CALL("llistxattr", text(syscall(SYS_llistxattr, path, buffer, sizeof buffer), buffer));
    CALL("removexattr", syscall(SYS_removexattr, path, "user.a"));
    CALL("lremovexattr", syscall(SYS_lremovexattr, path, "user.a"));
    CALL("setxattrat", syscall(SETXATTRAT, dirfd, path, flags, "trusted.b", &given, sizeof given));
    CALL("getxattrat", text(syscall(GETXATTRAT, dirfd, path, flags, "user.a", &value, sizeof value), buffer));
    CALL("listxattrat", text(syscall(LISTXATTRAT, dirfd, path, flags, buffer, sizeof buffer), buffer));
    CALL("removexattrat", syscall(REMOVEXATTRAT, dirfd, path, flags, "user.a"));
    CALL("statfs", syscall(SYS_statfs, path, &volume));
    CALL("execve", syscall(SYS_execve, path, argv, envp));
    CALL("execveat", syscall(SYS_execveat, dirfd, path, argv, envp, flags));
    CALL("inotify_add_watch", syscall(SYS_inotify_add_watch, inotify_init1(0), path, IN_OPEN | flags));
    CALL("inotify_add_watch_nofollow",
         syscall(SYS_inotify_add_watch, inotify_init1(0), path, IN_OPEN | IN_ONLYDIR | IN_DONT_FOLLOW));
    CALL("fanotify_mark", syscall(SYS_fanotify_mark, fanotify_init(0, 0), FAN_MARK_ADD, FAN_OPEN, dirfd, path));
    CALL("fanotify_mark_nofollow", syscall(SYS_fanotify_mark, fanotify_init(0, 0),
                                           FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW, FAN_OPEN, dirfd, path));
    CALL("name_to_handle_at", with_handle(0));
    CALL("open_by_handle_at", with_handle(1));
    CALL("chroot", entered(syscall(SYS_chroot, path)));
    CALL("swapon", syscall(SYS_swapon, path, 0));
    CALL("swapoff", syscall(SYS_swapoff, path));
    CALL("mount", syscall(SYS_mount, NULL, path, "no such system", 0, NULL));
    CALL("umount2", syscall(SYS_umount2, path, 0));
    return socket_call(call);
}

static void serve(int number, char *const *fields)
{
    char line[64];
    long result;
    if (chdir(fields[0]) < 0 || (*fields[1] && chdir(fields[1]) < 0))
        _exit(90);
    dirfd = *fields[2] ? open(fields[2], O_RDONLY) : AT_FDCWD;
    if (*fields[2] && dirfd < 0)
        _exit(91);
    flags = atol(fields[4]);
    path = strcmp(fields[5], "\1") == 0 ? NULL : strcmp(fields[5], "\2") == 0 ? (const char *)8 : fields[5];
    snprintf(line, sizeof line, "%d", number);
    show_text(line);
    if (strncmp(fields[3], "execve", 6) == 0) {
        /* The rest comes from the new image, or from here if there is none. */
        if (write(1, shown, shown_length) < 0)
            _exit(92);
        shown_length = 0;
    }
    result = make(fields[3]);
    show_number(result < 0 ? "errno" : "result", result < 0 ? errno : result);
    shown[shown_length++] = '\n';
    _exit(write(1, shown, shown_length) != (ssize_t)shown_length);
}

int main(int argc, char **argv)
{
    char *fields[FIELDS], *at = input;
    ssize_t got;
    size_t length = 0;
    if (argc == 2 && strcmp(argv[1], "--show") == 0) {
        show_text(argv[0]);
        show_link("exe", "/proc/self/exe");
        shown[shown_length++] = '\n';
        return write(1, shown, shown_length) != (ssize_t)shown_length;
    }
    while ((got = read(0, input + length, sizeof input - length)) > 0)
        length += (size_t)got;
    /* A root of our own makes the supervisor look from there. */
    if (argc == 2 && chroot(argv[1]) < 0)
        return 93;
    umask(0);
    for (int number = 0; at < input + length; number++) {
        int status;
        for (int field = 0; field < FIELDS; field++, at += strlen(at) + 1)
            fields[field] = at;
        if (fork() == 0)
            serve(number, fields);
        if (wait(&status) < 0 || status != 0) {
            fprintf(stderr, "%d %s %s: %x\n", number, fields[3], fields[5], status);
            return 94;
        }
    }
    return 0;
}
