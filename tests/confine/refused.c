/* Makes calls that walls refuse, and some that they do not; prints a line for each: its name and the errno, or 0. */
#include <errno.h>
#include <linux/sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIGH (UINT64_C(1) << 32)
#define NETLINK_ROUTE 0
#define NETLINK_AUDIT 9
#define SOCK_PACKET_OF_OLD 10
#define TIOCLINUX_REQUEST 0x541C

struct call {
    const char *name;
    uint64_t number;
    uint64_t arguments[6];
};

static const struct call CALLS[] = {
    {"unix", SYS_socket, {AF_UNIX, SOCK_DGRAM, 0}},
    {"inet", SYS_socket, {AF_INET, SOCK_DGRAM, 0}},
    {"inet6", SYS_socket, {AF_INET6, SOCK_DGRAM, 0}},
    {"route", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}},
    {"audit", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}},
    {"packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
    {"packet above", SYS_socket, {HIGH | AF_PACKET, SOCK_RAW, 0}},
    {"packet of old", SYS_socket, {AF_INET, SOCK_PACKET_OF_OLD, 0}},
    {"vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
    {"alg", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}},
    {"TIOCSTI", SYS_ioctl, {0, TIOCSTI, (uintptr_t) "x"}},
    {"TIOCSTI above", SYS_ioctl, {0, HIGH | TIOCSTI, (uintptr_t) "x"}},
    {"TIOCLINUX", SYS_ioctl, {0, TIOCLINUX_REQUEST, (uintptr_t) "x"}},
    {"unshare user", SYS_unshare, {CLONE_NEWUSER}},
    {"unshare time", SYS_unshare, {CLONE_NEWTIME}},
    {"unshare files", SYS_unshare, {CLONE_FILES}},
    {"clone mounts", SYS_clone, {CLONE_NEWNS | 17}},
    {"setns", SYS_setns, {0}},
    {"mount", SYS_mount, {(uintptr_t) "none", (uintptr_t) "/tmp", (uintptr_t) "tmpfs"}},
    {"fsopen", 430, {(uintptr_t) "tmpfs"}},
    {"chroot", SYS_chroot, {(uintptr_t) "/"}},
    {"bpf", SYS_bpf, {0}},
    {"perf", SYS_perf_event_open, {0}},
    {"keyctl", SYS_keyctl, {0}},
    {"syslog", SYS_syslog, {3}},
    {"kexec", SYS_kexec_load, {0}},
    {"handle", SYS_open_by_handle_at, {0}},
    {"userfaultfd", SYS_userfaultfd, {0}},
};

int main(void)
{
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++) {
        const struct call *call = &CALLS[i];
        const uint64_t *a = call->arguments;
        long result = syscall((long)call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
        printf("%s=%d\n", call->name, result < 0 ? errno : 0);
    }
    return 0;
}
