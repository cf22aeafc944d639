/* Guests for the test of handle tables: each moves descriptors about and asks at every step to be looked at. */
#include "../programs/check.h"
#include <linux/close_range.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/socket.h>

extern char **environ;

static char *self;

/* The supervisor compares every handle table with the kernel's before this call goes on. */
static void checkpoint(void)
{
    CHECK_FAILS(syscall(SYS_getpriority, 0x7bad, 0), EINVAL);
}

static int open_file(int flags)
{
    int fd = open("/dev/null", flags);
    CHECK(fd >= 0);
    return fd;
}

static void dups(void)
{
    int fd = open_file(O_RDWR), other = open_file(O_RDONLY);
    checkpoint();
    CHECK(dup(fd) == other + 1 && dup2(fd, 40) == 40 && dup3(other, 41, O_CLOEXEC) == 41);
    checkpoint();
    CHECK(dup2(other, 40) == 40 && dup2(41, 41) == 41);
    CHECK(fcntl(fd, F_DUPFD, 50) == 50 && fcntl(other, F_DUPFD_CLOEXEC, 50) == 51);
    checkpoint();
    CHECK_FAILS(dup(999), EBADF);
    CHECK_FAILS(dup2(999, 40), EBADF);
    CHECK_FAILS(dup2(fd, 1 << 30), EBADF);
    CHECK_FAILS(dup3(fd, fd, 0), EINVAL);
    CHECK_FAILS(dup3(999, 50, 0), EBADF);
    CHECK_FAILS(close(999), EBADF);
    checkpoint();
    CHECK(close(fd) == 0 && dup(other) == fd);
    checkpoint();
    CHECK(close(fd) == 0 && open_file(O_WRONLY) == fd);
    checkpoint();
}

/* Handle values skip one in 256, so that descriptors and handles drift apart. */
static void many(void)
{
    for (int fd = 3; fd < 520; fd++)
        CHECK(open_file(O_RDONLY) == fd);
    checkpoint();
    for (int fd = 250; fd < 260; fd++)
        CHECK(close(fd) == 0);
    checkpoint();
    CHECK(dup2(3, 254) == 254 && dup2(3, 255) == 255 && dup2(3, 256) == 256 && dup2(510, 509) == 509);
    checkpoint();
    CHECK(syscall(SYS_close_range, 4, UINT_MAX, 0) == 0);
    checkpoint();
}

