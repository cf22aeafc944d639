/* A1: a thread flips the name between a file that the policy gives and one that it does not while another opens it. */
/* Walls: tree */
/* Walls without namespaces: landlock-files */
#include "attack.h"

static char *volatile name;
static const char *forbidden;
static char allowed[PATH_MAX];
static atomic_int over;

static void *flip(void *unused)
{
    (void)unused;
    while (!over) {
        strcpy(name, forbidden);
        dwell();
        strcpy(name, allowed);
        dwell();
    }
    return NULL;
}

static void race(char *at)
{
    pthread_t thread;
    bool got = false;
    over = 0;
    name = at;
    strcpy(name, allowed);
    start(&thread, flip, NULL);
    for (int64_t since = now_ns(); !got && races(since, 60);) {
        got = reads_secret(name);
    }
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    GOT_IF(got, "the secret through a name that changed\n");
}

int main(void)
{
    begin();
    forbidden = decoy("ATTACK_FORBIDDEN");
    CHECK(getcwd(allowed, sizeof allowed - 16));
    strcat(allowed, "/allowed");
    make_file(allowed, "allowed\n", 0600);
    char *pages = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    race(pages);
    race(pages + 4096 - 8); /* across the edge of a page */
    return 0;
}
