/* Shows what a debugger does: breakpoints, steps, watchpoints, reading and writing of memory and registers. */
#include "traced.h"
#include <sys/uio.h>

static volatile int watched;
static volatile long counter;

__attribute__((noinline)) static void target(int value)
{
    counter += value;
    __asm__ volatile("" ::: "memory");
}

static void breaks(void)
{
    pid_t pid = fork_traced();
    if (pid == 0) {
        for (int i = 0; i < 3; i++)
            target(i);
        _exit(counter == 3 ? 1 : 2);
    }
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)target, NULL);
    CHECK(errno == 0);
    CHECK(ptrace(PTRACE_POKETEXT, pid, (void *)target, (word & ~0xffL) | 0xcc) == 0);
    for (int i = 0; i < 3; i++) {
        siginfo_t info;
        go_on(PTRACE_CONT, pid, 0);
        await_stop(pid, SIGTRAP);
        CHECK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0);
        struct user_regs_struct registers = registers_of(pid);
        say("breakpoint: argument %d, in place %d, code %d\n", (int)registers.rdi,
            registers.rip == (uintptr_t)target + 1, info.si_code == 0x80);
        registers.rip--;
        CHECK(ptrace(PTRACE_SETREGS, pid, NULL, &registers) == 0);
        CHECK(ptrace(PTRACE_POKETEXT, pid, (void *)target, word) == 0);
        go_on(PTRACE_SINGLESTEP, pid, 0);
        await_stop(pid, SIGTRAP);
        CHECK(registers_of(pid).rip > (uintptr_t)target);
        CHECK(ptrace(PTRACE_POKETEXT, pid, (void *)target, (word & ~0xffL) | 0xcc) == 0);
    }
    go_on(PTRACE_CONT, pid, 0);
    show_stop("broken", wait_status(pid));
}

/* Steps over calls do not run on. */
static void steps(void)
{
    pid_t pid = fork_traced();
    if (pid == 0) {
        long first, second;
        __asm__ volatile("syscall" : "=a"(first) : "a"(SYS_getuid) : "rcx", "r11", "memory");
        __asm__ volatile("syscall" : "=a"(second) : "a"(SYS_close), "D"(-1L) : "rcx", "r11", "memory");
        _exit(second == -EBADF && first == (long)getuid() ? 8 : 9);
    }
    unsigned long before = 0;
    int calls = 0;
    for (int i = 0; i < 400 && calls < 2; i++) {
        unsigned long rip = registers_of(pid).rip;
        CHECK(rip != before);
        errno = 0;
        long word = ptrace(PTRACE_PEEKTEXT, pid, rip, NULL);
        unsigned long number = registers_of(pid).rax;
        bool is_call = errno == 0 && (word & 0xffff) == 0x050f;
        go_on(PTRACE_SINGLESTEP, pid, 0);
        await_stop(pid, SIGTRAP);
        if (is_call && (number == SYS_getuid || number == SYS_close)) {
            say("stepped over call %lu: right behind %d\n", number, registers_of(pid).rip == rip + 2);
            calls++;
        }
        before = rip;
    }
    go_on(PTRACE_CONT, pid, 0);
    show_stop("stepped", wait_status(pid));
}

static void watches(void)
{
    pid_t pid = fork_traced();
    if (pid == 0) {
        watched = 5;
        _exit(watched);
    }
    CHECK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), &watched) == 0);
    CHECK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0xd0001) == 0);
    go_on(PTRACE_CONT, pid, 0);
    await_stop(pid, SIGTRAP);
    errno = 0;
    say("watched: %d, register %lx\n", (int)ptrace(PTRACE_PEEKDATA, pid, &watched, NULL),
        (unsigned long)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]), NULL) & 0xf);
    CHECK(errno == 0);
    struct iovec here = {&(int){0}, sizeof(int)}, there = {(void *)&watched, sizeof(int)};
    CHECK(process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(int));
    say("read at once: %d\n", *(int *)here.iov_base);
    CHECK(ptrace(PTRACE_POKEDATA, pid, &watched, 6) == 0);
    errno = 0;
    say("nothing there: %s\n", ptrace(PTRACE_PEEKDATA, pid, (void *)8, NULL) == -1 ? errno_name(errno) : "read");
    struct user_fpregs_struct floating;
    CHECK(ptrace(PTRACE_GETFPREGS, pid, NULL, &floating) == 0);
    CHECK(ptrace(PTRACE_SETFPREGS, pid, NULL, &floating) == 0);
    uint64_t mask = 0;
    CHECK(ptrace(PTRACE_SETSIGMASK, pid, sizeof mask, &(uint64_t){1u << (SIGUSR1 - 1)}) == 0);
    CHECK(ptrace(PTRACE_GETSIGMASK, pid, sizeof mask, &mask) == 0);
    say("mask %lx\n", (unsigned long)mask);
    go_on(PTRACE_CONT, pid, 0);
    show_stop("watched", wait_status(pid));
}

int main(void)
{
    begin();
    breaks();
    steps();
    watches();
    return 0;
}
