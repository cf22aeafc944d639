/* Owns the start of a program: fork, seize before its first intercepted call, filter, execve. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"

#define PTRACE_OPTIONS                                                                                                 \
    (PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
     PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP)

struct failure {
    int32_t stage;
    int32_t error;
};

static _Noreturn void fail(int status_fd, int32_t stage)
{
    struct failure failure = {stage, errno};
    /* A short write cannot happen (less than PIPE_BUF); a reader that has gone does not want to know. */
    if (write(status_fd, &failure, sizeof failure) < 0)
        _exit(126);
    _exit(127);
}

static int take_descriptors(const int32_t *fds, int32_t count)
{
    int32_t high[16];
    if (count > 16) {
        errno = EINVAL;
        return -1;
    }
    for (int32_t i = 0; i < count; i++)
        if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, count)) < 0)
            return -1;
    for (int32_t i = 0; i < count; i++)
        if (dup2(high[i], i) < 0)
            return -1;
    return 0;
}

static void set_signals(uint64_t ignored)
{
    sigset_t none;
    for (int signal = 1; signal <= 64; signal++)
        if (ignored & UINT64_C(1) << (signal - 1))
            sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    /* Python ignores these for itself. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int run_shell(const struct pb_spawn *request, const char *path)
{
    size_t count = 0;
    while (request->argv[count])
        count++;
    /* No malloc here: behind walls its memory is not ours. */
    size_t size = (count + 2) * sizeof(char *);
    char **argv = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (argv == MAP_FAILED)
        return -1;
    argv[0] = request->argv[0];
    argv[1] = (char *)path;
    for (size_t i = 1; i < count; i++)
        argv[i + 1] = request->argv[i];
    execve(request->shell, argv, request->envp);
    int error = errno;
    munmap(argv, size);
    errno = error;
    return -1;
}

/* As execvp: the first candidate that can be run; EACCES of an earlier one outranks a later ENOENT. */
static void try_paths(const struct pb_spawn *request)
{
    int kept = ENOENT;
    for (char **path = request->paths; *path; path++) {
        execve(*path, request->argv, request->envp);
        if (errno == ENOEXEC && request->shell)
            run_shell(request, *path);
        if (errno == EACCES)
            kept = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR) {
            kept = errno;
            break;
        }
    }
    errno = kept;
}

/* With the notify channel unless it is refused, as it is below a sandbox that uses one itself (EBUSY). */
static bool install_filter(const struct pb_spawn *request)
{
    struct sock_fprog program = {(unsigned short)request->notify_length, (struct sock_filter *)request->notify_filter};
    if (request->notify_filter) {
        long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
        if (listener >= 0)
            return syscall(HAND_OVER_NR, listener) == 0;
    }
    program = (struct sock_fprog){(unsigned short)request->filter_length, (struct sock_filter *)request->filter};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

_Noreturn void be_child(const struct pb_spawn *request, int go_fd, int status_fd)
{
    const struct pb_walls *walls = request->walls;
    char go;
    if (read(go_fd, &go, 1) != 1)
        _exit(125); /* the supervisor died, or could not seize us */
    set_signals(request->ignored_signals);
    if (walls && walls_enter(walls) < 0)
        fail(status_fd, PB_SPAWN_WALLS);
    if (request->cwd && chdir(request->cwd) < 0)
        fail(status_fd, PB_SPAWN_CHDIR);
    if (take_descriptors(request->fds, request->fd_count) < 0)
        fail(status_fd, PB_SPAWN_FORK);
    if (walls && walls_close_in(request) < 0)
        fail(status_fd, PB_SPAWN_WALLS);
    for (int32_t i = 0; i < request->kept_count; i++)
        if (fcntl(request->kept[i], F_SETFD, 0) < 0)
            fail(status_fd, PB_SPAWN_FORK);
    if (request->terminal && ioctl(request->terminal - 1, TIOCSCTTY, 0) < 0)
        fail(status_fd, PB_SPAWN_WALLS);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || !install_filter(request))
        fail(status_fd, PB_SPAWN_FILTER);
    try_paths(request);
    fail(status_fd, PB_SPAWN_EXEC);
}

static void seize(struct pb_core *core, int go_fd, struct pb_spawned *out)
{
    if (ptrace(PTRACE_SEIZE, out->tid, NULL, (void *)(uintptr_t)PTRACE_OPTIONS) < 0) {
        out->stage = PB_SPAWN_SEIZE;
        out->error = errno;
        kill(out->tid, SIGKILL);
        waitpid(out->tid, NULL, __WALL);
        return;
    }
    LOCKED(core);
    struct task *task = task_get(core, out->tid);
    task->announced = task->born = task->starting = true;
    if (write(go_fd, "g", 1) != 1)
        kill(out->tid, SIGKILL);
}

/* linux/sched.h; headers older than the kernel do not know it. */
#define INTO_CGROUP UINT64_C(0x200000000)
#define NR_CLONE3 435
struct clone_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

