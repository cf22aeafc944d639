/* A32: memory, descriptors, limits and scheduling of a process outside of the sandbox. */
/* Walls: pid-namespace */
#include "attack.h"
#include <sys/uio.h>

int main(void)
{
    begin();
    pid_t victim = (pid_t)decoy_number("ATTACK_VICTIM");
    uint64_t address = strtoull(decoy("ATTACK_VICTIM_ADDRESS"), NULL, 0);
    char text[8] = "", path[64];
    struct iovec local = {text, sizeof text}, remote = {(void *)(uintptr_t)address, sizeof text};
    ssize_t size = process_vm_readv(victim, &local, 1, &remote, 1, 0);
    GOT_IF(is_secret(text, size), "the secret in the memory of another\n");
    GOT_IF(size > 0 && is_secret(text, size) && process_vm_writev(victim, &local, 1, &remote, 1, 0) == size,
           "write access to the memory of another\n");
    snprintf(path, sizeof path, "/proc/%d/mem", victim);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    memset(text, 0, sizeof text);
    GOT_IF(fd >= 0 && pread(fd, text, sizeof text, (off_t)address) > 0 && is_secret(text, sizeof text),
           "the secret through %s\n", path);
    int pidfd = (int)syscall(434 /* pidfd_open */, victim, 0);
    for (int number = 3; pidfd >= 0 && number < 16; number++) {
        int stolen = (int)syscall(438 /* pidfd_getfd */, pidfd, number, 0);
        struct sockaddr_un name;
        socklen_t length = sizeof name;
        GOT_IF(stolen >= 0 && getsockname(stolen, (struct sockaddr *)&name, &length) == 0 && name.sun_family == AF_UNIX &&
                   strcmp(name.sun_path + 1, "picobox-decoy") == 0, "descriptor %d of another\n", number);
        if (stolen >= 0)
            close(stolen);
    }
    /* Is it the victim that we see, or one of our own with its number? Its limits say. */
    struct rlimit limit = {0};
    if (prlimit(victim, RLIMIT_RTTIME, NULL, &limit) == 0 && limit.rlim_max == 7777777) {
        GOT("the limits of another\n");
        GOT_IF(prlimit(victim, RLIMIT_RTTIME, &limit, NULL) == 0, "a limit for another\n");
        GOT_IF(syscall(SYS_setpriority, PRIO_PROCESS, victim, 1) == 0, "the priority of another\n");
        GOT_IF(syscall(SYS_ioprio_set, 1, victim, 0) == 0, "the priority for files of another\n");
        cpu_set_t all;
        CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
        GOT_IF(sched_setaffinity(victim, sizeof all, &all) == 0, "the processors of another\n");
        GOT_IF(syscall(SYS_kcmp, getpid(), victim, 0, 0, 0) >= 0, "a comparison with another\n");
        GOT_IF(syscall(SYS_process_madvise, pidfd, &remote, 1, 21 /* MADV_PAGEOUT */, 0) >= 0, "pages of another\n");
        snprintf(path, sizeof path, "/proc/%d/oom_score_adj", victim);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        GOT_IF(fd >= 0 && write(fd, "10", 2) == 2, "the score of another when memory is short\n");
    }
    return 0;
}
