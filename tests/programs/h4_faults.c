/* Shows faults of the hardware as signals: si_code, si_addr, handlers that go on, and deaths by the right signal. */
#include "check.h"
#include <setjmp.h>
#include <sys/ucontext.h>

static sigjmp_buf place;
static siginfo_t last;
static uintptr_t fault_rip;

static void catch(int number, siginfo_t *info, void *context)
{
    CHECK(number == info->si_signo);
    last = *info;
    fault_rip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    siglongjmp(place, 1);
}

/* Make a volatile access that no compiler may drop. */
static void store(volatile char *address)
{
    *address = 1;
}

static char *mapping;

static void unmapped(void) { store((char *)16); }
static void read_only(void) { store(mapping); }
static void no_access(void) { (void)*(volatile char *)(mapping + 4096); }
static void not_executable(void) { ((void (*)(void))(uintptr_t)(mapping + 8192))(); }
static void beyond_the_file(void) { store(mapping + 12288); }
static void non_canonical(void) { store((char *)0x8000000000000000ULL); }
static void divide(void)
{
    __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::: "rax", "rcx", "rdx");
}
static void undefined(void) { __asm__ volatile("ud2"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void bad_interrupt(void) { __asm__ volatile("int $0x21"); }

static const struct {
    const char *name;
    void (*fault)(void);
    int number, code;
    bool has_address;
    intptr_t address; /* offset in the mapping, unless it is 16 itself; -1: the faulting instruction */
} faults[] = {
    {"store to an unmapped page", unmapped, SIGSEGV, SEGV_MAPERR, true, 16},
    {"store to a read-only page", read_only, SIGSEGV, SEGV_ACCERR, true, 0},
    {"read of a PROT_NONE page", no_access, SIGSEGV, SEGV_ACCERR, true, 4096},
    {"jump to a page without PROT_EXEC", not_executable, SIGSEGV, SEGV_ACCERR, true, 8192},
    {"store beyond the end of a mapped file", beyond_the_file, SIGBUS, BUS_ADRERR, true, 12288},
    {"non-canonical address", non_canonical, SIGSEGV, SI_KERNEL, false, 0},
    {"division by zero", divide, SIGFPE, FPE_INTDIV, true, -1},
    {"undefined instruction", undefined, SIGILL, ILL_ILLOPN, true, -1},
    {"privileged instruction", privileged, SIGSEGV, SI_KERNEL, false, 0},
    {"int3", breakpoint, SIGTRAP, SI_KERNEL, false, 0},
    {"unused interrupt", bad_interrupt, SIGSEGV, SI_KERNEL, false, 0},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static void make_mapping(void)
{
    int fd = memfd_create("short", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, 100) == 0);
    mapping = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapping != MAP_FAILED);
    CHECK(mprotect(mapping, 4096, PROT_READ) == 0 && mprotect(mapping + 4096, 4096, PROT_NONE) == 0);
    /* The file's second page, which is beyond its end. */
    CHECK(mmap(mapping + 12288, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 4096) != MAP_FAILED);
    close(fd);
}

static void check_address(int i)
{
    uintptr_t got = (uintptr_t)last.si_addr;
    if (faults[i].address == -1)
        CHECK(got == fault_rip);
    else if (faults[i].address == 16)
        CHECK(got == 16);
    else
        CHECK(got == (uintptr_t)mapping + (uintptr_t)faults[i].address);
}

static void handled(int i)
{
    for (int again = 0; again < 3; again++) {
        memset(&last, 0, sizeof last);
        if (sigsetjmp(place, 1) == 0) {
            faults[i].fault();
            CHECK(!"no fault");
        }
        CHECK(last.si_signo == faults[i].number);
        CHECK(last.si_code == faults[i].code);
        if (faults[i].has_address)
            check_address(i);
    }
}

/* A fault with its signal blocked or ignored kills all the same (sigprocmask(2), sigaction(2)). */
static void deadly(int i, bool blocked, bool ignored)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        handle(faults[i].number, ignored ? SIG_IGN : SIG_DFL, 0);
        if (blocked)
            block_signal(faults[i].number);
        faults[i].fault();
        _exit(99);
    }
    CHECK(wait_death(pid) == faults[i].number);
}

int main(void)
{
    begin();
    make_mapping();
    const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++)
        handle_info(numbers[i], catch, 0);
    for (int i = 0; i < FAULTS; i++) {
        handled(i);
        deadly(i, false, false);
        deadly(i, true, false);
        deadly(i, false, true);
        say("%s: signal %d\n", faults[i].name, faults[i].number);
    }
    return 0;
}
