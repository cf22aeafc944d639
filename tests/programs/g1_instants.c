/* Shows that signals which come at random instants, from timers and from siblings, are each handled once, and that no call
   is made twice or left out, with and without SA_RESTART. The argument is how many signals, if not the fast tier's. */
#define WATCHDOG 600
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <ucontext.h>

enum { SIGNALS = 5000, KINDS = 4, LONGEST_DELAY = 60 /* us */, IN_FLIGHT = 64 };

static atomic_int handled, expected, strange;
static uint64_t seed = 88172645463325252u;
static int file, numbers[2], counter, parent;
static uint32_t sent, taken;

/* xorshift64: the instants are the same in no two runs all the same. */
static unsigned random_below(unsigned most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % most);
}

static void look(void *context)
{
    greg_t at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    /* Nothing of this program is where the gate is. */
    if (at >= 0x70000000 && at < 0x80000000)
        atomic_fetch_add(&strange, 1);
}

static void count(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    look(context);
    atomic_fetch_add(&handled, 1);
}

/* Siblings number what they send: each number comes once, and after the one before it. */
static void count_in_order(int number, siginfo_t *info, void *context)
{
    (void)number;
    look(context);
    if (info->si_value.sival_int != atomic_fetch_add(&expected, 1))
        atomic_fetch_add(&strange, 1);
    atomic_fetch_add(&handled, 1);
}

static void handle_with(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* The result of a call that waits for nothing here: without SA_RESTART too it may not end with EINTR. */
static long at_once(long result)
{
    CHECK(result >= 0);
    return result;
}

/* Every call leaves something that would tell if it had been made twice, or not at all. */
static void make_calls(void)
{
    static uint64_t added;
    static off_t offset;
    uint64_t one = 1, sum;
    uint32_t number;
    CHECK(getppid() == parent);
    for (int i = 0; i < 3; i++, sent++)
        CHECK(at_once(write(numbers[1], &sent, sizeof sent)) == sizeof sent);
    for (int i = 0; i < 3; i++, taken++)
        CHECK(at_once(read(numbers[0], &number, sizeof number)) == sizeof number && number == taken);
    CHECK(at_once(lseek(file, 1, SEEK_CUR)) == ++offset);
    CHECK(at_once(write(counter, &one, sizeof one)) == sizeof one);
    if (++added % 16 == 0)
        CHECK(at_once(read(counter, &sum, sizeof sum)) == sizeof sum && sum == 16);
    struct stat status;
    CHECK(fstat(file, &status) == 0 && status.st_size == sizeof added);
    CHECK(pread(file, &sum, sizeof sum, 0) == sizeof sum && sum == 0x0123456789abcdef);
    /* The kernel asks for signals before it asks for the time. */
    CHECK(poll(&(struct pollfd){.fd = numbers[0], .events = POLLIN}, 1, 0) == 0 || errno == EINTR);
}

static void wait_for(int signals)
{
    do
        make_calls();
    while (atomic_load(&handled) < signals);
    CHECK(atomic_load(&handled) == signals);
}

/* Each timer is set for one signal: if that were lost, nothing would follow. */
static void from_interval_timer(int signals)
{
    for (int i = 0; i < signals; i++) {
        struct itimerval when = {.it_value.tv_usec = 1 + (suseconds_t)random_below(LONGEST_DELAY)};
        CHECK(setitimer(ITIMER_REAL, &when, NULL) == 0);
        wait_for(i + 1);
    }
}

static void from_timer(int signals)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    for (int i = 0; i < signals; i++) {
        struct itimerspec when = {.it_value.tv_nsec = 1 + random_below(1000 * LONGEST_DELAY)};
        CHECK(timer_settime(timer, 0, &when, NULL) == 0);
        wait_for(i + 1);
    }
    CHECK(timer_delete(timer) == 0);
}

static pthread_t target;

/* Not more at a time than a queue of signals takes. */
static void *send(void *argument)
{
    for (intptr_t i = 0; i < (intptr_t)argument; i++) {
        while (i - atomic_load(&handled) >= IN_FLIGHT)
            sched_yield();
        CHECK(pthread_sigqueue(target, SIGRTMIN, (union sigval){.sival_int = (int)i}) == 0);
        if (random_below(8) == 0)
            nanosleep(&(struct timespec){0, 1 + random_below(1000 * LONGEST_DELAY)}, NULL);
    }
    return NULL;
}

static void from_thread(int signals)
{
    pthread_t thread;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    target = pthread_self();
    CHECK(pthread_create(&thread, NULL, send, (void *)(intptr_t)signals) == 0);
    wait_for(signals);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void from_process(int signals)
{
    atomic_int *shared = shared_memory(sizeof *shared);
    pid_t self = getpid(), pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < signals; i++) {
            while (i - atomic_load(shared) >= IN_FLIGHT)
                sched_yield();
            CHECK(sigqueue(self, SIGRTMIN, (union sigval){.sival_int = i}) == 0);
        }
        _exit(0);
    }
    while (atomic_load(&handled) < signals) {
        make_calls();
        atomic_store(shared, atomic_load(&handled));
    }
    CHECK(atomic_load(&handled) == signals && wait_exit(pid) == 0);
    munmap(shared, sizeof *shared);
}

static void run(int signals, int flags)
{
    handle_with(SIGALRM, count, flags);
    handle_with(SIGRTMIN, count, flags);
    from_interval_timer(signals);
    atomic_store(&handled, 0);
    from_timer(signals);
    handle_with(SIGRTMIN, count_in_order, flags);
    atomic_store(&handled, 0);
    atomic_store(&expected, 0);
    from_thread(signals);
    atomic_store(&handled, 0);
    atomic_store(&expected, 0);
    from_process(signals);
    atomic_store(&handled, 0);
    CHECK(atomic_load(&strange) == 0);
}

int main(int argc, char **argv)
{
    const uint64_t content = 0x0123456789abcdef;
    int signals = argc > 1 ? atoi(argv[1]) : SIGNALS;
    begin();
    /* Nobody lives to see SIGALRM taken for the watchdog's. */
    alarm(0);
    pid_t watchdog = fork();
    CHECK(watchdog >= 0);
    if (watchdog == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sleep(WATCHDOG);
        kill(getppid(), SIGKILL);
        _exit(1);
    }
    seed ^= (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
    parent = getppid();
    open_pipe(numbers);
    FILE *stream = tmpfile();
    CHECK(stream != NULL);
    file = fileno(stream);
    CHECK(write(file, &content, sizeof content) == sizeof content && lseek(file, 0, SEEK_SET) == 0);
    CHECK((counter = eventfd(0, EFD_CLOEXEC)) >= 0);
    run(signals / (2 * KINDS), 0);
    say("%d signals at random instants, each once\n", signals / 2);
    run(signals / (2 * KINDS), SA_RESTART);
    say("%d more with SA_RESTART\n", signals / 2);
    kill(watchdog, SIGKILL);
    CHECK(wait_death(watchdog) == SIGKILL);
    return 0;
}
