/* A49: the tree changed from inside: the mount family, pivot_root, the classic way out of a chroot, other file systems. */
/* Walls: namespace-rules+mount-rules */
#include "attack.h"
#include <sys/mount.h>

int main(void)
{
    begin();
    CHECK(mkdir("place", 0700) == 0 && mkdir("place/old", 0700) == 0);
    pid_t child = fork_child();
    if (child == 0) {
        /* In a namespace of one's own, as root of it, all of it would be allowed. */
        syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS);
        GOT_IF(mount("none", "place", "tmpfs", 0, NULL) == 0, "a tmpfs\n");
        GOT_IF(mount("/", "place", NULL, MS_BIND | MS_REC, NULL) == 0, "a bind of the root\n");
        GOT_IF(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0, "the root mounted again, writable\n");
        GOT_IF(umount2("/proc", MNT_DETACH) == 0, "what a mount had covered\n");
        GOT_IF(mount("none", "place", "proc", 0, NULL) == 0, "a proc of one's own\n");
        GOT_IF(mount("none", "place", "overlay", 0, "lowerdir=/,upperdir=place,workdir=place/old") == 0, "an overlay\n");
        long context = syscall(430 /* fsopen */, "tmpfs", 1);
        GOT_IF(context >= 0, "a context of a file system\n");
        long tree = syscall(428 /* open_tree */, AT_FDCWD, "/", 1 | O_CLOEXEC);
        GOT_IF(tree >= 0, "a copy of the tree\n");
        GOT_IF(tree >= 0 && syscall(429 /* move_mount */, tree, "", AT_FDCWD, "place", 4) == 0, "a tree moved\n");
        GOT_IF(syscall(SYS_pivot_root, "place", "place/old") == 0, "another root\n");
        struct {
            uint64_t set, clear, propagation, user;
        } attributes = {0, 1, 0, 0};
        GOT_IF(syscall(442 /* mount_setattr */, AT_FDCWD, "/", 0x8000, &attributes, sizeof attributes) == 0,
               "a tree writable again\n");
        _exit(0);
    }
    wait_status(child);
    int before = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (before >= 0 && chroot("place") == 0 && fchdir(before) == 0) {
        for (int i = 0; i < 64; i++)
            CHECK(chdir("..") == 0);
        GOT("a chroot\n");
        GOT_IF(chroot(".") == 0 && reads_secret(decoy("ATTACK_FORBIDDEN")), "the secret out of a chroot\n");
    }
    return 0;
}
