/* A13: 32-bit calls from 64-bit code, where a number means another call: open, execve, fork and all that is like them. */
/* Walls: architecture */
#include "attack.h"

/* In the low 4 GiB, since only 32 bits of a pointer arrive. */
static char *low;

static long int80(long nr, long b, long c, long d)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(b), "c"(c), "d"(d), "S"(0), "D"(0) : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

static long sysenter_like(long nr)
{
    /* sysenter in 64-bit mode would return to the 32-bit vDSO: a child that dies of it is refused as well. */
    pid_t pid = fork_child();
    if (pid == 0) {
        __asm__ volatile("mov %%rsp, %%rbp; sysenter" : : "a"(nr) : "memory", "rcx", "r11");
        _exit(1);
    }
    int status = wait_status(pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

int main(void)
{
    begin();
    enum { OPEN = 5, LINK = 9, EXECVE = 11, CREAT = 8, FORK = 2, VFORK = 190, MKDIR = 39, OPENAT = 295, GETPID = 20,
           EXIT = 1, SOCKETCALL = 102, CLONE = 120, MOUNT = 21, PTRACE = 26 };
    low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(low != MAP_FAILED);
    strcpy(low, "made");
    if (int80(GETPID, 0, 0, 0) == -ENOSYS)
        errno = 0;
    GOT_IF(int80(GETPID, 0, 0, 0) == getpid(), "getpid of the 32-bit interface\n");
    GOT_IF(int80(CREAT, (long)low, 0600, 0) >= 0, "a file by the 32-bit interface\n");
    GOT_IF(int80(MKDIR, (long)strcpy(low + 64, "directory"), 0700, 0) == 0, "a directory by the 32-bit interface\n");
    GOT_IF(int80(OPENAT, -100, (long)low, O_RDWR) >= 0, "an open by the 32-bit interface\n");
    for (size_t i = 0; i < 2; i++) {
        pid_t own = getpid();
        long pid = int80(i ? FORK : CLONE, i ? 0 : SIGCHLD, 0, 0);
        if (pid == 0 && getpid() != own)
            _exit(0);
        GOT_IF(pid > 0, "a process by the 32-bit interface\n");
        if (pid > 0)
            wait_status((pid_t)pid);
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        strcpy(low + 128, "/bin/true");
        int80(EXECVE, (long)(low + 128), 0, 0);
        _exit(3);
    }
    GOT_IF(wait_exit(pid) == 0, "a program by the 32-bit interface\n");
    for (long nr = 0; nr < 512; nr++) {
        if (nr == EXIT || nr == FORK || nr == VFORK || nr == CLONE || nr == 252 || nr == 119 || nr == 173 || nr == 29 ||
            nr == 72 || nr == 179 || nr == 177 || nr == 7 || nr == 114 || nr == 284 || nr == 27 || nr == 88 || nr == 111)
            continue; /* without interception these would end us, wait, or return elsewhere */
        long result = int80(nr, -1, -1, -1);
        if (result != -ENOSYS) {
            GOT("call %ld of the 32-bit interface: %ld\n", nr, result);
            break;
        }
    }
    GOT_IF(sysenter_like(EXIT), "a call by sysenter\n");
    return 0;
}
