/* Shows that signals at any instant lose and double nothing of calls that a program makes all the time, and that a handler
   finds the program at its own instructions, however the handler ends. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <ucontext.h>

enum { SIGNALS = 2500, TOGETHER = 25, OFTEN = 200, JUMPS = 100, CANCELS = 20 };

static atomic_int handled, strange;
static sigjmp_buf back;

/* Nothing of this program is where the gate is. */
static void count(int number, siginfo_t *info, void *context)
{
    greg_t at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)number, (void)info;
    if (at >= 0x70000000 && at < 0x80000000)
        atomic_fetch_add(&strange, 1);
    atomic_fetch_add(&handled, 1);
}

static void handle_with(void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGRTMIN, &action, NULL) == 0);
}

/* As many signals as are queued are handled. */
static pid_t start_storm(void)
{
    pid_t target = getpid(), pid = fork_child();
    if (pid)
        return pid;
    for (int sent = 0; sent < SIGNALS;)
        if (sigqueue(target, SIGRTMIN, (union sigval){0}) != 0)
            CHECK(errno == EAGAIN);
        else if (++sent % TOGETHER == 0)
            nanosleep(&(struct timespec){0, 1}, NULL);
    _exit(0);
}

static ssize_t through(ssize_t result)
{
    CHECK(result >= 0 || errno == EINTR);
    return result;
}

/* What one end of a socket pair sends comes at the other, each byte once and in order; a file's offset moves by one. */
static void weather_storm(int flags)
{
    int there[2], back_again[2], parent = getppid();
    FILE *file = tmpfile();
    open_pipe(there);
    open_pipe(back_again);
    CHECK(file != NULL && write(fileno(file), "0123456789", 10) == 10 && lseek(fileno(file), 0, SEEK_SET) == 0);
    pid_t echo = fork_child();
    if (echo == 0) {
        char byte;
        close(there[1]);
        while (through(read(there[0], &byte, 1)) == 1)
            give_byte(back_again[1], byte);
        _exit(0);
    }
    atomic_store(&handled, 0);
    handle_with(count, flags);
    pid_t storm = start_storm();
    for (unsigned turn = 0; atomic_load(&handled) < SIGNALS; turn++) {
        char byte = 0, digit = 0;
        while (through(write(there[1], &(char){(char)turn}, 1)) < 1)
            ;
        while (through(read(back_again[0], &byte, 1)) < 1)
            CHECK(!(flags & SA_RESTART));
        CHECK(byte == (char)turn);
        CHECK(getppid() == parent);
        CHECK(pread(fileno(file), &digit, 1, turn % 10) == 1 && digit == '0' + (char)(turn % 10));
        CHECK(lseek(fileno(file), 1, SEEK_CUR) == turn + 1);
        CHECK(syscall(SYS_sched_yield) == 0);
    }
    CHECK(wait_exit(storm) == 0);
    close(there[1]);
    CHECK(wait_exit(echo) == 0);
    close(there[0]), close(back_again[0]), close(back_again[1]);
    fclose(file);
    CHECK(atomic_load(&handled) == SIGNALS && atomic_load(&strange) == 0);
}

/* A call that has waited is ended by a handler, or goes on after it. */
static void interrupt_waits(void)
{
    struct timespec little = {0, 1000}, left = {0, 0};
    int pair[2], set = epoll_create1(EPOLL_CLOEXEC);
    char byte;
    struct epoll_event event;
    open_pipe(pair);
    for (int i = 0; i < OFTEN; i++) {
        struct pollfd item = {.fd = pair[0], .events = POLLIN};
        CHECK(poll(&item, 1, 0) == 0 && epoll_wait(set, &event, 1, 0) == 0 && nanosleep(&little, NULL) == 0);
        CHECK(read(pair[0], &byte, 0) == 0);
    }
    handle_with(count, 0);
    timer_t timer;
    struct sigevent when = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec soon = {{0, 0}, {0, 20000000}};
    CHECK(timer_create(CLOCK_MONOTONIC, &when, &timer) == 0);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK_FAILS(nanosleep(&(struct timespec){10, 0}, &left), EINTR);
    CHECK(left.tv_sec == 9);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK_FAILS(epoll_wait(set, &event, 1, 10000), EINTR);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK_FAILS(read(pair[0], &byte, 1), EINTR);
    handle_with(count, SA_RESTART);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    CHECK_FAILS(poll(&(struct pollfd){.fd = pair[0], .events = POLLIN}, 1, 10000), EINTR);
    timer_delete(timer);
    close(pair[0]), close(pair[1]), close(set);
    CHECK(atomic_load(&strange) == 0);
}

static void jump(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    siglongjmp(back, 1);
}

/* Out of a wait, from a handler on a stack of its own, which is then free again. */
static void jump_out(void)
{
    static char stack[65536];
    int pair[2], parent = getppid();
    char byte;
    open_pipe(pair);
    CHECK(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0);
    handle_with(jump, SA_ONSTACK | SA_RESTART);
    timer_t timer;
    struct sigevent when = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    CHECK(timer_create(CLOCK_MONOTONIC, &when, &timer) == 0);
    for (volatile int i = 0; i < JUMPS; i++)
        if (sigsetjmp(back, 1) == 0) {
            CHECK(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1 + 10000 * i}}, NULL) == 0);
            while (i % 2)
                CHECK(read(pair[0], &byte, 1) == -1);
            for (;;)
                CHECK(getppid() == parent);
        }
    timer_delete(timer);
    close(pair[0]), close(pair[1]);
}

static void cleaned(void *counter)
{
    atomic_fetch_add((atomic_int *)counter, 1);
}

static void *wait_to_be_cancelled(void *argument)
{
    int *pair = argument;
    char byte;
    static atomic_int nothing;
    pthread_cleanup_push(cleaned, argument == NULL ? &nothing : &handled);
    for (int i = 0; i < OFTEN; i++)
        CHECK(read(pair[0], &byte, 0) == 0);
    read(pair[0], &byte, 1);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Cancellation unwinds the stack from where the call is. */
static void cancel(void)
{
    int pair[2];
    void *result;
    open_pipe(pair);
    atomic_store(&handled, 0);
    for (int i = 0; i < CANCELS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, wait_to_be_cancelled, pair) == 0);
        usleep((useconds_t)(i * 100));
        CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    CHECK(atomic_load(&handled) == CANCELS);
    close(pair[0]), close(pair[1]);
}

int main(void)
{
    begin();
    weather_storm(0);
    weather_storm(SA_RESTART);
    say("%d signals, none lost, nothing doubled\n", 2 * SIGNALS);
    interrupt_waits();
    jump_out();
    cancel();
    say("handlers end waits, jump out of them and cancel them\n");
    return 0;
}
