/* Shows the vsyscall page: its three calls work where the kernel has it, and fault as natively with bad arguments. */
#include "check.h"
#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf place;
static volatile uintptr_t page = 0xffffffffff600000ULL;

static void fault(int number)
{
    siglongjmp(place, number);
}

/* Run the body; say whether it came back. A kernel booted with vsyscall=none faults on each. */
static bool guarded(void (*body)(void))
{
    if (sigsetjmp(place, 1) != 0)
        return false;
    body();
    return true;
}

static void by_time(void)
{
    time_t stored = 0, (*call)(time_t *) = (time_t(*)(time_t *))(page + 0x400);
    time_t before = time(NULL);
    time_t got = call(&stored);
    CHECK(got == stored && got >= before - 1 && got <= time(NULL) + 1);
    CHECK(call(NULL) >= got);
}

static void by_gettimeofday(void)
{
    struct timeval before, got, after;
    int (*call)(struct timeval *, void *) = (int (*)(struct timeval *, void *))page;
    CHECK(gettimeofday(&before, NULL) == 0);
    CHECK(call(&got, NULL) == 0);
    CHECK(gettimeofday(&after, NULL) == 0);
    CHECK(!timercmp(&got, &before, <) && !timercmp(&got, &after, >));
}

static void by_getcpu(void)
{
    unsigned cpu = ~0U, node = ~0U;
    long (*call)(unsigned *, unsigned *, void *) = (long (*)(unsigned *, unsigned *, void *))(page + 0x800);
    CHECK(call(&cpu, &node, NULL) == 0);
    CHECK(cpu < CPU_SETSIZE && node < 1024);
}

static void bad_pointer(void)
{
    ((time_t(*)(time_t *))(page + 0x400))((time_t *)8);
}

static void odd_address(void)
{
    ((time_t(*)(time_t *))(page + 0x401))(NULL);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*body)(void);
    } calls[] = {{"time", by_time}, {"gettimeofday", by_gettimeofday}, {"getcpu", by_getcpu},
                 {"bad pointer", bad_pointer}, {"odd address", odd_address}};
    begin();
    handle(SIGSEGV, fault, 0);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (int again = 0; again < 2; again++)
            say("%s: %s\n", calls[i].name, guarded(calls[i].body) ? "works" : "SIGSEGV");
    return 0;
}
