/* No attack: makes every mount of its namespace private and read-only, so that no control can change the machine, then
   runs a command. Usage: protect COMMAND... */
#include "attack.h"
#include <linux/mount.h>
#include <sys/mount.h>

int main(int argc, char **argv)
{
    struct mount_attr private = {.propagation = 1 << 18 /* MS_PRIVATE */}, read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    CHECK(argc > 1);
    CHECK(syscall(442 /* mount_setattr */, AT_FDCWD, "/", 0x8000 /* AT_RECURSIVE */, &private, sizeof private) == 0);
    CHECK(syscall(442, AT_FDCWD, "/", 0x8000, &read_only, sizeof read_only) == 0);
    /* What it tells of is this sandbox's own. */
    CHECK(mount("proc", "/proc", "proc", 0, NULL) == 0);
    execvp(argv[1], argv + 1);
    CHECK(!"executed");
}
