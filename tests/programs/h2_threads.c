/* Shows 1,000 threads that start together, make calls together and end together, and 1,000 more that never wait. */
#define WATCHDOG 50
#include "check.h"
#include <pthread.h>

enum { THREADS = 1000 };

static atomic_int started, gate, ended;
static pid_t tids[THREADS];

static void *start_together(void *number)
{
    tids[(intptr_t)number] = gettid();
    CHECK(getpid() != gettid());
    add_and_wake(&started);
    await(&gate, 1);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(gettid() == tids[(intptr_t)number]);
    atomic_fetch_add(&ended, 1);
    return number;
}

static pthread_attr_t small_stacks(void)
{
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, 65536) == 0);
    return attributes;
}

static void all_at_once(void)
{
    static pthread_t threads[THREADS];
    pthread_attr_t attributes = small_stacks();
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], &attributes, start_together, (void *)i) == 0);
    await(&started, THREADS);
    for (int i = 1; i < THREADS; i++)
        CHECK(tids[i] != tids[i - 1]);
    post(&gate, 1);
    for (intptr_t i = 0; i < THREADS; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0 && result == (void *)i);
    }
    CHECK(atomic_load(&ended) == THREADS);
    say("%d threads started and ended together\n", THREADS);
}

static void *end_at_once(void *unused)
{
    (void)unused;
    add_and_wake(&ended);
    return NULL;
}

static void *make_hundred(void *unused)
{
    (void)unused;
    pthread_attr_t attributes = small_stacks();
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, &attributes, end_at_once, NULL) == 0);
    }
    return NULL;
}

static void detached_and_short(void)
{
    pthread_t makers[10];
    atomic_store(&ended, 0);
    for (int i = 0; i < 10; i++)
        CHECK(pthread_create(&makers[i], NULL, make_hundred, NULL) == 0);
    for (int i = 0; i < 10; i++)
        CHECK(pthread_join(makers[i], NULL) == 0);
    await(&ended, THREADS);
    say("%d detached threads made by ten\n", THREADS);
}

int main(void)
{
    begin();
    all_at_once();
    detached_and_short();
    return 0;
}
