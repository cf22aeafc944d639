/* Writes one page of documentation for each option of a tool; capitals are marked in the page's name. */
#include <ctype.h>
#include <stdio.h>

int main(void) {
    static const char *const options[] = {"V", "match", "v"};
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s.html", isupper((unsigned char)options[i][0]) ? "upper_" : "", options[i]);
        FILE *page = fopen(name, "w");
        if (page == NULL) {
            perror(name);
            return 1;
        }
        fprintf(page, "<h1>-%s</h1>\n", options[i]);
        fclose(page);
    }
    puts("3 pages");
    return 0;
}
