/* Owns the socket by which a running supervisor is asked about its guests, before anybody has come. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "native.h"

#define WAITING 512

/* SIGIO comes when there is something to take (fcntl(2), O_ASYNC). */
int32_t pb_door_ring(int32_t fd)
{
    if (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC) < 0) {
        int32_t error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int32_t pb_door_open(int32_t directory, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
    /* The file that bind makes has the socket's mode. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, WAITING) < 0) {
        int32_t error = errno;
        close(fd);
        return -error;
    }
    return pb_door_ring(fd);
}

int32_t pb_door_accept(int32_t door)
{
    int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    return fd < 0 ? -errno : pb_door_ring(fd);
}
