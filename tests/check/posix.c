/* What Windows lacks, and beside each what it has: `posix bugs` does the one, `posix clean` the other. */

#include "../programs/check.h"

#include <ftw.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

extern char **environ;

static void take(int number)
{
    (void)number;
}

static void *idle(void *argument)
{
    return argument;
}

static int visit(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    return path == NULL || found == NULL || kind < 0 || place == NULL;
}

static void make(const char *name)
{
    int fd = open(name, O_CREAT | O_RDWR, 0644);
    CHECK(fd >= 0);
    close(fd);
}

static void set_times(const char *name, long nanoseconds)
{
    struct timespec times[2] = {{1, nanoseconds}, {1, nanoseconds}};
    struct stat found;
    CHECK(utimensat(AT_FDCWD, name, times, 0) == 0 && stat(name, &found) == 0);
    CHECK(found.st_mtim.tv_nsec == nanoseconds);
}

static void bugs(void)
{
    struct sockaddr_un address = {AF_UNIX, "socket"};
    struct itimerval soon = {{0, 0}, {100, 0}};
    struct stat found;
    make("file");
    CHECK(symlink("file", "link") == 0);
    CHECK(mkfifo("fifo", 0600) == 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(chmod("file", 01644) == 0);
    CHECK(chmod("file", 0600) == 0 && stat("file", &found) == 0 && (found.st_mode & 0777) == 0600);
    set_times("file", 150);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    CHECK(wait_exit(child) == 0);
    CHECK(signal(SIGUSR1, take) != SIG_ERR);
    CHECK(kill(getpid(), SIGUSR1) == 0 && raise(SIGUSR1) == 0);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0 && alarm(0) > 0);
    for (int i = 0; i < 1030; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        CHECK(link("file", name) == 0);
    }
}

static void clean(void)
{
    struct sockaddr_un address = {AF_UNIX, "\0socket"};
    struct itimerval soon = {{0, 0}, {100, 0}}, never = {{0, 0}, {0, 0}};
    struct stat found;
    char *arguments[] = {"true", NULL};
    pid_t child;
    pthread_t thread;
    make("file");
    CHECK(link("file", "name") == 0);
    CHECK(mknod("other", S_IFREG | 0644, 0) == 0);
    CHECK(symlink("file", "/dev/null/link") < 0 && mkfifo("file", 0600) < 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(chown("file", getuid(), -1) == 0);
    CHECK(chmod("file", 0600) == 0 && chmod("file", 0755) == 0 && stat("other", &found) == 0);
    FILE *stream = fopen("file", "r");
    CHECK(stream != NULL && fgetc(stream) == EOF && fclose(stream) == 0 && nftw(".", visit, 8, FTW_PHYS) == 0);
    CHECK(chmod("other", 0666) == 0 && stat("other", &found) == 0 && (found.st_mode & 0777) == 0666);
    set_times("file", 200);
    CHECK(posix_spawnp(&child, "true", NULL, NULL, arguments, environ) == 0);
    CHECK(wait_exit(child) == 0);
    if ((child = fork()) == 0) {
        make("output");
        execvp("true", arguments);
        _exit(127);
    }
    CHECK(wait_exit(child) == 0);
    if ((child = vfork()) == 0)
        _exit(0);
    CHECK(wait_exit(child) == 0);
    CHECK(pthread_create(&thread, NULL, idle, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(signal(SIGTERM, take) != SIG_ERR && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    CHECK(kill(getpid(), SIGTERM) == 0 && kill(getpid(), 0) == 0);
    CHECK(setitimer(ITIMER_PROF, &soon, NULL) == 0 && setitimer(ITIMER_REAL, &never, NULL) == 0 && alarm(0) == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    strcmp(argv[1], "bugs") ? clean() : bugs();
    return 0;
}
