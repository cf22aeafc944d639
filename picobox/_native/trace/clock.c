/* Owns the times of records: guests read the processor's counter, which is compared with the kernel's clocks here. */
#define _GNU_SOURCE
#include <time.h>
#include <x86intrin.h>

#include "trace.h"

int64_t clock_now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

void clock_look(struct trace_clock *clock)
{
    clock->monotonic = clock_now(CLOCK_MONOTONIC);
    clock->real = clock_now(CLOCK_REALTIME);
    clock->counter = __rdtsc();
}

void clock_start(struct trace_clock *clock)
{
    clock_look(clock);
    clock->first_counter = clock->counter;
    clock->first_monotonic = clock->monotonic;
}

int64_t clock_time(const struct trace_clock *clock, uint64_t counter)
{
    uint64_t since = clock->counter - clock->first_counter;
    int64_t elapsed = clock->monotonic - clock->first_monotonic;
    if (counter >= clock->counter || !since)
        return clock->real;
    uint64_t ago = clock->counter - counter;
    if (ago > since)
        ago = since;
    return clock->real - (int64_t)((double)ago * (double)elapsed / (double)since);
}
