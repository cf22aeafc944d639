/* A21: returns from signals that never came: frames with another code segment, a wild instruction pointer, a torn state. */
/* Walls: architecture */
#include "attack.h"
#include <ucontext.h>

static volatile int mode;
static char *low;

static void change(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ucontext_t *frame = context;
    greg_t *registers = frame->uc_mcontext.gregs;
    switch (mode) {
    case 0: /* 32-bit code that calls exit(77) */
        registers[REG_RIP] = (greg_t)(uintptr_t)low;
        registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~0xffffLL) | 0x23;
        break;
    case 1:
        registers[REG_RIP] = (greg_t)0xffff800000000000;
        break;
    case 2:
        frame->uc_mcontext.fpregs = (fpregset_t)(uintptr_t)0xffff800000001000;
        break;
    case 3:
        memset(frame->uc_mcontext.fpregs, 0xff, 512);
        break;
    case 4: /* the argument page, if there is one, and places where pages of ours might be */
        registers[REG_RIP] = 0x70000000;
        break;
    case 5:
        registers[REG_RSP] = 0;
        break;
    default:
        registers[REG_EFL] |= 0x100; /* the trap flag: a SIGTRAP that nobody sent */
    }
}

int main(void)
{
    begin();
    static const uint8_t code[] = {0xbb, 77, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xcd, 0x80, 0xf4};
    low = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(low != MAP_FAILED);
    memcpy(low, code, sizeof code);
    for (int i = 0; i < 7; i++) {
        pid_t child = fork_child();
        if (child == 0) {
            mode = i;
            handle_info(SIGUSR1, change, 0);
            raise(SIGUSR1);
            _exit(0);
        }
        int status = wait_status(child);
        GOT_IF(i == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 77, "a call from a forged 32-bit frame\n");
    }
    /* With no frame at all. */
    pid_t child = fork_child();
    if (child == 0) {
        __asm__ volatile("xor %%esp, %%esp; mov $15, %%eax; syscall" : : : "memory", "rax", "rcx", "r11");
        _exit(0);
    }
    CHECK(wait_death(child) == SIGSEGV);
    return 0;
}
