/* Works in a directory and gives it its final name before it leaves it. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    if (mkdir("work", 0777) < 0 || chdir("work") < 0 || rename("../work", "../done") < 0) {
        perror("work");
        return 1;
    }
    puts("done");
    return 0;
}
