/* Shows pidfds: poll and epoll at the end of a process, signals through them, waits, and what they refuse. */
#include "pidfd.h"
#include <poll.h>
#include <sys/epoll.h>

static int gate[2];

static pid_t waiting_child(int status)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        take_byte(gate[0]);
        _exit(status);
    }
    return pid;
}

static int poll_now(int fd, int timeout)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int got = poll(&item, 1, timeout);
    CHECK(got >= 0);
    return item.revents & POLLIN;
}

static void polling(void)
{
    pid_t pid = waiting_child(3);
    int fd = pidfd_open(pid, 0);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(poll_now(fd, 0) == 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 44};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
    give_byte(gate[1], 'g');
    CHECK(poll_now(fd, -1) == POLLIN);
    CHECK(epoll_wait(epoll, &event, 1, -1) == 1 && event.data.u32 == 44);
    /* Readable while a zombie and afterwards. */
    CHECK(wait_exit(pid) == 3);
    CHECK(poll_now(fd, 0) == POLLIN);
    CHECK_FAILS(pidfd_send_signal(fd, 0, NULL, 0), ESRCH);
    close(fd), close(epoll);
    say("poll and epoll\n");
}

static void signals(void)
{
    pid_t pid = waiting_child(4);
    int fd = pidfd_open(pid, 0);
    CHECK(pidfd_send_signal(fd, 0, NULL, 0) == 0);
    CHECK_FAILS(pidfd_send_signal(fd, 0, NULL, 77), EINVAL);
    CHECK_FAILS(pidfd_send_signal(1, 0, NULL, 0), EBADF);
    CHECK(pidfd_send_signal(fd, SIGTERM, NULL, 0) == 0);
    CHECK(wait_death(pid) == SIGTERM);
    close(fd);
    fd = pidfd_open(getpid(), 0);
    CHECK(fd >= 0);
    block_signal(SIGUSR1);
    CHECK(pidfd_send_signal(fd, SIGUSR1, NULL, 0) == 0);
    sigset_t set = one_signal(SIGUSR1);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER && info.si_pid == getpid());
    close(fd);
    say("signals\n");
}

static void not_blocking(void)
{
    siginfo_t info;
    pid_t pid = waiting_child(5);
    int fd = pidfd_open(pid, O_NONBLOCK);
    CHECK(fd >= 0);
    CHECK_FAILS(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
    give_byte(gate[1], 'g');
    CHECK(poll_now(fd, -1) == POLLIN);
    CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_status == 5);
    close(fd);
    say("PIDFD_NONBLOCK\n");
}

static void other_processes_child(void)
{
    int ids[2];
    open_pipe(ids);
    pid_t middle = fork_child();
    if (middle == 0) {
        pid_t inner = waiting_child(6);
        CHECK(write(ids[1], &inner, sizeof inner) == sizeof inner);
        CHECK(wait_exit(inner) == 6);
        _exit(7);
    }
    pid_t inner;
    siginfo_t info;
    CHECK(read(ids[0], &inner, sizeof inner) == sizeof inner);
    int fd = pidfd_open(inner, 0);
    CHECK(fd >= 0);
    CHECK_FAILS(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    give_byte(gate[1], 'g');
    CHECK(poll_now(fd, -1) == POLLIN);
    CHECK(wait_exit(middle) == 7);
    close(fd), close(ids[0]), close(ids[1]);
    say("another's child: polled, not waited for\n");
}

static void refusals(void)
{
    CHECK_FAILS(pidfd_open(1 << 22, 0), ESRCH);
    CHECK_FAILS(pidfd_open(-1, 0), EINVAL);
    CHECK_FAILS(pidfd_open(getpid(), 77), EINVAL);
    pid_t pid = waiting_child(8);
    give_byte(gate[1], 'g');
    CHECK(wait_exit(pid) == 8);
    CHECK_FAILS(pidfd_open(pid, 0), ESRCH);
    say("refusals\n");
}

int main(void)
{
    begin();
    open_pipe(gate);
    polling();
    signals();
    not_blocking();
    other_processes_child();
    refusals();
    return 0;
}
