/* Shows the 32-bit gate, int 0x80, called from 64-bit code: picobox answers each number with ENOSYS. */
#include "check.h"
#include <setjmp.h>

static sigjmp_buf place;

static void no_gate(int number)
{
    siglongjmp(place, number);
}

/* The i386 numbering: 32-bit registers, result in eax; r8 to r11 are lost. A kernel without the gate raises SIGSEGV,
   which is as good as ENOSYS. */
static long gate(int number, int first, int second, int third)
{
    int result;
    if (sigsetjmp(place, 1) != 0)
        return -ENOSYS;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third)
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}

static void show(const char *name, long result)
{
    say("%s: %s\n", name, result >= 0 ? "OK" : errno_name((int)-result));
}

int main(void)
{
    begin();
    handle(SIGSEGV, no_gate, 0);
    show("getpid", gate(20, 0, 0, 0));
    show("getppid", gate(64, 0, 0, 0));
    show("close", gate(6, -1, 0, 0));
    show("write", gate(4, -1, 0, 0));
    show("open", gate(5, 8, 0, 0));
    show("execve", gate(11, 8, 0, 0));
    show("unknown", gate(9999, 0, 0, 0));
    long pid = gate(2, 0, 0, 0);
    if (pid == 0)
        _exit(6);
    show("fork", pid);
    CHECK(pid < 0 || wait_exit((pid_t)pid) == 6);
    pid = fork_child();
    if (pid == 0) {
        gate(1, 7, 0, 0);
        _exit(8);
    }
    say("exit: status %d\n", wait_exit((pid_t)pid));
    /* The program goes on as before. */
    CHECK(syscall(SYS_getppid) == getppid());
    return 0;
}
