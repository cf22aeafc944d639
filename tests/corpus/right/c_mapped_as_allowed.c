/* What Windows allows with a mapped file: to write and grow it, and to rename over it once its handle is closed. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    int fd = open("data", O_RDWR | O_CREAT, 0666);
    if (fd < 0 || ftruncate(fd, 4096) < 0) {
        perror("data");
        return 1;
    }
    char *view = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    view[0] = 'a';
    if (pwrite(fd, "b", 1, 1) != 1 || ftruncate(fd, 8192) < 0 || close(fd) < 0) {
        perror("data");
        return 1;
    }
    fd = open("data.new", O_RDWR | O_CREAT, 0666);
    if (fd < 0 || close(fd) < 0 || rename("data.new", "data") < 0) {
        perror("data.new");
        return 1;
    }
    munmap(view, 4096);
    puts("replaced");
    return unlink("data") < 0;
}
