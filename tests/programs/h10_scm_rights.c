/* Shows descriptors passed by SCM_RIGHTS: several at once, between processes, cut off, dropped, and in a ring. */
#include "check.h"
#include <sys/socket.h>

enum { MOST = 253 };

static ssize_t send_fds(int socket, const int *fds, size_t count)
{
    static char control[CMSG_SPACE(MOST * sizeof(int) + 64)];
    char byte = 'f';
    struct iovec vector = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    /* musl's sendmsg takes no more than 1 KiB of control data. */
    return syscall(SYS_sendmsg, socket, &message, 0);
}

/* Returns how many came; `room` says for how many there is space. */
static size_t receive_fds(int socket, int *fds, size_t room, int flags, int *message_flags)
{
    static char control[CMSG_SPACE(MOST * sizeof(int))];
    char byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_LEN(room * sizeof(int))};
    ssize_t got;
    do
        got = recvmsg(socket, &message, flags);
    while (got == -1 && errno == EINTR);
    CHECK(got == 1 && byte == 'f');
    if (message_flags)
        *message_flags = message.msg_flags;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL)
        return 0;
    CHECK(header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS);
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    return count;
}

static void open_sockets(int pair[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
}

static void between_processes(void)
{
    int sockets[2], pipes[2], fds[4], count = 0;
    open_sockets(sockets);
    open_pipe(pipes);
    int memory = memfd_create("sent", MFD_CLOEXEC);
    CHECK(memory >= 0 && write(memory, "memory", 6) == 6);
    pid_t pid = fork_child();
    if (pid == 0) {
        close(pipes[0]), close(pipes[1]), close(memory);
        CHECK(receive_fds(sockets[1], fds, 4, MSG_CMSG_CLOEXEC, NULL) == 3);
        for (int i = 0; i < 3; i++)
            CHECK(fcntl(fds[i], F_GETFD) == FD_CLOEXEC);
        char text[6];
        CHECK(pread(fds[0], text, 6, 0) == 6 && memcmp(text, "memory", 6) == 0);
        CHECK(lseek(fds[0], 2, SEEK_SET) == 2);
        give_byte(fds[2], 'p');
        CHECK(take_byte(fds[1]) == 'p');
        _exit(0);
    }
    const int sent[] = {memory, pipes[0], pipes[1]};
    count = (int)send_fds(sockets[0], sent, 3);
    CHECK(count == 1 && wait_exit(pid) == 0);
    CHECK(lseek(memory, 0, SEEK_CUR) == 2);
    close(sockets[0]), close(sockets[1]), close(pipes[0]), close(pipes[1]), close(memory);
    say("three descriptors to another process\n");
}

static void numbers_given(void)
{
    int sockets[2], fds[8];
    open_sockets(sockets);
    CHECK(dup2(1, 40) == 40);
    const int sent[] = {1, 1, 40};
    CHECK(send_fds(sockets[0], sent, 3) == 1 && close(40) == 0);
    CHECK(receive_fds(sockets[1], fds, 8, 0, NULL) == 3);
    for (int i = 0; i < 3; i++)
        CHECK(fds[i] == sockets[1] + 1 + i && fcntl(fds[i], F_GETFD) == 0 && close(fds[i]) == 0);
    close(sockets[0]), close(sockets[1]);
    say("lowest numbers, open though the sender closed its own\n");
}

static void cut_off(void)
{
    int sockets[2], fds[8], flags;
    open_sockets(sockets);
    const int sent[] = {1, 1, 1, 1};
    CHECK(send_fds(sockets[0], sent, 4) == 1);
    CHECK(receive_fds(sockets[1], fds, 2, 0, &flags) == 2 && flags & MSG_CTRUNC);
    CHECK(fcntl(fds[1] + 1, F_GETFD) == -1);
    close(fds[0]), close(fds[1]);
    CHECK(send_fds(sockets[0], sent, 4) == 1);
    char byte;
    CHECK(read(sockets[1], &byte, 1) == 1);
    CHECK_FAILS(fcntl(sockets[1] + 1, F_GETFD), EBADF);
    close(sockets[0]), close(sockets[1]);
    say("too little room, and a plain read\n");
}

static void peeked(void)
{
    int sockets[2], fds[2];
    open_sockets(sockets);
    const int sent[] = {1};
    CHECK(send_fds(sockets[0], sent, 1) == 1);
    CHECK(receive_fds(sockets[1], fds, 2, MSG_PEEK, NULL) == 1 && close(fds[0]) == 0);
    CHECK(receive_fds(sockets[1], fds, 2, 0, NULL) == 1 && close(fds[0]) == 0);
    close(sockets[0]), close(sockets[1]);
    say("MSG_PEEK gives its own descriptors\n");
}

/* A pipe whose only writing end is in a message: the reader sees its end when the message is thrown away. */
static void dropped(void)
{
    int sockets[2], pipes[2];
    char byte;
    open_sockets(sockets);
    open_pipe(pipes);
    CHECK(send_fds(sockets[0], &pipes[1], 1) == 1 && close(pipes[1]) == 0);
    CHECK(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_FAILS(read(pipes[0], &byte, 1), EAGAIN);
    CHECK(fcntl(pipes[0], F_SETFL, 0) == 0);
    close(sockets[0]), close(sockets[1]);
    CHECK(read(pipes[0], &byte, 1) == 0);
    close(pipes[0]);
    say("dropped with the socket\n");
}

static void many(void)
{
    int sockets[2], sent[MOST + 1], fds[MOST];
    open_sockets(sockets);
    for (int i = 0; i <= MOST; i++)
        sent[i] = 1;
    CHECK(send_fds(sockets[0], sent, MOST) == 1);
    CHECK(receive_fds(sockets[1], fds, MOST, MSG_CMSG_CLOEXEC, NULL) == MOST);
    for (int i = 0; i < MOST; i++)
        CHECK(fds[i] == sockets[1] + 1 + i && close(fds[i]) == 0);
    CHECK_FAILS(send_fds(sockets[0], sent, MOST + 1), EINVAL);
    sent[1] = 9999;
    CHECK_FAILS(send_fds(sockets[0], sent, 2), EBADF);
    CHECK(send_fds(sockets[0], &sockets[0], 1) == 1);
    CHECK(receive_fds(sockets[1], fds, 1, 0, NULL) == 1 && send_fds(fds[0], sent, 1) == 1);
    CHECK(close(fds[0]) == 0 && receive_fds(sockets[1], fds, 1, 0, NULL) == 1 && close(fds[0]) == 0);
    close(sockets[0]), close(sockets[1]);
    say("253 at once, not 254, no closed one, a socket through itself\n");
}

int main(void)
{
    begin();
    between_processes();
    numbers_given();
    cut_off();
    peeked();
    dropped();
    many();
    return 0;
}
