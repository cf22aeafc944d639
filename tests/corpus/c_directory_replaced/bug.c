/* Makes sure that a directory is there and then renames a filled one over it. */
#include <stdio.h>
#include <sys/stat.h>

int main(void) {
    if (mkdir("out", 0777) < 0 || mkdir("out.tmp", 0777) < 0 || mkdir("out.tmp/bin", 0777) < 0) {
        perror("out");
        return 1;
    }
    if (rename("out.tmp", "out") < 0) {
        perror("out.tmp");
        return 1;
    }
    puts("renamed");
    return 0;
}
