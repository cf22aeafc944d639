/* Shows that of many threads that do nothing but make calls none starves: the oldest gets its calls done too. */
#define WATCHDOG 10
#include "check.h"
#include <pthread.h>

#define THREADS 24
#define CALLS 500

static atomic_int started, done;

/* Goes on until every thread has made its calls. */
static void *make_calls(void *unused)
{
    add_and_wake(&started);
    await(&started, THREADS);
    for (int calls = 1; atomic_load(&done) < THREADS; calls++) {
        syscall(SYS_getppid);
        if (calls == CALLS)
            atomic_fetch_add(&done, 1);
    }
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    begin();
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, make_calls, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    say("%d threads, none starved\n", THREADS);
    return 0;
}
