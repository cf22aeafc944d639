/* Reads a catalog through a mapping that it gives back, and writes the file again. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int write_catalog(const char *text) {
    FILE *file = fopen("catalog", "w");
    return file == NULL || fputs(text, file) < 0 || fclose(file) != 0;
}

int main(void) {
    if (write_catalog("north\n"))
        return 1;
    int fd = open("catalog", O_RDONLY);
    char *text = mmap(NULL, 6, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    char first = text[0];
    munmap(text, 6);
    if (write_catalog("south\n")) {
        perror("catalog");
        return 1;
    }
    printf("%c\n", first);
    return 0;
}
