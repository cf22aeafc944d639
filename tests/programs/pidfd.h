/* The pidfd calls by number, since older C libraries have no wrappers for them. */
#ifndef PICOBOX_PIDFD_H
#define PICOBOX_PIDFD_H
#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static inline int pidfd_open(pid_t pid, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int pidfd_getfd(int pidfd, int fd, unsigned flags)
{
    return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}

static inline int pidfd_send_signal(int pidfd, int number, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, number, info, flags);
}
#endif
