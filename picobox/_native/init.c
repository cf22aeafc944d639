/* Owns the init of the guests: process 1 of their namespace, which reaps, and ends with us. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"

#define NR_CLOSE_RANGE 436
#define READ_ONLY 1 /* linux/mount.h, MOUNT_ATTR_*: and the next three */
#define NO_SET_ID 2
#define NO_DEVICES 4
#define NO_EXEC 8

/* What of /proc changes the machine for everybody: user 0 may write there without a capability. */
static const char *const FIXED[] = {"/proc/sys",  "/proc/sysrq-trigger", "/proc/irq",  "/proc/bus",
                                    "/proc/fs",   "/proc/acpi",          "/proc/scsi", "/proc/mtrr",
                                    "/proc/driver"};
/* What tells of the machine's other users and of the kernel's memory. */
static const char *const MASKED[] = {"/proc/kcore",      "/proc/kmsg",       "/proc/keys",      "/proc/key-users",
                                     "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats",
                                     "/proc/kallsyms",   "/proc/vmallocinfo", "/proc/slabinfo", "/proc/pagetypeinfo",
                                     "/proc/kpagecount", "/proc/kpageflags",  "/proc/kpagecgroup"};

static int cover(const char *source, const char *target)
{
    int from = open(source, O_PATH | O_CLOEXEC), to = open(target, O_PATH | O_CLOEXEC);
    if (to < 0) {
        int absent = errno == ENOENT;
        close(from);
        return absent ? 0 : -1;
    }
    int tree = from < 0 ? -errno : pb_tree_clone(from);
    int error = tree < 0 ? tree : pb_tree_change(tree, READ_ONLY | NO_SET_ID | NO_DEVICES | NO_EXEC, 1);
    if (!error)
        error = tree_attach(tree, to);
    close(from);
    close(to);
    if (tree >= 0)
        close(tree);
    errno = -error;
    return error ? -1 : 0;
}

/* A /proc of this process's namespace takes the place of ours, which guests then cannot come by at all. */
static int mount_proc(void)
{
    /* Of group 0, which root's guests are in, nothing would be hidden; below root there may be no other. The last is for
       kernels before Linux 5.8. */
    static const char *const options[] = {"hidepid=invisible,gid=4294967294", "hidepid=invisible", "hidepid=2"};
    int tree = -EINVAL;
    for (size_t i = 0; i < sizeof options / sizeof options[0] && tree == -EINVAL; i++)
        tree = pb_tree_new("proc", options[i], NO_SET_ID | NO_DEVICES | NO_EXEC);
    if (tree < 0 || umount2("/proc", MNT_DETACH) < 0) {
        if (tree < 0)
            errno = -tree;
        return -1;
    }
    /* What that one had covered. */
    while (umount2("/proc", MNT_DETACH) == 0)
        ;
    int target = open("/proc", O_PATH | O_CLOEXEC);
    int error = target < 0 ? -errno : tree_attach(tree, target);
    close(target);
    close(tree);
    errno = -error;
    if (error)
        return -1;
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++)
        if (cover(FIXED[i], FIXED[i]) < 0)
            return -1;
    for (size_t i = 0; i < sizeof MASKED / sizeof MASKED[0]; i++)
        if (cover("/dev/null", MASKED[i]) < 0)
            return -1;
    return 0;
}

/* The copy of a mount of ours is found from where this process stands: that moves along. */
static int enter_copy(int root)
{
    return fchdir(root) < 0 || unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                   syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0
               ? -1
               : mount_proc();
}

static int lay_out(const char *ours, int root)
{
    if (root >= 0)
        return enter_copy(root);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    for (; *ours; ours += strlen(ours) + 1)
        if (umount2(ours, MNT_DETACH) < 0)
            return -1;
    return mount_proc();
}

static void reap(void)
{
    while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
        ;
}

static void ignore(int signal)
{
    (void)signal;
}

