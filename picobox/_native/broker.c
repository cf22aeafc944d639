/* Owns the broker: a process behind the guests' walls that makes calls on paths for them, one at a time, as it is asked. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define NR_CLOSE_RANGE 436
#define NR_LANDLOCK_RESTRICT_SELF 446
#define NR_FCHMODAT2 452 /* of Linux 6.6: Landlock that keeps signals in is younger */
#define SOCKET 0         /* the broker's one descriptor between requests */
#define MOST_DESCRIPTORS 2
#define MOST_OPEN 8
#define NAME_SIZE 64
#define BRIEFLY 1000 /* microseconds */
#define LAST_WAIT 100 /* milliseconds */
#define WAIT_BY_PIDFD 3 /* linux/wait.h */

/* A message there. Each text ends with a NUL, which its size counts. */
struct question {
    struct pb_request request;
    char rest[PB_BROKER_PATH + PB_BROKER_NAME + PB_BROKER_DATA];
};

/* What a request is about. */
struct subject {
    int fd;
    int other; /* a descriptor of the guest's, -1 if none came */
    char name[NAME_SIZE]; /* of its link in /proc */
};

union control {
    struct cmsghdr head;
    char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
};

/* What it calls from now on, and nothing else: the first three of its socket, and of itself, which are both 0. */
static int close_to_calls(void)
{
    static const uint32_t numbers[] = {
        SYS_recvmsg,    SYS_sendmsg,    SYS_sched_setaffinity, SYS_close,    SYS_exit_group,  SYS_openat2,
        SYS_newfstatat, SYS_statx,      SYS_fstatfs,           SYS_readlinkat, SYS_faccessat2, NR_FCHMODAT2,
        SYS_fchownat,   SYS_utimensat,  SYS_setxattr,          SYS_getxattr, SYS_removexattr, SYS_listxattr,
        SYS_inotify_add_watch, SYS_connect, SYS_setsockopt, SYS_getsockopt};
    enum { COUNT = sizeof numbers / sizeof numbers[0], OF_ZERO = 3 };
    struct sock_filter code[COUNT + 9];
    uint32_t at = 0;
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t after = COUNT - i - 1;
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i],
                                                  (uint8_t)(after + (i < OF_ZERO ? 1 : 4)), 0);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCKET, 1, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)at, code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* Descriptors are the one socket from now on, and the rules. */
static int keep_descriptors(int socket, int32_t *ruleset)
{
    *ruleset = fcntl(*ruleset, F_DUPFD, SOCKET + 1);
    if (*ruleset < 0 || dup2(socket, SOCKET) < 0)
        return -1;
    if (dup2(*ruleset, SOCKET + 1) < 0)
        return -1;
    *ruleset = SOCKET + 1;
    return (int)syscall(NR_CLOSE_RANGE, *ruleset + 1, ~0U, 0);
}

