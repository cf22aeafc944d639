/* The classes of blocking calls of signal(7): how each is entered by a child, released by its parent, and restarted. */
#ifndef PICOBOX_BLOCKING_H
#define PICOBOX_BLOCKING_H
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

struct board {
    atomic_int announced, handled, finished, leave, futex_word;
    int error;
    long result;
};

/* One place of the parent's and the child's, and the descriptors made before the fork. */
static struct board *board;
static int pair[2], other = -1, ipc_id;
static pid_t blocked_child;

struct blocking_call {
    const char *name;
    void (*prepare)(void); /* in the parent, before the fork */
    void (*enter)(void);   /* in the child, before it announces the call */
    long (*block)(void);
    void (*release)(void); /* in the parent; NULL: only a signal ends the call */
    bool restarts;         /* with SA_RESTART (signal(7)) */
    bool ends_by_handler;  /* its only end is EINTR after a handler */
};

static inline void prepare_pipe(void) { open_pipe(pair); }
static inline void feed_pipe(void) { give_byte(pair[1], 'x'); }
static inline void nothing(void) {}

static inline long block_read(void)
{
    char byte;
    return read(pair[0], &byte, 1);
}

static inline void prepare_full_pipe(void)
{
    static char page[65536];
    open_pipe(pair);
    CHECK(fcntl(pair[1], F_SETPIPE_SZ, 4096) == 4096);
    CHECK(write(pair[1], page, 4096) == 4096);
}
static inline long block_write(void) { return write(pair[1], "y", 1); }
static inline void drain_pipe(void)
{
    char page[4096];
    CHECK(read(pair[0], page, sizeof page) == sizeof page);
}

static inline void prepare_sockets(void) { CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0); }
static inline long block_recv(void)
{
    char byte;
    return recv(pair[0], &byte, 1, 0);
}
static inline long block_recvmsg(void)
{
    char byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    return recvmsg(pair[0], &message, 0);
}
static inline void prepare_timed_sockets(void)
{
    struct timeval limit = {.tv_sec = 2 * WATCHDOG};
    prepare_sockets();
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
}

static inline struct sockaddr_un socket_name(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "listener"};
    return name;
}
static inline void prepare_listener(void)
{
    struct sockaddr_un name = socket_name();
    unlink(name.sun_path);
    pair[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(pair[0] >= 0 && bind(pair[0], (struct sockaddr *)&name, sizeof name) == 0 && listen(pair[0], 1) == 0);
    pair[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
static inline long block_accept(void) { return accept(pair[0], NULL, NULL); }
static inline void connect_listener(void)
{
    struct sockaddr_un name = socket_name();
    CHECK(connect(pair[1], (struct sockaddr *)&name, sizeof name) == 0);
}

/* The call waits for a grandchild that ends when the parent feeds the pipe. */
static pid_t grandchild;
static inline void enter_wait(void)
{
    grandchild = fork_child();
    if (grandchild == 0) {
        take_byte(pair[0]);
        _exit(0);
    }
}
static inline long block_wait4(void) { return syscall(SYS_wait4, grandchild, NULL, 0, NULL); }
static inline long block_waitid(void) { return waitid(P_PID, (id_t)grandchild, NULL, WEXITED); }

/* A child that slept on its way to the futex may be released before it is there. */
static inline long wait_for_word(const struct timespec *limit)
{
    long result = futex(&board->futex_word, FUTEX_WAIT, 0, limit);
    return result == -1 && errno == EAGAIN ? 0 : result;
}
static inline long block_futex(void) { return wait_for_word(NULL); }
static inline long block_timed_futex(void)
{
    struct timespec limit = {.tv_sec = 2 * WATCHDOG};
    return wait_for_word(&limit);
}
static inline void release_futex(void) { post(&board->futex_word, 1); }

static inline long block_nanosleep(void)
{
    struct timespec wanted = {.tv_sec = 2 * WATCHDOG}, left = {0, 0};
    long result = nanosleep(&wanted, &left);
    int error = errno;
    CHECK(left.tv_sec > 0 && left.tv_sec <= wanted.tv_sec);
    errno = error;
    return result;
}
static inline long block_clock_nanosleep(void)
{
    struct timespec wanted = {.tv_sec = 2 * WATCHDOG}, left = {0, 0};
    errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, &left);
    CHECK(left.tv_sec > 0 && left.tv_sec <= wanted.tv_sec);
    return errno == 0 ? 0 : -1;
}
static inline long block_absolute_sleep(void)
{
    struct timespec when, left = {7, 7};
    CHECK(clock_gettime(CLOCK_MONOTONIC, &when) == 0);
    when.tv_sec += 2 * WATCHDOG;
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, &left);
    CHECK(left.tv_sec == 7 && left.tv_nsec == 7);
    return errno == 0 ? 0 : -1;
}

static inline long block_poll(void)
{
    struct pollfd item = {.fd = pair[0], .events = POLLIN};
    return poll(&item, 1, -1);
}
static inline long block_ppoll(void)
{
    struct pollfd item = {.fd = pair[0], .events = POLLIN};
    sigset_t mask;
    sigemptyset(&mask);
    return ppoll(&item, 1, NULL, &mask);
}
static inline long block_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    return select(pair[0] + 1, &set, NULL, NULL, NULL);
}
static inline long block_pselect(void)
{
    fd_set set;
    sigset_t mask;
    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    sigemptyset(&mask);
    return pselect(pair[0] + 1, &set, NULL, NULL, NULL, &mask);
}
static inline void enter_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    other = epoll_create1(EPOLL_CLOEXEC);
    CHECK(other >= 0 && epoll_ctl(other, EPOLL_CTL_ADD, pair[0], &event) == 0);
}
static inline long block_epoll(void)
{
    struct epoll_event event;
    return epoll_wait(other, &event, 1, -1);
}
static inline long block_epoll_pwait(void)
{
    struct epoll_event event;
    sigset_t mask;
    sigemptyset(&mask);
    return epoll_pwait(other, &event, 1, -1, &mask);
}

