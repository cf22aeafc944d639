/* Shows which names Windows 11 reserves for devices: the bare ones in the current directory, and NUL in any. */
/* profile: windows11 */
#include "check.h"

static bool is_null(const char *path)
{
    struct stat found, null;
    CHECK(stat("/dev/null", &null) == 0);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && fstat(fd, &found) == 0 && close(fd) == 0);
    return S_ISCHR(found.st_mode) && found.st_rdev == null.st_rdev;
}

int main(void)
{
    begin();
    CHECK(mkdir("sub", 0700) == 0);
    CHECK(is_null("NUL") && is_null("sub/nul"));
    CHECK_FAILS(open("aux", O_CREAT | O_RDWR, 0600), ENOENT);
    CHECK_FAILS(mkdir("com1", 0700), EINVAL);
    say("bare names: devices\n");
    CHECK(!is_null("nul.txt") && !is_null("sub/con") && !is_null("con.txt") && !is_null("aux.c"));
    CHECK(access("nul.txt", F_OK) == 0 && access("sub/con", F_OK) == 0 && access("con.txt", F_OK) == 0);
    say("with an extension or in a directory: ordinary files\n");
    int directory = open("sub", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    CHECK(directory >= 0 && openat(directory, "aux", O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0);
    CHECK(access("sub/aux", F_OK) == 0);
    say("beside a descriptor of their directory too\n");
    return 0;
}
