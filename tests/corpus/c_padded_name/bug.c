/* Writes records whose names come from columns of fixed width, padding and all. */
#include <stdio.h>

int main(void) {
    FILE *record = fopen("ALICE   ", "w");
    if (record == NULL) {
        perror("record");
        return 1;
    }
    fputs("17\n", record);
    fclose(record);
    puts("1 record");
    return 0;
}
