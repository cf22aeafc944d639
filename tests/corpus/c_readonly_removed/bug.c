/* Protects a result from being changed, and removes it later. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    FILE *result = fopen("result.snapshot", "w");
    fputs("42\n", result);
    fclose(result);
    if (chmod("result.snapshot", 0444) < 0 || unlink("result.snapshot") < 0) {
        perror("result.snapshot");
        return 1;
    }
    puts("removed");
    return 0;
}
