/* Looks names up in other spellings while others give them to other files: `gate_spellings DIRECTORY`. Whoever is not in the
   middle of that finds what has the name now. */
#include "../programs/check.h"
#include <pthread.h>

enum { ROUNDS = 200, LOOKERS = 2, LOOKS = 4 };

static atomic_uint changes; /* odd while one is made */
static atomic_uint looks;
static ino_t inodes[2]; /* of what has the name after an even number of changes, and an odd one */

static ino_t make(const char *directory, const char *path)
{
    struct stat status;
    CHECK(mkdir(directory, 0700) == 0);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && fstat(fd, &status) == 0 && close(fd) == 0);
    return status.st_ino;
}

static void look(const char *path)
{
    struct stat status;
    unsigned before = atomic_load(&changes);
    int result = stat(path, &status);
    if (before % 2 || atomic_load(&changes) != before)
        return;
    CHECK(result == 0 && status.st_ino == inodes[before / 2 % 2]);
    atomic_fetch_add(&looks, 1);
}

static void *look_again_and_again(void *path)
{
    while (atomic_load(&changes) < 2 * ROUNDS)
        look(path);
    return NULL;
}

/* The two directories exchange their names, which stay as they are spelled or not. */
static void change(unsigned round)
{
    const char *one = round % 3 ? "one" : "oNe";
    atomic_fetch_add(&changes, 1);
    CHECK(rename("ONE", "three") == 0 && rename("TWO", one) == 0 && rename("THREE", "two") == 0);
    atomic_fetch_add(&changes, 1);
}

int main(int argc, char **argv)
{
    static char absolute[4096];
    pthread_t threads[LOOKERS];
    begin();
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    CHECK(snprintf(absolute, sizeof absolute, "%s/One/NAME", argv[1]) > 0);
    inodes[0] = make("one", "one/name");
    inodes[1] = make("two", "two/Name");
    for (int i = 0; i < LOOKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, look_again_and_again, i ? absolute : "ONE/NAME") == 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        change(round);
        for (int i = 0; i < LOOKS; i++)
            look(i % 2 ? "One/nAME" : absolute);
    }
    for (int i = 0; i < LOOKERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(atomic_load(&looks) >= LOOKS * ROUNDS);
    return 0;
}
