/* A40: jumps to every byte of the gate, and calls it with numbers that no call has. */
/* Walls: supervisor */
/* Options: --gate 1 */
#include "gate.h"
#include <sys/time.h>

enum { BYTES = 256, NUMBERS = 10000, HIGHEST = 64 };

/* The entry of the stub that getppid jumps to, or 0. */
static uintptr_t entry_of_getppid(void)
{
    const uint8_t *code = (const uint8_t *)getppid;
    for (int i = 0; i < 16; i++)
        if (memcmp(code + i, "\xff\x24\x65", 3) == 0) {
            uint32_t slot;
            memcpy(&slot, code + i + 3, sizeof slot);
            return *(uintptr_t *)(uintptr_t)slot;
        }
    return 0;
}

static long enter(uintptr_t entry, long nr)
{
    long result = nr;
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n  call *%1\n  leaq 128(%%rsp), %%rsp"
                     : "+a"(result)
                     : "r"(entry), "D"(-1L), "S"(0L), "d"(0L)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

/* A child that shares descriptors opens what it must not, from an address of the gate, and comes out wherever it does. */
static void jump(uintptr_t target, const char *path)
{
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    CHECK(pid >= 0);
    if (pid == 0) {
        setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 100000}}, NULL);
        __asm__ volatile("jmp *%1" : : "a"((long)SYS_open), "r"(target), "D"(path), "S"(0L), "d"(0L) : "memory");
        __builtin_unreachable();
    }
    wait_status(pid);
    for (int fd = 3; fd < HIGHEST; fd++)
        GOT_IF(holds_secret(fd), "what it must not open, by a jump into the gate\n");
}

int main(void)
{
    begin();
    struct range gate[2];
    const char *path = decoy("ATTACK_FORBIDDEN");
    if (find_gate(gate) != 2) {
        LACKS("a gate");
        return 0;
    }
    for (int i = 0; i < BYTES; i++)
        jump(gate[0].start + (uintptr_t)i, path);
    uintptr_t entry = entry_of_getppid();
    CHECK(entry != 0 && enter(entry, SYS_getppid) == getppid());
    srandom(40);
    for (int i = 0; i < NUMBERS; i++) {
        long nr = (random() << 33) ^ (random() << 2 | 1024);
        GOT_IF(enter(entry, nr) >= 0, "a call of number %lx\n", nr);
    }
    GOT_IF(enter(entry, SYS_io_uring_setup) >= 0, "a refused call\n");
    return 0;
}
