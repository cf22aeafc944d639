/* Owns the signals that wake the loop: the only global state of the core, since a handler needs it. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "native.h"

#define RING 64

volatile int doorbell_rung;

static struct {
    int32_t signal;
    int32_t code;
    int32_t pid;
} ring[RING];
static unsigned ring_head; /* written by the handler */
static unsigned ring_tail; /* written by the loop */
static struct sigaction previous[65];
static uint64_t opened;

static void ring_bell(int signal, siginfo_t *info, void *context)
{
    unsigned head = __atomic_load_n(&ring_head, __ATOMIC_RELAXED);
    if (head - __atomic_load_n(&ring_tail, __ATOMIC_ACQUIRE) < RING) {
        ring[head % RING].signal = signal;
        ring[head % RING].code = info->si_code;
        ring[head % RING].pid = info->si_code <= 0 ? info->si_pid : 0;
        __atomic_store_n(&ring_head, head + 1, __ATOMIC_RELEASE);
    }
    doorbell_rung = 1;
    wait4_abort(context);
}

bool doorbell_has(int signal)
{
    return opened & UINT64_C(1) << (signal - 1);
}

/* setpgid waits for the lock under which kill(2) signals a group, so what it sends to us has come when it returns. */
void doorbell_drop(int signal)
{
    setpgid(0, getpgid(0));
    unsigned head = __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE);
    for (unsigned i = __atomic_load_n(&ring_tail, __ATOMIC_RELAXED); i != head; i++)
        if (ring[i % RING].signal == signal && ring[i % RING].code <= 0)
            ring[i % RING].signal = 0;
}

bool doorbell_take(struct pb_core *core, struct pb_stop *out)
{
    doorbell_rung = 0;
    unsigned tail = __atomic_load_n(&ring_tail, __ATOMIC_RELAXED);
    while (tail != __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE) &&
           (!ring[tail % RING].signal || (ring[tail % RING].code <= 0 && signal_is_due(core, ring[tail % RING].signal))))
        __atomic_store_n(&ring_tail, ++tail, __ATOMIC_RELEASE);
    if (tail == __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE))
        return false;
    out->kind = PB_STOP_INTERRUPT;
    out->nr = ring[tail % RING].signal;
    out->code = ring[tail % RING].code;
    out->event = ring[tail % RING].pid;
    __atomic_store_n(&ring_tail, tail + 1, __ATOMIC_RELEASE);
    if (tail + 1 != __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE))
        doorbell_rung = 1;
    return true;
}

uint64_t pb_doorbell_open(const int32_t *signals, int32_t count)
{
    struct sigaction action = {.sa_sigaction = ring_bell, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    uint64_t ignored = 0;
    sigfillset(&action.sa_mask);
    for (int32_t i = 0; i < count; i++) {
        int signal = signals[i];
        if (signal < 1 || signal > 64 || sigaction(signal, &action, &previous[signal]) < 0)
            continue;
        opened |= UINT64_C(1) << (signal - 1);
        if (previous[signal].sa_handler == SIG_IGN)
            ignored |= UINT64_C(1) << (signal - 1);
    }
    return ignored;
}

void pb_doorbell_close(void)
{
    for (int signal = 1; signal <= 64; signal++)
        if (opened & UINT64_C(1) << (signal - 1))
            sigaction(signal, &previous[signal], NULL);
    opened = 0;
}
