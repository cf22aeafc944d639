/* Makes calls with hostile arguments until its time is over: FILE SEED SECONDS PAUSE PATH...
   FILE has a line for each call: its number and a letter for each argument (tests/confine/fuzzing.py). PAUSE: milliseconds
   between two bursts. Each PATH is one more that a call may name. Prints how many calls were made. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096L
#define ROWS 512
#define WORKERS 2
#define BURST 40
#define LIFE 400 /* calls of a worker */
#define PATIENCE 100 /* milliseconds that a worker may stay in a call which no signal ends */
#define TICK 10000 /* microseconds after which a signal ends a call */
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct row {
    long nr;
    char kinds[8];
};

static struct row rows[ROWS];
static size_t row_count;
static const char *paths[64] = {
    "fuzzed-file", "fuzzed-directory", "fuzzed-directory/fuzzed", "fuzzed-link", "fuzzed-socket", "fuzzed-\xff\xfe", "",
    ".", "..", "/", "/tmp", "/tmp/fuzzed", "/dev/shm/fuzzed", "../fuzzed", "/dev/null", "/dev/tty", "/dev/ptmx", "/dev/fd/3",
    "/proc/self/mem", "/proc/self/fd/5", "/proc/self/exe", "/proc/self/root/tmp", "/proc/1/root", "/proc/1/mem",
    "/proc/self/ns/user", "/proc/sys/kernel/core_pattern", "/proc/self/task", "/proc/self/attr/current", "/sys/kernel",
    "/etc/passwd", "/bin/true", "CON", "fuzzed:stream", "fuzzed. ", "FUZZED-FILE",
};
static size_t path_count;
static uint64_t state;
static volatile uint64_t *made; /* of each worker, shared */
static char *area, *edge; /* 16 pages; the end of memory, behind which there is none */

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t pick(uint64_t most)
{
    return (next() >> 16) % most;
}

static uint64_t number(void)
{
    static const uint64_t edges[] = {0, 1, 2, 7, 8, 255, PAGE - 1, PAGE, INT_MAX, 0x80000000u, UINT_MAX, 1ull << 32, LONG_MAX,
                                     1ull << 63, UINT64_MAX, -PAGE, -4095ull};
    switch (pick(4)) {
    case 0: return edges[pick(COUNT(edges))];
    case 1: return pick(64);
    case 2: return 1ull << pick(64);
    default: return next() & next();
    }
}

static uint64_t pointer(void)
{
    switch (pick(10)) {
    case 0: return 0;
    case 1: return (uint64_t)edge - pick(32);
    case 2: return (uint64_t)edge;
    case 3: return 0xffff800000000000u + pick(PAGE);
    case 4: return number();
    case 5: return (uint64_t)&made;
    default: return (uint64_t)area + pick(15 * PAGE);
    }
}

static uint64_t path(void)
{
    size_t which = pick(path_count + 6);
    if (which >= path_count + 2)
        return pointer();
    if (which >= path_count) { /* as long as it can be, and longer */
        char *at = area + 8 * PAGE;
        memset(at, which == path_count ? 'f' : '/', PAGE + 10);
        at[PAGE - 1 + pick(3)] = 0;
        return (uint64_t)at;
    }
    /* Each ends with its page, so that whoever reads on is told. */
    size_t length = strlen(paths[which]) + (pick(16) ? 1 : 0);
    return (uint64_t)memcpy(edge - length, paths[which], length);
}

/* Nobody but this worker and the init, so that the rest goes on. */
static uint64_t process(void)
{
    switch (pick(5)) {
    case 0: return (uint64_t)getpid();
    case 1: return 1;
    case 2: return 0;
    case 3: return INT_MAX - pick(8);
    default: return 100000 + pick(1000000);
    }
}

static uint64_t value(char kind)
{
    switch (kind) {
    case 'f': return pick(8) ? pick(24) : pick(2) ? (uint64_t)AT_FDCWD : number();
    case 'p': return path();
    case 'a': return pointer();
    case 'd': return process();
    case 's': return pick(66);
    case 'o': return pick(3) ? pick(8) : number() & number();
    case 'z': return pick(3) ? pick(2 * PAGE) : number();
    default: return number();
    }
}

