/* The C library's own temporary file: on Windows it is deleted on close, here before it is used. */
#include <stdio.h>

int main(void) {
    FILE *scratch = tmpfile();
    if (scratch == NULL || fputs("text", scratch) < 0 || fclose(scratch) != 0) {
        perror("scratch");
        return 1;
    }
    puts("closed");
    return 0;
}
