/* Sockets that are files, which ports are root's, and who is at the other end of a socket: a part of root_rights.c. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <string.h>
#include <unistd.h>

#include "root_rights.h"

static int bound(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    int result = bind(fd, (struct sockaddr *)&address, sizeof address), error = errno;
    close(fd);
    errno = error;
    return result;
}

static void bind_as_another(void)
{
    CHECK(setgid(50) == 0 && setuid(50) == 0);
    FAILS(bound("closed/socket"), EACCES);
    FAILS(bound("sockets/root"), EADDRINUSE);
    FAILS(unlink("sockets/root"), EPERM);
    CHECK(bound("sockets/own") == 0);
    has("sockets/own", 50, 50, S_IFSOCK | 0755);
    FAILS(bound("sockets/own"), EADDRINUSE);
    CHECK(chmod("sockets/own", 0600) == 0);
    has("sockets/own", 50, 50, S_IFSOCK | 0600);
    CHECK(unlink("sockets/own") == 0);
}

void sockets(void)
{
    umask(022);
    CHECK(mkdir("sockets", 0777) == 0 && chmod("sockets", 01777) == 0 && mkdir("closed", 0755) == 0);
    CHECK(bound("sockets/root") == 0);
    has("sockets/root", 0, 0, S_IFSOCK | 0755);
    in_child(bind_as_another);
    has("sockets/root", 0, 0, S_IFSOCK | 0755);
}

static int bound_to(int family, int port)
{
    struct sockaddr_storage address = {.ss_family = family};
    ((struct sockaddr_in *)&address)->sin_port = htons(port);
    int fd = socket(family, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    int result = bind(fd, (struct sockaddr *)&address, sizeof address), error = errno;
    close(fd);
    errno = error;
    return result;
}

static void bind_ports_as_another(void)
{
    CHECK(setgid(50) == 0 && setuid(50) == 0);
    FAILS(bound_to(AF_INET, 1001), EACCES);
    FAILS(bound_to(AF_INET6, 1001), EACCES);
    CHECK(bound_to(AF_INET, 0) == 0);
}

void ports(void)
{
    CHECK(bound_to(AF_INET, 1001) == 0 && bound_to(AF_INET6, 1002) == 0);
    in_child(bind_ports_as_another);
}

static void is_peer(int fd, pid_t pid, uid_t user, gid_t group)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    CHECK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && length == sizeof peer);
    CHECK(peer.pid == pid && peer.uid == user && peer.gid == group);
}

static void connect_as_another(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "peers/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char byte;
    CHECK(setgid(50) == 0 && setuid(51) == 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    is_peer(fd, getppid(), 0, 0);
    /* Who it is now, not who it was, waits for an answer. */
    CHECK(read(fd, &byte, 1) == 1);
}

void peers(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "peers/socket"};
    int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), status;
    CHECK(mkdir("peers", 0777) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    is_peer(pair[0], getpid(), 0, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && chmod("peers/socket", 0777) == 0);
    CHECK(listen(listener, 1) == 0);
    /* Who listened is kept. */
    CHECK(seteuid(60) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(seteuid(0) == 0);
        connect_as_another();
        exit(0);
    }
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    is_peer(fd, child, 51, 50);
    CHECK(write(fd, "", 1) == 1 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(seteuid(0) == 0 && close(fd) == 0 && close(listener) == 0);
}

/* A byte, with the credentials that are claimed; the kernel's own for none. */
static int sent(int fd, const struct ucred *claimed)
{
    char byte = 0, control[CMSG_SPACE(sizeof *claimed)] __attribute__((aligned(8))) = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (claimed != NULL) {
        struct cmsghdr *head = (struct cmsghdr *)control;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        head->cmsg_len = CMSG_LEN(sizeof *claimed);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_CREDENTIALS;
        memcpy(CMSG_DATA(head), claimed, sizeof *claimed);
    }
    int result = sendmsg(fd, &message, 0);
    /* What was claimed is still what was written. */
    CHECK(claimed == NULL || memcmp(CMSG_DATA((struct cmsghdr *)control), claimed, sizeof *claimed) == 0);
    return result;
}

static struct ucred received(int fd, int at_once)
{
    char byte, control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));
    struct iovec part = {&byte, 1};
    struct mmsghdr several = {.msg_hdr = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control}};
    struct ucred told;
    CHECK(at_once ? recvmmsg(fd, &several, 1, 0, NULL) == 1 : recvmsg(fd, &several.msg_hdr, 0) == 1);
    struct cmsghdr *head = CMSG_FIRSTHDR(&several.msg_hdr);
    CHECK(head != NULL && head->cmsg_type == SCM_CREDENTIALS);
    memcpy(&told, CMSG_DATA(head), sizeof told);
    return told;
}

static void send_as_another(int fd)
{
    char byte;
    CHECK(setgid(50) == 0 && setresuid(51, 52, 53) == 0);
    struct ucred own = {getpid(), 51, 50}, saved = {getpid(), 53, 50}, other = {getpid(), 0, 50},
                 group = {getpid(), 51, 0}, process = {getppid(), 51, 50};
    FAILS(sent(fd, &other), EPERM);
    FAILS(sent(fd, &group), EPERM);
    FAILS(sent(fd, &process), EPERM);
    CHECK(sent(fd, &own) == 1 && sent(fd, NULL) == 1 && write(fd, "", 1) == 1 && sent(fd, &saved) == 1);
    /* Who it was is asked while it is there. */
    CHECK(read(fd, &byte, 1) == 1);
}

void senders(void)
{
    int pair[2], on = 1, status;
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    pid_t child = fork();
    if (child == 0) {
        send_as_another(pair[1]);
        exit(0);
    }
    for (int message = 0; message < 4; message++) {
        struct ucred told = received(pair[0], message % 2);
        /* The claim to be who one was is the receiver's to know in the fourth; there it is the real id that is told. */
        CHECK(told.pid == child && told.gid == 50 && (told.uid == 51 || message == 3));
    }
    CHECK(write(pair[0], "", 1) == 1 && waitpid(child, &status, 0) == child && status == 0);
}