static int go_behind_walls(int32_t ruleset)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    umask(S_IRWXG | S_IRWXO);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || setsid() < 0 || chdir("/") < 0)
        return -1;
    if (walls_drop_capabilities() < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    /* After the capabilities: some changes of those make a process one that may be looked into again. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        syscall(NR_LANDLOCK_RESTRICT_SELF, ruleset, 0) < 0)
        return -1;
    close(ruleset);
    if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){MOST_OPEN, MOST_OPEN}) < 0)
        return -1;
    prctl(PR_SET_NAME, "picobox-broker", 0, 0, 0);
    return close_to_calls();
}

/* Whether sizes are what has come, and texts end. */
static bool is_well_formed(const struct question *question, ssize_t size)
{
    const struct pb_request *request = &question->request;
    if (size < (ssize_t)sizeof *request || request->path_size > PB_BROKER_PATH ||
        request->name_size > PB_BROKER_NAME || request->data_size > PB_BROKER_DATA || request->room > PB_BROKER_DATA)
        return false;
    if ((size_t)size != sizeof *request + request->path_size + request->name_size + request->data_size)
        return false;
    return (!request->path_size || !question->rest[request->path_size - 1]) &&
           (!request->name_size || !question->rest[request->path_size + request->name_size - 1]);
}

/* Receives a question with its descriptors, those that did not come being -1. False: nobody asks any more. */
static bool receive(struct question *question, int fds[MOST_DESCRIPTORS])
{
    union control control;
    struct iovec data = {question, sizeof *question};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg(SOCKET, &message, MSG_CMSG_CLOEXEC);
    fds[0] = fds[1] = -1;
    if (size <= 0 || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return false;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
    return is_well_formed(question, size);
}

static bool answer(const struct pb_reply *reply, size_t size, int opened)
{
    union control control = {.space = {0}};
    struct iovec data = {(void *)&reply->result, sizeof reply->result + size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (opened >= 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof opened);
        control.head = (struct cmsghdr){CMSG_LEN(sizeof opened), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &opened, sizeof opened);
    }
    return sendmsg(SOCKET, &message, MSG_NOSIGNAL) >= 0;
}

/* Only names of files lead anywhere: what links of processes mean differs for us and for a guest. */
static long open_subject(const struct pb_request *request, const char *path, int start)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (request->follows ? 0 : O_NOFOLLOW),
                           .resolve = RESOLVE_NO_MAGICLINKS};
    return syscall(SYS_openat2, start < 0 ? AT_FDCWD : start, path, &how, sizeof how);
}

static bool is_link(const struct subject *subject)
{
    struct stat status;
    return fstatat(subject->fd, "", &status, AT_EMPTY_PATH) == 0 && S_ISLNK(status.st_mode);
}

static long read_link(const struct subject *subject, struct pb_reply *reply, size_t room)
{
    if (!is_link(subject)) {
        errno = EINVAL;
        return -1;
    }
    return readlinkat(subject->fd, "", reply->data, room);
}

static long change_mode(const struct subject *subject, int64_t mode)
{
    if (is_link(subject)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return syscall(NR_FCHMODAT2, subject->fd, "", mode, AT_EMPTY_PATH);
}

/* A socket that waits does so for a moment: whoever asks for us waits as well. */
static long connect_to(const struct subject *subject)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval before, brief = {0, BRIEFLY};
    socklen_t size = sizeof before;
    memcpy(address.sun_path, subject->name, sizeof subject->name);
    if (getsockopt(subject->other, SOL_SOCKET, SO_SNDTIMEO, &before, &size) < 0 ||
        setsockopt(subject->other, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief) < 0)
        return -1;
    long result = connect(subject->other, (struct sockaddr *)&address, sizeof address);
    int error = errno;
    setsockopt(subject->other, SOL_SOCKET, SO_SNDTIMEO, &before, size);
    errno = error;
    return result;
}

