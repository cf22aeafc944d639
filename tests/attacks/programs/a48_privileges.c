/* A48: rights that a program would gain: set-user-id, capabilities of files, helpers that the kernel starts as root, the
   settings of the kernel, devices that one makes oneself. */
/* Walls: capabilities proc+landlock */
#include "attack.h"
#include <linux/capability.h>
#include <sys/xattr.h>

static const char *const helpers[] = {
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug",
    "/proc/sys/kernel/hostname", "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/sysrq",
    "/proc/sys/fs/binfmt_misc/register", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/cpu/release_agent",
    "/sys/fs/cgroup/memory/notify_on_release", "/sys/fs/cgroup/unified/cgroup.procs", "/proc/sysrq-trigger",
    "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/sys/net/ipv4/ip_forward", "/dev/mem", "/dev/kmsg",
    "/proc/kcore", "/proc/irq/default_smp_affinity",
};

static void capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    CHECK(syscall(SYS_capget, &header, data) == 0);
    GOT_IF(data[0].effective | data[1].effective, "capabilities %#x%08x\n", data[1].effective, data[0].effective);
    GOT_IF(data[0].permitted | data[1].permitted, "capabilities that it may take\n");
    bool may_gain = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
    for (int capability = 0; capability < 41 && may_gain; capability++)
        GOT_IF(prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1, "capability %d by a program that has it\n", capability);
}

static void set_user_id(void)
{
    /* Root's own file with the bit: natively the child of another user is root. */
    const char *program = decoy("ATTACK_SETUID");
    pid_t child = fork_child();
    if (child == 0) {
        if (geteuid() == 0)
            _exit(0);
        setenv("ATTACK_SETUID_RUN", "1", 1);
        execl(program, "program", NULL);
        _exit(0);
    }
    GOT_IF(wait_exit(child) == 42, "another user by a set-user-id program\n");
}

int main(void)
{
    begin();
    capabilities();
    set_user_id();
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++) {
        /* Opened, not written: what it could do would outlive us. */
        int fd = open(helpers[i], O_WRONLY | O_CLOEXEC | O_NOCTTY);
        GOT_IF(fd >= 0, "write access to %s\n", helpers[i]);
        if (fd >= 0)
            close(fd);
    }
    GOT_IF(mknod("device", S_IFCHR | 0600, makedev(1, 11)) == 0, "a device of one's own\n");
    GOT_IF(sethostname("attacked", 8) == 0, "the name of the host\n");
    GOT_IF(setuid(0) == 0 && geteuid() == 0 && getuid() == 0 && setuid(1) == 0, "other users' ids\n");
    return 0;
}
