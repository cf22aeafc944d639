/* Shows that an open by another descriptor, as /dev/fd/3, is an open of the file. */
/* profile: windows11 */
#include "check.h"

static void make(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4 && close(fd) == 0);
}

/* Opens a file by a descriptor that is closed then. */
static int open_again(const char *format, int flags)
{
    char path[64];
    int fd = open("file", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    snprintf(path, sizeof path, format, fd, fd);
    int again = open(path, flags | O_CLOEXEC);
    CHECK(again >= 0 && close(fd) == 0);
    return again;
}

static void kept_by(int fd)
{
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK_FAILS(rename("file", "other"), EACCES);
    CHECK(close(fd) == 0);
}

static void ways(void)
{
    char own[64], thread[64];
    snprintf(own, sizeof own, "/proc/%d/fd/%%d", getpid());
    snprintf(thread, sizeof thread, "/proc/self/task/%d/fd/%%d", getpid());
    const char *formats[] = {"/dev/fd/%d", "/proc/self/fd/%d", "/proc/thread-self/fd/%d", own, thread};
    make("file");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        kept_by(open_again(formats[i], O_RDONLY));
    kept_by(open_again("/dev/fd/%d", O_WRONLY | O_TRUNC));
    kept_by(open_again("/proc/self/fd/%d", O_RDWR | O_CREAT));
    int fd = open("file", O_RDONLY | O_CLOEXEC), directory = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    int again = openat(directory, number, O_RDONLY | O_CLOEXEC);
    CHECK(again >= 0 && close(fd) == 0 && close(directory) == 0);
    kept_by(again);
    fd = open("file", O_RDONLY | O_CLOEXEC);
    char own_path[32];
    snprintf(own_path, sizeof own_path, "/dev/fd/%d", fd);
    CHECK(symlink(own_path, "link") == 0);
    again = open("link", O_RDONLY | O_CLOEXEC);
    CHECK(again >= 0 && close(fd) == 0);
    kept_by(again);
    CHECK(unlink("link") == 0 && unlink("file") == 0);
    say("a file is open by whatever path\n");
}

static void others(void)
{
    char path[64], link[64];
    make("file");
    int fd = open("file", O_RDONLY | O_CLOEXEC), ends[2];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_FAILS(open(path, O_RDONLY | O_NOFOLLOW), ELOOP);
    int only_path = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    CHECK(only_path >= 0 && readlinkat(only_path, "", link, sizeof link) > 0);
    CHECK(close(fd) == 0 && unlink("file") == 0 && close(only_path) == 0);
    open_pipe(ends);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    give_byte(fd, '.');
    CHECK(take_byte(ends[0]) == '.' && close(fd) == 0);
    say("the link itself is no file, and a pipe stays one\n");
}

int main(void)
{
    begin();
    ways();
    others();
    return 0;
}
