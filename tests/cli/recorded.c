/* Makes calls for tests of the trace; argv[1] says which, argv[2] how many. */
#include "../programs/check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/uio.h>

#define RINGS ((uint8_t *)0x78000000)
#define RING_SIZE 0x20000

static int count;

/* Each call says which one it is. */
static void seek(int from, int to)
{
    int fd = open("/dev/zero", O_RDONLY);
    CHECK(fd >= 0);
    for (int i = from; i < to; i++)
        CHECK(lseek(fd, i, SEEK_SET) == 0); /* a device has no place: the number is only in the arguments */
    close(fd);
}

/* One call of each form that a guest records: strings, buffers, vectors, structures, failures. */
static void forms(void)
{
    int pair[2];
    char bytes[64] = "out\n", path[16] = "no/such", place[PATH_MAX];
    struct timespec pause = {0, 1000}, rest;
    struct stat found;
    CHECK(pipe2(pair, O_CLOEXEC) == 0);
    for (int i = 0; i < count; i++) {
        struct iovec parts[3] = {{bytes, 4}, {NULL, 0}, {bytes, 40}};
        struct pollfd polled[2] = {{pair[0], POLLIN, 0}, {-1, POLLOUT, 7}};
        sigset_t set;
        CHECK(write(pair[1], bytes, 4) == 4 && read(pair[0], bytes, sizeof bytes) == 4);
        CHECK(writev(pair[1], parts, 3) == 44 && poll(polled, 2, 0) == 1);
        CHECK(readv(pair[0], parts, 3) == 44 && poll(polled, 2, 0) == 0);
        CHECK(access(path, F_OK) == -1 && stat("/etc/passwd", &found) == 0 && stat("\351\n", &found) == -1);
        CHECK(syscall(SYS_access, 1, 0) == -1 && errno == EFAULT);
        CHECK(read(pair[0], NULL, 0) == 0 && read(99, bytes, 9) == -1 && syscall(SYS_write, pair[1], 8, 4) == -1);
        CHECK(nanosleep(&pause, &rest) == 0 && sigprocmask(SIG_BLOCK, NULL, &set) == 0);
        CHECK(fcntl(pair[0], F_GETFL) == 0 && umask(022) <= 0777 && getppid() > 0);
        CHECK(getcwd(bytes, 1) == NULL && getcwd(place, sizeof place) == place);
        uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(pages != MAP_FAILED && mprotect(pages, 4096, PROT_READ) == 0 && mprotect(pages, 4096, PROT_READ | PROT_WRITE) == 0);
        CHECK(mmap(pages, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pages);
        CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && munmap(pages + 1, 1) == -1);
        CHECK(munmap(pages, 8192) == 0 && mprotect(pages + 1, 1, PROT_READ) == -1);
        CHECK(clock_getres(CLOCK_REALTIME, &rest) == 0 && lseek(pair[0], -5, SEEK_END) == -1);
    }
}

static void on_signal(int number)
{
    (void)number;
}

/* A signal takes the caller back to its call, which then has so many bytes to read. */
static void begins_anew(const int pair[2], pid_t parent, int number, ssize_t size)
{
    char bytes[8] = {0};
    pid_t child = fork();
    if (!child) {
        usleep(100000);
        kill(parent, number);
        usleep(100000);
        kill(parent, SIGCONT); /* it may be stopped */
        usleep(100000);
        _exit(write(pair[1], bytes, (size_t)size) != size);
    }
    CHECK(read(pair[0], bytes, (size_t)size) == size && waitpid(child, NULL, 0) == child);
}

/* Signals that end a waiting call, that are ignored, and that come between calls. */
static void signals(void)
{
    sigset_t none;
    struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && signal(SIGUSR2, SIG_IGN) == SIG_DFL);
    pid_t parent = getpid(), child = fork();
    int pair[2];
    char byte;
    sigemptyset(&none);
    if (!child) {
        for (int i = 0; i < count; i++) {
            usleep(50000);
            kill(parent, i % 2 ? SIGUSR2 : SIGUSR1);
        }
        _exit(0);
    }
    CHECK(pipe(pair) == 0);
    for (int i = 0; i < count / 2; i++)
        CHECK(read(pair[0], &byte, 1) == -1 && errno == EINTR);
    CHECK(waitpid(child, NULL, 0) == child);
    begins_anew(pair, parent, SIGUSR2, 7);
    action.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    begins_anew(pair, parent, SIGUSR1, 6);
    begins_anew(pair, parent, SIGSTOP, 8);
}

static void *seek_apart(void *number)
{
    seek((int)(intptr_t)number * count, ((int)(intptr_t)number + 1) * count);
    return NULL;
}

