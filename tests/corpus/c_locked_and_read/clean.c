/* Locks a file and reads it through the descriptor that holds the lock. */
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
    if (pread(fd, text, 3, 0) != 3) {
        perror("reading");
        return 1;
    }
    close(fd);
    puts(text);
    return 0;
}