/* Until the end of file says that whoever made us is gone; the kernel kills every guest when we end. */
static _Noreturn void serve(int life)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = ignore}, NULL);
    for (;;) {
        struct pollfd pollfd = {.fd = life, .events = POLLIN};
        reap();
        if (ppoll(&pollfd, 1, NULL, &none) > 0)
            _exit(0);
    }
}

static _Noreturn void be_init(const char *ours, int root, int ready, int life)
{
    int32_t error = 0;
    for (int signal = 1; signal <= 64; signal++)
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || setsid() < 0 || lay_out(ours, root) < 0)
        error = -errno;
    if (write(ready, &error, sizeof error) != sizeof error || error)
        _exit(1);
    /* It has us at hand now, see take_over; before it had, nobody else could. */
    if (read(ready, &error, sizeof error) != sizeof error)
        _exit(1);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (walls_drop_capabilities() < 0 || chdir("/") < 0)
        _exit(1);
    dup2(life, 0);
    syscall(NR_CLOSE_RANGE, 1, ~0U, 0);
    prctl(PR_SET_NAME, "picobox-init", 0, 0, 0);
    serve(0);
}

static int open_namespace(int32_t tid, const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", tid, kind);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_proc(int32_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root/proc", tid);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int32_t take_over(struct pb_init *out)
{
    int32_t error;
    if (read(out->ready, &error, sizeof error) != sizeof error)
        return -EIO;
    if (error)
        return error;
    if ((out->pid_namespace = open_namespace(out->tid, "pid")) < 0)
        return out->pid_namespace;
    if ((out->mount_namespace = open_namespace(out->tid, "mnt")) < 0)
        return out->mount_namespace;
    if ((out->proc = open_proc(out->tid)) < 0)
        return out->proc;
    return write(out->ready, &error, sizeof error) == sizeof error ? 0 : -EIO;
}

static const struct pb_init NO_INIT = {-1, -1, -1, -1, -1, -1};

int32_t pb_init_start(const char *paths, int32_t size, int32_t root, struct pb_init *out)
{
    int ready[2] = {-1, -1}, life[2] = {-1, -1};
    *out = NO_INIT;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ready) < 0)
        return -errno;
    if (pipe2(life, O_CLOEXEC) < 0) {
        int error = errno;
        close(ready[0]);
        close(ready[1]);
        return -error;
    }
    heap_is_inherited(false);
    char *ours = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* The child has none of what `out` points to either. */
    int32_t tid = -1;
    if (ours != MAP_FAILED) {
        memcpy(ours, paths, (size_t)size);
        tid = (int32_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
    }
    if (tid == 0) {
        close(life[1]);
        close(ready[0]);
        be_init(ours, root, ready[1], life[0]);
    }
    int32_t error = tid < 0 ? -errno : 0;
    if (ours != MAP_FAILED)
        munmap(ours, (size_t)size);
    close(life[0]);
    close(ready[1]);
    out->tid = tid;
    out->ready = ready[0];
    out->life = life[1];
    if (error)
        pb_init_end(out);
    return error;
}

int32_t pb_init_await(struct pb_init *init)
{
    int32_t error = take_over(init);
    if (error) {
        pb_init_end(init);
        return error;
    }
    close(init->ready);
    init->ready = -1;
    return 0;
}

void pb_init_end(struct pb_init *init)
{
    heap_is_inherited(true);
    int fds[] = {init->ready, init->life, init->pid_namespace, init->mount_namespace, init->proc};
    /* Who has been waited for already, since somebody else killed it, is not there. */
    if (init->tid > 0 && kill(init->tid, SIGKILL) == 0) {
        /* It ends when all in its namespace are gone, and a task whose maker was killed in fork is nobody's to wait for
           but its tracer's: ours, who may never have met it. */
        pid_t ended;
        do
            ended = waitpid(-1, NULL, __WALL | __WNOTHREAD);
        while (ended != init->tid && (ended > 0 || errno == EINTR));
    }
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *init = NO_INIT;
}
