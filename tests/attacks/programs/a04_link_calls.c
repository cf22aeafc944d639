/* A4: a link leads to what the policy gives and to what it does not, in turns, while calls that Landlock does not know go
   through it: stat, access, chmod, connect. */
/* Walls: tree */
/* Walls without namespaces: guard same-descriptor */
#include "attack.h"

static atomic_int over;
static const char *targets[2];

static void *swap(void *name)
{
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s.new", (char *)name);
    for (int i = 0; !over; i++)
        if (symlink(targets[i & 1], other) == 0)
            rename(other, name);
    return NULL;
}

/* Calls on a name while it leads to one target, then to the other. */
static void race(const char *name, const char *allowed, const char *forbidden, void (*call)(const char *))
{
    pthread_t thread;
    targets[0] = allowed;
    targets[1] = forbidden;
    over = 0;
    CHECK(symlink(allowed, name) == 0);
    start(&thread, swap, (void *)name);
    for (int64_t since = now_ns(); races(since, 120);)
        call(name);
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
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
    chmod(name, 0604);
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
    race("changed", file, decoy("ATTACK_OUTSIDE"), change);
    GOT_IF(stat(decoy("ATTACK_OUTSIDE"), &about) == 0 && (about.st_mode & 07777) == 0604,
           "the mode of a file outside through a link that changes\n");
    race("called", service, decoy("ATTACK_SOCKET"), call);
    GOT_IF(answers, "an answer from a service outside through a link that changes\n");
    return 0;
}
