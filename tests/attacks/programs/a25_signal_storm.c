/* A25: signals at every moment, those of tracing and stopping among them, blocked, ignored, handled, with forged codes. */
/* Walls: supervisor */
#include "attack.h"

static atomic_int *over;
static volatile long handled;

static void count(int number)
{
    (void)number;
    handled++;
}

static void victim(void)
{
    for (int i = 0; !*over; i++) {
        int fd = open("storm", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        CHECK(fd >= 0 || errno == EINTR);
        if (fd >= 0)
            CHECK(close(fd) == 0);
        CHECK(getppid() > 0);
        /* Called by itself it finds nothing to restart, or a sleep of an ancestor's that is over. */
        long restarted = syscall(SYS_restart_syscall);
        GOT_IF(restarted > 0 || (restarted < 0 && errno != EINTR), "another result of an interrupted call\n");
        if (i % 16 == 0)
            (i % 32 ? block_signal : unblock_signal)(SIGTRAP);
    }
    _exit(0);
}

int main(void)
{
    begin();
    over = shared_memory(4096);
    /* For the child, which may not have begun when the first comes. */
    const int handled_ones[] = {SIGTRAP, SIGSYS, SIGUSR1, SIGSEGV};
    for (size_t i = 0; i < sizeof handled_ones / sizeof *handled_ones; i++)
        handle(handled_ones[i], count, i % 2 ? SA_RESTART : 0);
    pid_t child = fork_child();
    if (child == 0)
        victim();
    usleep(20000);
    const int numbers[] = {SIGSTOP, SIGCONT, SIGTRAP, SIGSYS, SIGUSR1, SIGTSTP, SIGCONT, SIGSEGV};
    for (long round = 0; round < rounds(400); round++) {
        siginfo_t info = {.si_code = round % 2 ? -1 : (int)(0xfffffc00 | SIGTRAP), .si_signo = SIGTRAP};
        CHECK(kill(child, numbers[round % 8]) == 0);
        /* A code of the kernel's own, as a ptrace event has it: refused, or only a number in a signal's siginfo. */
        syscall(SYS_rt_sigqueueinfo, child, SIGTRAP, &info);
        info.si_code = 0x80 | SIGTRAP;
        syscall(SYS_rt_tgsigqueueinfo, child, child, SIGTRAP, &info);
    }
    *over = 1;
    CHECK(kill(child, SIGCONT) == 0);
    CHECK(wait_exit(child) == 0);
    return 0;
}
