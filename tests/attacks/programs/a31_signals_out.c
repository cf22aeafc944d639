/* A31: signals to those who are not in the sandbox: by every call that sends one, to all, by owners of descriptors, by
   timers. */
/* Walls: pid-namespace+landlock */
/* Walls without namespaces: landlock-scopes */
#include "attack.h"
#include <sys/ioctl.h>

static pid_t victim;

static void send_all(int pidfd)
{
    siginfo_t info = {.si_code = SI_QUEUE, .si_signo = SIGURG};
    kill(victim, SIGURG);
    kill(-1, SIGURG);
    kill(-victim, SIGURG);
    syscall(SYS_tkill, victim, SIGURG);
    syscall(SYS_tgkill, victim, victim, SIGURG);
    syscall(SYS_rt_sigqueueinfo, victim, SIGURG, &info);
    syscall(SYS_rt_tgsigqueueinfo, victim, victim, SIGURG, &info);
    if (pidfd >= 0)
        syscall(424 /* pidfd_send_signal */, pidfd, SIGURG, NULL, 0);
}

static void own_descriptors(void)
{
    int pair[2];
    struct f_owner_ex owner = {F_OWNER_TID, victim};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    fcntl(pair[0], F_SETOWN, victim);
    fcntl(pair[0], F_SETOWN_EX, &owner);
    ioctl(pair[0], FIOSETOWN, &victim);
    fcntl(pair[0], F_SETSIG, SIGURG);
    fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK);
    give_byte(pair[1], 'x');
}

static void timers(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
    event._sigev_un._tid = victim;
    struct itimerspec soon = {.it_value = {0, 1}};
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0)
        syscall(SYS_timer_settime, timer, 0, &soon, NULL);
}

int main(void)
{
    begin();
    const char *hit = decoy("ATTACK_HIT");
    signal(SIGURG, SIG_IGN);
    victim = (pid_t)decoy_number("ATTACK_VICTIM");
    unlink(hit);
    send_all((int)syscall(434 /* pidfd_open */, victim, 0));
    own_descriptors();
    timers();
    for (int passed = 0; passed < 100 && access(hit, F_OK) != 0; passed++)
        usleep(1000);
    GOT_IF(access(hit, F_OK) == 0, "a signal to a process outside\n");
    unlink(hit);
    return 0;
}
