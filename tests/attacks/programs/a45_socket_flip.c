/* A45: a descriptor is a route socket while it is decided about, and a local one, its address a service's, while the kernel
   connects it. */
/* Walls: tree */
/* Walls without namespaces: guard copied-memory */
/* Options: --network host */
#include "attack.h"
#include <linux/netlink.h>

#define FLIPPED 77

static atomic_int over, local = -1, route = -1;
static struct sockaddr_un address;

static void *flip_descriptor(void *unused)
{
    while (!over) {
        dup2(local, FLIPPED);
        dup2(route, FLIPPED);
    }
    return unused;
}

static void *flip_family(void *unused)
{
    while (!over) {
        *(volatile sa_family_t *)&address.sun_family = AF_NETLINK;
        dwell();
        *(volatile sa_family_t *)&address.sun_family = AF_UNIX;
        dwell();
    }
    return unused;
}

int main(void)
{
    begin();
    pthread_t threads[3];
    struct timeval limit = {0, 200000};
    char answer[8];
    bool answered = false;
    strcpy(address.sun_path, decoy("ATTACK_SOCKET"));
    route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(route >= 0 && local >= 0 && dup2(route, FLIPPED) == FLIPPED);
    setsockopt(local, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    start(&threads[0], flip_descriptor, NULL);
    start(&threads[1], flip_descriptor, NULL);
    start(&threads[2], flip_family, NULL);
    for (int64_t since = now_ns(); !answered && races(since, 400);) {
        struct sockaddr_un peer;
        socklen_t size = sizeof peer;
        connect(FLIPPED, (struct sockaddr *)&address, sizeof address);
        answered = getpeername(local, (struct sockaddr *)&peer, &size) == 0 &&
                   is_secret(answer, recv(local, answer, sizeof answer, 0));
    }
    over = 1;
    for (int i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    GOT_IF(answered, "an answer from a service by a descriptor that changes\n");
    return 0;
}