/* Makes the call on the subject; -1 with errno. What it fills in comes to lie in the reply. */
static long perform(const struct pb_request *request, const struct subject *subject, const char *name, const void *data,
                    struct pb_reply *reply)
{
    const int64_t *words = request->words;
    switch (request->operation) {
    case PB_BROKER_OPEN:
        return 0;
    case PB_BROKER_STAT:
        return syscall(SYS_newfstatat, subject->fd, "", reply->data, AT_EMPTY_PATH);
    case PB_BROKER_STATX:
        return syscall(SYS_statx, subject->fd, "", words[0] | AT_EMPTY_PATH, words[1], reply->data);
    case PB_BROKER_STATFS:
        return syscall(SYS_fstatfs, subject->fd, reply->data);
    case PB_BROKER_READLINK:
        return read_link(subject, reply, request->room);
    case PB_BROKER_ACCESS:
        return syscall(SYS_faccessat2, subject->fd, "", words[0], AT_EMPTY_PATH | AT_EACCESS);
    case PB_BROKER_CHMOD:
        return change_mode(subject, words[0]);
    case PB_BROKER_CHOWN:
        return syscall(SYS_fchownat, subject->fd, "", words[0], words[1], AT_EMPTY_PATH);
    case PB_BROKER_UTIMES:
        return syscall(SYS_utimensat, subject->fd, "", request->data_size ? data : NULL, AT_EMPTY_PATH);
    case PB_BROKER_SETXATTR:
        return syscall(SYS_setxattr, subject->name, name, data, request->data_size, words[0]);
    case PB_BROKER_REMOVEXATTR:
        return syscall(SYS_removexattr, subject->name, name);
    case PB_BROKER_GETXATTR:
        return syscall(SYS_getxattr, subject->name, name, reply->data, request->room);
    case PB_BROKER_LISTXATTR:
        return syscall(SYS_listxattr, subject->name, reply->data, request->room);
    case PB_BROKER_WATCH:
        /* Which link is meant was said when it was opened; ours is to be followed. */
        return inotify_add_watch(subject->other, subject->name, (uint32_t)words[0] & ~(uint32_t)IN_DONT_FOLLOW);
    case PB_BROKER_CONNECT:
        return connect_to(subject);
    }
    errno = ENOSYS;
    return -1;
}

/* How much of the reply's data a call has filled in. */
static size_t filled(const struct pb_request *request, long result)
{
    switch (request->operation) {
    case PB_BROKER_STAT:
    case PB_BROKER_STATX:
    case PB_BROKER_STATFS:
        return result < 0 ? 0 : request->room;
    case PB_BROKER_READLINK:
    case PB_BROKER_GETXATTR:
    case PB_BROKER_LISTXATTR:
        return result < 0 || !request->room ? 0 : (size_t)result;
    default:
        return 0;
    }
}

/* Whoever asks does nothing meanwhile: nowhere is the way to him and back shorter than on his own CPU. */
static void follow_to(int32_t cpu)
{
    static int32_t here = -1;
    cpu_set_t mask;
    if (cpu == here || cpu < 0 || cpu >= CPU_SETSIZE)
        return;
    CPU_ZERO(&mask);
    CPU_SET(cpu, &mask);
    here = sched_setaffinity(0, sizeof mask, &mask) < 0 ? -1 : cpu;
}

static bool serve_one(struct question *question, struct pb_reply *reply)
{
    int fds[MOST_DESCRIPTORS];
    if (!receive(question, fds))
        return false;
    const struct pb_request *request = &question->request;
    const char *name = question->rest + request->path_size;
    struct subject subject = {fds[0], fds[1], ""};
    follow_to(request->cpu);
    long opened = -1;
    if (request->path_size)
        subject.fd = (int)(opened = open_subject(request, question->rest, fds[0]));
    if (subject.fd < 0) {
        reply->result = request->path_size ? -errno : -EBADF;
    } else {
        snprintf(subject.name, sizeof subject.name, "/proc/self/fd/%d", subject.fd);
        long result = perform(request, &subject, name, name + request->name_size, reply);
        reply->result = result < 0 ? -errno : result;
    }
    bool told = answer(reply, filled(request, reply->result), (int)opened);
    if (opened >= 0)
        close((int)opened);
    for (int i = 0; i < MOST_DESCRIPTORS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return told;
}

static _Noreturn void be_broker(int socket, int32_t ruleset, struct question *question, struct pb_reply *reply)
{
    if (keep_descriptors(socket, &ruleset) < 0)
        _exit(1);
    bool goes_on = go_behind_walls(ruleset) == 0;
    reply->result = goes_on ? 0 : -errno;
    goes_on = answer(reply, 0, -1) && goes_on;
    while (goes_on)
        goes_on = serve_one(question, reply);
    _exit(0);
}

static int32_t read_reply(const struct pb_broker *broker, struct pb_reply *out)
{
    union control control;
    struct iovec data = {&out->result, sizeof *out - offsetof(struct pb_reply, result)};
    /* Room for one descriptor, so that no other can come. */
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(sizeof out->opened)};
    struct timespec start, now;
    ssize_t got;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        got = recvmsg(broker->socket, &message, MSG_CMSG_CLOEXEC);
        if (got < 0)
            clock_gettime(CLOCK_MONOTONIC, &now);
    } while (got < 0 && errno == EINTR && now.tv_sec - start.tv_sec < broker->seconds);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? -ETIMEDOUT : -EPIPE;
    if (got < (ssize_t)sizeof out->result)
        return -EPIPE;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(&out->opened, CMSG_DATA(head), sizeof out->opened);
    out->size = (int32_t)(got - (ssize_t)sizeof out->result);
    return 0;
}

