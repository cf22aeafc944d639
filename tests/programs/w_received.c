/* Shows that a descriptor which came by a socket or from another process keeps its file from being deleted. */
/* profile: windows11 */
#include "check.h"
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MOST 4

static int pair[2];

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(MOST * sizeof(int))];
};

static int make(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

/* Sends descriptors, and closes them: they are open nowhere but in the socket. */
static void send_fds(const int *fds, int count)
{
    union control control = {0};
    char byte = '.';
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes};
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    control.header = (struct cmsghdr){CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
    CHECK(sendmsg(pair[0], &message, 0) == 1);
    for (int i = 0; i < count; i++)
        CHECK(close(fds[i]) == 0);
}

static void send_file(const char *name)
{
    int fd = make(name);
    send_fds(&fd, 1);
}

/* Receives with room for so many descriptors; gives the first, and wipes what tells its number. */
static int receive(int flags, int room, bool many)
{
    union control control = {0};
    char byte;
    struct iovec data = {&byte, 1};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes}};
    int fd = -1;
    message.msg_hdr.msg_controllen = room ? CMSG_LEN((size_t)room * sizeof(int)) : 0;
    if (many)
        CHECK(recvmmsg(pair[1], &message, 1, flags | MSG_CMSG_CLOEXEC, NULL) == 1);
    else
        CHECK(recvmsg(pair[1], &message.msg_hdr, flags | MSG_CMSG_CLOEXEC) == 1);
    if (message.msg_hdr.msg_controllen >= sizeof control.header)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    memset(&control, 0xff, sizeof control);
    return fd;
}

static void kept_until(int fd, const char *name)
{
    CHECK(fd >= 0);
    CHECK_FAILS(unlink(name), EACCES);
    CHECK(close(fd) == 0 && unlink(name) == 0);
}

static void messages(void)
{
    send_file("one");
    kept_until(receive(0, 1, false), "one");
    send_file("several");
    kept_until(receive(0, 1, true), "several");
    send_file("peeked");
    int first = receive(MSG_PEEK, 1, false), second = receive(0, 1, false);
    CHECK(first >= 0 && second >= 0 && first != second);
    CHECK_FAILS(unlink("peeked"), EACCES);
    CHECK(close(second) == 0);
    kept_until(first, "peeked");
    int fds[2] = {make("first"), make("cut")};
    send_fds(fds, 2);
    int fd = receive(0, 1, false);
    CHECK(unlink("cut") == 0);
    kept_until(fd, "first");
    send_file("refused");
    CHECK(receive(0, 0, false) == -1 && unlink("refused") == 0);
    say("messages: what was received counts, what was cut off does not\n");
}

static atomic_int received, interrupted;

static void noticed(int number)
{
    (void)number;
    atomic_store(&interrupted, 1);
}

static void *receives(void *tid)
{
    atomic_store((atomic_int *)tid, (int)syscall(SYS_gettid));
    post(&received, receive(0, 1, false));
    return NULL;
}

/* The receiver waits, somebody looks, a signal comes, somebody looks; then it ends. */
static void threads(void)
{
    pthread_t thread;
    atomic_int tid = 0;
    handle(SIGUSR1, noticed, SA_RESTART);
    atomic_store(&received, -1);
    CHECK(pthread_create(&thread, NULL, receives, &tid) == 0);
    while (!atomic_load(&tid))
        usleep(200);
    await_sleep(getpid(), atomic_load(&tid));
    CHECK(close(make("other")) == 0 && unlink("other") == 0);
    CHECK(pthread_kill(thread, SIGUSR1) == 0);
    while (!atomic_load(&interrupted))
        usleep(200);
    CHECK(close(make("other")) == 0 && unlink("other") == 0);
    send_file("waited");
    await(&received, 0);
    CHECK(pthread_join(thread, NULL) == 0);
    while (thread_state(getpid(), atomic_load(&tid)))
        usleep(200);
    kept_until(atomic_load(&received), "waited");
    say("threads: a receiver that waited and has ended leaves what it has received\n");
}

static void *outlives(void *unused)
{
    (void)unused;
    give_byte(pair[1], '.');
    CHECK(receive(0, 1, false) >= 0);
    give_byte(pair[1], '.');
    take_byte(pair[1]);
    _exit(0);
}

/* The thread by whose number the process is known has ended. */
static void without_leader(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, outlives, NULL) == 0);
        pthread_exit(NULL);
    }
    take_byte(pair[0]);
    while (thread_state(pid, pid) != 'Z')
        usleep(200);
    send_file("held");
    take_byte(pair[0]);
    CHECK_FAILS(unlink("held"), EACCES);
    give_byte(pair[0], '.');
    CHECK(wait_exit(pid) == 0 && unlink("held") == 0);
    say("a process without its first thread: what it has received counts\n");
}

/* Whoever shares the table may do with the number what it likes. */
static void renumbered(void)
{
    send_file("moved");
    int fd = receive(0, 1, false), copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    CHECK(copy >= 100 && close(fd) == 0);
    kept_until(copy, "moved");
    send_file("over");
    fd = receive(0, 1, false);
    CHECK(dup2(pair[0], fd) == fd && unlink("over") == 0 && close(fd) == 0);
    say("descriptors: their number may change\n");
}

static void taken(void)
{
    int release[2], file = make("taken");
    CHECK(pipe(release) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(release[0]);
        _exit(0);
    }
    CHECK(close(file) == 0);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = (int)syscall(SYS_pidfd_getfd, pidfd, file, 0);
    CHECK(fd >= 0);
    give_byte(release[1], '.');
    CHECK(wait_exit(pid) == 0);
    kept_until(fd, "taken");
    say("pidfd_getfd: what is taken counts\n");
}

/* Only who may search every directory may open by a handle, and not every file system has handles. */
static void by_handle(void)
{
    struct {
        struct file_handle head;
        char bytes[MAX_HANDLE_SZ];
    } handle = {.head.handle_bytes = MAX_HANDLE_SZ};
    int mount, here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(here >= 0 && close(make("handled")) == 0);
    int fd = -1;
    if (name_to_handle_at(AT_FDCWD, "handled", &handle.head, &mount, 0) == 0)
        fd = open_by_handle_at(here, &handle.head, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        kept_until(fd, "handled");
    else
        CHECK((errno == EPERM || errno == EOPNOTSUPP || errno == EOVERFLOW) && unlink("handled") == 0);
    CHECK(close(here) == 0);
    say("open_by_handle_at: what it opens counts\n");
}

int main(void)
{
    begin();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    messages();
    threads();
    without_leader();
    renumbered();
    taken();
    by_handle();
    return 0;
}
