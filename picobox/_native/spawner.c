/* Owns the process that makes guests for a supervisor that may start no program any more: it was made before, and knows one
   kind of walls and filters only. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

#define NR_CLOSE_RANGE 436
#define MOST_GIVEN 16
/* The texts, where the child waits for its start, where it tells of a failure; then what it is given. */
enum { TEXTS, GO, STATUS, FIRST_GIVEN, MOST_SENT = FIRST_GIVEN + MOST_GIVEN };

/* What is sent with descriptors. Texts lie one after the other: the directory, then those of the three lists. */
struct order {
    int32_t argv, envp, paths; /* how many there are */
    int32_t has_cwd;
    int32_t given, terminal;
    uint64_t ignored_signals;
};

static int32_t count_texts(char *const *texts)
{
    int32_t count = 0;
    while (texts[count])
        count++;
    return count;
}

static bool write_text(int fd, const char *text)
{
    size_t size = strlen(text) + 1;
    while (size) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            text += written;
            size -= (size_t)written;
        }
    }
    return true;
}

static bool write_texts(int fd, char *const *texts)
{
    for (; *texts; texts++)
        if (!write_text(fd, *texts))
            return false;
    return true;
}

static int texts_of(const struct pb_spawn *request)
{
    int fd = memfd_create("picobox-spawn", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if ((!request->cwd || write_text(fd, request->cwd)) && write_texts(fd, request->argv) && write_texts(fd, request->envp) &&
        write_texts(fd, request->paths))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool send_order(int socket, struct order *order, const int *fds, int count)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(MOST_SENT * sizeof(int))];
    } control = {0};
    struct iovec part = {order, sizeof *order};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    control.head = (struct cmsghdr){CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), fds, (size_t)count * sizeof(int));
    ssize_t sent;
    while ((sent = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent == sizeof *order;
}

int32_t spawner_fork(int32_t socket, const struct pb_spawn *request, const int go[2], const int status[2])
{
    struct order order = {count_texts(request->argv), count_texts(request->envp), count_texts(request->paths),
                          request->cwd != NULL, request->fd_count, request->terminal, request->ignored_signals};
    int fds[MOST_SENT];
    if (order.given > MOST_GIVEN) {
        errno = EINVAL;
        return -1;
    }
    if ((fds[TEXTS] = texts_of(request)) < 0)
        return -1;
    fds[GO] = go[0];
    fds[STATUS] = status[1];
    for (int32_t i = 0; i < order.given; i++)
        fds[FIRST_GIVEN + i] = request->fds[i];
    bool is_sent = send_order(socket, &order, fds, FIRST_GIVEN + order.given);
    int error = errno;
    close(fds[TEXTS]);
    int32_t tid;
    ssize_t got = 0;
    while (is_sent && (got = recv(socket, &tid, sizeof tid, 0)) < 0 && errno == EINTR)
        ;
    /* It ends with its socket, and not before unless it was killed. */
    errno = !is_sent ? error : got != sizeof tid ? EPIPE : tid < 0 ? -tid : 0;
    return errno ? -1 : tid;
}

/* The descriptors of one message; their number, 0 if nobody is there any more, -1 if it is not as it must be. */
static int receive(int socket, struct order *order, int fds[MOST_SENT])
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(MOST_SENT * sizeof(int))];
    } control;
    struct iovec part = {order, sizeof *order};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got == 0)
        return 0;
    struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS)
        return -1;
    int count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(head), (size_t)count * sizeof(int));
    bool is_whole = got == sizeof *order && order->argv >= 0 && order->envp >= 0 && order->paths >= 0 && order->given >= 0 &&
                    count == FIRST_GIVEN + order->given && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    if (is_whole)
        return count;
    for (int i = 0; i < count; i++)
        close(fds[i]);
    return -1;
}

/* Memory of ours with what a request points to. */
struct texts {
    char *memory;
    size_t size, mapped, at;
    char **vectors;
};

