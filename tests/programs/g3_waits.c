/* Shows tasks that wait in the kernel at a call site while it may be changed: each goes on, or ends as a signal has it end,
   and who writes finds all of it written. */
#define WATCHDOG 60
#include "check.h"
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { CALLS = 150, CHUNK = 1 << 18, CHUNKS = 24, PLACES = 64, PLACE = 64 };

/* Sites of this program's own, of two forms: what follows the call can move, and only what comes before it can. */
#define TAKE_ARGUMENTS                                                          \
    "  movq %rsi, %rax\n  xchgq %rdi, %rax\n  movq %rdx, %rsi\n"               \
    "  movq %rcx, %rdx\n  movq %r8, %r10\n"
__asm__(".text\n.p2align 6\n.type wide, @function\nwide:\n" TAKE_ARGUMENTS
        "  syscall\n  cmpq $-4096, %rax\n  ja 1f\n1: ret\n.size wide, . - wide\n"
        ".p2align 6\n.type narrow, @function\nnarrow:\n" TAKE_ARGUMENTS
        "  movl $0, %r8d\n  movl $0, %r9d\n  syscall\n  ret\n.size narrow, . - narrow\n"
        "  .globl behind_narrow\n.type behind_narrow, @function\nbehind_narrow:\n  ret\n.size behind_narrow, . - behind_narrow\n"
        ".p2align 6\n.type places, @function\nplaces:\n.rept 64\n.p2align 6\n" TAKE_ARGUMENTS
        "  syscall\n  cmpq $-4096, %rax\n  ret\n.endr\n.size places, . - places\n");
typedef long site(long nr, long first, long second, long third, long fourth);
extern site wide, narrow;
extern char places[];
void behind_narrow(void);

static site *at;
static int parent, parked;
static int ready[2], event, set, listening, locked, other_lock, semaphores;
static atomic_int word, waiting;

static void make_calls(site *from)
{
    for (int i = 0; i < CALLS; i++)
        CHECK(from(SYS_getppid, 0, 0, 0, 0) == parent);
}

/* A wait that begins anew finds the word changed: so says futex(2), and whoever waits has to look all the same. */
static long look_at_word(long result)
{
    CHECK(atomic_load(&word) == 1);
    return result == -EAGAIN ? 0 : result;
}

/* What a thread waits for, and what it must get. */
static long wait_for(intptr_t kind)
{
    char byte;
    uint64_t number;
    struct pollfd item = {.fd = ready[0], .events = POLLIN};
    struct epoll_event found;
    struct timespec little = {0, 300000000}, long_time = {20, 0};
    struct sembuf take = {0, -1, 0};
    switch (kind) {
    case 0:
        return at(SYS_read, event, (long)&number, sizeof number, 0) - (long)sizeof number;
    case 1:
        return look_at_word(at(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0));
    case 2:
        return look_at_word(at(SYS_futex, (long)&word, FUTEX_WAIT, 0, (long)&long_time));
    case 3:
        return at(SYS_flock, other_lock, LOCK_EX, 0, 0);
    case 4:
        return at(SYS_poll, (long)&item, 1, 20000, 0) - 1;
    case 5:
        return at(SYS_epoll_wait, set, (long)&found, 1, 20000) - 1;
    case 6:
        return at(SYS_accept, listening, 0, 0, 0) < 0;
    case 7:
        return at(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&little, 0);
    case 8:
        return at(SYS_semop, semaphores, (long)&take, 1, 0);
    default:
        return at(SYS_read, ready[0], (long)&byte, 0, 0);
    }
}
enum { KINDS = 10 };

static void *wait_once(void *kind)
{
    atomic_fetch_add(&waiting, 1);
    return (void *)wait_for((intptr_t)kind);
}

static void prepare(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event wanted = {.events = EPOLLIN};
    char name[] = "g3-XXXXXX";
    open_pipe(ready);
    CHECK((event = eventfd(0, EFD_CLOEXEC)) >= 0);
    CHECK((set = epoll_create1(EPOLL_CLOEXEC)) >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, ready[0], &wanted) == 0);
    CHECK((listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
    CHECK(bind(listening, (struct sockaddr *)&address, sizeof address) == 0 && listen(listening, 8) == 0);
    CHECK((locked = mkostemp(name, O_CLOEXEC)) >= 0 && (other_lock = open(name, O_RDWR | O_CLOEXEC)) >= 0);
    CHECK(unlink(name) == 0);
    CHECK((semaphores = semget(IPC_PRIVATE, 1, 0600)) >= 0);
}

static void wake_all(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint64_t one = 1;
    post(&word, 1);
    CHECK(write(event, &one, sizeof one) == sizeof one && flock(locked, LOCK_UN) == 0);
    CHECK(semop(semaphores, &(struct sembuf){0, 1, 0}, 1) == 0);
    CHECK(getsockname(listening, (struct sockaddr *)&address, &length) == 0);
    CHECK(connect(client, (struct sockaddr *)&address, length) == 0);
    give_byte(ready[1], 'x');
    close(client);
}

static void run_waits(site *from)
{
    pthread_t threads[KINDS];
    char byte;
    at = from;
    atomic_store(&waiting, 0);
    atomic_store(&word, 0);
    CHECK(flock(locked, LOCK_EX) == 0);
    for (intptr_t i = 0; i < KINDS; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_once, (void *)i) == 0);
    while (atomic_load(&waiting) < KINDS)
        usleep(1000);
    usleep(20000);
    make_calls(from);
    wake_all();
    for (int i = 0; i < KINDS; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0);
        if (result)
            say("wait %d ended with %ld\n", i, (long)result);
    }
    CHECK(read(ready[0], &byte, 1) == 1 && flock(other_lock, LOCK_UN) == 0);
}

