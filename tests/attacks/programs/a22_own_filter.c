/* A22: a filter of the guest's own, which would outrank the supervisor's stops: by prctl, seccomp, with a listener. */
/* Walls: row-seccomp */
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static struct sock_filter all[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
static struct sock_filter one[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                                   {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getppid},
                                   {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 42},
                                   {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};

static int child_with(unsigned int operation, unsigned int flags, struct sock_filter *filter, unsigned short length)
{
    pid_t child = fork_child();
    if (child == 0) {
        struct sock_fprog program = {length, filter};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        long result = operation == 99 ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)
                                      : syscall(SYS_seccomp, operation, flags, &program);
        if (result < 0)
            _exit(0);
        /* Installed, or only said to be? */
        if (filter == one)
            _exit(syscall(SYS_getppid) == -1 && errno == 42 ? 1 : 2);
        _exit(1);
    }
    int status = wait_status(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

int main(void)
{
    begin();
    const unsigned int flags[] = {0, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                                  SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        GOT_IF(child_with(SECCOMP_SET_MODE_FILTER, flags[i], all, 1) == 1, "a filter with flags %#x\n", flags[i]);
    GOT_IF(child_with(SECCOMP_SET_MODE_FILTER, 0, one, 4) == 1, "a filter that answers calls before the supervisor\n");
    GOT_IF(child_with(99, 0, one, 4) == 1, "a filter by prctl\n");
    pid_t child = fork_child();
    if (child == 0) {
        /* Strict mode would kill whatever the supervisor lets the guest call for itself. */
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0) {
            syscall(SYS_getppid);
            syscall(SYS_exit, 9);
        }
        _exit(0);
    }
    int status = wait_status(child);
    GOT_IF(!WIFEXITED(status) || WEXITSTATUS(status) != 0, "strict mode\n");
    return 0;
}
