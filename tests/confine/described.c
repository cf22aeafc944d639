/* Calls on names that Landlock does not know, with odd arguments: prints what each of them gives, and what is there then. */
#include "../programs/check.h"
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#define CHMODAT2 452
#define ACCESSAT2 439

static char room[1 << 17];

#define GIVES(...)                                                                          \
    do {                                                                                    \
        errno = 0;                                                                          \
        long result = syscall(__VA_ARGS__);                                                 \
        say("%ld %s: " #__VA_ARGS__ "\n", result, result < 0 ? strerrorname_np(errno) : ""); \
    } while (0)

static void show(const char *name)
{
    struct stat about;
    CHECK(lstat(name, &about) == 0);
    bool is_set = about.st_mtim.tv_sec < 9; /* not the time of now */
    say("%s: mode %o, changed %ld.%ld\n", name, about.st_mode, is_set ? about.st_mtim.tv_sec : 0,
        is_set ? about.st_mtim.tv_nsec : 0);
}

static void modes_and_owners(int fd)
{
    GIVES(SYS_chown, "file", -1L, -1L);
    GIVES(SYS_chmod, "file", -1L);
    show("file");
    GIVES(SYS_chmod, "file", 0xff00000180L);
    show("file");
    GIVES(SYS_fchmodat, AT_FDCWD, "link", 0640);
    GIVES(CHMODAT2, AT_FDCWD, "link", 0600, 0x100);
    GIVES(CHMODAT2, AT_FDCWD, "link", 0600, 0x200);
    GIVES(SYS_fchmod, fd, 0644);
    GIVES(SYS_fchown, fd, -1, -1);
    GIVES(SYS_fchownat, AT_FDCWD, "link", -1, -1, 0x100);
    GIVES(SYS_fchownat, AT_FDCWD, "link", -1, -1, 0x200);
    show("file");
    GIVES(SYS_access, "file", -1L);
    GIVES(SYS_access, "file", 0xf00000004L);
    GIVES(ACCESSAT2, AT_FDCWD, "link", 4, 0x300);
    GIVES(ACCESSAT2, AT_FDCWD, "file", 4, 0x8000);
    GIVES(ACCESSAT2, fd, "", 1, 0x1000);
}

static void attributes(int fd)
{
    GIVES(SYS_setxattr, "file", "user.a", room, 70000L, 0);
    GIVES(SYS_setxattr, "file", "user.a", "xyz", 3L, 0);
    GIVES(SYS_setxattr, "file", "", "xyz", 3L, 0);
    GIVES(SYS_setxattr, "file", "user.a", "x", 1L, 1);
    GIVES(SYS_setxattr, "file", "user.a", "x", 0L, 5);
    GIVES(SYS_getxattr, "file", "user.a", room, -1L);
    GIVES(SYS_getxattr, "file", "user.a", room, 2L);
    GIVES(SYS_getxattr, "file", "user.a", room, 0L);
    GIVES(SYS_getxattr, "file", "user.b", room, 65536L);
    GIVES(SYS_listxattr, "file", room, 0L);
    GIVES(SYS_listxattr, "file", room, 1000L);
    GIVES(SYS_listxattr, "file", room, 1L);
    GIVES(SYS_lsetxattr, "link", "user.a", "x", 1L, 0);
    GIVES(SYS_lgetxattr, "link", "user.a", room, 9L);
    GIVES(SYS_removexattr, "file", "user.a");
    GIVES(SYS_removexattr, "file", "user.a");
    GIVES(SYS_fsetxattr, fd, "user.b", "x", 1L, 0);
    GIVES(SYS_fremovexattr, fd, "user.b");
}

static void times(int fd)
{
    long at[4] = {1, 999999, 2, 1000000}, omitted[4] = {0, 0x3ffffffe, 0, 0x3fffffff};
    GIVES(SYS_utimes, "file", at);
    at[3] = 5;
    GIVES(SYS_utimes, "file", at);
    show("file");
    GIVES(SYS_utimensat, AT_FDCWD, "file", at, 0);
    show("file");
    GIVES(SYS_utime, "file", at);
    GIVES(SYS_utimensat, AT_FDCWD, "link", at, 0x100);
    show("link");
    GIVES(SYS_utimensat, AT_FDCWD, "file", omitted, 0);
    at[1] = -1;
    GIVES(SYS_utimes, "file", at);
    GIVES(SYS_utimensat, AT_FDCWD, "file", at, 0);
    GIVES(SYS_utimensat, AT_FDCWD, "file", NULL, 0x800);
    GIVES(SYS_utimes, "file", NULL);
    GIVES(SYS_futimesat, AT_FDCWD, "file", NULL);
    GIVES(SYS_futimesat, fd, NULL, NULL);
    GIVES(SYS_utimensat, fd, NULL, NULL, 0);
}

static void looks(int fd)
{
    static char path[4095];
    memset(path, 'a', sizeof path - 1);
    GIVES(SYS_readlink, "link", room, -1L);
    GIVES(SYS_readlink, "link", room, 0xffffffffL);
    GIVES(SYS_readlink, "link", room, 1L << 33 | 2);
    GIVES(SYS_readlink, "link", room, 0L);
    GIVES(SYS_readlink, "file", room, 10L);
    GIVES(SYS_readlink, "none", room, 10L);
    GIVES(SYS_readlink, "/proc/self/cwd", room, 1L);
    GIVES(SYS_statx, AT_FDCWD, "file", 0xffffffff00000000L, -1L, room);
    GIVES(SYS_statx, AT_FDCWD, "file", 0x10000, 0x7ff, room);
    GIVES(SYS_statx, AT_FDCWD, "file", 0x6000, 0x7ff, room);
    GIVES(SYS_statx, AT_FDCWD, "file", 0x4000, 0x7ff, room);
    GIVES(SYS_statx, AT_FDCWD, "file", 0, 0x80000000L, room);
    GIVES(SYS_newfstatat, AT_FDCWD, path, room, 0);
    GIVES(SYS_newfstatat, AT_FDCWD, "", room, 0);
    GIVES(SYS_newfstatat, AT_FDCWD, "file", room, 0x200);
    GIVES(SYS_newfstatat, fd, "", room, 0x1000);
    GIVES(SYS_newfstatat, fd, "name", room, 0);
    GIVES(SYS_newfstatat, -5, "file", room, 0);
    GIVES(SYS_newfstatat, 77, "file", room, 0);
    GIVES(SYS_stat, "file/", room);
    GIVES(SYS_lstat, "link/", room);
    GIVES(SYS_lstat, "/proc/self/cwd/", room);
    GIVES(SYS_lstat, "/proc/self/cwd/link", room);
    CHECK(S_ISLNK(((struct stat *)room)->st_mode));
    GIVES(SYS_stat, "file", 1L);
    GIVES(SYS_statfs, "file", room);
    GIVES(SYS_statfs, "file", 1L);
}

static void watches(void)
{
    int notes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(notes >= 0);
    GIVES(SYS_inotify_add_watch, notes, "link", IN_ATTRIB | IN_DONT_FOLLOW);
    CHECK(chmod("file", 0600) == 0);
    GIVES(SYS_read, notes, room, sizeof room);
    GIVES(SYS_inotify_add_watch, notes, "file", IN_ATTRIB | IN_DONT_FOLLOW);
    CHECK(chmod("file", 0640) == 0);
    GIVES(SYS_read, notes, room, sizeof room);
    GIVES(SYS_inotify_add_watch, notes, ".", IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW);
    GIVES(SYS_inotify_add_watch, notes, "file", IN_CREATE | IN_ONLYDIR);
    GIVES(SYS_inotify_add_watch, 0, "file", IN_CREATE);
}

/* Numbers that are nobody's, some of them too large for one: who decides about them must not stumble. */
static void strangers(void)
{
    struct rlimit limit;
    CHECK(syscall(SYS_setpriority, PRIO_PROCESS, 0x94830000L, 1) == -1);
    CHECK(syscall(SYS_ioprio_set, 1, 0x7fffffff94830000L, 0) == -1);
    CHECK(syscall(SYS_prlimit64, 0x94830000L, RLIMIT_CORE, NULL, &limit) == -1);
    CHECK(readlink("/proc/99999999999999999999/cwd", room, sizeof room) == -1);
    CHECK(stat("/proc/2491584640/cwd/file", (struct stat *)room) == -1);
    GIVES(SYS_setpriority, PRIO_PROCESS, 1L << 32, 0);
}

int main(void)
{
    begin();
    int fd = open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && symlink("file", "link") == 0);
    modes_and_owners(fd);
    attributes(fd);
    times(fd);
    looks(fd);
    watches();
    strangers();
    return 0;
}
