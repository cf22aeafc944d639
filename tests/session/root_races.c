/* Two users race to make one name: it is whose call made it, which the mode tells that the kernel gave it. */
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 1000, ROOTS = 0640, USERS = 0604 };

static atomic_uint *turn;

static int opened(const char *name, mode_t mode)
{
    return open(name, O_CREAT | O_RDWR | O_CLOEXEC, mode) < 0;
}

static int made_directory(const char *name, mode_t mode)
{
    return mkdir(name, mode);
}

static int bound(const char *name, mode_t mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result;

    strncpy(address.sun_path, name, sizeof address.sun_path - 1);
    umask(0777 & ~mode);
    result = bind(fd, (const struct sockaddr *)&address, sizeof address);
    umask(0);
    close(fd);
    return result;
}

static const struct {
    const char *name;
    int (*make)(const char *, mode_t);
} ways[] = {{"open", opened}, {"mkdir", made_directory}, {"bind", bound}};

/* Both go on when both have come. */
static void meet(unsigned step)
{
    atomic_fetch_add(turn, 1);
    while (atomic_load(turn) < 2 * step)
        sched_yield();
}

static void race(int (*make)(const char *, mode_t), int rounds, mode_t mode)
{
    char name[32];

    umask(0);
    for (int round = 0; round < rounds; round++) {
        snprintf(name, sizeof name, "%d", round);
        meet((unsigned)round + 1);
        make(name, mode);
    }
}

static int wrong(int rounds)
{
    int count = 0;

    for (int round = 0; round < rounds; round++) {
        char name[32];
        struct stat found;

        snprintf(name, sizeof name, "%d", round);
        if (stat(name, &found))
            count++;
        else
            count += found.st_uid != ((found.st_mode & 0777) == ROOTS ? 0 : USER);
    }
    return count;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 0;

    turn = mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        pid_t other;

        if (argc < 2 || strcmp(ways[way].name, argv[1]))
            continue;
        other = fork();
        if (other == 0) {
            if (setgid(USER) || setuid(USER))
                _exit(1);
            race(ways[way].make, rounds, USERS);
            _exit(0);
        }
        race(ways[way].make, rounds, ROOTS);
        waitpid(other, NULL, 0);
        printf("%d wrong\n", wrong(rounds));
        return 0;
    }
    return 2;
}
