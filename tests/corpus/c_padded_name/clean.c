/* Writes records whose names come from columns of fixed width, without the padding. */
#include <stdio.h>
#include <string.h>

int main(void) {
    char name[] = "ALICE   ";
    name[strcspn(name, " ")] = '\0';
    FILE *record = fopen(name, "w");
    if (record == NULL) {
        perror("record");
        return 1;
    }
    fputs("17\n", record);
    fclose(record);
    puts("1 record");
    return 0;
}
