/* Makes as many inotify instances as it can get: a line "inotify COUNT ERRNO", 0 where it got as many as it wanted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>

int main(int argc, char **argv)
{
    int count = 0, wanted = argc > 1 ? atoi(argv[1]) : 0;
    while (count < wanted && inotify_init1(IN_CLOEXEC) >= 0)
        count++;
    printf("inotify %d %d\n", count, count < wanted ? errno : 0);
    return 0;
}