int32_t clone_guest(const struct pb_spawn *request, uint64_t flags, int status_fd)
{
    int32_t group = request->walls->group;
    if (group >= 0) {
        /* A sibling inherits its signal (clone(2)). */
        struct clone_arguments arguments = {.flags = flags | INTO_CGROUP,
                                            .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
                                            .cgroup = (uint64_t)group};
        long tid = syscall(NR_CLONE3, &arguments, sizeof arguments);
        /* Some containers answer so to every clone3. Moving a task takes the kernel longer. */
        if (tid >= 0 || errno != ENOSYS)
            return (int32_t)tid;
    }
    int32_t tid = (int32_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
    if (tid == 0 && group >= 0 && walls_join_group(group) < 0)
        fail(status_fd, PB_SPAWN_WALLS);
    return tid;
}

/* A guest that is to be made in a namespace of processes. */
struct birth {
    const struct pb_spawn *request;
    const int *go, *status;
    int32_t tid; /* or -errno */
};

#define HELPER_STACK 65536

/* Runs in memory of ours, while we wait. Its child has a copy. */
static int give_birth(void *argument)
{
    struct birth *birth = argument;
    if (walls_raise_capabilities() < 0 || setns(birth->request->walls->pid_namespace, CLONE_NEWPID) < 0) {
        birth->tid = -errno;
        return 0;
    }
    int32_t tid = clone_guest(birth->request, CLONE_PARENT, birth->status[1]);
    if (tid == 0) {
        close(birth->go[1]);
        be_child(birth->request, birth->go[0], birth->status[1]);
    }
    birth->tid = tid < 0 ? -errno : tid;
    return 0;
}

/* As fork, into the guests' namespace of processes. Who enters one enters it with its children alone and, if it has no
   rights outside, for good: so a process that ends at once makes the child, as one of ours (pid_namespaces(7)). */
static int32_t fork_below(const struct pb_spawn *request, const int go[2], const int status[2])
{
    void *stack;
    size_t size;
    struct pb_spawn *copy = request_copy(request, HELPER_STACK, &stack, &size);
    if (!copy)
        return -1;
    struct birth birth = {copy, go, status, -EIO};
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* no handler of ours runs in the helper */
    pid_t helper = clone(give_birth, (char *)stack + HELPER_STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);
    int error = helper < 0 ? errno : 0;
    if (helper > 0)
        waitpid(helper, NULL, __WALL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    munmap(stack, size);
    heap_is_inherited(true);
    errno = error ? error : birth.tid < 0 ? -birth.tid : 0;
    return errno ? -1 : birth.tid;
}

static int32_t fork_guest(const struct pb_spawn *request, const int go[2], const int status[2])
{
    if (request->walls && request->walls->pid_namespace >= 0)
        return fork_below(request, go, status);
    heap_is_inherited(true);
    int32_t tid = request->walls && request->walls->group >= 0 ? clone_guest(request, 0, status[1]) : fork();
    if (tid == 0) {
        close(go[1]);
        be_child(request, go[0], status[1]);
    }
    return tid;
}

static int32_t make_guest(struct pb_core *core, const struct pb_spawn *request, const int go[2], const int status[2])
{
    return core->spawner >= 0 ? spawner_fork(core->spawner, request, go, status) : fork_guest(request, go, status);
}

void pb_spawn(struct pb_core *core, const struct pb_spawn *request, struct pb_spawned *out)
{
    int go[2] = {-1, -1}, status[2] = {-1, -1};
    *out = (struct pb_spawned){.status_fd = -1};
    if (pipe2(go, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0 || (out->tid = make_guest(core, request, go, status)) < 0) {
        out->stage = PB_SPAWN_FORK;
        out->error = errno;
        for (int i = 0; i < 2; i++) {
            if (go[i] >= 0)
                close(go[i]);
            if (status[i] >= 0)
                close(status[i]);
        }
        return;
    }
    close(go[0]);
    close(status[1]);
    /* What the terminal sends to our group comes to the one program of a run; one of many is in a group of its own. */
    if (core->spawner < 0)
        core->program = out->tid;
    walls_tell_space(core, request->walls);
    seize(core, go[1], out);
    close(go[1]);
    if (out->stage == PB_SPAWN_OK)
        out->status_fd = status[0];
    else
        close(status[0]);
}

int32_t pb_spawn_failure(int32_t status_fd, int32_t *error)
{
    struct failure failure = {PB_SPAWN_OK, 0};
    ssize_t got = read(status_fd, &failure, sizeof failure);
    close(status_fd);
    *error = got == sizeof failure ? failure.error : 0;
    return got == sizeof failure ? failure.stage : PB_SPAWN_OK;
}

int32_t pb_adopt_orphans(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int32_t pb_landlock_abi(void)
{
    /* LANDLOCK_CREATE_RULESET_VERSION is 1; headers older than the kernel do not know it, nor the call's number. */
    long version = syscall(444, NULL, 0, 1);
    return version < 0 ? -errno : (int32_t)version;
}

int32_t pb_try_unshare(uint32_t first, uint32_t then)
{
    int status;
    uid_t user = geteuid();
    gid_t group = getegid();
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        if (syscall(SYS_unshare, (unsigned long)first) < 0)
            _exit(errno);
        /* Root without CAP_SETFCAP may make a user namespace and not be root in it (user_namespaces(7)). */
        int32_t error = first & CLONE_NEWUSER ? mounts_keep_ids(user, group) : 0;
        /* One after the other: AppArmor may grant a user namespace and no right in it. */
        if (!error && then && syscall(SYS_unshare, (unsigned long)then) < 0)
            error = -errno;
        _exit(-error);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