struct text_message {
    long type;
    char text[4];
};
static inline void prepare_queue(void) { CHECK((ipc_id = msgget(IPC_PRIVATE, 0600)) >= 0); }
static inline long block_msgrcv(void)
{
    struct text_message message;
    return msgrcv(ipc_id, &message, sizeof message.text, 0, 0);
}
static inline void send_message(void)
{
    struct text_message message = {.type = 1, .text = "abc"};
    CHECK(msgsnd(ipc_id, &message, sizeof message.text, 0) == 0);
}
static inline void prepare_semaphore(void) { CHECK((ipc_id = semget(IPC_PRIVATE, 1, 0600)) >= 0); }
static inline long block_semop(void)
{
    struct sembuf take = {0, -1, 0};
    return semop(ipc_id, &take, 1);
}
static inline long block_semtimedop(void)
{
    struct sembuf take = {0, -1, 0};
    struct timespec limit = {.tv_sec = 2 * WATCHDOG};
    return semtimedop(ipc_id, &take, 1, &limit);
}
static inline void give_semaphore(void)
{
    struct sembuf give = {0, 1, 0};
    CHECK(semop(ipc_id, &give, 1) == 0);
}

static inline void enter_signal_wait(void) { block_signal(SIGUSR2); }
static inline void send_usr2(void) { CHECK(kill(blocked_child, SIGUSR2) == 0); }
static inline void send_usr1(void) { CHECK(kill(blocked_child, SIGUSR1) == 0); }
static inline long block_sigtimedwait(void)
{
    sigset_t set = one_signal(SIGUSR2);
    struct timespec limit = {.tv_sec = 2 * WATCHDOG};
    return syscall(SYS_rt_sigtimedwait, &set, NULL, &limit, _NSIG / 8);
}
static inline long block_sigwaitinfo(void)
{
    sigset_t set = one_signal(SIGUSR2);
    return syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, _NSIG / 8);
}
static inline long block_sigsuspend(void)
{
    sigset_t set;
    sigemptyset(&set);
    return sigsuspend(&set);
}
static inline long block_pause(void) { return pause(); }
static inline void enter_signalfd(void)
{
    sigset_t set = one_signal(SIGUSR2);
    block_signal(SIGUSR2);
    CHECK((other = signalfd(-1, &set, SFD_CLOEXEC)) >= 0);
}
static inline long block_signalfd(void)
{
    struct signalfd_siginfo info;
    return read(other, &info, sizeof info);
}