static bool read_texts(int fd, const struct order *order, struct texts *texts)
{
    struct stat status;
    size_t pointers = ((size_t)order->argv + (size_t)order->envp + (size_t)order->paths + 3) * sizeof(char *);
    if (fstat(fd, &status) < 0 || status.st_size < 1)
        return false;
    texts->size = (size_t)status.st_size;
    texts->mapped = pointers + texts->size;
    texts->vectors = mmap(NULL, texts->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (texts->vectors == MAP_FAILED)
        return false;
    texts->memory = (char *)texts->vectors + pointers;
    for (size_t at = 0; at < texts->size;) {
        ssize_t got = pread(fd, texts->memory + at, texts->size - at, (off_t)at);
        if (got <= 0) {
            munmap(texts->vectors, texts->mapped);
            return false;
        }
        at += (size_t)got;
    }
    texts->memory[texts->size - 1] = 0;
    return true;
}

static char *next_text(struct texts *texts)
{
    char *text = texts->memory + texts->at;
    if (texts->at >= texts->size)
        return NULL;
    texts->at += strlen(text) + 1;
    return text;
}

static char **next_vector(struct texts *texts, int32_t count)
{
    char **vector = texts->vectors;
    for (int32_t i = 0; i < count; i++)
        vector[i] = next_text(texts);
    vector[count] = NULL;
    texts->vectors += count + 1;
    return vector;
}

static int32_t make(const struct pb_spawn *kind, const struct order *order, const int *fds)
{
    struct texts texts = {0};
    if (!read_texts(fds[TEXTS], order, &texts))
        return -EINVAL;
    void *memory = texts.vectors;
    struct pb_spawn request = *kind;
    request.cwd = order->has_cwd ? next_text(&texts) : NULL;
    request.argv = next_vector(&texts, order->argv);
    request.envp = next_vector(&texts, order->envp);
    request.paths = next_vector(&texts, order->paths);
    request.fds = fds + FIRST_GIVEN;
    request.fd_count = order->given;
    request.terminal = order->terminal;
    request.ignored_signals = order->ignored_signals;
    int32_t tid = clone_guest(&request, CLONE_PARENT, fds[STATUS]);
    if (tid == 0)
        be_child(&request, fds[GO], fds[STATUS]);
    int32_t result = tid < 0 ? -errno : tid;
    munmap(memory, texts.mapped);
    return result;
}

static _Noreturn void serve(int socket, const struct pb_spawn *kind)
{
    for (;;) {
        struct order order;
        int fds[MOST_SENT], count = receive(socket, &order, fds);
        if (count == 0)
            _exit(0);
        int32_t tid = count > 0 ? make(kind, &order, fds) : -EINVAL;
        for (int i = 0; i < count; i++)
            close(fds[i]);
        if (send(socket, &tid, sizeof tid, MSG_NOSIGNAL) != sizeof tid)
            _exit(0);
    }
}

/* What this process was given with our memory, and has no use for: locks and sockets whose end others wait for. */
static void close_others(const int *kept, int count)
{
    unsigned from = 0;
    for (;;) {
        unsigned next = ~0U;
        for (int i = 0; i < count; i++)
            if (kept[i] >= 0 && (unsigned)kept[i] >= from && (unsigned)kept[i] < next)
                next = (unsigned)kept[i];
        if (next > from)
            syscall(NR_CLOSE_RANGE, from, next == ~0U ? next : next - 1, 0);
        if (next == ~0U)
            return;
        from = next + 1;
    }
}

int32_t pb_spawner_open(struct pb_core *core, const struct pb_spawn *kind)
{
    int sockets[2];
    const struct pb_walls *walls = kind->walls;
    if (!walls || walls->pid_namespace < 0)
        return -EINVAL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    heap_is_inherited(true);
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        /* What children are given takes the places of the first three, so nothing else may be there. */
        close_others((int[]){0, 1, 2, sockets[1], walls->pid_namespace, walls->mount_namespace, walls->ruleset, walls->group}, 8);
        /* Who enters a namespace of processes enters it with its children alone (pid_namespaces(7)). */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || walls_raise_capabilities() < 0 ||
            setns(walls->pid_namespace, CLONE_NEWPID) < 0)
            _exit(1);
        prctl(PR_SET_NAME, "picobox-spawner", 0, 0, 0);
        serve(sockets[1], kind);
    }
    int error = errno;
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        return -error;
    }
    core->spawner = sockets[0];
    return 0;
}
