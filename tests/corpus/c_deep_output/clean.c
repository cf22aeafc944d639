/* Keeps its log in a directory near the root. */
#include <stdio.h>
#include <sys/stat.h>

int main(void) {
    if (mkdir("build", 0777) < 0) {
        perror("build");
        return 1;
    }
    FILE *log = fopen("build/validation.last-build-state.of-all.log", "w");
    if (log == NULL) {
        perror("log");
        return 1;
    }
    fclose(log);
    puts("built");
    return 0;
}
