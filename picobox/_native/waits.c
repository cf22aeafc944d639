/* Owns whether a call would have to wait, as far as its registers and its descriptor tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"

/* Whether a descriptor's object lets a transfer begin. A regular file has no other answer, and says it without ours. */
static bool is_ready(int32_t tid, int fd, short events)
{
    struct pb_held held;
    if (pb_held_status(tid, fd, &held) == 0 && S_ISREG(held.mode))
        return true;
    struct pollfd pollfd = {.fd = open_descriptor_of(tid, fd), .events = events};
    if (pollfd.fd < 0)
        return false;
    bool ready = poll(&pollfd, 1, 0) > 0;
    close(pollfd.fd);
    return ready;
}

static bool futex_waits(int operation)
{
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_WAKE_OP:
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_CMP_REQUEUE_PI:
    case FUTEX_UNLOCK_PI:
    case FUTEX_TRYLOCK_PI:
        return false;
    default:
        return true;
    }
}

bool waits_by_pidfd(uint64_t nr, uint64_t first)
{
    return nr == SYS_waitid && (int32_t)first == P_PIDFD;
}

bool waits_unseen(const struct pb_core *core, uint64_t nr, uint64_t first)
{
    bool waits = nr == SYS_wait4 || (nr == SYS_waitid && !waits_by_pidfd(nr, first));
    return waits && core->listeners && core->dispositions[nr] & PB_FLAG_NOTIFY;
}

bool ends_at_once(int32_t tid, const struct notified_call *call)
{
    int first = (int)call->args[0], second = (int)call->args[1];
    switch (call->nr) {
    case SYS_read:
    case SYS_readv:
    case SYS_pread64:
    case SYS_preadv:
    case SYS_preadv2:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_accept:
    case SYS_accept4:
        return is_ready(tid, first, POLLIN);
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
        return is_ready(tid, first, POLLOUT);
    case SYS_futex:
        return !futex_waits(second);
    case SYS_flock:
        return second & (LOCK_NB | LOCK_UN);
    case SYS_fcntl:
        return second != F_SETLKW && second != F_OFD_SETLKW;
    case SYS_ioctl:
        return second == FIONREAD || second == FIONBIO || second == TIOCGWINSZ || second == TCGETS;
    default:
        return false;
    }
}
