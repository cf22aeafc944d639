/* Shows which names Windows 10 reserves for devices: in any directory, whatever follows the first dot. */
/* profile: windows10 */
#include "check.h"

static void check_target(const char *path, const char *target)
{
    char link[64], found[64];
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, found, sizeof found - 1);
    CHECK(length > 0);
    found[length] = 0;
    CHECK(strcmp(found, target) == 0);
    CHECK(close(fd) == 0);
}

int main(void)
{
    static const char *const absent[] = {"aux", "AUX.c", "prn", "com1", "Com9.txt", "lpt\xc2\xb2", "aux .h", "sub/aux.c"};
    static const char *const plain[] = {"com0", "com10", "conx", ".con", "auxiliary", "lpt"};
    begin();
    CHECK(mkdir("sub", 0700) == 0);
    check_target("nul", "/dev/null");
    check_target("NUL.tar.gz", "/dev/null");
    check_target("sub/nul", "/dev/null");
    check_target("sub\\nul", "/dev/null");
    CHECK_FAILS(open("missing/nul", O_RDWR), ENOENT);
    CHECK_FAILS(open("missing\\nul", O_RDWR), ENOENT);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        CHECK_FAILS(open(absent[i], O_CREAT | O_RDWR, 0600), ENOENT);
    say("devices: opened, or not there\n");
    CHECK_FAILS(mkdir("aux", 0700), EINVAL);
    CHECK_FAILS(symlink("x", "con.txt"), EINVAL);
    CHECK_FAILS(unlink("nul"), EINVAL);
    say("nothing else has their names\n");
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        int fd = open(plain[i], O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    CHECK(rename("conx", "conx2") == 0);
    CHECK_FAILS(rename("conx2", "con"), EINVAL);
    say("others are ordinary\n");
    return 0;
}
