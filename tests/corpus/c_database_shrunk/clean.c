/* Shrinks a database file that it has unmapped. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    int fd = open("data.realm", O_RDWR | O_CREAT, 0666);
    if (fd < 0 || ftruncate(fd, 65536) < 0) {
        perror("data.realm");
        return 1;
    }
    char *view = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    view[0] = 'r';
    munmap(view, 65536);
    if (ftruncate(fd, 4096) < 0) {
        perror("shrinking");
        return 1;
    }
    close(fd);
    puts("shrunk");
    return 0;
}
