/* Shows a guest's own seccomp: queries answer as if there were none, and both ways to install a filter are refused. */
#include "check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static atomic_int *result;

static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static const struct sock_fprog program = {1, allow};

static void show(const char *name, long value, int error)
{
    say("%s: %s\n", name, value >= 0 ? "OK" : errno_name(error));
}

/* Strict mode leaves four calls, so the result travels through shared memory and the end is the raw exit. */
static void strict(const char *name, bool by_prctl)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        long value = by_prctl ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)
                              : syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
        atomic_store(result, value == 0 ? 0 : errno);
        syscall(SYS_exit, 5);
    }
    CHECK(wait_exit(pid) == 5);
    show(name, atomic_load(result) == 0 ? 0 : -1, atomic_load(result));
}

static void filter(const char *name, bool by_prctl)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        long value = by_prctl ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
                              : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
        show(name, value, errno);
        /* Refused or not, the process goes on. */
        CHECK(syscall(SYS_getppid) == getppid());
        _exit(6);
    }
    CHECK(wait_exit(pid) == 6);
}

int main(void)
{
    begin();
    result = shared_memory(sizeof *result);
    say("PR_GET_SECCOMP: %d\n", prctl(PR_GET_SECCOMP));
    strict("PR_SET_SECCOMP strict", true);
    strict("seccomp strict", false);
    filter("PR_SET_SECCOMP filter", true);
    filter("seccomp filter", false);
    CHECK_FAILS(prctl(PR_SET_SECCOMP, 99), EINVAL);
    CHECK_FAILS(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
    say("PR_GET_SECCOMP: %d\n", prctl(PR_GET_SECCOMP));
    return 0;
}
