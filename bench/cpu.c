/* Runs one or more CPU-bound processes at once and prints the wall time that all of them took. */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* xorshift64: each step needs the one before, so that no compiler shortens the loop. */
static void spin(long steps)
{
    volatile uint64_t result;
    uint64_t x = 88172645463325252ULL;

    for (long i = 0; i < steps; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    result = x;
    (void)result;
}

int main(int argc, char **argv)
{
    long processes, steps;
    double start;
    int status;

    if (argc != 3 || (processes = atol(argv[1])) < 1 || (steps = atol(argv[2])) < 1) {
        fprintf(stderr, "usage: cpu PROCESSES STEPS\n");
        return 2;
    }
    start = now_ns();
    for (long i = 0; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("fork");
            return 1;
        }
        if (pid == 0) {
            spin(steps);
            _exit(0);
        }
    }
    for (long i = 0; i < processes; i++)
        if (wait(&status) < 0 || status != 0) {
            fprintf(stderr, "a process did not end well\n");
            return 1;
        }
    printf("{\"row\": \"cpu\", \"ns\": %.1f, \"iterations\": 1}\n", now_ns() - start);
    return 0;
}
