/* A34: descriptors that came along: those of the supervisor and those of whoever started it. */
/* Walls: closed-descriptors */
#include "attack.h"

int main(void)
{
    begin();
    char link[64], target[PATH_MAX];
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(link, target, sizeof target - 1);
        target[size > 0 ? size : 0] = 0;
        GOT("descriptor %d: %s\n", fd, target);
    }
    return 0;
}
