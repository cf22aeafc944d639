/* Where WSL1 was known to differ from Linux: a line for each such place. With an argument, that line alone. */
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "check.h"

#define FS_IOC_GETFLAGS_ 0x80086601
#define FS_IOC_SETFLAGS_ 0x40086602
#define SIOCATMARK_ 0x8905
#define STICKY_TIMEOUTS_ 0x4000000
#define FAR (1UL << 47)

static char answer[64];

static const char *only(long result, int error)
{
    return result < 0 && errno == error ? errno_name(error) : "another answer";
}

static int new_file(const char *name, int size)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK(ftruncate(fd, size) == 0);
    return fd;
}

/* What a child says about itself by its exit status; 128 and more: the signal that ended it. */
static int in_child(int (*routine)(void))
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid)
        _exit(routine());
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *number(int value)
{
    snprintf(answer, sizeof answer, "%d", value);
    return answer;
}

static int lock_again(void)
{
    int fd = open("locked", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    CHECK(fd >= 0);
    return fcntl(fd, F_SETLK, &lock) < 0 ? errno : 0;
}

static const char *locks(void)
{
    int fd = new_file("locked", 10);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    CHECK(fcntl(fd, F_SETLK, &lock) == 0);
    return in_child(lock_again) == EAGAIN ? "the lock holds" : "the lock is empty";
}

static const char *truncate_mapped(void)
{
    int fd = new_file("mapped", 8192);
    CHECK(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
    return outcome(ftruncate(fd, 4096));
}

static long map(void *where, int flags, int fd, off_t offset)
{
    return (long)mmap(where, 4096, PROT_READ | PROT_WRITE, flags, fd, offset);
}

static const char *map_locked(void)
{
    return outcome(map(NULL, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
}

static const char *map_growsdown(void)
{
    return outcome(map(NULL, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
}

static const char *map_hint(void)
{
    int fd = new_file("hinted", 8192);
    void *hint = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(munmap(hint, 4096) == 0);
    return outcome(map(hint, MAP_PRIVATE, fd, 4096));
}

static const char *map_errno(void)
{
    return outcome(map((void *)FAR, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static int touch_beyond_the_end(void)
{
    int fd = new_file("short", 1);
    volatile char *bytes = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    return bytes[4096];
}

static const char *sigbus(void)
{
    return number(in_child(touch_beyond_the_end));
}

static const char *pagemap(void)
{
    return outcome(open("/proc/self/pagemap", O_RDONLY));
}

static const char *advise(void)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(madvise(page, 4096, 1234));
}

static const char *lock_memory(void)
{
    return outcome(mlock((void *)4096, 4096));
}

static int write_beyond_the_limit(void)
{
    struct rlimit limit = {10, 1000};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid) {
        int status;
        CHECK(waitpid(pid, &status, 0) == pid);
        return WEXITSTATUS(status);
    }
    struct rlimit found;
    CHECK(getrlimit(RLIMIT_FSIZE, &found) == 0);
    CHECK(found.rlim_cur == 10 && found.rlim_max == 1000);
    int fd = new_file("limited", 0);
    _exit((int)write(fd, "abcdefghijklmnopqrstuvwxyz", 26));
}

static const char *running_program(void)
{
    return outcome(open("/proc/self/exe", O_WRONLY));
}

static const char *limit_of_files(void)
{
    return number(in_child(write_beyond_the_limit));
}

static int map_beyond_the_limit(void)
{
    struct rlimit limit = {1 << 28, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    return mmap(NULL, 1UL << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static const char *limit_of_memory(void)
{
    return in_child(map_beyond_the_limit) == ENOMEM ? "the limit holds" : "the limit is empty";
}

static const char *clone_flags(void)
{
    pid_t stored = 0;
    long pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, &stored, 0, 0);
    if (!pid)
        _exit(0);
    if (pid > 0)
        CHECK(waitpid((pid_t)pid, NULL, 0) == pid && stored == pid);
    return outcome(pid);
}

static const char *wait_for_group(void)
{
    const char *text = NULL;
    for (int way = 0; way < 3; way++) {
        siginfo_t found;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (!pid)
            _exit(0);
        long result = way == 2 ? waitid(P_PGID, (id_t)getpgrp(), &found, WEXITED) : waitpid(way ? -getpgrp() : 0, NULL, 0);
        CHECK(!text || text == outcome(result));
        text = outcome(result);
        if (result < 0)
            CHECK(waitpid(pid, NULL, 0) == pid);
    }
    return text;
}

static const char *robust_list(void)
{
    void *head;
    size_t length;
    return outcome(syscall(SYS_get_robust_list, 0, &head, &length));
}

static int be_sticky(void)
{
    return personality(STICKY_TIMEOUTS_) < 0 ? errno : 0;
}

static const char *other_personality(void)
{
    return number(in_child(be_sticky));
}

static const char *resolution(void)
{
    struct timespec found;
    return outcome(syscall(SYS_clock_getres, CLOCK_PROCESS_CPUTIME_ID, &found));
}

static const char *sleep_by_the_clock(void)
{
    struct timespec moment = {0, 1};
    return outcome(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &moment, NULL));
}

static const char *cpu_clock(void)
{
    for (int i = 0; i < 3; i++) {
        struct timespec found;
        CHECK(syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &found) == 0);
        if (found.tv_nsec % (1000000000 / 64))
            return "fine";
    }
    return "coarse";
}

static const char *error_queue(void)
{
    char byte;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return outcome(recv(fd, &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
}

static const char *too_many_buffers(void)
{
    static struct iovec buffers[1025];
    struct msghdr message = {.msg_iov = buffers, .msg_iovlen = 1025};
    return outcome(recvmsg(socket(AF_INET, SOCK_DGRAM, 0), &message, MSG_DONTWAIT));
}

static const char *urgent_mark(void)
{
    int found;
    return outcome(ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCATMARK_, &found));
}

static const char *packet_socket(void)
{
    return only(socket(AF_PACKET, SOCK_DGRAM, 0), EAFNOSUPPORT);
}

static const char *file_system_of_a_pipe(void)
{
    int ends[2];
    struct statfs found;
    CHECK(pipe(ends) == 0);
    return outcome(fstatfs(ends[0], &found));
}

static const char *kernel_settings(void)
{
    return outcome(access("/proc/sys/kernel/shmmax", F_OK));
}

static const char *statistics(void)
{
    return outcome(access("/proc/vmstat", F_OK));
}

static const char *tunnel(void)
{
    return outcome(access("/dev/net/tun", F_OK));
}

static const char *file_flags(void)
{
    int flags = 0, fd = new_file("flags", 0);
    if (ioctl(fd, FS_IOC_GETFLAGS_, &flags) < 0)
        return "no file system for it";
    return outcome(ioctl(fd, FS_IOC_SETFLAGS_, &flags));
}

static int leave_the_users(void)
{
    return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static const char *user_namespace(void)
{
    return in_child(leave_the_users) == EINVAL ? "EINVAL" : "another answer";
}

static const char *no_processors(void)
{
    unsigned long none[16] = {0};
    return outcome(syscall(SYS_sched_setaffinity, 0, sizeof none, none));
}

static const char *rename_of_a_parent(void)
{
    CHECK(mkdir("parent", 0755) == 0);
    int fd = new_file("parent/child", 0);
    const char *text = outcome(rename("parent", "renamed"));
    close(fd);
    unlink("parent/child");
    unlink("renamed/child");
    rmdir("parent");
    rmdir("renamed");
    return text;
}

static const char *link_of_what_is_gone(void)
{
    char path[64];
    int fd = new_file("gone", 0);
    CHECK(unlink("gone") == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return outcome(linkat(AT_FDCWD, path, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
}

static const char *counts_of_files(void)
{
    struct statfs found;
    CHECK(statfs(".", &found) == 0);
    return found.f_files == 999 && found.f_ffree == 1000000 ? "made up" : "counted";
}

static const char *extended_status(void)
{
    char buffer[256];
    close(new_file("status", 0));
    return outcome(syscall(SYS_statx, AT_FDCWD, "status", 0, 0x7FF, buffer));
}

static const char *writing_pid_max(void)
{
    int fd = open("/proc/sys/kernel/pid_max", O_WRONLY);
    return outcome(fd < 0 ? -1 : 0);
}

static const char *renaming_without_replacing(void)
{
    close(new_file("before", 0));
    return outcome(syscall(SYS_renameat2, AT_FDCWD, "before", AT_FDCWD, "after", 1));
}

static const char *links_of_a_directory(void)
{
    struct stat by_name, by_descriptor;
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0 && fstat(fd, &by_descriptor) == 0 && stat(".", &by_name) == 0);
    close(fd);
    if (by_name.st_nlink != by_descriptor.st_nlink)
        return "two numbers";
    return by_name.st_nlink ? "counted" : "none";
}

static const char *time_of_a_file(void)
{
    struct timespec given[2] = {{.tv_sec = 7, .tv_nsec = 123456789}, {.tv_sec = 8, .tv_nsec = 987654321}};
    struct stat found;
    close(new_file("timed", 0));
    CHECK(utimensat(AT_FDCWD, "timed", given, 0) == 0 && stat("timed", &found) == 0);
    CHECK(found.st_atim.tv_sec == 7 && found.st_mtim.tv_sec == 8);
    if (found.st_atim.tv_nsec == 123456700 && found.st_mtim.tv_nsec == 987654300)
        return "100 ns";
    return found.st_atim.tv_nsec == 123456789 && found.st_mtim.tv_nsec == 987654321 ? "1 ns" : "another time";
}

static const char *numbers_of_dots(void)
{
    struct {
        uint64_t inode;
        int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
    } *entry;
    static _Alignas(8) char buffer[65536];
    int fd = open(".", O_RDONLY | O_DIRECTORY), dots = 0, zeros = 0, others = 0;
    CHECK(fd >= 0);
    long size = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
    CHECK(size > 0);
    for (long place = 0; place < size; place += entry->length) {
        entry = (void *)(buffer + place);
        bool is_dots = !strcmp(entry->name, ".") || !strcmp(entry->name, "..");
        dots += is_dots;
        zeros += is_dots && !entry->inode;
        others += !is_dots && !entry->inode;
    }
    close(fd);
    CHECK(dots == 2 && others == 0);
    return zeros == 2 ? "0" : zeros ? "one is 0" : "real";
}

static const char *control_groups(void)
{
    CHECK(mkdir("groups", 0755) == 0);
    const char *text = outcome(mount("none", "groups", "cgroup2", 0, NULL));
    umount2("groups", MNT_DETACH);
    rmdir("groups");
    return text;
}

/* How many of these calls the kernel has; their arguments are such that none does anything. */
static const char *there(const long *numbers)
{
    int all = 0, found = 0;
    for (; numbers[all] >= 0; all++) {
        errno = 0;
        found += !(syscall(numbers[all], -1L, 0L, 0L, -1L, 0L, -1L) < 0 && errno == ENOSYS);
    }
    snprintf(answer, sizeof answer, "%s", !found ? "none" : found == all ? "all" : "some");
    return answer;
}

#define GROUP(...) .numbers = (const long[]){__VA_ARGS__, -1}

static const struct place {
    const char *name;
    const char *(*ask)(void);
    const long *numbers;
} places[] = {
    {"locks", .ask = locks},
    {"truncate-mapped", .ask = truncate_mapped},
    {"map-locked", .ask = map_locked},
    {"map-hint", .ask = map_hint},
    {"map-growsdown", .ask = map_growsdown},
    {"map-errno", .ask = map_errno},
    {"sigbus", .ask = sigbus},
    {"pagemap", .ask = pagemap},
    {"madvise", .ask = advise},
    {"mlock", .ask = lock_memory},
    {"etxtbsy", .ask = running_program},
    {"rlimit-fsize", .ask = limit_of_files},
    {"rlimit-as", .ask = limit_of_memory},
    {"clone-flags", .ask = clone_flags},
    {"wait-group", .ask = wait_for_group},
    {"robust-list", .ask = robust_list},
    {"personality", .ask = other_personality},
    {"clock-getres", .ask = resolution},
    {"clock-nanosleep", .ask = sleep_by_the_clock},
    {"cpu-clock", .ask = cpu_clock},
    {"msg-errqueue", .ask = error_queue},
    {"iovec-count", .ask = too_many_buffers},
    {"siocatmark", .ask = urgent_mark},
    {"raw-sockets", .ask = packet_socket},
    {"fstatfs-pipe", .ask = file_system_of_a_pipe},
    {"proc-sys", .ask = kernel_settings},
    {"proc-missing", .ask = statistics},
    {"net-tun", .ask = tunnel},
    {"fs-flags", .ask = file_flags},
    {"unshare-user", .ask = user_namespace},
    {"affinity", .ask = no_processors},
    {"rename-open-child", .ask = rename_of_a_parent},
    {"relink", .ask = link_of_what_is_gone},
    {"statfs-counts", .ask = counts_of_files},
    {"statx", .ask = extended_status},
    {"pid-max", .ask = writing_pid_max},
    {"rename-flags", .ask = renaming_without_replacing},
    {"directory-links", .ask = links_of_a_directory},
    {"times-100ns", .ask = time_of_a_file},
    {"readdir-dots", .ask = numbers_of_dots},
    {"cgroup2", .ask = control_groups},
    {"mlockall", GROUP(SYS_mlockall)},
    {"aio", GROUP(SYS_io_setup, SYS_io_submit, SYS_io_getevents, SYS_io_cancel, SYS_io_destroy)},
    {"memfd", GROUP(SYS_memfd_create)},
    {"copy-file-range", GROUP(SYS_copy_file_range)},
    {"mincore", GROUP(SYS_mincore)},
    {"mqueue", GROUP(SYS_mq_open, SYS_mq_unlink, SYS_mq_timedsend, SYS_mq_timedreceive, SYS_mq_notify, SYS_mq_getsetattr)},
    {"msgqueue", GROUP(SYS_msgsnd, SYS_msgrcv, SYS_msgctl)},
    {"perf", GROUP(SYS_perf_event_open)},
    {"ldt", GROUP(SYS_modify_ldt)},
    {"numa", GROUP(SYS_get_mempolicy, SYS_set_mempolicy, SYS_mbind, SYS_migrate_pages, SYS_move_pages)},
    {"file-handles", GROUP(SYS_name_to_handle_at, SYS_open_by_handle_at)},
    {"keys", GROUP(SYS_add_key, SYS_request_key)},
    {"fanotify", GROUP(SYS_fanotify_init, SYS_fanotify_mark)},
    {"vmsplice", GROUP(SYS_vmsplice)},
    {"syncfs", GROUP(SYS_syncfs)},
    {"readahead", GROUP(SYS_readahead)},
    {"remap-file-pages", GROUP(SYS_remap_file_pages)},
    {"rr-interval", GROUP(SYS_sched_rr_get_interval)},
    {"sigqueueinfo", GROUP(SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo)},
    {"preadv", GROUP(SYS_preadv, SYS_pwritev)},
};

int main(int count, char **arguments)
{
    alarm(WATCHDOG);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct place *place = &places[i];
        if (count < 2 || !strcmp(arguments[1], place->name))
            say("%s: %s\n", place->name, place->numbers ? there(place->numbers) : place->ask());
    }
    return 0;
}