static atomic_int handled;

static void count(int signal)
{
    (void)signal;
    atomic_fetch_add(&handled, 1);
}

static void *wait_for_lock(void *unused)
{
    (void)unused;
    atomic_fetch_add(&waiting, 1);
    return (void *)at(SYS_flock, other_lock, LOCK_EX, 0, 0);
}

/* The wait began before the site was changed, and the signal comes after it. */
static void interrupt(site *from, int flags)
{
    pthread_t thread;
    void *result;
    at = from;
    handle(SIGUSR1, count, flags);
    atomic_store(&handled, 0);
    atomic_store(&waiting, 0);
    CHECK(flock(locked, LOCK_EX) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_lock, NULL) == 0);
    while (atomic_load(&waiting) < 1)
        usleep(1000);
    usleep(20000);
    make_calls(from);
    CHECK(pthread_kill(thread, SIGUSR1) == 0);
    while (atomic_load(&handled) < 1)
        usleep(1000);
    usleep(10000);
    CHECK(flock(locked, LOCK_UN) == 0 && pthread_join(thread, &result) == 0);
    CHECK((long)result == (flags & SA_RESTART ? 0 : -EINTR));
    CHECK(flock(other_lock, LOCK_UN) == 0);
}

static bool writes_vectors;

static void *write_much(void *argument)
{
    static char bytes[CHUNK];
    static struct iovec pieces[] = {{bytes, 1}, {bytes, 0}, {bytes, CHUNK / 2}, {bytes, CHUNK / 2 - 4}, {bytes, 3}};
    struct iovec before[sizeof pieces / sizeof *pieces];
    int *pair = argument;
    memcpy(before, pieces, sizeof pieces);
    for (int i = 0; i < CHUNKS; i++) {
        if (writes_vectors)
            CHECK(writev(pair[1], pieces, sizeof pieces / sizeof *pieces) == sizeof bytes);
        else
            CHECK(write(pair[1], bytes, sizeof bytes) == sizeof bytes);
        CHECK(memcmp(before, pieces, sizeof pieces) == 0);
    }
    close(pair[1]);
    return NULL;
}

/* No signal comes to the writer, so each write is whole, however slowly it is read. */
static void keep_writes_whole(int first_place)
{
    static char taken[1 << 14];
    int pair[2];
    ssize_t got;
    size_t sum = 0;
    pthread_t thread;
    open_pipe(pair);
    pid_t reader = fork_child();
    if (reader == 0) {
        close(pair[1]);
        while ((got = read(pair[0], taken, sizeof taken)) > 0) {
            sum += (size_t)got;
            usleep(100);
        }
        _exit(got == 0 && sum == (size_t)CHUNK * CHUNKS ? 3 : 4);
    }
    close(pair[0]);
    CHECK(pthread_create(&thread, NULL, write_much, pair) == 0);
    for (int i = first_place; i < PLACES; i += 2) {
        make_calls((site *)(uintptr_t)(places + PLACE * i));
        usleep(1000);
    }
    CHECK(pthread_join(thread, NULL) == 0 && wait_exit(reader) == 3);
}

static int wait_parked(void *unused)
{
    char byte;
    (void)unused;
    return at(SYS_read, parked, (long)&byte, 1, 0) == 1 ? 5 : 6;
}

/* A process that has the memory in common, and that a signal has stopped in its call. */
static void stop_sibling(site *from)
{
    static char stack[65536];
    int pair[2], status;
    open_pipe(pair);
    at = from;
    parked = pair[0];
    pid_t pid = clone(wait_parked, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    CHECK(pid > 0);
    usleep(20000);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    make_calls(from);
    CHECK(kill(pid, SIGCONT) == 0);
    usleep(5000);
    give_byte(pair[1], 'x');
    CHECK(wait_exit(pid) == 5);
    make_calls(from);
    close(pair[0]), close(pair[1]);
}

int main(int argc, char **argv)
{
    begin();
    parent = getppid();
    prepare();
    behind_narrow();
    /* One site is new to whoever watches in each part. */
    site *own = (site *)(uintptr_t)(places + PLACE * (PLACES - 1));
    if (argc > 1) {
        stop_sibling(argv[1][0] == 'w' ? wide : narrow);
        interrupt(narrow, 0);
        _exit(7);
    }
    run_waits(wide);
    run_waits(narrow);
    say("whoever waited at a site went on\n");
    interrupt(own, 0);
    interrupt((site *)(uintptr_t)(places + PLACE * (PLACES - 2)), SA_RESTART);
    say("a signal ends a wait, or does not\n");
    keep_writes_whole(0);
    say("every write was whole\n");
    writes_vectors = true;
    keep_writes_whole(1);
    say("and every vector\n");
    CHECK(semctl(semaphores, 0, IPC_RMID) == 0);
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            execl("/proc/self/exe", argv[0], i ? "wide" : "narrow", NULL);
            _exit(1);
        }
        CHECK(wait_exit(pid) == 7);
    }
    say("and who was stopped there, too\n");
    return 0;
}
