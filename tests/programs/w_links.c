/* Shows that a chain of links which the kernel never follows to its end does no harm behind a file that is no directory. */
/* profile: windows11 */
#include "check.h"

enum { LINKS = 1300 };

int main(void)
{
    char name[16], target[16];
    begin();
    int fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && close(fd) == 0);
    for (int i = 0; i < LINKS; i++) {
        snprintf(name, sizeof name, "link%d", i);
        snprintf(target, sizeof target, "link%d", i + 1);
        CHECK(symlink(target, name) == 0);
    }
    CHECK(symlink("file/../link0", "way") == 0);
    struct stat found;
    CHECK_FAILS(stat("way", &found), ENOENT);
    CHECK_FAILS(open("way/below", O_WRONLY | O_CREAT | O_CLOEXEC, 0644), ENOENT);
    CHECK_FAILS(stat("link0", &found), ELOOP);
    say("no chain is too long\n");
    return 0;
}
