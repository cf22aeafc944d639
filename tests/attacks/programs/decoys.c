/* What attacks are after, outside of the sandbox: a process with a secret in its memory, sockets, System V objects, a
   message queue and shared memory. Prints settings NAME=VALUE and an empty line, then serves until its input ends.
   Usage: decoys DIRECTORY SECRET-FILE */
#include "attack.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static char secret_in_memory[] = SECRET " in memory";
static const char *hit_file;

static void hit(int number)
{
    (void)number;
    int fd = open(hit_file, O_CREAT | O_WRONLY, 0666);
    close(fd);
}

static int listener(int family, int type, const void *address, socklen_t size)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1; /* in a sandbox that has no such sockets */
    CHECK(bind(fd, address, size) == 0);
    if (type == SOCK_STREAM)
        CHECK(listen(fd, 16) == 0);
    return fd;
}

static int local(int type, const char *path, bool abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path + abstract, path);
    return listener(AF_UNIX, type, &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract + strlen(path)));
}

static void make_ipc(void)
{
    key_t key = 0x7069636f;
    int shm = shmget(key, 4096, IPC_CREAT | 0666);
    say("ATTACK_KEY=%d\n", key);
    if (shm < 0 && errno == ENOSYS)
        return; /* in a sandbox that has no such objects */
    CHECK(shm >= 0);
    strcpy(shmat(shm, NULL, 0), SECRET);
    CHECK(semget(key, 1, IPC_CREAT | 0666) >= 0);
    int queue = msgget(key, IPC_CREAT | 0666);
    struct {
        long type;
        char text[8];
    } message = {1, SECRET};
    CHECK(queue >= 0 && msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0);
    mqd_t posix = mq_open("/picobox-decoy", O_CREAT | O_RDWR, 0666, NULL);
    CHECK(posix >= 0 && mq_send(posix, SECRET, sizeof SECRET, 0) == 0);
    make_file("/dev/shm/picobox-decoy", SECRET, 0666);
}

/* A guest could guess the handle of a file. */
static void tell_handle(const char *path)
{
    struct {
        struct file_handle handle;
        unsigned char bytes[128];
    } file = {.handle = {.handle_bytes = sizeof file.bytes}};
    char text[300];
    int mount, length;
    if (name_to_handle_at(AT_FDCWD, path, &file.handle, &mount, 0) < 0)
        file.handle.handle_bytes = 0;
    length = sprintf(text, "%d:", file.handle.handle_type);
    for (unsigned int i = 0; i < file.handle.handle_bytes; i++)
        length += sprintf(text + length, "%02x", file.handle.f_handle[i]);
    say("ATTACK_HANDLE=%s\n", text);
}

static void answer(int fd, int type)
{
    char text[256];
    if (type == SOCK_STREAM) {
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer >= 0) {
            send(peer, SECRET, strlen(SECRET), MSG_NOSIGNAL | MSG_DONTWAIT);
            close(peer);
        }
    } else if (recv(fd, text, sizeof text, MSG_DONTWAIT) >= 0) {
        hit(0);
    }
}

int main(int argc, char **argv)
{
    char path[108], hit_path[108];
    /* By this number others know whether it is us whom they see. */
    struct rlimit mark = {7777777, 7777777};
    CHECK(argc == 3 && setrlimit(RLIMIT_RTTIME, &mark) == 0);
    umask(0);
    snprintf(hit_path, sizeof hit_path, "%s/hit", argv[1]);
    hit_file = hit_path;
    for (int number = 1; number <= 64; number++)
        if (number != SIGCHLD)
            signal(number, hit);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(7077)};
    snprintf(path, sizeof path, "%s/socket", argv[1]);
    int fds[] = {local(SOCK_STREAM, "picobox-decoy", true), local(SOCK_STREAM, path, false),
                 listener(AF_INET, SOCK_STREAM, &inet, sizeof inet), local(SOCK_DGRAM, "picobox-datagrams", true),
                 listener(AF_INET, SOCK_DGRAM, &inet, sizeof inet)};
    int types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_DGRAM};
    make_ipc();
    tell_handle(argv[2]);
    say("ATTACK_VICTIM=%d\nATTACK_VICTIM_ADDRESS=%#lx\nATTACK_SOCKET=%s\nATTACK_ABSTRACT=picobox-decoy\n"
        "ATTACK_DATAGRAMS=picobox-datagrams\nATTACK_PORT=7077\nATTACK_HIT=%s\n\n",
        getpid(), (unsigned long)(uintptr_t)secret_in_memory, path, hit_path);
    struct pollfd wanted[6] = {[5] = {.fd = 0, .events = POLLIN}};
    for (int i = 0; i < 5; i++)
        wanted[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    for (;;) {
        if (poll(wanted, 6, -1) < 0)
            continue;
        if (wanted[5].revents)
            return 0;
        for (int i = 0; i < 5; i++)
            if (wanted[i].revents)
                answer(fds[i], types[i]);
    }
}