static void kinds(void)
{
    int pair[2];
    int file = open("kinds", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    CHECK(file >= 0 && open("kinds", O_RDONLY) >= 0 && open("kinds", O_RDWR | O_APPEND) >= 0);
    CHECK(open("kinds", O_PATH) >= 0 && open("kinds", 3) >= 0 && open(".", O_RDONLY | O_DIRECTORY) >= 0);
    CHECK(pipe(pair) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && memfd_create("kinds", 0) >= 0);
    checkpoint();
    CHECK(fcntl(file, F_SETFL, O_NONBLOCK | O_APPEND) == 0);
    checkpoint();
}

static void ranges(void)
{
    for (int fd = 3; fd < 30; fd++)
        CHECK(open_file(O_RDONLY) == fd);
    checkpoint();
    CHECK(syscall(SYS_close_range, 5, 9, 0) == 0 && syscall(SYS_close_range, 20, 25, CLOSE_RANGE_CLOEXEC) == 0);
    CHECK_FAILS(syscall(SYS_close_range, 9, 5, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_close_range, 3, 5, 64), EINVAL);
    checkpoint();
    CHECK(syscall(SYS_close_range, 28, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0);
    checkpoint();
    CHECK(open_file(O_RDONLY) == 5 && close(5) == 0 && dup(3) == 5);
    checkpoint();
}

static void run_self(char *behaviour)
{
    execl("/proc/self/exe", self, behaviour, NULL);
    CHECK(!"exec");
}

static void execs(void)
{
    open_file(O_RDWR);
    open_file(O_RDWR | O_CLOEXEC);
    CHECK(dup(3) == 5 && fcntl(3, F_DUPFD_CLOEXEC, 20) == 20);
    checkpoint();
    CHECK_FAILS(execl("/no/such/file", "x", NULL), ENOENT);
    checkpoint();
    run_self("after_exec");
}

static void after_exec(void)
{
    checkpoint();
    CHECK(open_file(O_RDONLY) >= 3);
    checkpoint();
}

static void *execute(void *unused)
{
    run_self("after_exec");
    return unused;
}

static void thread_execs(void)
{
    pthread_t thread;
    open_file(O_RDWR);
    open_file(O_RDWR | O_CLOEXEC);
    checkpoint();
    CHECK(pthread_create(&thread, NULL, execute, NULL) == 0);
    for (;;)
        pause();
}

static void forks(void)
{
    int fd = open_file(O_RDWR), ask[2], answer[2];
    CHECK(dup(fd) >= 0 && pipe(ask) == 0 && pipe(answer) == 0);
    checkpoint();
    pid_t pid = fork_child();
    if (pid == 0) {
        checkpoint();
        CHECK(dup2(ask[0], fd) == fd && close(answer[0]) == 0 && close(ask[1]) == 0);
        open_file(O_WRONLY);
        checkpoint();
        give_byte(answer[1], 'c');
        CHECK(take_byte(ask[0]) == 'p');
        checkpoint();
        _exit(0);
    }
    CHECK(take_byte(answer[0]) == 'c');
    checkpoint();
    CHECK(close(fd) == 0 && close(answer[1]) == 0);
    checkpoint();
    give_byte(ask[1], 'p');
    CHECK(wait_exit(pid) == 0);
    checkpoint();
}

/* A copy outlives the descriptor that it was made from, and a child inherits it. */
static void copies(void)
{
    int fd = open_file(O_RDWR);
    checkpoint();
    CHECK(dup(fd) > fd && close(fd) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        checkpoint();
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    checkpoint();
}

/* Copies of and over descriptors that nobody has looked at, many times from one place, then of and over such that somebody
   has: the last one outlives all that it was made from. */
static void unseen_copies(void)
{
    int fd = open_file(O_RDWR), other = open_file(O_RDWR), copy = -1;
    for (int looked = 0; looked < 2; looked++) {
        for (int i = 0; i < 20; i++)
            CHECK(dup2(fd, 40) == 40 && dup3(fd, 41, O_CLOEXEC) == 41 && close(40) == 0 && close(41) == 0);
        for (int i = 0; i < 20; i++)
            CHECK(dup(fd) == other + 1 && close(other + 1) == 0 && fcntl(fd, F_DUPFD, 50) == 50 && close(50) == 0);
        checkpoint();
    }
    int fresh = open_file(O_RDWR);
    CHECK(dup2(fresh, other) == other && close(fresh) == 0);
    checkpoint();
    CHECK(close(other) == 0 && (copy = dup(fd)) == other && close(fd) == 0);
    checkpoint();
    CHECK(fcntl(copy, F_DUPFD, 50) == 50 && close(copy) == 0);
    checkpoint();
}

/* A process, not a thread, that uses the same descriptors until it unshares them. */
static int share(void *unused)
{
    (void)unused;
    CHECK(open_file(O_RDONLY) == 5);
    checkpoint();
    CHECK(close(3) == 0 && dup2(4, 30) == 30);
    checkpoint();
    CHECK(unshare(CLONE_FILES) == 0);
    checkpoint();
    CHECK(close(4) == 0 && open_file(O_WRONLY) == 3);
    checkpoint();
    return 0;
}

static int share_to_death(void *unused)
{
    (void)unused;
    CHECK(dup2(4, 31) == 31);
    checkpoint();
    raise(SIGKILL);
    return 0;
}

static void shares(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    CHECK(open_file(O_RDONLY) == 3 && open_file(O_RDWR) == 4);
    checkpoint();
    pid_t pid = clone(share, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL);
    CHECK(pid > 0 && wait_exit(pid) == 0);
    CHECK_FAILS(fcntl(3, F_GETFD), EBADF);
    CHECK(fcntl(4, F_GETFD) == 0 && fcntl(30, F_GETFD) == 0);
    checkpoint();
    pid = clone(share_to_death, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL);
    CHECK(pid > 0 && wait_death(pid) == SIGKILL);
    checkpoint();
}

static atomic_int turn;

static void *use_descriptors(void *unused)
{
    await(&turn, 1);
    CHECK(close(3) == 0 && open_file(O_WRONLY) == 3 && dup2(3, 10) == 10);
    checkpoint();
    post(&turn, 2);
    await(&turn, 3);
    CHECK(fcntl(10, F_GETFD) == -1 && errno == EBADF);
    return unused;
}

static void threads(void)
{
    pthread_t made[4];
    CHECK(open_file(O_RDONLY) == 3);
    CHECK(pthread_create(&made[0], NULL, use_descriptors, NULL) == 0);
    checkpoint();
    post(&turn, 1);
    await(&turn, 2);
    checkpoint();
    CHECK(close(10) == 0);
    checkpoint();
    post(&turn, 3);
    CHECK(pthread_join(made[0], NULL) == 0);
    checkpoint();
}

static void *close_first(void *unused)
{
    CHECK(close(3) == 0);
    return unused;
}

/* The thread begins when somebody has looked at the table already. */
static void late_thread(void)
{
    pthread_t made;
    CHECK(open_file(O_RDONLY) == 3);
    checkpoint();
    CHECK(pthread_create(&made, NULL, close_first, NULL) == 0);
    CHECK(pthread_join(made, NULL) == 0);
    checkpoint();
}

static void *use_nothing(void *unused)
{
    return unused;
}

static void *outlive(void *unused)
{
    (void)unused;
    while (thread_state(getpid(), getpid()) != 'Z')
        usleep(200);
    CHECK(dup2(open_file(O_RDWR), 20) == 20);
    checkpoint();
    CHECK(dup(20) >= 0 && close(20) == 0);
    checkpoint();
    exit(0);
}

/* A leader that has ended is a zombie without descriptors until its last thread ends. */
static void leader_exits(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 7; i++)
        CHECK(pthread_create(&threads[i], NULL, use_nothing, NULL) == 0);
    CHECK(pthread_create(&threads[7], NULL, outlive, NULL) == 0);
    checkpoint();
    pthread_exit(NULL);
}

static void send_descriptor(int socket, int fd)
{
    char space[CMSG_SPACE(sizeof fd)] = {0}, byte = 'd';
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    CHECK(sendmsg(socket, &message, 0) == 1);
}

static int receive_descriptor(int socket)
{
    int fd;
    char space[CMSG_SPACE(sizeof fd)] = {0}, byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    CHECK(recvmsg(socket, &message, 0) == 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static void messages(void)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        int fd = open_file(O_WRONLY);
        CHECK(dup2(fd, 60) == 60);
        send_descriptor(pair[1], 60);
        CHECK(take_byte(pair[1]) == 'p');
        checkpoint();
        _exit(0);
    }
    int got = receive_descriptor(pair[0]);
    checkpoint();
    CHECK(dup(got) >= 0);
    checkpoint();
    give_byte(pair[0], 'p');
    CHECK(wait_exit(pid) == 0);
    checkpoint();
}

static void pidfds(void)
{
    int ready[2], done[2];
    open_pipe(ready);
    open_pipe(done);
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(dup2(open_file(O_RDWR), 70) == 70);
        give_byte(ready[1], 'c');
        CHECK(take_byte(done[0]) == 'p');
        _exit(0);
    }
    CHECK(take_byte(ready[0]) == 'c');
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), got = (int)syscall(SYS_pidfd_getfd, pidfd, 70, 0);
    CHECK(pidfd >= 0 && got >= 0);
    checkpoint();
    CHECK(dup2(got, pidfd) == pidfd);
    checkpoint();
    give_byte(done[1], 'p');
    CHECK(wait_exit(pid) == 0);
    checkpoint();
}

