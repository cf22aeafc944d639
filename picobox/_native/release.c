/* Owns the release of inotify instances, which the kernel takes long to close: it does so after us. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "native.h"

#define COUNT 2
/* A user has 128 instances, where nobody has said otherwise (inotify(7)). */
#define ROOM 16

/* Whether the user has instances enough left although some may still be on their way back: the kernel closes one after the
   other, so that many runs at once could leave none for guests. */
static bool has_room(void)
{
    int others[ROOM], count = 0;
    while (count < ROOM && (others[count] = inotify_init1(IN_CLOEXEC)) >= 0)
        count++;
    bool room = count == ROOM;
    while (count > 0)
        close(others[--count]);
    return room;
}

/* Has descriptors lie in a socket as well, if that can be. */
static void send_into(int socket, const int descriptors[COUNT])
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(COUNT * sizeof(int))];
    } control = {.space = {0}};
    char byte = 0;
    struct iovec data = {&byte, sizeof byte};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(COUNT * sizeof(int));
    memcpy(CMSG_DATA(&control.header), descriptors, COUNT * sizeof(int));
    (void)!sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void release(int fd)
{
    int ends[2];
    if (fd < 0)
        return;
    if (!has_room() || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0) {
        close(fd);
        return;
    }
    /* An end that lies in its own queue is reached by nobody once we close it: the kernel's collector, which has a thread of its
       own since Linux 6.9, closes it with what lies there besides (unix(7), SCM_RIGHTS). Before, this takes as long as a close. */
    send_into(ends[0], (int[COUNT]){fd, ends[1]});
    close(fd);
    close(ends[1]);
    close(ends[0]);
}