/* What a call may work on, and structures full of numbers that could be lengths, descriptors and addresses. */
static void fill(void)
{
    uint64_t *words = (uint64_t *)area;
    for (size_t i = 0; i < 512; i++)
        words[pick(15 * PAGE / 8)] = pick(2) ? pointer() : number();
}

static void open_some(void)
{
    int pair[2];
    (void)!pipe(pair);
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    epoll_create1(0);
    eventfd(0, EFD_NONBLOCK);
    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    (void)memfd_create("fuzzed", MFD_ALLOW_SEALING);
    open("fuzzed-file", O_RDWR | O_CREAT, 0600);
    open(".", O_RDONLY | O_DIRECTORY);
    open("/", O_PATH);
    open("/proc/self/status", O_RDONLY);
    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    open("/dev/ptmx", O_RDWR | O_NOCTTY);
}

static void interrupt(int signal)
{
    (void)signal;
}

static void tick(long microseconds)
{
    struct itimerval each = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &each, NULL);
}

static _Noreturn void work(size_t which, uint64_t seed, int pause)
{
    setpgid(0, 0);
    for (int fd = 0; fd < 3; fd++)
        dup2(open("/dev/null", O_RDWR), fd);
    closefrom(3);
    state = seed | 1;
    area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || edge == MAP_FAILED)
        _exit(1);
    edge += PAGE;
    munmap(edge, PAGE);
    open_some();
    pid_t self = getpid();
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = interrupt}, NULL);
    tick(TICK);
    for (int call = 0; call < LIFE; call++) {
        struct row *row = &rows[pick(row_count)];
        uint64_t words[6] = {0};
        long nr = row->nr;
        if (call % 8 == 0)
            fill();
        for (size_t i = 0; i < COUNT(words); i++)
            words[i] = i < strlen(row->kinds) ? value(row->kinds[i]) : number();
        if (pick(64) == 0)
            nr = pick(2) ? (long)(nr | 0x40000000) : (long)number();
        if (nr == SYS_kill) /* whatever row it was: -1 would be everybody */
            words[0] = process();
        made[which]++;
        syscall(nr, words[0], words[1], words[2], words[3], words[4], words[5]);
        if (syscall(SYS_getpid) != self)
            _exit(0);
        if (pause && call % BURST == BURST - 1) {
            tick(0);
            nanosleep(&(struct timespec){.tv_nsec = pause * 1000000L}, NULL);
            tick(TICK);
        }
    }
    _exit(0);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void read_rows(const char *name)
{
    FILE *file = fopen(name, "r");
    if (!file)
        exit(2);
    while (row_count < ROWS && fscanf(file, "%ld %7s", &rows[row_count].nr, rows[row_count].kinds) == 2)
        row_count++;
    fclose(file);
}

int main(int count, char **words)
{
    if (count < 5)
        return 2;
    read_rows(words[1]);
    uint64_t seed = strtoull(words[2], NULL, 10);
    double end = now() + atof(words[3]);
    int pause = atoi(words[4]);
    while (paths[path_count])
        path_count++;
    for (int i = 5; i < count && path_count < COUNT(paths); i++)
        paths[path_count++] = words[i];
    made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t workers[WORKERS] = {0};
    uint64_t seen[WORKERS] = {0}, total = 0, lives = 0;
    double moved[WORKERS] = {0};
    while (now() < end) {
        for (size_t i = 0; i < WORKERS; i++) {
            if (workers[i] > 0 && waitpid(workers[i], NULL, WNOHANG) == 0) {
                if (made[i] != seen[i]) {
                    seen[i] = made[i];
                    moved[i] = now();
                } else if (now() - moved[i] > (PATIENCE + pause) / 1e3)
                    kill(workers[i], SIGKILL);
                continue;
            }
            total += made[i] < LIFE ? made[i] : LIFE;
            made[i] = seen[i] = 0;
            moved[i] = now();
            workers[i] = fork();
            if (workers[i] == 0)
                work(i, seed * 1000003 + ++lives * 7919 + i, pause);
            lives++;
        }
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        poll(NULL, 0, 10);
    }
    for (size_t i = 0; i < WORKERS; i++)
        kill(workers[i], SIGKILL);
    printf("%llu calls\n", (unsigned long long)total);
    return 0;
}
