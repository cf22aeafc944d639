/* Locks a file and reads it through another descriptor. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

int main(void) {
    char text[4] = "";
    int fd = open("foo", O_RDWR | O_CREAT, 0666);
    if (fd < 0 || write(fd, "foo", 3) != 3 || flock(fd, LOCK_EX) < 0) {
        perror("foo");
        return 1;
    }
    int reader = open("foo", O_RDONLY);
    if (read(reader, text, 3) != 3) {
        perror("reading");
        return 1;
    }
    close(reader);
    close(fd);
    puts(text);
    return 0;
}
