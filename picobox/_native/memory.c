/* Owns access to guest memory, in bulk where the kernel allows it, else word by word through ptrace; and to kcmp. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "native.h"

#define PAGE UINT64_C(4096)
#define BLOCKS_AT_ONCE 64

static uint64_t to_page_end(uint64_t address)
{
    return PAGE - address % PAGE;
}

/* A container's seccomp profile may refuse process_vm_readv to us; the tracer's own requests remain. A guest that is
   not dumpable is closed to both, unless we have CAP_SYS_PTRACE (kernel/ptrace.c, ptrace_access_vm): then, or where
   nothing is mapped in such a container, the answer is -EPERM. */
static int64_t peek_words(int32_t tid, uint64_t address, uint8_t *buffer, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t at = address + done, aligned = at & ~UINT64_C(7), offset = at - aligned;
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, tid, (void *)aligned, NULL);
        if (word == -1 && errno)
            return done ? (int64_t)done : -EPERM;
        uint64_t count = 8 - offset < size - done ? 8 - offset : size - done;
        memcpy(buffer + done, (uint8_t *)&word + offset, count);
        done += count;
    }
    return (int64_t)done;
}

static int64_t poke_words(int32_t tid, uint64_t address, const uint8_t *buffer, uint64_t size)
{
    uint64_t done = 0;
    while (done < size) {
        uint64_t at = address + done, aligned = at & ~UINT64_C(7), offset = at - aligned;
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, tid, (void *)aligned, NULL);
        if (word == -1 && errno)
            return done ? (int64_t)done : -EPERM;
        uint64_t count = 8 - offset < size - done ? 8 - offset : size - done;
        memcpy((uint8_t *)&word + offset, buffer + done, count);
        if (ptrace(PTRACE_POKEDATA, tid, (void *)aligned, (void *)word) < 0)
            return done ? (int64_t)done : -EFAULT;
        done += count;
    }
    return (int64_t)done;
}

int64_t pb_read(struct pb_core *core, int32_t tid, uint64_t address, void *buffer, uint64_t size)
{
    (void)core;
    uint64_t done = 0;
    while (done < size) {
        uint64_t count = to_page_end(address + done);
        if (done || count > size)
            count = size - done;
        struct iovec local = {(uint8_t *)buffer + done, count};
        struct iovec remote = {(void *)(address + done), count};
        ssize_t got = process_vm_readv(tid, &local, 1, &remote, 1, 0);
        if (got < 0 && errno == EPERM)
            return peek_words(tid, address, buffer, size);
        if (got <= 0)
            return done ? (int64_t)done : got ? -errno : -EFAULT;
        done += (uint64_t)got;
    }
    return (int64_t)done;
}

void pb_read_blocks(struct pb_core *core, int32_t tid, const uint64_t *addresses, uint64_t count, uint64_t size,
                    void *buffer)
{
    struct iovec local[BLOCKS_AT_ONCE], remote[BLOCKS_AT_ONCE];
    uint64_t done = 0;
    if (size == 0)
        return;
    while (done < count) {
        uint64_t wanted = count - done < BLOCKS_AT_ONCE ? count - done : BLOCKS_AT_ONCE;
        uint8_t *to = (uint8_t *)buffer + done * size;
        for (uint64_t i = 0; i < wanted; i++) {
            local[i] = (struct iovec){to + i * size, size};
            remote[i] = (struct iovec){(void *)addresses[done + i], size};
        }
        ssize_t got = process_vm_readv(tid, local, wanted, remote, wanted, 0);
        uint64_t whole = got > 0 ? (uint64_t)got / size : 0;
        /* The kernel stops at the first block that it cannot read: read alone, that one may still be ours to peek. */
        if (whole < wanted) {
            uint8_t *block = to + whole * size;
            if (pb_read(core, tid, addresses[done + whole], block, size) != (int64_t)size)
                memset(block, 0, size);
            whole++;
        }
        done += whole;
    }
}

int64_t pb_write(struct pb_core *core, int32_t tid, uint64_t address, const void *buffer, uint64_t size)
{
    (void)core;
    struct iovec local = {(void *)buffer, size};
    struct iovec remote = {(void *)address, size};
    ssize_t put = process_vm_writev(tid, &local, 1, &remote, 1, 0);
    if (put < 0 && errno == EPERM)
        return poke_words(tid, address, buffer, size);
    return put < 0 ? -errno : put;
}

int64_t pb_read_string(struct pb_core *core, int32_t tid, uint64_t address, char *buffer, uint64_t limit)
{
    uint64_t done = 0;
    while (done < limit) {
        uint64_t count = to_page_end(address + done);
        if (count > limit - done)
            count = limit - done;
        int64_t got = pb_read(core, tid, address + done, buffer + done, count);
        if (got <= 0)
            return got == -ESRCH || (got == -EPERM && !done) ? got : -EFAULT;
        char *end = memchr(buffer + done, 0, (size_t)got);
        if (end)
            return end - buffer;
        if ((uint64_t)got < count)
            return -EFAULT;
        done += count;
    }
    return -ENAMETOOLONG;
}

int32_t pb_shares_memory(int32_t tid, int32_t other_tid)
{
    return syscall(SYS_kcmp, tid, other_tid, KCMP_VM, 0, 0) == 0;
}

int32_t pb_same_description(int32_t tid, int32_t fd, int32_t other_tid, int32_t other_fd)
{
    long order = syscall(SYS_kcmp, tid, other_tid, KCMP_FILE, fd, other_fd);
    return order < 0 ? -errno : order == 0;
}
