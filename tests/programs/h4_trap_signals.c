/* Shows that SIGTRAP and SIGSYS, which tracers use themselves, are ordinary signals for a program. */
#include "check.h"
#include <sys/ucontext.h>

static volatile sig_atomic_t count, code, sender, steps;

static void take(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    count++;
    code = info->si_code;
    sender = info->si_pid;
}

static void from_itself(int number)
{
    handle_info(number, take, 0);
    count = 0;
    CHECK(raise(number) == 0 && count == 1 && code == SI_TKILL && sender == getpid());
    CHECK(kill(getpid(), number) == 0 && count == 2 && code == SI_USER && sender == getpid());
    CHECK(sigqueue(getpid(), number, (union sigval){.sival_int = 5}) == 0 && count == 3 && code == SI_QUEUE);
    block_signal(number);
    CHECK(raise(number) == 0 && count == 3);
    sigset_t set;
    CHECK(sigpending(&set) == 0 && sigismember(&set, number));
    unblock_signal(number);
    CHECK(count == 4);
    handle(number, SIG_IGN, 0);
    CHECK(raise(number) == 0 && kill(getpid(), number) == 0 && count == 4);
    block_signal(number);
    handle(number, SIG_DFL, 0);
    CHECK(raise(number) == 0);
    set = one_signal(number);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == number && info.si_pid == getpid());
    unblock_signal(number);
    say("  handled, blocked, ignored, waited for\n");
}

static void from_another(int number)
{
    int ready[2];
    open_pipe(ready);
    pid_t pid = fork_child();
    if (pid == 0) {
        handle_info(number, take, 0);
        count = 0;
        block_signal(number);
        give_byte(ready[1], 'r');
        sigset_t none;
        sigemptyset(&none);
        for (int i = 1; i <= 20; i++) {
            if (count < i)
                CHECK_FAILS(sigsuspend(&none), EINTR);
            CHECK(count == i && code == SI_USER && sender == getppid());
            give_byte(ready[1], 'n');
        }
        _exit(0);
    }
    take_byte(ready[0]);
    for (int i = 0; i < 20; i++) {
        CHECK(kill(pid, number) == 0);
        take_byte(ready[0]);
    }
    CHECK(wait_exit(pid) == 0);
    close(ready[0]), close(ready[1]);
    say("  sent by another process\n");
}

static void deadly(int number)
{
    int gate[2];
    open_pipe(gate);
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            handle(number, SIG_DFL, 0);
            if (by_itself)
                raise(number);
            take_byte(gate[0]);
            _exit(99);
        }
        if (!by_itself)
            CHECK(kill(pid, number) == 0);
        CHECK(wait_death(pid) == number);
    }
    close(gate[0]), close(gate[1]);
    say("  deadly by default\n");
}

static void step(int number, siginfo_t *info, void *context)
{
    (void)number;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    CHECK(info->si_code == TRAP_TRACE);
    if (++steps == 3)
        registers[REG_EFL] &= ~0x100LL;
}

/* The trap flag, set by the program itself: a trap after each instruction until the handler clears the flag. */
static void single_steps(void)
{
    handle_info(SIGTRAP, step, 0);
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "pushf\n\t"
                     "orl $0x100, (%%rsp)\n\t"
                     "popf\n\t"
                     "nop; nop; nop; nop; nop\n\t"
                     "add $128, %%rsp" ::: "memory", "cc");
    CHECK(steps == 3);
    say("single steps by the trap flag: %d\n", (int)steps);
}

static void breakpoints(void)
{
    handle_info(SIGTRAP, take, 0);
    count = 0;
    for (int i = 0; i < 20; i++)
        __asm__ volatile("int3");
    CHECK(count == 20 && code == SI_KERNEL);
    __asm__ volatile(".byte 0xcd, 0x03");
    CHECK(count == 21);
    say("breakpoints: %d\n", (int)count);
}

int main(void)
{
    begin();
    const int numbers[] = {SIGTRAP, SIGSYS};
    for (int i = 0; i < 2; i++) {
        say("%s\n", numbers[i] == SIGTRAP ? "SIGTRAP" : "SIGSYS");
        from_itself(numbers[i]);
        from_another(numbers[i]);
        deadly(numbers[i]);
    }
    breakpoints();
    single_steps();
    return 0;
}
