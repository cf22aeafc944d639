/* Shows that a file which was made without a name has one as soon as it gets it, and is open by that. */
/* profile: windows11 */
#include "check.h"

static int unnamed(int flags)
{
    int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4);
    return fd;
}

static void give(int fd, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0);
}

static void named(void)
{
    int fd = unnamed(0), copy = dup(fd);
    give(fd, "file");
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK_FAILS(rename("file", "other"), EACCES);
    CHECK(close(fd) == 0);
    CHECK_FAILS(unlink("FILE"), EACCES);
    CHECK(close(copy) == 0 && rename("file", "other") == 0 && unlink("other") == 0);
    say("a name that is given: the file is open by it\n");
}

/* linkat by the descriptor alone needs a capability, or since Linux 6.10 the credentials that opened it. */
static void by_descriptor_alone(void)
{
    int fd = unnamed(0);
    if (linkat(fd, "", AT_FDCWD, "file", AT_EMPTY_PATH) != 0) {
        CHECK(errno == ENOENT);
        give(fd, "file");
    }
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK(close(fd) == 0 && unlink("file") == 0);
    say("by its descriptor alone: the same\n");
}

static void by_number(void)
{
    char number[16];
    int fd = unnamed(0), directory = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(number, sizeof number, "%d", fd);
    CHECK(linkat(directory, number, AT_FDCWD, "file", AT_SYMLINK_FOLLOW) == 0);
    CHECK(linkat(directory, number, AT_FDCWD, "second", AT_SYMLINK_FOLLOW) == 0);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK_FAILS(unlink("second"), EACCES);
    CHECK(close(fd) == 0 && unlink("file") == 0 && unlink("second") == 0 && close(directory) == 0);
    say("by its number in a directory: the same\n");
}

static void opened_again(void)
{
    char path[64];
    int fd = unnamed(0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(again >= 0);
    give(fd, "file");
    CHECK(close(fd) == 0);
    CHECK_FAILS(unlink("file"), EACCES);
    CHECK(close(again) == 0 && unlink("file") == 0);
    say("opened again before it has a name: open by it too\n");
}

static void never_named(void)
{
    CHECK(mkdir("directory", 0700) == 0);
    int fd = open("directory", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_FAILS(linkat(AT_FDCWD, path, AT_FDCWD, "file", AT_SYMLINK_FOLLOW), ENOENT);
    CHECK_FAILS(unlink("file"), ENOENT);
    CHECK(rename("directory", "moved") == 0 && rmdir("moved") == 0 && close(fd) == 0);
    fd = unnamed(0);
    CHECK(close(open("taken", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_FAILS(linkat(AT_FDCWD, path, AT_FDCWD, "taken", AT_SYMLINK_FOLLOW), EEXIST);
    CHECK_FAILS(linkat(AT_FDCWD, path, AT_FDCWD, "TAKEN", AT_SYMLINK_FOLLOW), EEXIST);
    CHECK(unlink("taken") == 0 && close(fd) == 0);
    say("without a name it is in nobody's way\n");
}

int main(void)
{
    begin();
    named();
    by_descriptor_alone();
    by_number();
    opened_again();
    never_named();
    return 0;
}