int32_t pb_broker_ask(const struct pb_broker *broker, struct pb_request *request, const char *path,
                      const char *name, const void *data, const int32_t *fds, int32_t count, struct pb_reply *out)
{
    union control control = {.space = {0}};
    request->cpu = sched_getcpu();
    struct iovec parts[] = {{request, sizeof *request},
                            {(void *)path, request->path_size},
                            {(void *)name, request->name_size},
                            {(void *)data, request->data_size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = sizeof parts / sizeof parts[0]};
    out->size = 0;
    out->opened = -1;
    if (count < 0 || count > MOST_DESCRIPTORS)
        return -EINVAL;
    if (count) {
        size_t size = (size_t)count * sizeof *fds;
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
        control.head = (struct cmsghdr){CMSG_LEN(size), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), fds, size);
    }
    if (sendmsg(broker->socket, &message, MSG_NOSIGNAL) < 0)
        return errno == ECONNRESET ? -EPIPE : -errno;
    return read_reply(broker, out);
}

static int32_t fork_broker(int socket, int32_t ruleset, struct pb_broker *out)
{
    size_t size = sizeof(struct question) + sizeof(struct pb_reply);
    int pidfd = -1, error = 0;
    heap_is_inherited(false);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /* The child has none of what `out` points to. */
    int32_t tid = memory == MAP_FAILED ? -1 : (int32_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
    if (tid == 0)
        be_broker(socket, ruleset, (struct question *)memory, (struct pb_reply *)(memory + sizeof(struct question)));
    if (tid < 0)
        error = errno;
    if (memory != MAP_FAILED)
        munmap(memory, size);
    heap_is_inherited(true);
    out->tid = tid;
    out->pidfd = pidfd;
    return -error;
}

int32_t pb_broker_start(int32_t ruleset, int32_t seconds, struct pb_broker *out)
{
    int ends[2];
    struct timeval limit = {seconds, 0};
    struct pb_reply reply;
    *out = (struct pb_broker){-1, -1, -1, seconds};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    out->socket = ends[0];
    int32_t error = setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ? -errno : 0;
    if (!error)
        error = fork_broker(ends[1], ruleset, out);
    close(ends[1]);
    if (!error)
        error = read_reply(out, &reply);
    if (!error)
        error = (int32_t)reply.result;
    if (error)
        pb_broker_end(out);
    return error;
}

void pb_broker_end(struct pb_broker *broker)
{
    if (broker->pidfd >= 0) {
        /* By descriptor: it may be gone, and its number somebody else's. What hangs in the kernel is not waited for. */
        syscall(SYS_pidfd_send_signal, broker->pidfd, SIGKILL, NULL, 0);
        poll(&(struct pollfd){.fd = broker->pidfd, .events = POLLIN}, 1, LAST_WAIT);
        waitid((idtype_t)WAIT_BY_PIDFD, (id_t)broker->pidfd, NULL, WEXITED | WNOHANG | __WALL);
        close(broker->pidfd);
    }
    if (broker->socket >= 0)
        close(broker->socket);
    *broker = (struct pb_broker){-1, -1, -1, broker->seconds};
}
