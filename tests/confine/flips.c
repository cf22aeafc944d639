/* Two threads: one calls on a name, the other makes it lead to what is allowed and to what is not, in turns. The first
   says what it got of the forbidden file: its size is told by no other. Arguments: allowed, forbidden, rounds. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "flips"
#define OTHER "flips.new"

static const char *allowed, *forbidden;
static volatile int over;

static void *flip(void *unused)
{
    while (!over) {
        unlink(OTHER);
        if (symlink(forbidden, OTHER) == 0)
            rename(OTHER, NAME);
        unlink(OTHER);
        if (symlink(allowed, OTHER) == 0)
            rename(OTHER, NAME);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    struct stat found, allowed_status;
    long got = 0, seen = 0;
    if (argc != 4)
        return 2;
    allowed = argv[1];
    forbidden = argv[2];
    if (stat(allowed, &allowed_status) < 0 || symlink(allowed, NAME) < 0)
        return 3;
    pthread_create(&thread, NULL, flip, NULL);
    for (long round = atol(argv[3]); round; round--) {
        if (stat(NAME, &found) == 0) {
            seen++;
            got += found.st_ino != allowed_status.st_ino;
        }
        chmod(NAME, 0604);
    }
    over = 1;
    pthread_join(thread, NULL);
    printf("seen %d, got %ld\n", seen > 0, got);
    return 0;
}
