/* A1: a name changes between one that Windows' rules let a program remove and one that they do not, while it is decided. */
/* Walls: copied-memory */
/* Options: --profile windows11 */
#include "attack.h"

static char name[16] = "free";
static atomic_int over;

static void *flip(void *unused)
{
    (void)unused;
    while (!over) {
        strcpy(name, "held");
        dwell();
        strcpy(name, "free");
        dwell();
    }
    return NULL;
}

int main(void)
{
    begin();
    pthread_t thread;
    make_file("held", "", 0600);
    int held = open("held", O_RDONLY | O_CLOEXEC);
    CHECK(held >= 0);
    if (unlink("held") == 0) {
        GOT("an open file removed without further ado\n");
        return 0;
    }
    start(&thread, flip, NULL);
    bool got = false;
    for (int64_t since = now_ns(); !got && races(since, 150);) {
        make_file("free", "", 0600);
        unlink(name);
        got = access("held", F_OK) != 0;
    }
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    GOT_IF(got, "an open file removed\n");
    return 0;
}
