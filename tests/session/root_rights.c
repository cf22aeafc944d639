/* What root may do, and who is not root may not: the same natively and in an instance. Run in an empty directory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <signal.h>
#include <grp.h>
#include <unistd.h>

#include "root_rights.h"

void in_child(void (*work)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        work();
        exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (status)
        exit(1);
}

static void are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t r, e, s;
    CHECK(getresuid(&r, &e, &s) == 0);
    CHECK(r == real && e == effective && s == saved && getuid() == real && geteuid() == effective);
}

static uint64_t capabilities(int which)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK(syscall(SYS_capget, &header, data) == 0);
    return which ? data[0].permitted : data[0].effective;
}

static void set_one(void)
{
    CHECK(setuid(5) == 0);
    are(5, 5, 5);
    CHECK(capabilities(0) == 0 && capabilities(1) == 0);
    FAILS(setuid(0), EPERM);
    FAILS(setgid(3), EPERM);
    FAILS(setgroups(0, NULL), EPERM);
}

static void set_two(void)
{
    CHECK(setreuid(-1, 6) == 0);
    are(0, 6, 6);
    CHECK(capabilities(0) == 0 && capabilities(1) != 0);
    CHECK(setreuid(6, 0) == 0);
    are(6, 0, 0);
    CHECK(capabilities(0) == capabilities(1) && capabilities(0) != 0);
}

static void set_three(void)
{
    CHECK(setresgid(1, 2, 3) == 0 && getgid() == 1 && getegid() == 2);
    CHECK(setresuid(1, 2, 0) == 0);
    are(1, 2, 0);
    FAILS(setresuid(9, -1, -1), EPERM);
    CHECK(seteuid(0) == 0);
    are(1, 0, 0);
    FAILS(setuid(-1), EINVAL);
}

static void set_files(void)
{
    CHECK(setfsuid(7) == 0 && setfsuid(-1) == 7);
    FAILS(open("fsuid", O_CREAT | O_RDWR, 0600), EACCES);
    CHECK(setfsuid(0) == 7 && chmod(".", 0777) == 0 && setfsuid(7) == 0);
    CHECK(close(open("fsuid", O_CREAT | O_RDWR, 0600)) == 0);
    struct stat found;
    CHECK(stat("fsuid", &found) == 0 && found.st_uid == 7);
    CHECK(setfsuid(0) == 7 && chmod(".", 0755) == 0);
}

static void set_groups(void)
{
    gid_t given[3] = {30, 31, 32}, got[3];
    CHECK(setgroups(3, given) == 0 && getgroups(0, NULL) == 3);
    FAILS(getgroups(2, got), EINVAL);
    CHECK(getgroups(3, got) == 3 && memcmp(given, got, sizeof given) == 0);
}

static void *other_thread(void *ids)
{
    uid_t *found = ids;
    found[0] = getuid();
    syscall(SYS_setresuid, 11, 11, 11);
    found[1] = getuid();
    return NULL;
}

static void in_thread(void)
{
    pthread_t thread;
    uid_t found[2];
    CHECK(pthread_create(&thread, NULL, other_thread, found) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(found[0] == 0 && found[1] == 11);
    are(0, 0, 0);
}

static void keep_capabilities(void)
{
    CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setuid(5) == 0);
    CHECK(capabilities(0) == 0 && capabilities(1) != 0 && prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1);
}

static void drop_bounding(void)
{
    CHECK(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0) == 0);
    CHECK(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 0);
    FAILS(prctl(PR_CAPBSET_READ, 77, 0, 0, 0), EINVAL);
}

void has(const char *path, uid_t user, gid_t group, mode_t mode)
{
    struct stat found, again;
    struct statx more;
    CHECK(lstat(path, &found) == 0);
    if (found.st_uid != user || found.st_gid != group || found.st_mode != mode)
        printf("%s: %d %d %o\n", path, found.st_uid, found.st_gid, found.st_mode);
    CHECK(found.st_uid == user && found.st_gid == group && found.st_mode == mode);
    CHECK(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_ALL, &more) == 0);
    CHECK(more.stx_uid == user && more.stx_gid == group && more.stx_mode == mode);
    int fd = open(path, O_PATH | O_NOFOLLOW);
    CHECK(fd >= 0 && fstat(fd, &again) == 0 && fstatat(fd, "", &again, AT_EMPTY_PATH) == 0);
    CHECK(again.st_uid == user && again.st_mode == mode && again.st_ino == found.st_ino);
    close(fd);
}

static void owners(void)
{
    umask(022);
    CHECK(close(open("file", O_CREAT | O_RDWR, 0666)) == 0);
    has("file", 0, 0, S_IFREG | 0644);
    CHECK(chmod("file", 06755) == 0);
    has("file", 0, 0, S_IFREG | 06755);
    CHECK(chown("file", 5, -1) == 0);
    has("file", 5, 0, S_IFREG | 0755);
    CHECK(chown("file", -1, 70000) == 0 && chmod("file", 0) == 0);
    has("file", 5, 70000, S_IFREG);
    int fd = open("file", O_RDWR);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && fchown(fd, 8, 9) == 0 && fchmod(fd, 0400) == 0);
    has("file", 8, 9, S_IFREG | 0400);
    CHECK(access("file", R_OK | W_OK) == 0);
    FAILS(access("file", X_OK), EACCES);
    close(fd);
    CHECK(mkdir("dir", 0) == 0);
    has("dir", 0, 0, S_IFDIR);
    CHECK(close(open("dir/none", O_CREAT | O_WRONLY, 0)) == 0);
    has("dir/none", 0, 0, S_IFREG);
    CHECK(chown("dir", 3, 4) == 0 && chmod("dir", 02775) == 0);
    CHECK(close(open("dir/below", O_CREAT | O_WRONLY, 0600)) == 0 && mkdir("dir/sub", 0700) == 0);
    has("dir/below", 0, 4, S_IFREG | 0600);
    has("dir/sub", 0, 4, S_IFDIR | 02700);
}

static void names(void)
{
    CHECK(symlink("file", "link") == 0 && lchown("link", 7, 8) == 0);
    has("link", 7, 8, S_IFLNK | 0777);
    has("file", 8, 9, S_IFREG | 0400);
    CHECK(rename("link", "dir/moved") == 0);
    has("dir/moved", 7, 8, S_IFLNK | 0777);
    CHECK(link("dir/moved", "again") == 0);
    has("again", 7, 8, S_IFLNK | 0777);
    CHECK(unlink("again") == 0 && symlink("x", "again") == 0);
    has("again", 0, 0, S_IFLNK | 0777);
    CHECK(mkfifo("fifo", 0600) == 0 && chown("fifo", 2, 3) == 0 && chmod("fifo", 0640) == 0);
    has("fifo", 2, 3, S_IFIFO | 0640);
    CHECK(renameat2(AT_FDCWD, "fifo", AT_FDCWD, "again", 2) == 0);
    has("again", 2, 3, S_IFIFO | 0640);
    has("fifo", 0, 0, S_IFLNK | 0777);
    CHECK(link("file", "other") == 0 && rename("file", "dir/file") == 0);
    has("dir/file", 8, 9, S_IFREG | 0400);
    has("other", 8, 9, S_IFREG | 0400);
}

static void devices(void)
{
    struct stat found;
    umask(022);
    CHECK(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0 && mknod("block", S_IFBLK | 0600, makedev(8, 17)) == 0);
    CHECK(stat("null", &found) == 0 && found.st_rdev == makedev(1, 3) && found.st_size == 0);
    has("null", 0, 0, S_IFCHR | 0644);
    CHECK(stat("block", &found) == 0 && found.st_rdev == makedev(8, 17));
    FAILS(mknod("null", S_IFCHR | 0666, makedev(1, 3)), EEXIST);
    FAILS(mknod("none/null", S_IFCHR | 0666, makedev(1, 3)), ENOENT);
    CHECK(mknod("plain", S_IFREG | 0600, 0) == 0);
    has("plain", 0, 0, S_IFREG | 0600);
}

static void attributes(void)
{
    char value[16], list[256];
    CHECK(setxattr("dir/file", "trusted.one", "1", 1, 0) == 0);
    CHECK(getxattr("dir/file", "trusted.one", value, sizeof value) == 1 && value[0] == '1');
    CHECK(setxattr("dir/file", "user.two", "22", 2, 0) == 0);
    FAILS(setxattr("dir/file", "user.two", "22", 2, XATTR_CREATE), EEXIST);
    FAILS(getxattr("dir/file", "user.two", value, 1), ERANGE);
    FAILS(getxattr("dir/file", "user.none", value, 1), ENODATA);
    ssize_t size = listxattr("dir/file", list, sizeof list);
    CHECK(size == listxattr("dir/file", NULL, 0));
    CHECK(memmem(list, size, "trusted.one", 12) && memmem(list, size, "user.two", 9) && !memmem(list, size, "picobox", 7));
    CHECK(removexattr("dir/file", "user.two") == 0);
    FAILS(removexattr("dir/file", "user.two"), ENODATA);
    has("dir/file", 8, 9, S_IFREG | 0400);
}

static int secret;

static void may_not(void)
{
    struct stat found;
    int parent = syscall(SYS_pidfd_open, getppid(), 0), own = syscall(SYS_pidfd_open, getpid(), 0);
    char value[16];
    CHECK(setgroups(0, NULL) == 0 && setgid(50) == 0 && setuid(50) == 0);
    FAILS(open("secret/file", O_RDONLY), EACCES);
    FAILS(stat("secret/file", &found), EACCES);
    FAILS(access("secret/file", F_OK), EACCES);
    FAILS(chdir("secret"), EACCES);
    FAILS(fchdir(secret), EACCES);
    FAILS(chroot("/"), EPERM);
    FAILS(chroot("none"), ENOENT);
    FAILS(open("mine", O_RDONLY), EACCES);
    FAILS(open("read", O_RDWR), EACCES);
    FAILS(truncate("read", 0), EACCES);
    FAILS(access("read", W_OK), EACCES);
    CHECK(access("read", R_OK) == 0 && close(open("read", O_RDONLY)) == 0);
    FAILS(chmod("read", 0777), EPERM);
    FAILS(chown("read", 50, 50), EPERM);
    FAILS(open("new", O_CREAT | O_WRONLY, 0600), EACCES);
    FAILS(mkdir("new", 0700), EACCES);
    FAILS(symlink("x", "new"), EACCES);
    FAILS(unlink("read"), EACCES);
    FAILS(rename("read", "open/read"), EACCES);
    FAILS(link("read", "open/new"), EPERM); /* fs.protected_hardlinks, proc_sys_fs(5) */
    FAILS(mknod("open/null", S_IFCHR | 0666, makedev(1, 3)), EPERM);
    FAILS(unlink("sticky/file"), EPERM);
    FAILS(rename("sticky/file", "open/file"), EPERM);
    CHECK(close(open("sticky/own", O_CREAT | O_WRONLY, 0600)) == 0 && chmod("sticky/own", 0640) == 0);
    has("sticky/own", 50, 50, S_IFREG | 0640);
    FAILS(chown("sticky/own", 51, -1), EPERM);
    CHECK(unlink("sticky/own") == 0);
    CHECK(mkfifo("open/fifo", 0600) == 0 && symlink("x", "open/link") == 0);
    has("open/fifo", 50, 50, S_IFIFO | 0600);
    has("open/link", 50, 50, S_IFLNK | 0777);
    CHECK(close(open("group", O_RDONLY)) == 0);
    FAILS(open("group", O_WRONLY), EACCES);
    FAILS(setxattr("read", "trusted.one", "1", 1, 0), EPERM);
    FAILS(getxattr("trusted", "trusted.one", value, sizeof value), ENODATA);
    FAILS(kill(getppid(), 0), EPERM);
    FAILS(kill(getppid(), SIGTERM), EPERM);
    CHECK(kill(getpid(), 0) == 0);
    FAILS(syscall(SYS_pidfd_send_signal, parent, SIGTERM, NULL, 0), EPERM);
    CHECK(syscall(SYS_pidfd_send_signal, own, 0, NULL, 0) == 0);
    FAILS(syscall(SYS_pidfd_send_signal, secret, SIGTERM, NULL, 0), EBADF);
    FAILS(execl("read", "read", NULL), EACCES);
    FAILS(setxattr("read", "user.picobox.lx", "uid=50", 6, 0), getenv("NATIVELY") ? EACCES : EPERM);
}

