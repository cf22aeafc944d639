/* Shows that a process which has run for long, and gets signals all the time, loses nothing while it is traced at its calls,
   stepped, and let go again. */
#include "traced.h"

#define SIGNALS 100

static int ready[2], answers[2];
static volatile sig_atomic_t over;
static volatile int got;

static void on_signal(int number)
{
    (void)number;
    got++;
    give_byte(answers[1], 'a');
}

static void on_end(int number)
{
    (void)number;
    over = 1;
}

static _Noreturn void run(void)
{
    handle(SIGUSR1, on_signal, SA_RESTART);
    handle(SIGTERM, on_end, SA_RESTART);
    int zero = open("/dev/zero", O_RDONLY);
    pid_t parent = getppid();
    for (int i = 0; !over; i++) {
        char bytes[16] = "not read at all";
        CHECK(getppid() == parent);
        CHECK(read(zero, bytes, sizeof bytes) == sizeof bytes && bytes[0] == 0 && bytes[15] == 0);
        CHECK(lseek(zero, 0, SEEK_CUR) == 0);
        if (i == 5000)
            give_byte(ready[1], 'r');
    }
    _exit(got == 3 * SIGNALS ? 7 : 8);
}

/* Lets it go on so until it has answered so many signals more. */
static void trace(pid_t pid, int request)
{
    int sent = 0, seen = 0, quiet = 0;
    while (seen < SIGNALS) {
        if (sent == seen && ++quiet % 5 == 0) {
            CHECK(kill(pid, SIGUSR1) == 0);
            sent++;
        }
        int status = wait_status(pid), signal = WSTOPSIG(status);
        CHECK(WIFSTOPPED(status) && (signal == SIGTRAP || signal == (SIGTRAP | 0x80) || signal == SIGUSR1));
        char answer;
        while (seen < sent && read(answers[0], &answer, 1) == 1)
            seen++;
        if (seen < SIGNALS)
            go_on(request, pid, signal == SIGUSR1 ? signal : 0);
    }
}

int main(void)
{
    begin();
    open_pipe(ready);
    open_pipe(answers);
    CHECK(fcntl(answers[0], F_SETFL, O_NONBLOCK) == 0);
    pid_t pid = fork_child();
    if (pid == 0)
        run();
    take_byte(ready[0]);
    CHECK(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    CHECK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0);
    trace(pid, PTRACE_SYSCALL);
    say("followed at its calls\n");
    go_on(PTRACE_SYSCALL, pid, 0);
    trace(pid, PTRACE_SINGLESTEP);
    say("stepped\n");
    CHECK(ptrace(PTRACE_DETACH, pid, NULL, 0) == 0);
    for (int i = 0; i < SIGNALS; i++) {
        char answer;
        CHECK(kill(pid, SIGUSR1) == 0);
        while (read(answers[0], &answer, 1) != 1)
            usleep(100);
    }
    CHECK(kill(pid, SIGTERM) == 0);
    say("let go, and ends with %d\n", wait_exit(pid));
    return 0;
}
