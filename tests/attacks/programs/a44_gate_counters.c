/* A44: fills the counters that the gate and the supervisor share with anything, while they are used. */
/* Walls: supervisor */
/* Options: --gate 1 */
#include "gate.h"

enum { CALLS = 20000 };

static struct range gate[2];
static atomic_bool over;

static void *scribble(void *argument)
{
    (void)argument;
    for (uint64_t value = 1; !atomic_load(&over); value = value * 6364136223846793005u + 1442695040888963407u)
        for (uint64_t *at = (uint64_t *)gate[1].start; at < (uint64_t *)gate[1].end; at += 61)
            *(volatile uint64_t *)at = value;
    return NULL;
}

int main(void)
{
    begin();
    pthread_t thread;
    if (find_gate(gate) != 2) {
        LACKS("a gate");
        return 0;
    }
    start(&thread, scribble, NULL);
    int parent = getppid();
    for (int i = 0; i < CALLS; i++)
        GOT_IF(getppid() != parent || lseek(-1, 0, SEEK_SET) != -1, "another result of a call\n");
    atomic_store(&over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    memset((void *)gate[1].start, 0xff, gate[1].end - gate[1].start);
    return 0;
}
