/* A9: two spellings of one name made at the same moment, or one renamed onto the other, folds, dots and spaces, streams. */
/* Walls: supervisor */
/* Options: --profile nt */
#include "attack.h"
#include <dirent.h>

static atomic_int turn, made;
static const char *const spellings[] = {"Name", "nAME"};

static void *make(void *which)
{
    const char *name = spellings[(intptr_t)which];
    for (int round = 1; round <= (int)rounds(100); round++) {
        while (turn < round)
            sched_yield();
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
        made++;
    }
    return NULL;
}

static int entries(void)
{
    int count = 0;
    DIR *directory = opendir(".");
    struct dirent *entry;
    CHECK(directory);
    while ((entry = readdir(directory)))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

int main(void)
{
    begin();
    pthread_t threads[2];
    bool both = false;
    for (intptr_t i = 0; i < 2; i++)
        start(&threads[i], make, (void *)i);
    for (int round = 1; round <= (int)rounds(100); round++) {
        made = 0;
        turn = round;
        while (made < 2)
            sched_yield();
        both |= entries() == 2;
        unlink("Name");
        unlink("nAME");
    }
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    GOT_IF(both, "two files of one name\n");
    static const char *const pairs[][2] = {{"one", "ONE"}, {"\xc3\xa4", "\xc3\x84"}, {"\xce\xbb", "\xce\x9b"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        make_file(pairs[i][0], "", 0600);
        make_file("other", "", 0600);
        CHECK(rename("other", pairs[i][1]) == 0);
        GOT_IF(entries() == 2, "two files of one name by a rename\n");
        make_file(pairs[i][0], "", 0600);
        CHECK(link(pairs[i][0], pairs[i][1]) < 0 || entries() == 1);
        unlink(pairs[i][0]);
        unlink(pairs[i][1]);
        CHECK(entries() == 0);
    }
    return 0;
}
