/* Counts the SIGINTs that reach it and says so, and also for SIGUSR1, after which it has counted all that came before.
   Started with a number, it has as many children first, which get what its group gets and make calls all the time. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile sig_atomic_t count, asked;

static void on_signal(int number)
{
    if (number == SIGINT)
        count++;
    else
        asked = 1;
}

int main(int argc, char **argv)
{
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    /* SIGUSR1 waits for a handler of SIGINT, and the kernel takes the smaller number first. */
    struct sigaction action = {.sa_handler = on_signal, .sa_mask = blocked};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int children = argc > 1 ? atoi(argv[1]) : 0; children > 0; children--)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            sigprocmask(SIG_SETMASK, &before, NULL);
            for (;;)
                getppid();
        }
    for (;;) {
        int told = count;
        printf("%d%s\n", told, asked ? " asked" : "");
        fflush(stdout);
        asked = 0;
        while (count == told && !asked)
            sigsuspend(&before);
    }
}
