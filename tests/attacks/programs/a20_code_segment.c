/* A20: a jump into a 32-bit code segment, by a far return and by a segment of the LDT, and the calls that it makes. */
/* Walls: architecture */
#include "attack.h"
#include <asm/ldt.h>

/* In 32-bit mode: mov eax, 20 (getpid); int 0x80; a far return to 64-bit code follows. */
static const uint8_t code[] = {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xcb};

static long far_call(void *target, uint16_t segment, char *stack)
{
    struct __attribute__((packed)) {
        uint32_t offset;
        uint16_t selector;
    } *pointer = (void *)(stack + 64);
    /* lcall *(%rdi); ret: where 32 bits of an address are enough to come back. */
    uint8_t *way = memcpy(stack, "\xff\x1f\xc3", 3);
    long result;
    pointer->offset = (uint32_t)(uintptr_t)target;
    pointer->selector = segment;
    __asm__ volatile("mov %%rsp, %%r12\n\t"
                     "mov %[stack], %%rsp\n\t"
                     "call *%[way]\n\t"
                     "mov %%r12, %%rsp\n\t"
                     : "=a"(result), "+D"(pointer)
                     : [stack] "r"(stack + 4096), [way] "r"(way)
                     : "r12", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
    return (int)result;
}

int main(void)
{
    begin();
    char *low = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(low != MAP_FAILED);
    memcpy(low, code, sizeof code);
    pid_t own = getpid();
    struct user_desc descriptor = {.entry_number = 0, .base_addr = 0, .limit = 0xfffff, .seg_32bit = 1, .contents = 2,
                                   .read_exec_only = 0, .limit_in_pages = 1, .seg_not_present = 0, .useable = 1};
    const uint16_t segments[] = {0x23, 0x07};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && syscall(SYS_modify_ldt, 1, &descriptor, sizeof descriptor) != 0)
            continue;
        pid_t child = fork_child();
        if (child == 0)
            _exit(far_call(low, segments[i], low + 4096) == getpid());
        int status = wait_status(child);
        GOT_IF(WIFEXITED(status) && WEXITSTATUS(status) == 1, "getpid from code segment %#x\n", segments[i]);
    }
    CHECK(getpid() == own);
    return 0;
}