static void threads(void)
{
    pthread_t all[8];
    for (intptr_t i = 0; i < 8; i++)
        CHECK(pthread_create(&all[i], NULL, seek_apart, (void *)i) == 0);
    for (int i = 0; i < 8; i++)
        pthread_join(all[i], NULL);
}

/* Of ten calls made in the gate nobody has heard when the process is killed. */
static void killed(bool waits)
{
    int pair[2];
    pid_t self = getpid();
    char byte;
    /* So that the read below is made in the gate, and no stop comes before the end. */
    CHECK(pipe(pair) == 0 && write(pair[1], "byte", 1) == 1 && read(pair[0], &byte, 1) == 1);
    if (waits && fork() == 0) {
        usleep(300000);
        kill(self, SIGKILL);
        _exit(0);
    }
    seek(0, count);
    for (int i = 0; i < 10; i++)
        lseek(pair[0], 1000 + i, SEEK_CUR);
    if (waits)
        read(pair[0], &byte, 1);
    kill(self, SIGKILL);
}

static void *scribble(void *unused)
{
    uint32_t state = 1;
    (void)unused;
    for (;;)
        for (int ring = 0; ring < 4; ring++)
            for (int i = 0; i < 64; i++) {
                uint8_t *base = RINGS + ring * RING_SIZE;
                state = state * 1664525 + 1013904223;
                uint32_t place = state >> 8;
                /* Mostly what lengths and indexes are made of. */
                *(volatile uint64_t *)(base + (place % 4 ? place % 64 / 8 * 8 : place % 0xff00)) =
                    place % 3 ? state >> 16 : ((uint64_t)state << 32 | state);
            }
    return NULL;
}

/* A guest whose rings are full of noise, in memory that it has for that. */
static void noise(void)
{
    pthread_t thread;
    seek(0, 50);
    CHECK(pthread_create(&thread, NULL, scribble, NULL) == 0);
    for (int i = 0; i < 200; i++) {
        seek(0, count / 200);
        if (i % 50 == 0 && fork() == 0) {
            seek(0, 100);
            _exit(0);
        }
    }
    _exit(0);
}

/* Written by whoever reads the trace: how far it has got. */
static volatile int *told;

static void await_step(int step)
{
    while (*told < step)
        ;
}

static volatile bool has_begun, is_spoilt, is_over;

/* Another thread, whose ring is whole: what it makes shows that all rings have been looked at since. */
static void *mark(void *unused)
{
    seek(900, 901);
    seek(901, 902);
    has_begun = true;
    while (!is_spoilt)
        ;
    seek(1000, 1001);
    await_step(1);
    seek(2000, 2001);
    while (!is_over)
        ;
    return unused;
}

/* The record of a seek in the first thread's ring. */
static volatile uint32_t *record_of_seek(uint64_t number)
{
    uint64_t head = *(volatile uint64_t *)RINGS;
    for (uint64_t at = 0; at < head && head < RING_SIZE;) {
        volatile uint32_t *record = (volatile uint32_t *)(RINGS + 64 + at);
        if ((record[1] & 0xffff) == SYS_lseek && ((volatile uint64_t *)record)[2] == number)
            return record;
        at += record[0];
    }
    return NULL;
}

/* A record that is none for as long as somebody may look at it. */
static void hidden(void)
{
    pthread_t thread;
    int file = open("told", O_RDWR);
    told = mmap(NULL, 4, PROT_READ, MAP_SHARED, file, 0);
    CHECK(file >= 0 && told != MAP_FAILED);
    seek(0, 20);
    CHECK(pthread_create(&thread, NULL, mark, NULL) == 0);
    while (!has_begun)
        ;
    seek(20, 25); /* libc has other places for some calls now, each a stop once */
    seek(25, 40);
    volatile uint32_t *record = record_of_seek(30);
    CHECK(record);
    uint32_t size = *record;
    *record = 7;
    is_spoilt = true;
    await_step(2);
    *record = size;
    seek(40, 60);
    is_over = true;
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc == 3);
    count = atoi(argv[2]);
    const char *what = argv[1];
    if (!strcmp(what, "seek"))
        seek(0, count);
    else if (!strcmp(what, "forms"))
        forms();
    else if (!strcmp(what, "signals"))
        signals();
    else if (!strcmp(what, "threads"))
        threads();
    else if (!strcmp(what, "noise"))
        noise();
    else if (!strcmp(what, "hidden"))
        hidden();
    else if (!strcmp(what, "rests"))
        seek(0, count), pause();
    else
        killed(!strcmp(what, "waits"));
    return 0;
}
