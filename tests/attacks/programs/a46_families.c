/* A46: sockets that reach kernel and hardware instead of a network: netlink, packets, vsock, algorithms, raw; and options
   that put programs into the kernel. */
/* Walls: socket-rules */
#include "attack.h"
#include <linux/netlink.h>

int main(void)
{
    begin();
    /* Route netlink is how a C library lists its interfaces: it is not among those that are forbidden. */
    static const struct {
        int family, type, protocol;
        const char *name;
    } sockets[] = {{AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, "netlink of devices"},
                   {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT, "netlink of audit"},
                   {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, "netlink of netfilter"},
                   {AF_NETLINK, SOCK_RAW, NETLINK_XFRM, "netlink of xfrm"},
                   {AF_PACKET, SOCK_RAW, 0x0300, "packets"},
                   {AF_PACKET, SOCK_DGRAM, 0x0300, "cooked packets"},
                   {40 /* AF_VSOCK */, SOCK_STREAM, 0, "vsock"},
                   {AF_ALG, SOCK_SEQPACKET, 0, "algorithms"},
                   {31 /* AF_BLUETOOTH */, SOCK_RAW, 1, "bluetooth"},
                   {AF_INET, SOCK_RAW, 1, "raw ICMP"},
                   {AF_INET, SOCK_RAW, 255, "raw IP"},
                   {AF_INET6, SOCK_RAW, 58, "raw ICMPv6"}};
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        int fd = socket(sockets[i].family, sockets[i].type | SOCK_CLOEXEC, sockets[i].protocol);
        GOT_IF(fd >= 0, "a socket for %s\n", sockets[i].name);
        if (fd >= 0)
            close(fd);
        int pair[2];
        if (socketpair(sockets[i].family, sockets[i].type, sockets[i].protocol, pair) == 0)
            GOT("a pair of sockets for %s\n", sockets[i].name);
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int mark = 1;
    GOT_IF(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0, "a mark for packets\n");
    return 0;
}
