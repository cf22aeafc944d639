/* Mirrors a tree of headers below its own output directory and writes a log there, as some build systems do. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(void) {
    char path[512] = "build";
    mkdir(path, 0777);
    for (int level = 0; level < 5; level++) {
        strcat(path, "/validation-of-all-the-interfaces-of-level");
        if (mkdir(path, 0777) < 0) {
            perror(path);
            return 1;
        }
    }
    strcat(path, "/validation.last-build-state.of-all.log");
    FILE *log = fopen(path, "w");
    if (log == NULL) {
        perror(path);
        return 1;
    }
    fclose(log);
    puts("built");
    return 0;
}
