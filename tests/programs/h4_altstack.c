/* Shows alternate signal stacks: an overflow handled there, nesting, SS_AUTODISARM, calls made from it, threads. */
#include "check.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/auxv.h>

#define AUTODISARM (1U << 31)

static char *alternate;
static size_t alternate_size;
static sigjmp_buf place;
static volatile sig_atomic_t seen;

static bool on_alternate(void *address, const char *base)
{
    return (char *)address >= base && (char *)address < base + alternate_size;
}

static void set_alternate(char *base, unsigned flags)
{
    stack_t stack = {.ss_sp = base, .ss_size = alternate_size, .ss_flags = (int)flags};
    CHECK(sigaltstack(&stack, NULL) == 0);
}

static void note(int number)
{
    stack_t now;
    int local;
    CHECK(on_alternate(&local, alternate));
    CHECK(sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_ONSTACK);
    CHECK_FAILS(syscall(SYS_sigaltstack, &now, NULL), EPERM);
    seen++;
    /* A second signal stays on the same stack, below the first frame. */
    if (number == SIGUSR1)
        CHECK(raise(SIGUSR2) == 0);
}

static void simple(void)
{
    set_alternate(alternate, 0);
    handle(SIGUSR1, note, SA_ONSTACK);
    handle(SIGUSR2, note, SA_ONSTACK);
    CHECK(raise(SIGUSR1) == 0 && seen == 2);
    stack_t now;
    CHECK(sigaltstack(NULL, &now) == 0 && now.ss_flags == 0 && now.ss_sp == alternate);
    say("handler on the alternate stack, and another inside\n");
}

static void note_plain(int number)
{
    int local;
    (void)number;
    CHECK(!on_alternate(&local, alternate));
    seen++;
}

static void without_flag(void)
{
    seen = 0;
    handle(SIGUSR1, note_plain, 0);
    CHECK(raise(SIGUSR1) == 0 && seen == 1);
    say("not used without SA_ONSTACK\n");
}

static void overflowed(int number, siginfo_t *info, void *context)
{
    int local;
    (void)context;
    CHECK(number == SIGSEGV && on_alternate(&local, alternate) && info->si_addr != NULL);
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(3);
    CHECK(wait_exit(pid) == 3);
    siglongjmp(place, 1);
}

/* More at each level than the compiler can do away with. */
static __attribute__((noinline)) int recurse(int level)
{
    volatile char room[4096];
    room[level % 4096] = (char)level;
    if (level == INT_MAX)
        return room[0];
    return recurse(level + 1) + room[level % 4096];
}

static void overflow(void)
{
    handle_info(SIGSEGV, overflowed, SA_ONSTACK);
    for (int round = 0; round < 3; round++)
        if (sigsetjmp(place, 1) == 0) {
            struct rlimit small = {1 << 20, RLIM_INFINITY};
            CHECK(getrlimit(RLIMIT_STACK, &small) == 0);
            small.rlim_cur = 1 << 20;
            CHECK(setrlimit(RLIMIT_STACK, &small) == 0);
            recurse(0);
            CHECK(!"no overflow");
        }
    say("overflow handled three times, with a fork inside\n");
}

static void disarmed(int number)
{
    stack_t now;
    (void)number;
    CHECK(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE);
    seen++;
}

static void autodisarm(void)
{
    seen = 0;
    set_alternate(alternate, AUTODISARM);
    handle(SIGUSR1, disarmed, SA_ONSTACK);
    CHECK(raise(SIGUSR1) == 0 && seen == 1);
    stack_t now;
    CHECK(sigaltstack(NULL, &now) == 0 && now.ss_sp == alternate && (unsigned)now.ss_flags == AUTODISARM);
    say("SS_AUTODISARM\n");
}

static void *thread_stack(void *unused)
{
    stack_t now;
    (void)unused;
    CHECK(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE);
    return NULL;
}

static void inheritance(void)
{
    pthread_t thread;
    set_alternate(alternate, 0);
    CHECK(pthread_create(&thread, NULL, thread_stack, NULL) == 0 && pthread_join(thread, NULL) == 0);
    pid_t pid = fork_child();
    if (pid == 0) {
        stack_t now;
        CHECK(sigaltstack(NULL, &now) == 0 && now.ss_sp == alternate && now.ss_flags == 0);
        _exit(0);
    }
    CHECK(wait_exit(pid) == 0);
    say("kept by fork, not by threads\n");
}

static void refusals(void)
{
    stack_t tiny = {.ss_sp = alternate, .ss_size = 100};
    CHECK_FAILS(sigaltstack(&tiny, NULL), ENOMEM);
    stack_t odd = {.ss_sp = alternate, .ss_size = alternate_size, .ss_flags = 77};
    CHECK_FAILS(sigaltstack(&odd, NULL), EINVAL);
    say("refusals\n");
}

int main(void)
{
    begin();
    alternate_size = 65536 + getauxval(AT_MINSIGSTKSZ);
    alternate = malloc(alternate_size);
    CHECK(alternate != NULL);
    simple();
    without_flag();
    autodisarm();
    inheritance();
    refusals();
    set_alternate(alternate, 0);
    overflow();
    return 0;
}
