/* Owns the timer by which what was recorded is taken also while nothing else happens. */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "trace.h"

/* glibc has no name for it before 2.41, musl has (man 2 timer_create). */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif
#define TIMER_SIGNAL (SIGRTMAX - 3)
#define PERIOD 200000000 /* ns */

static volatile sig_atomic_t due;

static void on_timer(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    due = 1;
    doorbell_rung = 1;
    wait4_abort(context);
}

bool timer_is_due(void)
{
    return due;
}

void timer_rest(void)
{
    due = 0;
}

bool timer_start(struct recorder *recorder)
{
    struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TIMER_SIGNAL};
    struct itimerspec period = {{0, PERIOD}, {0, PERIOD}};
    event.sigev_notify_thread_id = gettid();
    sigfillset(&action.sa_mask);
    due = 0;
    if (sigaction(TIMER_SIGNAL, &action, &recorder->before_timer) < 0)
        return false;
    if (timer_create(CLOCK_MONOTONIC, &event, &recorder->timer) < 0) {
        sigaction(TIMER_SIGNAL, &recorder->before_timer, NULL);
        return false;
    }
    timer_settime(recorder->timer, 0, &period, NULL);
    return true;
}

void timer_stop(struct recorder *recorder)
{
    timer_delete(recorder->timer);
    /* One that is on its way must not meet the default action, which is death. */
    signal(TIMER_SIGNAL, SIG_IGN);
    sigaction(TIMER_SIGNAL, &recorder->before_timer, NULL);
}