static inline void prepare_locked(void)
{
    pair[0] = open("locked", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(pair[0] >= 0 && flock(pair[0], LOCK_EX) == 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(fcntl(pair[0], F_SETLK, &lock) == 0);
    pair[1] = dup(pair[0]);
}
static inline void prepare_open_file_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pair[0] = open("locked", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(pair[0] >= 0 && fcntl(pair[0], F_OFD_SETLK, &lock) == 0);
    pair[1] = dup(pair[0]);
}
static inline void enter_lock(void) { CHECK((other = open("locked", O_RDWR | O_CLOEXEC)) >= 0); }
static inline long block_flock(void) { return flock(other, LOCK_EX); }
static inline long block_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(other, F_SETLKW, &lock);
}
static inline long block_open_file_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(other, F_OFD_SETLKW, &lock);
}
static inline void release_lock(void)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    CHECK(flock(pair[0], LOCK_UN) == 0);
    CHECK(fcntl(pair[0], F_SETLK, &lock) == 0 && fcntl(pair[0], F_OFD_SETLK, &lock) == 0);
}

static inline void prepare_fifo(void)
{
    prepare_pipe();
    unlink("fifo");
    CHECK(mkfifo("fifo", 0600) == 0);
}
static inline long block_open(void) { return open("fifo", O_RDONLY | O_CLOEXEC); }
static inline void open_other_end(void)
{
    int fd = open("fifo", O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && close(fd) == 0);
}

static inline void prepare_eventfd(void)
{
    CHECK((pair[0] = eventfd(0, EFD_CLOEXEC)) >= 0 && (pair[1] = dup(pair[0])) >= 0);
}
static inline long block_counter(void)
{
    uint64_t value;
    return read(pair[0], &value, sizeof value);
}
static inline void add_to_eventfd(void) { CHECK(eventfd_write(pair[1], 1) == 0); }
static inline void prepare_timerfd(void)
{
    pair[0] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    CHECK(pair[0] >= 0 && (pair[1] = dup(pair[0])) >= 0);
}
static inline void arm_timerfd(void)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000}};
    CHECK(timerfd_settime(pair[1], 0, &soon, NULL) == 0);
}
static inline void prepare_inotify(void)
{
    CHECK((pair[0] = inotify_init1(IN_CLOEXEC)) >= 0 && (pair[1] = dup(pair[0])) >= 0);
    CHECK(inotify_add_watch(pair[0], ".", IN_CREATE) >= 0);
}
static inline long block_inotify(void)
{
    char buffer[512];
    return read(pair[0], buffer, sizeof buffer);
}
static inline void make_a_file(void)
{
    int fd = open("seen", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0 && unlink("seen") == 0);
}

