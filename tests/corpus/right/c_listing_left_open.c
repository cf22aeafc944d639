/* Removes and renames directories that it lists still: a listing shares that. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    if (mkdir("first", 0777) < 0 || mkdir("second", 0777) < 0) {
        perror("mkdir");
        return 1;
    }
    DIR *first = opendir("first"), *second = opendir("second");
    if (readdir(first) == NULL || rmdir("first") < 0 || rename("second", "third") < 0 || rmdir("third") < 0) {
        perror("directories");
        return 1;
    }
    closedir(first);
    closedir(second);
    puts("removed");
    return 0;
}
