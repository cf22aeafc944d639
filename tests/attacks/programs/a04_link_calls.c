/* A4: a link leads to what the policy gives and to what it does not, in turns, while calls that Landlock does not know go
   through it: stat, chmod, connect. */
/* Walls: tree */
/* Walls without namespaces: guard same-descriptor */
#include "attack.h"
#include <libgen.h>

#define SWAPPERS 4

static atomic_int over;
static char other[PATH_MAX];

static void *swap(void *name)
{
    while (!over)
        syscall(SYS_renameat2, AT_FDCWD, (char *)name, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
    return NULL;
}

/* Calls on a name while it leads to one target, then to the other. */
static void race(const char *name, const char *allowed, const char *forbidden, void (*call)(const char *))
{
    pthread_t threads[SWAPPERS];
    snprintf(other, sizeof other, "%s.other", name);
    over = 0;
    CHECK(symlink(allowed, name) == 0 && symlink(forbidden, other) == 0);
    for (int i = 0; i < SWAPPERS; i++)
        start(&threads[i], swap, (void *)name);
    for (int64_t since = now_ns(); races(since, 150);)
        call(name);
    over = 1;
    for (int i = 0; i < SWAPPERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static struct stat own;
static long other_found, answers;

static void look(const char *name)
{
    struct stat found;
    other_found += stat(name, &found) == 0 && (found.st_ino != own.st_ino || found.st_dev != own.st_dev);
}

static void change(const char *name)
{
    chmod(name, 0775);
}

static void call(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {0, 100000};
    char answer[8];
    strcpy(address.sun_path, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        answers += is_secret(answer, recv(fd, answer, sizeof answer, 0));
    close(fd);
}

/* A service of the guest's own, which says nothing. */
static void *serve(void *listener)
{
    for (;;)
        close(accept(*(int *)listener, NULL, NULL));
    return NULL;
}

int main(void)
{
    begin();
    pthread_t thread;
    struct stat about;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "service"};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char file[PATH_MAX], service[PATH_MAX];
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 8) == 0);
    start(&thread, serve, &listener);
    make_file("own", "own", 0600);
    CHECK(stat("own", &own) == 0 && realpath("own", file) && realpath("service", service));
    race("seen", file, decoy("ATTACK_FORBIDDEN"), look);
    GOT_IF(other_found, "the status of the secret through a link that changes\n");
    char *outside = dirname(strdup(decoy("ATTACK_OUTSIDE")));
    race("changed", file, outside, change);
    GOT_IF(stat(outside, &about) == 0 && (about.st_mode & 07777) == 0775,
           "the mode of a directory outside through a link that changes\n");
    race("called", service, decoy("ATTACK_SOCKET"), call);
    GOT_IF(answers, "an answer from a service outside through a link that changes\n");
    return 0;
}
