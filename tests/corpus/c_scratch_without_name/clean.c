/* Sorts through a scratch file that is removed once it is closed. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char text[6] = "";
    int fd = open("sort.scratch", O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, "12345", 5) != 5 || pread(fd, text, 5, 0) != 5) {
        perror("sort.scratch");
        return 1;
    }
    close(fd);
    if (unlink("sort.scratch") < 0) {
        perror("sort.scratch");
        return 1;
    }
    puts(text);
    return 0;
}
