/* Sorts through a scratch file that has lost its name as soon as it is open, so that nothing is left behind. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char text[6] = "";
    int fd = open("sort.scratch", O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || unlink("sort.scratch") < 0 || write(fd, "12345", 5) != 5 || pread(fd, text, 5, 0) != 5) {
        perror("sort.scratch");
        return 1;
    }
    close(fd);
    puts(text);
    return 0;
}
