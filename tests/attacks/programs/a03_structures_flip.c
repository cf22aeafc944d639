/* A3: a thread changes what a structure says while the call reads it: open_how, clone_args, socket addresses, messages. */
/* Walls: tree */
#include "attack.h"
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/uio.h>

static struct open_how how;
static struct clone_args arguments;
static struct sockaddr_un address;
static struct iovec vector;
static struct msghdr message;
static struct sockaddr_un other_address;
static char text[] = "x";
static atomic_int what, over;

static void *flip(void *unused)
{
    (void)unused;
    const char *socket_of_others = decoy("ATTACK_SOCKET");
    while (!over) {
        if (what == 0) {
            how.resolve = 0;
            dwell();
            how.resolve = RESOLVE_BENEATH;
        } else if (what == 1) {
            arguments.flags = CLONE_NEWUSER | CLONE_UNTRACED;
            dwell();
            arguments.flags = 0;
        } else if (what == 2) {
            strcpy(address.sun_path, socket_of_others);
            dwell();
            strcpy(address.sun_path, "own");
        } else {
            message.msg_name = &other_address;
            message.msg_namelen = sizeof(sa_family_t) + 1 + sizeof "picobox-datagrams" - 1;
            dwell();
            message.msg_name = &address;
            message.msg_namelen = sizeof address;
        }
        dwell();
    }
    return NULL;
}

static void opens(void)
{
    char way[PATH_MAX];
    snprintf(way, sizeof way, "../../..%s", decoy("ATTACK_FORBIDDEN"));
    bool got = false;
    for (int64_t since = now_ns(); !got && races(since, 60);)
        got = holds_secret((int)syscall(SYS_openat2, AT_FDCWD, way, &how, sizeof how));
    GOT_IF(got, "the secret through an open_how that changed\n");
}

static void clones(void)
{
    bool got = false;
    for (int64_t since = now_ns(); !got && races(since, 100);) {
        struct clone_args *own = &arguments;
        own->exit_signal = SIGCHLD;
        long pid = syscall(SYS_clone3, own, sizeof *own);
        if (pid == 0) {
            /* A user namespace shows a map that is empty. */
            char map[16];
            int fd = open("/proc/self/uid_map", O_RDONLY);
            _exit(fd >= 0 && read(fd, map, sizeof map) == 0);
        }
        if (pid > 0)
            got |= wait_exit((pid_t)pid) == 1;
    }
    GOT_IF(got, "a user namespace through clone_args that changed\n");
}

static void connects(void)
{
    bool got = false;
    for (int64_t since = now_ns(); !got && races(since, 60);) {
        char answer[8];
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(fd >= 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            struct timeval limit = {0, 50000};
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            got = is_secret(answer, recv(fd, answer, sizeof answer, 0));
        }
        close(fd);
    }
    GOT_IF(got, "the service of others through an address that changed\n");
}

static void sends(void)
{
    bool got = false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    unlink(decoy("ATTACK_HIT"));
    for (int64_t since = now_ns(); !got && races(since, 60);) {
        sendmsg(fd, &message, MSG_NOSIGNAL);
        got = access(decoy("ATTACK_HIT"), F_OK) == 0;
    }
    usleep(50000);
    got |= access(decoy("ATTACK_HIT"), F_OK) == 0;
    unlink(decoy("ATTACK_HIT"));
    GOT_IF(got, "a datagram to others through a message that changed\n");
}

int main(void)
{
    begin();
    pthread_t thread;
    address.sun_family = other_address.sun_family = AF_UNIX;
    strcpy(address.sun_path, "own");
    strcpy(other_address.sun_path + 1, "picobox-datagrams");
    vector = (struct iovec){text, 1};
    message = (struct msghdr){.msg_iov = &vector, .msg_iovlen = 1, .msg_name = &address, .msg_namelen = sizeof address};
    start(&thread, flip, NULL);
    opens();
    what = 1;
    clones();
    what = 2;
    connects();
    what = 3;
    sends();
    over = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
