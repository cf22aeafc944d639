/* Updates a grammar in place: the old one becomes a backup while it is still open for messages about it. */
#include <stdio.h>

int main(void) {
    FILE *grammar = fopen("calc.y", "w+");
    if (grammar == NULL) {
        perror("calc.y");
        return 1;
    }
    fputs("%error-verbose\n", grammar);
    fflush(grammar);
    if (rename("calc.y", "calc.y~") < 0) {
        perror("cannot backup");
        return 1;
    }
    FILE *updated = fopen("calc.y", "w");
    fputs("%define parse.error verbose\n", updated);
    fclose(updated);
    fclose(grammar);
    puts("updated");
    return 0;
}