static void permissions(void)
{
    umask(0);
    CHECK(chroot("/") == 0 && chroot("/../.") == 0 && access("read", F_OK) == -1);
    FAILS(chroot(""), ENOENT);
    FAILS(syscall(SYS_chroot, NULL), EFAULT);
    CHECK(mkdir("secret", 0700) == 0 && close(open("secret/file", O_CREAT | O_RDWR, 0666)) == 0);
    secret = open("secret", O_RDONLY | O_DIRECTORY);
    FAILS(chroot("secret/file"), ENOTDIR);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(secret >= 0 && fchdir(secret) == 0 && access("file", F_OK) == 0 && fchdir(here) == 0 && close(here) == 0);
    CHECK(close(open("mine", O_CREAT | O_RDWR, 0600)) == 0 && close(open("read", O_CREAT | O_RDWR, 0644)) == 0);
    CHECK(close(open("group", O_CREAT | O_RDWR, 0640)) == 0 && chown("group", 0, 50) == 0);
    CHECK(close(open("trusted", O_CREAT | O_RDWR, 0644)) == 0 && setxattr("trusted", "trusted.one", "1", 1, 0) == 0);
    CHECK(mkdir("open", 0777) == 0 && mkdir("sticky", 01777) == 0);
    CHECK(close(open("sticky/file", O_CREAT | O_RDWR, 0666)) == 0);
    in_child(may_not);
}

