/* A35: structures where no structure can be: at the end of a page, in pages that nobody may read, in devices, in numbers
   that wrap around, vectors that are too long, buffers that overlap. */
/* Walls: supervisor */
#include "attack.h"
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/uio.h>

static const uint64_t wild[] = {0, 1, 0x70000000, 0x70001000, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000,
                                0xffff800000000000, UINT64_MAX, UINT64_MAX - 4095};

static void try_at(uint64_t at)
{
    const uint64_t sizes[] = {0, 1, 8, 64, 110, 4096, 0x7fffffff, 0xffffffff, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t size = sizes[i];
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CHECK(fd >= 0);
        syscall(SYS_bind, fd, at, size);
        syscall(SYS_connect, fd, at, size);
        syscall(SYS_sendto, fd, at, 1, MSG_DONTWAIT, at, size);
        syscall(SYS_sendmsg, fd, at, MSG_DONTWAIT);
        syscall(SYS_sendmmsg, fd, at, 2, MSG_DONTWAIT);
        syscall(SYS_openat2, AT_FDCWD, "x", at, size);
        syscall(SYS_clone3, at, size);
        syscall(SYS_readv, fd, at, size);
        syscall(SYS_preadv2, fd, at, size, 0, 0, 0);
        syscall(SYS_process_vm_readv, getpid(), at, size, at, size, 0);
        syscall(SYS_sched_setaffinity, 0, size, at);
        syscall(SYS_sched_getaffinity, 0, size, at);
        syscall(SYS_execve, "/nowhere", at, at);
        syscall(SYS_mmap, at & ~4095UL, size, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        syscall(SYS_munmap, 0x70000000 + 4096 * i, size);
        syscall(SYS_mremap, 0x70000000, size, size, 3, at);
        syscall(SYS_mprotect, 0x70000000, size, 7);
        syscall(SYS_utimensat, AT_FDCWD, "x", at, 0);
        syscall(SYS_getdents64, fd, at, size);
        close(fd);
    }
}

int main(void)
{
    begin();
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
    pid_t child = fork_child();
    if (child == 0) {
        /* Some of these unmap what the program lives on: only the supervisor has to stay. */
        for (size_t i = 0; i < sizeof wild / sizeof *wild; i++)
            try_at(wild[i]);
        _exit(0);
    }
    wait_status(child);
    for (int before = 1; before <= 64; before += 7) {
        child = fork_child();
        if (child == 0) {
            try_at((uint64_t)(uintptr_t)(pages + 4096 - before));
            _exit(0);
        }
        wait_status(child);
    }
    struct iovec vectors[1025];
    for (int i = 0; i < 1025; i++)
        vectors[i] = (struct iovec){pages, 4096};
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    CHECK(zero >= 0);
    CHECK_FAILS(readv(zero, vectors, 1025), EINVAL);
    CHECK(readv(zero, vectors, 8) == 8 * 4096); /* overlapping */
    vectors[0].iov_len = SSIZE_MAX;
    vectors[1].iov_len = SSIZE_MAX;
    CHECK(writev(zero, vectors, 2) < 0);
    return 0;
}
