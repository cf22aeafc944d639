/* Shows that numbers with the x32 bit never reach a call: each of them answers ENOSYS. */
#include "check.h"

#define X32_BIT 0x40000000ULL

static long call(uint64_t number, long first, long second, long third)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

int main(void)
{
    begin();
    for (uint64_t number = 0; number < 600; number++)
        CHECK(call(X32_BIT | number, -1, 0, 0) == -ENOSYS);
    say("600 numbers: ENOSYS\n");
    CHECK(call(X32_BIT | SYS_open, (long)"made", O_CREAT | O_WRONLY, 0600) == -ENOSYS);
    CHECK_FAILS(access("made", F_OK), ENOENT);
    CHECK(call(X32_BIT | SYS_fork, 0, 0, 0) == -ENOSYS);
    CHECK_FAILS(wait(NULL), ECHILD);
    CHECK(call(X32_BIT | SYS_exit_group, 9, 0, 0) == -ENOSYS);
    say("open, fork and exit_group: nothing happened\n");
    CHECK(call(1ULL << 32 | X32_BIT | SYS_getppid, 0, 0, 0) == -ENOSYS);
    CHECK(call(X32_BIT | 0x3fffffff, 0, 0, 0) == -ENOSYS);
    say("with other bits: ENOSYS\n");
    return 0;
}
