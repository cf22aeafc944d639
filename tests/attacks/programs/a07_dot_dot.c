/* A7: "..", from directories that move, from descriptors that came from elsewhere, and past the root of a chroot. */
/* Walls: tree */
/* Walls without namespaces: landlock-files */
#include "attack.h"

/* The forbidden file by its way from a root. */
static bool from_root_at(int fd)
{
    return holds_secret(openat(fd, decoy("ATTACK_FORBIDDEN") + 1, O_RDONLY | O_CLOEXEC));
}

static void climb(const char *what)
{
    char way[PATH_MAX] = "";
    for (int depth = 0; depth < 40; depth++) {
        strcat(way, "../");
        int fd = open(way, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return;
        if (from_root_at(fd)) {
            GOT("the secret from %s\n", what);
            return;
        }
        close(fd);
    }
}

static void received(void)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    union {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    char byte = 'x';
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof root), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &root, sizeof root);
    CHECK(root >= 0 && sendmsg(pair[0], &message, 0) == 1 && recvmsg(pair[1], &message, 0) == 1);
    memcpy(&root, CMSG_DATA(&control.header), sizeof root);
    CHECK(fchdir(root) == 0);
    climb("a root that was received");
}

int main(void)
{
    begin();
    CHECK(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("c", 0700) == 0 && chdir("a/b") == 0);
    CHECK(rename("../../a/b", "../../c/b") == 0);
    climb("a directory that moved");
    int before = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(before >= 0);
    if (chroot(".") == 0) {
        CHECK(fchdir(before) == 0);
        climb("outside of a chroot");
    }
    if (fchdir(before) == 0)
        received();
    return 0;
}
