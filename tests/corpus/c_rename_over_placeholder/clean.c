/* Keeps a name free by a closed placeholder, and moves a file over it. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    int source = open("picture.raw", O_WRONLY | O_CREAT, 0666);
    close(source);
    int placeholder = open("picture.linked", O_WRONLY | O_CREAT | O_EXCL, 0666);
    close(placeholder);
    if (placeholder < 0 || rename("picture.raw", "picture.linked") < 0) {
        perror("picture.linked");
        return 1;
    }
    puts("moved");
    return 0;
}