static const struct blocking_call blocking_calls[] = {
    {"read of a pipe", prepare_pipe, nothing, block_read, feed_pipe, true, false},
    {"write to a full pipe", prepare_full_pipe, nothing, block_write, drain_pipe, true, false},
    {"recv", prepare_sockets, nothing, block_recv, feed_pipe, true, false},
    {"recvmsg", prepare_sockets, nothing, block_recvmsg, feed_pipe, true, false},
    {"recvmsg with SO_RCVTIMEO", prepare_timed_sockets, nothing, block_recvmsg, feed_pipe, false, false},
    {"accept", prepare_listener, nothing, block_accept, connect_listener, true, false},
    {"wait4", prepare_pipe, enter_wait, block_wait4, feed_pipe, true, false},
    {"waitid", prepare_pipe, enter_wait, block_waitid, feed_pipe, true, false},
    {"futex", prepare_pipe, nothing, block_futex, release_futex, true, false},
    {"futex with a timeout", prepare_pipe, nothing, block_timed_futex, release_futex, false, false},
    {"nanosleep", prepare_pipe, nothing, block_nanosleep, NULL, false, false},
    {"clock_nanosleep", prepare_pipe, nothing, block_clock_nanosleep, NULL, false, false},
    {"clock_nanosleep until", prepare_pipe, nothing, block_absolute_sleep, NULL, false, false},
    {"poll", prepare_pipe, nothing, block_poll, feed_pipe, false, false},
    {"ppoll", prepare_pipe, nothing, block_ppoll, feed_pipe, false, false},
    {"select", prepare_pipe, nothing, block_select, feed_pipe, false, false},
    {"pselect6", prepare_pipe, nothing, block_pselect, feed_pipe, false, false},
    {"epoll_wait", prepare_pipe, enter_epoll, block_epoll, feed_pipe, false, false},
    {"epoll_pwait", prepare_pipe, enter_epoll, block_epoll_pwait, feed_pipe, false, false},
    {"msgrcv", prepare_queue, nothing, block_msgrcv, send_message, false, false},
    {"semop", prepare_semaphore, nothing, block_semop, give_semaphore, false, false},
    {"semtimedop", prepare_semaphore, nothing, block_semtimedop, give_semaphore, false, false},
    {"sigtimedwait", prepare_pipe, enter_signal_wait, block_sigtimedwait, send_usr2, false, false},
    {"sigwaitinfo", prepare_pipe, enter_signal_wait, block_sigwaitinfo, send_usr2, false, false},
    {"sigsuspend", prepare_pipe, nothing, block_sigsuspend, send_usr1, false, true},
    {"pause", prepare_pipe, nothing, block_pause, send_usr1, false, true},
    {"read of a signalfd", prepare_pipe, enter_signalfd, block_signalfd, send_usr2, true, false},
    {"flock", prepare_locked, enter_lock, block_flock, release_lock, true, false},
    {"fcntl F_SETLKW", prepare_locked, enter_lock, block_lock, release_lock, true, false},
    {"fcntl F_OFD_SETLKW", prepare_open_file_lock, enter_lock, block_open_file_lock, release_lock, true, false},
    {"open of a FIFO", prepare_fifo, nothing, block_open, open_other_end, true, false},
    {"read of an eventfd", prepare_eventfd, nothing, block_counter, add_to_eventfd, true, false},
    {"read of a timerfd", prepare_timerfd, nothing, block_counter, arm_timerfd, true, false},
    {"read of an inotify", prepare_inotify, nothing, block_inotify, make_a_file, true, false},
};
enum { BLOCKING_CALLS = sizeof blocking_calls / sizeof blocking_calls[0] };

static inline void note_handled(int number)
{
    (void)number;
    atomic_fetch_add(&board->handled, 1);
}

/* Fork a child that handles SIGUSR1 with these flags and sleeps in the call; return when it sleeps. */
static inline pid_t start_blocked(const struct blocking_call *call, int flags)
{
    memset(board, 0, sizeof *board);
    call->prepare();
    blocked_child = fork_child();
    if (blocked_child == 0) {
        handle(SIGUSR1, note_handled, flags);
        call->enter();
        atomic_store(&board->announced, 1);
        board->result = call->block();
        board->error = errno;
        atomic_store(&board->finished, 1);
        /* A child that ended at once would take its report of a continuation with it. */
        await(&board->leave, 1);
        _exit(0);
    }
    while (atomic_load(&board->announced) == 0)
        sched_yield();
    await_sleep(blocked_child, blocked_child);
    return blocked_child;
}

/* Take the child's end, and what the case made. The call must have ended by EINTR, or have succeeded. */
static inline void end_blocked(const struct blocking_call *call, bool interrupted)
{
    post(&board->leave, 1);
    CHECK(wait_exit(blocked_child) == 0);
    /* The grandchild of an interrupted wait still waits for its byte. */
    if (interrupted && call->enter == enter_wait)
        feed_pipe();
    if (interrupted || call->ends_by_handler)
        CHECK(board->result == -1 && board->error == EINTR);
    else
        CHECK(board->result >= 0);
    close(pair[0]), close(pair[1]);
    if (call->prepare == prepare_queue)
        CHECK(msgctl(ipc_id, IPC_RMID, NULL) == 0);
    if (call->prepare == prepare_semaphore)
        CHECK(semctl(ipc_id, 0, IPC_RMID) == 0);
}

/* Whether the call sleeps again after what was done to it (true), or has ended (false). */
static inline bool sleeps_again(void)
{
    for (;;) {
        if (atomic_load(&board->finished))
            return false;
        if (thread_state(blocked_child, blocked_child) == 'S')
            return true;
        usleep(200);
    }
}
#endif
