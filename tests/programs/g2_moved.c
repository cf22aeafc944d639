/* Threads come to one place after the other for the first time, all at once: who waits in its call there while that place is
   replaced goes on behind it, and the call is made once. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>

enum { THREADS = 20, SITES = 8, DESCRIPTORS = 1024 };

/* As the C library has them, with their number right before: such calls may be decided where they are made. */
#define SITE(name, nr)                                                         \
    __asm__(".text\n.p2align 4\n.type " #name ", @function\n" #name ":\n"      \
            "  movl $" #nr ", %eax\n  syscall\n  cmpq $-4096, %rax\n  ja 1f\n" \
            "1: ret\n.size " #name ", . - " #name "\n");                       \
    long name(long first, long second)
#define SITES_OF(name, nr)                                                                                            \
    SITE(name##0, nr); SITE(name##1, nr); SITE(name##2, nr); SITE(name##3, nr);                                       \
    SITE(name##4, nr); SITE(name##5, nr); SITE(name##6, nr); SITE(name##7, nr);                                       \
    static long (*const name[SITES])(long, long) = {name##0, name##1, name##2, name##3, name##4, name##5, name##6, name##7}
SITES_OF(open_at, 2);
SITES_OF(close_at, 3);

static pthread_barrier_t barrier;
static atomic_int held[DESCRIPTORS];

/* What two have at once was given to one of them while the other had it still. */
static void open_and_close(int site)
{
    long fd = open_at[site]((long)"/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && fd < DESCRIPTORS);
    CHECK(atomic_exchange(&held[fd], 1) == 0);
    CHECK(fcntl((int)fd, F_GETFD) == FD_CLOEXEC);
    atomic_store(&held[fd], 0);
    CHECK(close_at[site](fd, 0) == 0);
}

static void *make_calls(void *unused)
{
    for (int site = 0; site < SITES; site++) {
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < 20; i++)
            open_and_close(site);
    }
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, make_calls, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    puts("made once each");
    return 0;
}
