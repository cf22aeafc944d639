/* Owns what this process gives up itself once its guests run: being looked into, and calls that it never makes. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "native.h"

int32_t pb_harden(const uint8_t *filter, int32_t length)
{
    struct sock_fprog program = {(unsigned short)length, (struct sock_filter *)filter};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* Of all our threads; a positive answer names one that has a filter of its own. */
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    return result < 0 ? -errno : result ? -EBUSY : 0;
}
