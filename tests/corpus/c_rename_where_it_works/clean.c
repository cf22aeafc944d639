/* Works in a directory and gives it its final name when it has left it. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    if (mkdir("work", 0777) < 0 || chdir("work") < 0 || chdir("..") < 0 || rename("work", "done") < 0) {
        perror("work");
        return 1;
    }
    puts("done");
    return 0;
}
