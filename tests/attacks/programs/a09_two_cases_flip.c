/* A9: the spelling of a name changes after it was found to be free in every other one. */
/* Walls: copied-memory */
/* Options: --profile nt */
#include "attack.h"

static char name[16] = "one";
static atomic_int over;

static void *flip(void *unused)
{
    (void)unused;
    while (!over) {
        strcpy(name, "two");
        dwell();
        strcpy(name, "one");
        dwell();
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_t thread;
    make_file("ONE", "", 0600);
    start(&thread, flip, NULL);
    bool got = false;
    for (int64_t since = now_ns(); !got && races(since, 150);) {
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        /* "two" is free, "one" is not: it is "ONE". */
        got = fd >= 0 && unlink("two") != 0;
        if (fd >= 0)
            close(fd);
    }
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    GOT_IF(got, "two files of one name\n");
    return 0;
}
