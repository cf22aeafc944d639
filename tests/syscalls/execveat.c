/* execveat NAME FLAGS: executes a name below the working directory by descriptor 9; with AT_EMPTY_PATH 9 is the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *words[] = {"zero", "one", NULL};
    int flags = argc > 2 ? atoi(argv[2]) : 0;
    int by_file = flags & AT_EMPTY_PATH;
    int fd = open(by_file ? argv[1] : ".", O_RDONLY);
    if (fd < 0 || dup2(fd, 9) != 9)
        return 1;
    syscall(SYS_execveat, 9, by_file ? "" : argv[1], words, NULL, flags);
    puts(strerror(errno));
    return 0;
}