/* What shells and spawn libraries do between vfork and exec. */
static void spawns(void)
{
    posix_spawn_file_actions_t actions;
    char *arguments[] = {self, "after_exec", NULL};
    int fd = open_file(O_RDWR | O_CLOEXEC);
    pid_t pid;
    checkpoint();
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, fd, 33) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 34, "/dev/zero", O_RDONLY, 0) == 0);
    CHECK(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environ) == 0 && wait_exit(pid) == 0);
    checkpoint();
    pid = vfork();
    if (pid == 0) {
        if (dup2(fd, 35) != 35)
            _exit(1);
        execv("/proc/self/exe", arguments);
        _exit(1);
    }
    CHECK(pid > 0 && wait_exit(pid) == 0);
    checkpoint();
}

/* Children that are killed, and one whose exec is refused, leave nothing. */
static void deaths(void)
{
    int fd = open_file(O_RDWR);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            CHECK(dup(fd) >= 0);
            if (i % 2)
                checkpoint();
            kill(getpid(), i % 3 ? SIGKILL : SIGSEGV);
        }
        CHECK(wait_death(pid) == (i % 3 ? SIGKILL : SIGSEGV));
    }
    checkpoint();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } behaviours[] = {
        {"dups", dups}, {"many", many}, {"kinds", kinds}, {"ranges", ranges}, {"execs", execs},
        {"after_exec", after_exec}, {"thread_execs", thread_execs}, {"forks", forks}, {"copies", copies}, {"shares", shares},
        {"threads", threads}, {"late_thread", late_thread},
        {"leader_exits", leader_exits}, {"messages", messages}, {"pidfds", pidfds}, {"spawns", spawns},
        {"deaths", deaths}, {"unseen_copies", unseen_copies},
    };
    begin();
    CHECK(argc == 2);
    if (strcmp(argv[1], "after_exec"))
        CHECK(syscall(SYS_close_range, 3, UINT_MAX, 0) == 0);
    self = argv[0];
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
        if (strcmp(behaviours[i].name, argv[1]) == 0) {
            behaviours[i].run();
            return 0;
        }
    CHECK(!"known behaviour");
}
