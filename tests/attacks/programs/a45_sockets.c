/* A45: services of the host: by a path, by an abstract name, on its loopback, by datagrams with a name of their own. */
/* Walls: tree net-namespace */
/* Walls without namespaces: guard */
#include "attack.h"

static socklen_t local(struct sockaddr_un *address, const char *name, bool abstract)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(address->sun_path + abstract, name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name));
}

static void ask(int family, const void *address, socklen_t size, const char *what)
{
    char answer[8];
    struct timeval limit = {0, 200000};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    GOT_IF(connect(fd, address, size) == 0 && is_secret(answer, recv(fd, answer, sizeof answer, 0)), "an answer from %s\n",
           what);
    close(fd);
}

static void tell(int family, void *address, socklen_t size, const char *what)
{
    char text[] = "x";
    struct iovec vector = {text, 1};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1, .msg_name = address, .msg_namelen = size}}};
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(decoy("ATTACK_HIT"));
    if (fd < 0)
        return;
    sendto(fd, text, 1, MSG_NOSIGNAL, address, size);
    sendmsg(fd, &messages[1].msg_hdr, MSG_NOSIGNAL);
    sendmmsg(fd, messages + 1, 1, MSG_NOSIGNAL);
    messages[0].msg_hdr = messages[1].msg_hdr;
    sendmmsg(fd, messages, 2, MSG_NOSIGNAL);
    close(fd);
    for (int passed = 0; passed < 30 && access(decoy("ATTACK_HIT"), F_OK) != 0; passed++)
        usleep(1000);
    GOT_IF(access(decoy("ATTACK_HIT"), F_OK) == 0, "a datagram to %s\n", what);
    unlink(decoy("ATTACK_HIT"));
}

int main(void)
{
    begin();
    struct sockaddr_un address;
    socklen_t size = local(&address, decoy("ATTACK_SOCKET"), false);
    ask(AF_UNIX, &address, size, "a socket with a path");
    size = local(&address, decoy("ATTACK_ABSTRACT"), true);
    ask(AF_UNIX, &address, size, "an abstract socket");
    size = local(&address, decoy("ATTACK_DATAGRAMS"), true);
    tell(AF_UNIX, &address, size, "an abstract socket");
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)decoy_number("ATTACK_PORT"))};
    ask(AF_INET, &inet, sizeof inet, "a port of the host's loopback");
    tell(AF_INET, &inet, sizeof inet, "a port of the host's loopback");
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = inet.sin_port};
    CHECK(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr) == 1);
    ask(AF_INET6, &mapped, sizeof mapped, "a port of the host's loopback by an address of IPv6");
    tell(AF_INET6, &mapped, sizeof mapped, "a port of the host's loopback by an address of IPv6");
    return 0;
}
