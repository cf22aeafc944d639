/* Shows the share rule and READONLY for a program on the C runtime, whose opens share reading and writing. */
/* profile: windows10 */
/* profile: windows11 */
#include "check.h"

static int reopen(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd >= 0)
        CHECK(close(fd) == 0);
    return fd >= 0 ? 0 : -1;
}

static void two_opens(void)
{
    int fd = open("shared", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(reopen("shared", O_RDONLY) == 0 && reopen("shared", O_WRONLY) == 0 && reopen("SHARED", O_RDWR) == 0);
    CHECK(reopen("shared", O_WRONLY | O_TRUNC) == 0);
    CHECK_FAILS(open("Shared", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
    CHECK(close(fd) == 0);
    say("two opens: allowed\n");
}

static void read_only(void)
{
    int fd = open("fixed", O_CREAT | O_RDWR | O_CLOEXEC, 0444);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    CHECK(reopen("fixed", O_RDONLY) == 0);
    CHECK_FAILS(open("fixed", O_WRONLY), EACCES);
    CHECK_FAILS(open("fixed", O_RDWR | O_APPEND), EACCES);
    CHECK_FAILS(open("fixed", O_RDONLY | O_TRUNC), EACCES);
    CHECK_FAILS(open("fixed", O_RDWR | O_CREAT, 0600), EACCES);
    CHECK(chmod("fixed", 0600) == 0 && reopen("fixed", O_RDWR) == 0);
    say("READONLY: writing refused with EACCES\n");
}

static void directories(void)
{
    CHECK(mkdir("directory", 0700) == 0);
    CHECK(reopen("directory", O_RDONLY) == 0);
    CHECK_FAILS(open("directory", O_WRONLY), EACCES);
    CHECK_FAILS(open("directory", O_CREAT | O_RDWR, 0600), EACCES);
    CHECK(reopen("directory", O_RDONLY | O_DIRECTORY) == 0 && reopen("directory", O_PATH) == 0);
    CHECK(reopen("/usr", O_RDONLY) == 0);
    say("directories: only opened as such\n");
}

int main(void)
{
    begin();
    two_opens();
    read_only();
    directories();
    return 0;
}
