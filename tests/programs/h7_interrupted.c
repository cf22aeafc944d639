/* Shows that registers survive calls that a handler interrupts or restarts, and sleeps that are stopped. */
#include <poll.h>

#include "probe.h"

#define A(pointer) ((uint64_t)(pointer))

enum { ROUNDS = 20 };

static struct {
    atomic_int announced, handled;
} *board;
static int pair[2];

/* Calls and vector work inside the handler, to wear out what is not kept. */
static void work(int number)
{
    (void)number;
    volatile double sum = 0;
    for (int i = 0; i < 10; i++)
        sum += (double)syscall(SYS_getppid) / 3;
    add_and_wake(&board->handled);
}

static pid_t start(long number, const uint64_t arguments[6], int flags, long wanted)
{
    memset(board, 0, sizeof *board);
    open_pipe(pair);
    struct registers in = probe_input(number, arguments), out = {0};
    if (number == SYS_read)
        in.rdi = (uint64_t)pair[0];
    struct pollfd item = {.fd = pair[0], .events = POLLIN};
    if (number == SYS_poll)
        in.rdi = A(&item);
    pid_t pid = fork_child();
    if (pid == 0) {
        handle(SIGUSR1, work, flags);
        atomic_store(&board->announced, 1);
        probe_call(&in, &out);
        probe_compare(&in, &out);
        CHECK((long)out.rax == wanted && out.rcx != 0);
        _exit(0);
    }
    while (atomic_load(&board->announced) == 0)
        sched_yield();
    await_sleep(pid, pid);
    return pid;
}

static void end(pid_t pid)
{
    CHECK(wait_exit(pid) == 0);
    close(pair[0]), close(pair[1]);
}

static void interrupted(long number, const uint64_t arguments[6], int flags, const char *name)
{
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = start(number, arguments, flags, -EINTR);
        CHECK(kill(pid, SIGUSR1) == 0);
        end(pid);
        CHECK(atomic_load(&board->handled) == 1);
    }
    say("%s interrupted\n", name);
}

static void restarted(long number, const uint64_t arguments[6], const char *name)
{
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = start(number, arguments, SA_RESTART, 1);
        for (int times = 1; times <= 3; times++) {
            CHECK(kill(pid, SIGUSR1) == 0);
            await(&board->handled, times);
            await_sleep(pid, pid);
        }
        give_byte(pair[1], 'x');
        end(pid);
    }
    say("%s restarted\n", name);
}

static void stopped(long number, const uint64_t arguments[6], const char *name)
{
    for (int i = 0; i < ROUNDS; i++) {
        siginfo_t info;
        pid_t pid = start(number, arguments, 0, 1);
        for (int times = 0; times < 3; times++) {
            CHECK(kill(pid, SIGSTOP) == 0);
            CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED) == 0);
            CHECK(kill(pid, SIGCONT) == 0);
            CHECK(waitid(P_PID, (id_t)pid, &info, WCONTINUED) == 0);
            await_sleep(pid, pid);
        }
        give_byte(pair[1], 'x');
        end(pid);
    }
    say("%s stopped and continued\n", name);
}

int main(void)
{
    static char byte;
    static struct timespec forever = {.tv_sec = 1000}, left;
    begin();
    board = shared_memory(sizeof *board);
    const uint64_t *reading = PROBE_ARGUMENTS(0, A(&byte), 1, 44, 55, 66);
    const uint64_t *polling = PROBE_ARGUMENTS(0, 1, 1000000, 44, 55, 66);
    interrupted(SYS_read, reading, 0, "read");
    restarted(SYS_read, reading, "read");
    stopped(SYS_read, reading, "read");
    interrupted(SYS_poll, polling, SA_RESTART, "poll");
    stopped(SYS_poll, polling, "poll");
    interrupted(SYS_nanosleep, PROBE_ARGUMENTS(A(&forever), A(&left), 33, 44, 55, 66), SA_RESTART, "nanosleep");
    interrupted(SYS_pause, PROBE_ARGUMENTS(11, 22, 33, 44, 55, 66), SA_RESTART, "pause");
    return 0;
}
