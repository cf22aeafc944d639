/* Builds an index in a temporary directory and removes both before the index is closed. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
    char directory[256], path[300];
    const char *temporary = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/index-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        return 1;
    }
    snprintf(path, sizeof path, "%s/words.idx", directory);
    FILE *index = fopen(path, "w");
    fputs("word 1\n", index);
    if (unlink(path) < 0 || rmdir(directory) < 0) {
        perror("cleaning up");
        return 1;
    }
    fclose(index);
    puts("indexed");
    return 0;
}
