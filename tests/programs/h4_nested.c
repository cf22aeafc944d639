/* Shows handlers inside handlers: masks, SA_NODEFER, SA_RESETHAND, the order at unblocking, and changed contexts. */
#include "check.h"
#include <ucontext.h>

static char trail[64];
static int depth;

static void mark(char letter)
{
    size_t length = strlen(trail);
    CHECK(length + 1 < sizeof trail);
    trail[length] = letter;
    trail[length + 1] = 0;
}

static void show(const char *title)
{
    say("%s: %s\n", title, trail);
    trail[0] = 0;
}

static void inner(int number)
{
    mark(number == SIGUSR2 ? 'b' : number == SIGTERM ? 'c' : 'r');
}

static void outer(int number)
{
    mark('A');
    CHECK(raise(number == SIGUSR1 ? SIGUSR2 : SIGTERM) == 0);
    mark('Z');
}

static void nested(void)
{
    handle(SIGUSR2, inner, 0);
    handle(SIGUSR1, outer, 0);
    CHECK(raise(SIGUSR1) == 0);
    show("second signal inside the first");
    struct sigaction action = {.sa_handler = outer, .sa_mask = one_signal(SIGUSR2)};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0);
    show("held back by sa_mask");
}

static void again(int number)
{
    mark((char)('0' + depth));
    if (depth++ < 5)
        CHECK(raise(number) == 0);
    mark((char)('a' + --depth));
}

static void itself(void)
{
    handle(SIGUSR1, again, SA_NODEFER);
    CHECK(raise(SIGUSR1) == 0);
    show("SA_NODEFER");
    struct sigaction now;
    handle(SIGUSR1, inner, (int)SA_RESETHAND);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    show("SA_RESETHAND");
}

/* Of several pending signals the lowest number is delivered first; the handler frames are then stacked, so that the
   body of the last runs first, unless sa_mask holds the others back. */
static void unblocking_order(void)
{
    struct sigaction action = {.sa_handler = inner};
    sigfillset(&action.sa_mask);
    sigset_t set, old;
    sigemptyset(&set);
    const int numbers[] = {SIGTERM, SIGUSR2, SIGUSR1};
    for (int i = 0; i < 3; i++) {
        sigaddset(&set, numbers[i]);
        CHECK(sigaction(numbers[i], &action, NULL) == 0);
    }
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(raise(numbers[i]) == 0 && raise(numbers[i]) == 0);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    show("three pending, each once");
}

static void mask_in_context(int number, siginfo_t *info, void *context)
{
    CHECK(info->si_signo == number && info->si_pid == getpid());
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}

static void changed_mask(void)
{
    sigset_t now;
    handle_info(SIGUSR1, mask_in_context, 0);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR2) && !sigismember(&now, SIGUSR1));
    unblock_signal(SIGUSR2);
    say("mask changed through the context\n");
}

/* The handler gives the interrupted code another result and another place to go on. */
static void jump_and_answer(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RAX] = 1234;
    registers[REG_RBX] += 1;
    registers[REG_RIP] += 2;
}

static void changed_registers(void)
{
    handle_info(SIGILL, jump_and_answer, 0);
    long answer = 0, kept = 99;
    __asm__ volatile("ud2" : "+a"(answer), "+b"(kept));
    CHECK(answer == 1234 && kept == 100);
    say("registers changed through the context\n");
}

/* The result of a call that ended before the signal, and the answer of one made by the handler. */
static void calls_in_handler(int number)
{
    (void)number;
    for (int i = 0; i < 10; i++)
        CHECK(syscall(SYS_getppid) == getppid());
    errno = 0;
    close(-1);
    mark('k');
}

static void calls(void)
{
    handle(SIGUSR1, calls_in_handler, 0);
    for (int i = 0; i < 20; i++) {
        CHECK(syscall(SYS_kill, getpid(), SIGUSR1) == 0);
        CHECK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1) == 0);
    }
    show("results of calls with a handler at their end");
}

int main(void)
{
    begin();
    nested();
    itself();
    unblocking_order();
    changed_mask();
    changed_registers();
    calls();
    return 0;
}
