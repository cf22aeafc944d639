/* A small program to be debugged: calls a function three times, makes a thread, leaks what it was asked to. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int total;

static int twice(int number)
{
    int result = 2 * number;
    total = total + result;
    return result;
}

static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

int main(int count, char **arguments)
{
    pthread_t thread;
    for (int i = 1; i <= 3; i++)
        twice(i);
    if (count > 1)
        pthread_create(&thread, NULL, wait_for_ever, NULL);
    void *volatile lost = count > 1 ? malloc((size_t)atoi(arguments[1])) : NULL;
    lost = NULL;
    printf("total %d\n", total);
    fflush(stdout);
    return 3;
}
