/* Looks at the mode that it has set; test_images.py knows their names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noipa))

KEEP int look(int fd)
{
    struct stat found;
    return fstat(fd, &found) || (found.st_mode & 0777) != 0640;
}

KEEP int set(int fd)
{
    return fchmod(fd, 0640);
}

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    return fd < 0 || set(fd) || look(fd);
}
