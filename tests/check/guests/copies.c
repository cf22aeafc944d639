/* Makes a thousand copies of a file without a name by a call of its own; succeeds if few of them were stops. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { COPIES = 1000, MOST_STOPS = 500 };

/* A site as the C library has them, which may enter the gate in any image. */
static long copy(long fd)
{
    long result;
    __asm__ volatile("movl %1, %%eax\n\tsyscall\n\tcmpq $-4095, %%rax"
                     : "=&a"(result)
                     : "i"(SYS_dup2), "D"(fd), "S"(9L)
                     : "rcx", "r11", "cc", "memory");
    return result;
}

static long stops(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

int main(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd < 0)
        return 1;
    long before = stops();
    for (int i = 0; i < COPIES; i++)
        if (copy(fd) != 9)
            return 2;
    return stops() - before < MOST_STOPS ? 0 : 3;
}
