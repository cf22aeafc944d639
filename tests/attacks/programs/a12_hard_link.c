/* A12: a name of our own for a file that is not ours: link, linkat through /proc, linkat of a descriptor, rename. */
/* Walls: tree+landlock */
/* Walls without namespaces: landlock-files */
#include "attack.h"

static void try_file(const char *path, const char *what)
{
    char through[64];
    GOT_IF(link(path, "own1") == 0, "a name for %s\n", what);
    GOT_IF(rename(path, "own2") == 0 && rename("own2", path) == 0, "%s by a rename\n", what);
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    snprintf(through, sizeof through, "/proc/self/fd/%d", fd);
    GOT_IF(linkat(AT_FDCWD, through, AT_FDCWD, "own3", AT_SYMLINK_FOLLOW) == 0, "a name for %s through /proc\n", what);
    GOT_IF(linkat(fd, "", AT_FDCWD, "own4", AT_EMPTY_PATH) == 0, "a name for %s by its descriptor\n", what);
    close(fd);
}

int main(void)
{
    begin();
    try_file(decoy("ATTACK_FORBIDDEN"), "the secret");
    try_file(decoy("ATTACK_OUTSIDE"), "a file that may only be read");
    return 0;
}
