/* Shows timers that send signals: POSIX timers to threads and processes, interval timers, overruns, and sigwait. */
#include "check.h"
#include <pthread.h>
#include <sys/time.h>

static atomic_int got_tid, got_code, got_value, hits;

static void take(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    atomic_store(&got_tid, gettid());
    atomic_store(&got_code, info->si_code);
    atomic_store(&got_value, info->si_value.sival_int);
    add_and_wake(&hits);
}

static timer_t start_timer(struct sigevent *event, long first_ns, long then_ns)
{
    timer_t timer;
    struct itimerspec when = {.it_value = {.tv_nsec = first_ns}, .it_interval = {.tv_nsec = then_ns}};
    CHECK(timer_create(CLOCK_MONOTONIC, event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &when, NULL) == 0);
    return timer;
}

static void to_process(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 31};
    handle_info(SIGRTMIN, take, SA_RESTART);
    atomic_store(&hits, 0);
    timer_t timer = start_timer(&event, 1000000, 1000000);
    await(&hits, 5);
    CHECK(atomic_load(&got_code) == SI_TIMER && atomic_load(&got_value) == 31);
    CHECK(timer_delete(timer) == 0);
    CHECK_FAILS(syscall(SYS_timer_delete, (int)(intptr_t)timer), EINVAL);
    say("SIGEV_SIGNAL, five times\n");
}

static atomic_int thread_tid, leave;

static void *wait_in_thread(void *unused)
{
    (void)unused;
    atomic_store(&thread_tid, gettid());
    futex(&thread_tid, FUTEX_WAKE, 1, NULL);
    await(&leave, 1);
    return NULL;
}

static void to_thread(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_in_thread, NULL) == 0);
    await(&thread_tid, 1);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 32};
#ifdef sigev_notify_thread_id
    event.sigev_notify_thread_id = atomic_load(&thread_tid);
#else
    event._sigev_un._tid = atomic_load(&thread_tid);
#endif
    atomic_store(&hits, 0);
    timer_t timer = start_timer(&event, 1000000, 1000000);
    await(&hits, 3);
    CHECK(atomic_load(&got_tid) == atomic_load(&thread_tid) && atomic_load(&got_value) == 32);
    CHECK(timer_delete(timer) == 0);
    post(&leave, 1);
    CHECK(pthread_join(thread, NULL) == 0);
    say("SIGEV_THREAD_ID reaches its thread\n");
}

static void noted(union sigval value)
{
    atomic_store(&got_value, value.sival_int);
    add_and_wake(&hits);
}

static void to_function(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = noted, .sigev_value.sival_int = 33};
    atomic_store(&hits, 0);
    timer_t timer = start_timer(&event, 1000000, 1000000);
    await(&hits, 3);
    CHECK(atomic_load(&got_value) == 33 && timer_delete(timer) == 0);
    say("SIGEV_THREAD\n");
}

static void overruns(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    block_signal(SIGRTMIN + 1);
    timer_t timer = start_timer(&event, 100000, 100000);
    struct timespec rest = {.tv_nsec = 5000000};
    CHECK(nanosleep(&rest, NULL) == 0);
    sigset_t set = one_signal(SIGRTMIN + 1);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 1);
    CHECK(info.si_code == SI_TIMER && info.si_overrun >= 40 && timer_getoverrun(timer) >= 40);
    CHECK(timer_delete(timer) == 0);
    say("overruns counted\n");
}

static void interval_timers(void)
{
    struct itimerval often = {.it_value = {.tv_usec = 1000}, .it_interval = {.tv_usec = 1000}}, off = {0};
    handle_info(SIGVTALRM, take, SA_RESTART);
    handle_info(SIGPROF, take, SA_RESTART);
    const int kinds[] = {ITIMER_VIRTUAL, ITIMER_PROF};
    for (int i = 0; i < 2; i++) {
        atomic_store(&hits, 0);
        CHECK(setitimer(kinds[i], &often, NULL) == 0);
        /* Processor time has to be used for these. */
        while (atomic_load(&hits) < 3)
            for (volatile int spin = 0; spin < 1000; spin++)
                ;
        CHECK(setitimer(kinds[i], &off, NULL) == 0);
    }
    say("virtual and profiling timers\n");
}

static void alarm_signal(void)
{
    sigset_t set = one_signal(SIGALRM);
    int number;
    pid_t pid = fork_child();
    if (pid == 0) {
        block_signal(SIGALRM);
        struct itimerval soon = {.it_value = {.tv_usec = 1000}};
        CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        CHECK(sigwait(&set, &number) == 0 && number == SIGALRM);
        CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        unblock_signal(SIGALRM);
        for (;;)
            pause();
    }
    CHECK(wait_death(pid) == SIGALRM);
    say("alarm: waited for, then deadly\n");
}

int main(void)
{
    begin();
    to_process();
    to_thread();
    to_function();
    overruns();
    interval_timers();
    alarm_signal();
    return 0;
}
