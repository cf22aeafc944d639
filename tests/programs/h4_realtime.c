/* Shows queues of realtime signals: order, values, senders, limits, and how ordinary signals merge. */
#include "check.h"
#include <sys/signalfd.h>

static int values[64], numbers[64], received;

static void take(int number, siginfo_t *info, void *context)
{
    (void)context;
    CHECK(info->si_code == SI_QUEUE && info->si_pid == getpid() && info->si_uid == getuid());
    numbers[received] = number;
    values[received++] = info->si_value.sival_int;
}

static void queue(int number, int value)
{
    CHECK(sigqueue(getpid(), number, (union sigval){.sival_int = value}) == 0);
}

static void by_handler(void)
{
    struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < 3; i++) {
        CHECK(sigaction(SIGRTMIN + i, &action, NULL) == 0);
        sigaddset(&set, SIGRTMIN + i);
    }
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 12; i++)
        queue(SIGRTMIN + 2 - i % 3, i);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    CHECK(received == 12);
    for (int i = 0; i < 12; i++)
        say("SIGRTMIN+%d value %d\n", numbers[i] - SIGRTMIN, values[i]);
}

static void by_wait(void)
{
    block_signal(SIGRTMIN + 4);
    for (int i = 0; i < 5; i++)
        queue(SIGRTMIN + 4, 100 + i);
    sigset_t set = one_signal(SIGRTMIN + 4);
    siginfo_t info;
    for (int i = 0; i < 5; i++)
        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 4 && info.si_value.sival_int == 100 + i);
    struct timespec none = {0, 0};
    CHECK_FAILS(sigtimedwait(&set, &info, &none), EAGAIN);
    say("sigwaitinfo in order\n");
}

static void by_signalfd(void)
{
    sigset_t set = one_signal(SIGRTMIN + 4);
    struct signalfd_siginfo infos[8];
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    CHECK(fd >= 0);
    CHECK_FAILS(read(fd, infos, sizeof infos), EAGAIN);
    for (int i = 0; i < 5; i++)
        queue(SIGRTMIN + 4, 200 + i);
    CHECK(read(fd, infos, sizeof infos) == 5 * (ssize_t)sizeof infos[0]);
    for (int i = 0; i < 5; i++)
        CHECK(infos[i].ssi_int == 200 + i && infos[i].ssi_pid == (uint32_t)getpid() && infos[i].ssi_code == SI_QUEUE);
    close(fd);
    say("signalfd in order\n");
}

static void ordinary_merge(void)
{
    block_signal(SIGUSR1);
    for (int i = 0; i < 5; i++)
        queue(SIGUSR1, 300 + i);
    sigset_t set = one_signal(SIGUSR1);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_value.sival_int == 300);
    struct timespec none = {0, 0};
    CHECK_FAILS(sigtimedwait(&set, &info, &none), EAGAIN);
    say("five SIGUSR1 become one, the first\n");
}

static void from_a_child(void)
{
    pid_t parent = getpid();
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < 50; i++)
            CHECK(sigqueue(parent, SIGRTMIN + 4, (union sigval){.sival_int = i}) == 0);
        _exit(0);
    }
    sigset_t set = one_signal(SIGRTMIN + 4);
    siginfo_t info;
    for (int i = 0; i < 50; i++) {
        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 4);
        CHECK(info.si_value.sival_int == i && info.si_pid == pid && info.si_code == SI_QUEUE);
    }
    CHECK(wait_exit(pid) == 0);
    say("fifty from a child in order\n");
}

static void limit(void)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        CHECK(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
        CHECK_FAILS(sigqueue(getpid(), SIGRTMIN + 4, (union sigval){.sival_int = 1}), EAGAIN);
        /* kill of an ordinary signal needs no queue entry (signal(7)). */
        CHECK(kill(getpid(), SIGUSR1) == 0);
        sigset_t set = one_signal(SIGUSR1);
        CHECK(sigwaitinfo(&set, NULL) == SIGUSR1);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    say("RLIMIT_SIGPENDING\n");
}

static void forged_codes(void)
{
    siginfo_t info = {.si_signo = SIGRTMIN + 4, .si_code = SI_USER};
    pid_t pid = fork_child();
    if (pid == 0) {
        for (;;)
            pause();
    }
    CHECK_FAILS(syscall(SYS_rt_sigqueueinfo, pid, SIGRTMIN + 4, &info), EPERM);
    info.si_code = SI_TKILL;
    CHECK_FAILS(syscall(SYS_rt_sigqueueinfo, pid, SIGRTMIN + 4, &info), EPERM);
    CHECK(kill(pid, SIGKILL) == 0 && wait_death(pid) == SIGKILL);
    say("forged codes refused\n");
}

int main(void)
{
    begin();
    by_handler();
    by_wait();
    by_signalfd();
    ordinary_merge();
    from_a_child();
    limit();
    forged_codes();
    return 0;
}
