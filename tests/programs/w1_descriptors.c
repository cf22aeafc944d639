/* Shows that modes on a WSL drive with metadata are kept by whatever path a program has to its own descriptors. */
/* profile: wsl1 --drive C=.,metadata */
#include "check.h"

static int mode_of(int fd)
{
    struct stat found;
    CHECK(fstat(fd, &found) == 0);
    return found.st_mode & 07777;
}

/* Descriptors that only this program has: those of the same numbers are other files in the supervisor. */
static void change(const char *directory, int fd)
{
    char path[64];
    struct stat found;
    CHECK(snprintf(path, sizeof path, "%s%d", directory, fd) < (int)sizeof path);
    CHECK(chmod(path, 02751) == 0 && mode_of(fd) == 02751);
    CHECK(stat(path, &found) == 0 && (found.st_mode & 07777) == 02751);
    CHECK(fchmodat(AT_FDCWD, path, 0700, 0) == 0 && mode_of(fd) == 0700);
    if (geteuid() != 0)
        return;
    CHECK(chown(path, 12, 34) == 0 && stat(path, &found) == 0 && found.st_uid == 12 && found.st_gid == 34);
    CHECK(chown(path, 0, 0) == 0);
}

int main(void)
{
    char directory[PATH_MAX];
    begin();
    CHECK(getcwd(directory, sizeof directory) != NULL && strcmp(directory, "/mnt/c") == 0);
    CHECK(mkdir("directory", 0700) == 0);
    int fd = open("directory", O_RDONLY | O_CLOEXEC), far = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    CHECK(fd >= 0 && far >= 200);
    change("/proc/self/fd/", fd);
    change("/proc/self/fd/", far);
    change("/proc/thread-self/fd/", far);
    change("/dev/fd/", far);
    change("//proc//self/fd/", far);
    change("/dev//fd/", far);
    CHECK(dup2(fd, 0) == 0 && chmod("/dev/stdin", 0711) == 0 && mode_of(0) == 0711);
    say("descriptors by path are the program's own\n");
    return 0;
}
