/* Makes a directory for each operator of a class, named by words. */
#include <stdio.h>
#include <sys/stat.h>

int main(void) {
    static const char *const operators[] = {"operator+", "operator=", "operator_less"};
    for (int i = 0; i < 3; i++) {
        if (mkdir(operators[i], 0777) < 0) {
            perror(operators[i]);
            return 1;
        }
    }
    puts("3 operators");
    return 0;
}
