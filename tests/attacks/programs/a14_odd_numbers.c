/* A14: numbers with the bit of x32, negative and huge ones, and those whose upper half says something else. */
/* Walls: row-io_uring_setup */
#include "attack.h"

static long raw(uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
    long result;
    register uint64_t r10 __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

int main(void)
{
    begin();
    for (uint64_t nr = 0; nr < 600; nr++) {
        long result = raw(nr | 0x40000000, (uint64_t)-1, (uint64_t)-1, (uint64_t)-1);
        if (result != -ENOSYS)
            GOT("call %lu of x32: %ld\n", (unsigned long)nr, result);
    }
    const uint64_t odd[] = {0x80000000, 0xffffffff, 0x7fffffff, 512, 1000, 4096, 65535, 65536 + SYS_getpid, 0x40000000 + 1000};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        GOT_IF(raw(odd[i], 0, 0, 0) != -ENOSYS, "call %#lx\n", (unsigned long)odd[i]);
    /* The kernel takes the lower half of rax alone: what arrives must be the call that it will run. */
    if (raw(SYS_io_uring_setup | UINT64_C(1) << 32, 1, 0, 0) != -ENOSYS)
        GOT("io_uring_setup by a number with an upper half\n");
    GOT_IF(raw(SYS_userfaultfd | UINT64_C(0xdead) << 32, 0, 0, 0) != -ENOSYS, "userfaultfd by a number with an upper half\n");
    return 0;
}
