/* Reads an archive through a mapping, its descriptor closed, and removes it before it is unmapped. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    int fd = open("grid.vdb", O_RDWR | O_CREAT, 0666);
    if (fd < 0 || write(fd, "voxels", 6) != 6) {
        perror("grid.vdb");
        return 1;
    }
    char *view = mmap(NULL, 6, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (remove("grid.vdb") < 0) {
        perror("grid.vdb");
        return 1;
    }
    printf("%.6s\n", view);
    munmap(view, 6);
    return 0;
}
