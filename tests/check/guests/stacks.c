/* A guest that opens files from many kinds of calls; test_native_stacks.py knows from which lines. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noipa))

KEEP int touch(const char *name)
{
    int fd = open(name, O_RDONLY); /* touch */
    return fd < 0 ? 1 : fd;
}

KEEP int middle(const char *name, int depth)
{
    char buffer[1000];
    memset(buffer, depth, sizeof buffer);
    int result = depth ? middle(name, depth - 1) : touch(name); /* middle */
    return result + buffer[result];
}

KEEP int aligned(const char *name, int size)
{
    __attribute__((aligned(64))) char buffer[256];
    char *more = alloca(size * 100 + 10);
    snprintf(buffer, sizeof buffer, "%p", (void *)more);
    int result = touch(name); /* aligned */
    return result + buffer[0];
}

static void handle(int number)
{
    int result = touch("mark-signal"); /* handle */
    if (result == number)
        abort();
}

static void *run(void *unused)
{
    int result = middle("mark-thread", 1); /* run */
    return result == -1 ? NULL : unused;
}

static int compare(const void *a, const void *b)
{
    int result = touch("mark-callback"); /* compare */
    return *(const char *)a - *(const char *)b + result - result;
}

KEEP void on_another_stack(void)
{
    stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2); /* on_another_stack */
    printf("%p", stack.ss_sp);
}

int main(void)
{
    pthread_t thread;
    char letters[] = "ba";
    middle("mark", 2); /* main: middle */
    aligned("mark-aligned", 3); /* main: aligned */
    on_another_stack(); /* main: signal */
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    qsort(letters, 2, 1, compare); /* main: callback */
    FILE *file = fopen("mark-stream", "r"); /* main: stream */
    return file != NULL;
}