static void takes_turns(void)
{
    struct stat found;
    for (int made = 0; made < 500;) {
        int fd = open("taken", O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd < 0) {
            CHECK(errno == EEXIST);
            continue;
        }
        CHECK(fstat(fd, &found) == 0 && found.st_uid == getuid() && unlink("taken") == 0 && close(fd) == 0);
        made++;
    }
}

/* Who makes a name that was another's has made it. */
static void exclusively(void)
{
    CHECK(mkdir("turns", 0777) == 0 && chmod("turns", 01777) == 0 && chdir("turns") == 0);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            CHECK(setuid(60 + i) == 0);
            alarm(30); /* the other may fail with the name in its hands */
            takes_turns();
            exit(0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        CHECK(children[i] > 0 && waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
}

/* Who may trace whom: root anybody, others only who has their ids. */
static mode_t mode_of(const char *path)
{
    struct stat status;
    CHECK(stat(path, &status) == 0);
    return status.st_mode & 07777;
}

static void written(const char *path, int flags)
{
    int fd = open(path, O_WRONLY | flags);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

static void write_as_another(void)
{
    CHECK(setgid(50) == 0 && setuid(50) == 0);
    CHECK(close(open("writes/program", O_RDONLY)) == 0 && mode_of("writes/program") == 06777);
    written("writes/program", 0);
    written("writes/emptied", O_TRUNC);
    CHECK(truncate("writes/cut", 0) == 0);
}

static void writes(void)
{
    static const char *names[] = {"writes/program", "writes/emptied", "writes/cut"};
    CHECK(mkdir("writes", 0755) == 0);
    for (size_t each = 0; each < sizeof names / sizeof *names; each++) {
        CHECK(close(open(names[each], O_CREAT | O_WRONLY, 0600)) == 0 && chmod(names[each], 06777) == 0);
        written(names[each], 0);
        CHECK(mode_of(names[each]) == 06777);
    }
    in_child(write_as_another);
    for (size_t each = 0; each < sizeof names / sizeof *names; each++)
        CHECK(mode_of(names[each]) == 0777);
}

static int traces(pid_t pid)
{
    int status;
    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == -1)
        return errno;
    CHECK(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0);
    return 0;
}

static pid_t waiting_of(id_t user)
{
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* Who has changed its ids keeps its memory to itself. */
        CHECK(setgid(user) == 0 && setuid(user) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
        CHECK(write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1 && close(ready[0]) == 0 && close(ready[1]) == 0);
    return pid;
}

static void tracing(void)
{
    pid_t one = waiting_of(50), other = waiting_of(51), status;
    CHECK(traces(one) == 0 && traces(other) == 0);
    pid_t user = fork();
    if (user == 0) {
        CHECK(setgid(50) == 0 && setuid(50) == 0);
        _exit(traces(other) == EPERM && traces(getppid()) == EPERM ? traces(one) : 99);
    }
    CHECK(waitpid(user, &status, 0) == user && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(kill(one, SIGKILL) == 0 && kill(other, SIGKILL) == 0);
    CHECK(waitpid(one, NULL, 0) == one && waitpid(other, NULL, 0) == other);
}

static void copy_program(const char *path)
{
    static char bytes[1 << 16];
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_EXCL | O_WRONLY, 0755);
    ssize_t size;
    CHECK(from >= 0 && to >= 0);
    while ((size = read(from, bytes, sizeof bytes)) > 0)
        CHECK(write(to, bytes, (size_t)size) == size);
    CHECK(size == 0 && close(from) == 0 && close(to) == 0);
}

/* What a set-id program that is made by its maker, which may trace it, says of its ids. */
static int run_set(int by_maker, int go, int told)
{
    int status;
    char byte;
    pid_t program = by_maker ? fork() : 0;
    if (program == 0) {
        CHECK(!by_maker || ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
        CHECK(read(go, &byte, 1) == 1 && dup2(told, 1) == 1);
        execl("./set", "set", "ids", NULL);
        return 9;
    }
    CHECK(waitpid(program, &status, 0) == program && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    CHECK(ptrace(PTRACE_CONT, program, NULL, NULL) == 0);
    CHECK(waitpid(program, &status, 0) == program);
    return WEXITSTATUS(status);
}

static void says(const char *expected, int by_maker, int by_root)
{
    int told[2], go[2], status;
    char text[64] = "";
    CHECK(pipe(told) == 0 && pipe(go) == 0);
    pid_t maker = fork();
    if (maker == 0) {
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setgid(50) == 0 && setuid(50) == 0);
        _exit(run_set(by_maker, go[0], told[1]));
    }
    CHECK(!by_root || ptrace(PTRACE_SEIZE, maker, NULL, NULL) == 0);
    CHECK(write(go[1], "g", 1) == 1 && waitpid(maker, &status, 0) == maker);
    while (WIFSTOPPED(status)) {
        CHECK(by_root && ptrace(PTRACE_CONT, maker, NULL, WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status)) == 0);
        CHECK(waitpid(maker, &status, 0) == maker);
    }
    CHECK(status == 0 && read(told[0], text, sizeof text - 1) > 0);
    if (strcmp(text, expected)) {
        printf("%s, not %s\n", text, expected);
        exit(1);
    }
    for (int i = 0; i < 2; i++)
        CHECK(close(told[i]) == 0 && close(go[i]) == 0);
}

/* Whoever traces a set-id program without a right to would have the rights that it gets (execve(2)). */
static void traced_set_id(void)
{
    copy_program("set");
    CHECK(chown("set", 60, 60) == 0 && chmod("set", 06755) == 0);
    says("50 60 50 60 1", 0, 0);
    says("50 60 50 60 1", 0, 1);
    says("50 50 50 50 1", 1, 0);
    CHECK(chown("set", 0, 0) == 0 && chmod("set", 04755) == 0);
    says("50 0 50 0 1", 0, 0);
    says("50 50 50 50 1", 1, 0);
}

/* Who may have a capability is not for one who may not. */
static void kept_from_tracers(void)
{
    int ready[2], status;
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t kept = fork();
    if (kept == 0) {
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_KEEPCAPS, 1) == 0);
        CHECK(setgid(50) == 0 && setuid(50) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 && write(ready[1], "r", 1) == 1);
        for (;;)
            pause();
    }
    CHECK(kept > 0 && read(ready[0], &byte, 1) == 1);
    pid_t user = fork();
    if (user == 0) {
        CHECK(setgid(50) == 0 && setuid(50) == 0);
        _exit(traces(kept) == EPERM ? 0 : 1);
    }
    CHECK(waitpid(user, &status, 0) == user && kill(kept, SIGKILL) == 0 && waitpid(kept, NULL, 0) == kept);
    CHECK(status == 0 && close(ready[0]) == 0 && close(ready[1]) == 0);
}

static pid_t silent;

static void signal_silent(void)
{
    CHECK(setuid(51) == 0);
    FAILS(kill(silent, 0), EPERM);
    exit(0);
}

/* A process that has made no call yet is its maker's all the same. */
static void newborn(void)
{
    int ends[2];
    char path[64], text[2048];
    struct stat found;
    CHECK(pipe(ends) == 0);
    pid_t maker = fork();
    if (maker == 0) {
        CHECK(setuid(50) == 0);
        pid_t made = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (made == 0)
            for (;;)
                ;
        CHECK(made > 0 && write(ends[1], &made, sizeof made) == sizeof made && waitpid(made, NULL, 0) == made);
        exit(0);
    }
    CHECK(maker > 0 && read(ends[0], &silent, sizeof silent) == sizeof silent);
    snprintf(path, sizeof path, "/proc/%d", silent);
    int told = stat(path, &found);
    strcat(path, "/status");
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    text[size > 0 ? size : 0] = 0;
    int status, signalled = fork();
    if (signalled == 0)
        signal_silent();
    /* Nothing is checked before it has ended, since nobody else would end it. */
    CHECK(waitpid(signalled, &status, 0) == signalled && kill(silent, SIGKILL) == 0);
    CHECK(waitpid(maker, NULL, 0) == maker && status == 0);
    /* The kernel may give what has changed its ids to root (proc(5), fs.suid_dumpable). */
    CHECK(told == 0 && (found.st_uid == 50 || (getenv("NATIVELY") && found.st_uid == 0)));
    CHECK(strstr(text, "Uid:\t50\t50\t50\t50\n"));
}

static int with_file(const char *what, const char *path)
{
    char list[1024];
    if (!strcmp(what, "forge")) {
        printf("%d", setxattr(path, "user.picobox.lx", "uid=0 gid=0 mode=104755", 23, 0) == -1 && errno == EPERM);
        return 0;
    }
    ssize_t size = listxattr(path, list, sizeof list);
    for (char *name = list; name < list + size; name += strlen(name) + 1)
        puts(name);
    return size < 0;
}

int main(int argc, char **argv)
{
    setbuf(stdout, NULL);
    if (argc > 2)
        return with_file(argv[1], argv[2]);
    if (argc > 1) {
        /* As a set-user-ID program. */
        printf("%d %d %lu %lu %lu", getuid(), geteuid(), getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_SECURE));
        return argv[0] == NULL;
    }
    are(0, 0, 0);
    CHECK(getauxval(AT_UID) == 0 && getauxval(AT_EUID) == 0 && getauxval(AT_GID) == 0 && getauxval(AT_SECURE) == 0);
    void (*const work[])(void) = {set_one,   set_two,       set_three,  set_files,  set_groups, in_thread,  keep_capabilities,
                                  drop_bounding, owners, names, devices, attributes, permissions,
                                  exclusively, sockets, writes, ports, peers, senders, newborn, tracing, traced_set_id,
                                  kept_from_tracers};
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++)
        in_child(work[i]);
    printf("all is well\n");
    return 0;
}
