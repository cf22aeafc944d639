/* Makes every call of a table with a bad value in one argument at a time, each in a child of its own.
   argv[1]: a file with a line for each call, "name nr argument=value...", "argument!value" for one that keeps its
   value. A value is a number or a letter that stands for something a child makes first, see make_value. */
#include "../programs/check.h"
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

enum { MOST_ARGUMENTS = 6, VARIANTS = 7, IN_FLIGHT = 24, PAGE = 4096, BLOCKED_MS = 1500 };

/* Fixed, so that one run is like the other; far from the argument page of the supervisor. */
static uint8_t *const edge = (uint8_t *)0x10000000;     /* a page, then one that nobody may touch */
static uint8_t *const buffer = (uint8_t *)0x10010000;   /* zeros */
static char *const name_of_file = (char *)0x10020000;   /* exists, and no call can change or remove it */
static char *const name_of_program = (char *)0x10021000;

static const struct {
    const char *name;
    uint64_t value;
} variants[VARIANTS] = {
    {"null", 0},
    {"one", 1},
    {"unmapped", 0xdeadbeef000},
    {"edge", 0x10000fff},
    {"forbidden", 0x10001000},
    {"kernel", 0xffffffff81000000},
    {"ones", UINT64_MAX},
};

struct call {
    char name[32];
    long nr;
    int count;
    struct {
        char name[32];
        char value[24];
        bool fixed;
    } arguments[MOST_ARGUMENTS];
};

/* Where a child leaves the result, since the call may have closed every descriptor. */
struct answer {
    bool returned;
    long result;
};

static void *map_at(void *address, size_t size, int protection)
{
    void *got = mmap(address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(got == address);
    return got;
}

static void map_memory(void)
{
    map_at(edge, PAGE, PROT_READ | PROT_WRITE);
    map_at(edge + PAGE, PAGE, PROT_NONE);
    map_at(buffer, 4 * PAGE, PROT_READ | PROT_WRITE);
    map_at(name_of_file, 2 * PAGE, PROT_READ | PROT_WRITE);
    memset(edge, 'x', PAGE);
    strcpy(name_of_file, "/proc/self/status");
    strcpy(name_of_program, "/bin/true");
}

static int make_file(void)
{
    int fd = memfd_create("guest", 0);
    CHECK(fd >= 0 && ftruncate(fd, 16 * PAGE) == 0);
    return fd;
}

/* A message waits in it. */
static int make_socket(void)
{
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && write(pair[1], "message", 8) == 8);
    return pair[0];
}

static int make_pipe(bool reader)
{
    int pair[2];
    CHECK(pipe(pair) == 0 && (!reader || write(pair[1], "message", 8) == 8));
    return pair[reader ? 0 : 1];
}

static uint64_t make_value(const char *text)
{
    char letter = text[0];
    int fd = -1;
    switch (letter) {
    case 'B': return (uintptr_t)buffer;
    case 'P': return (uintptr_t)name_of_file;
    case 'X': return (uintptr_t)name_of_program;
    case 'S': return (uint64_t)getpid();
    case 'm': fd = make_file(); break;
    case 's': fd = make_socket(); break;
    case 'r': fd = make_pipe(true); break;
    case 'w': fd = make_pipe(false); break;
    case 'e': fd = epoll_create1(0); break;
    case 't': fd = timerfd_create(CLOCK_MONOTONIC, 0); break;
    case 'i': fd = inotify_init1(0); break;
    case 'd': fd = open("/", O_RDONLY | O_DIRECTORY); break;
    case 'p': fd = (int)syscall(SYS_pidfd_open, getpid(), 0); break;
    default: return strtoull(text, NULL, 0);
    }
    CHECK(fd >= 0);
    return (uint64_t)fd;
}

/* No libc between the call and its answer: the call may have changed anything. A clone's child answers the same. */
static _Noreturn void make_call(long nr, const uint64_t values[MOST_ARGUMENTS], volatile struct answer *answer)
{
    register uint64_t r10 __asm__("r10") = values[3];
    register uint64_t r8 __asm__("r8") = values[4];
    register uint64_t r9 __asm__("r9") = values[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(values[0]), "S"(values[1]), "d"(values[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    answer->result = result;
    answer->returned = true;
    for (;;)
        __asm__ volatile("syscall" : : "a"((long)SYS_exit_group), "D"(0L) : "rcx", "r11", "memory");
}

static _Noreturn void be_child(const struct call *call, int argument, int variant, struct answer *answer)
{
    uint64_t values[MOST_ARGUMENTS] = {0};
    struct itimerval soon = {.it_value = {BLOCKED_MS / 1000, BLOCKED_MS % 1000 * 1000}};
    for (int i = 0; i < call->count; i++)
        values[i] = i == argument ? variants[variant].value : make_value(call->arguments[i].value);
    /* A group of its own: process 0 means the group in some calls. */
    CHECK(setpgid(0, 0) == 0);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    make_call(call->nr, values, answer);
}

struct try {
    const struct call *call;
    int argument;
    int variant;
    pid_t pid;
    int status;
};

static int read_calls(const char *path, struct call *calls, int limit)
{
    char line[512];
    int count = 0;
    FILE *file = fopen(path, "re");
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file)) {
        struct call *call = &calls[count];
        char *rest = line, *word = strsep(&rest, " \n");
        CHECK(count++ < limit && strlen(word) < sizeof call->name);
        strcpy(call->name, word);
        call->nr = strtol(strsep(&rest, " \n"), NULL, 10);
        while ((word = strsep(&rest, " \n")) && *word) {
            char *end = strpbrk(word, "=!");
            CHECK(end && call->count < MOST_ARGUMENTS);
            call->arguments[call->count].fixed = *end == '!';
            *end = 0;
            CHECK(strlen(word) < sizeof call->arguments[0].name && strlen(end + 1) < sizeof call->arguments[0].value);
            strcpy(call->arguments[call->count].name, word);
            strcpy(call->arguments[call->count++].value, end + 1);
        }
    }
    fclose(file);
    return count;
}

static int list_tries(const struct call *calls, int count, struct try *tries)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        for (int argument = 0; argument < calls[i].count; argument++)
            for (int variant = 0; variant < VARIANTS && !calls[i].arguments[argument].fixed; variant++)
                tries[found++] = (struct try){&calls[i], argument, variant, 0, 0};
    return found;
}

static void await_one(struct try *tries, int started)
{
    int status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        CHECK(pid > 0);
        for (int i = started - 1; i >= 0; i--)
            if (tries[i].pid == pid) {
                tries[i].status = status;
                return;
            }
        /* What a clone with CLONE_PARENT made. */
    }
}

static void run_tries(struct try *tries, int count, struct answer *answers)
{
    for (int i = 0; i < count; i++) {
        if (i >= IN_FLIGHT)
            await_one(tries, i);
        tries[i].pid = fork();
        CHECK(tries[i].pid >= 0);
        if (tries[i].pid == 0)
            be_child(tries[i].call, tries[i].argument, tries[i].variant, &answers[i]);
    }
    for (int i = 0; i < IN_FLIGHT && i < count; i++)
        await_one(tries, count);
}

static void tell(FILE *out, const struct try *try, const struct answer *answer)
{
    fprintf(out, "%s %s %s ", try->call->name, try->call->arguments[try->argument].name, variants[try->variant].name);
    if (answer->returned)
        fprintf(out, "%s %ld\n", answer->result < 0 && answer->result > -4096 ? "error" : "ok",
                answer->result < 0 && answer->result > -4096 ? -answer->result : 0);
    else if (WIFSIGNALED(try->status) && WTERMSIG(try->status) == SIGALRM)
        fprintf(out, "blocks 0\n");
    else
        fprintf(out, "%s %d\n", WIFEXITED(try->status) ? "exits" : "dies",
                WIFEXITED(try->status) ? WEXITSTATUS(try->status) : WTERMSIG(try->status));
}

int main(int argc, char **argv)
{
    enum { MOST_CALLS = 512, MOST_TRIES = MOST_CALLS * MOST_ARGUMENTS * VARIANTS };
    static struct call calls[MOST_CALLS];
    static struct try tries[MOST_TRIES];
    struct rlimit none = {0, 0};
    CHECK(argc == 2 && setrlimit(RLIMIT_CORE, &none) == 0);
    /* Refused without it to users other than root, and picobox has set it. */
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    struct answer *answers = shared_memory(MOST_TRIES * sizeof *answers);
    int count = list_tries(calls, read_calls(argv[1], calls, MOST_CALLS), tries);
    int out = fcntl(1, F_DUPFD_CLOEXEC, 200);
    /* What the calls do to low descriptors must not reach a file of the machine. */
    int file = make_file();
    CHECK(out >= 0 && dup2(file, 0) == 0 && dup2(file, 1) == 1 && dup2(file, 2) == 2 && close(file) == 0);
    map_memory();
    run_tries(tries, count, answers);
    FILE *stream = fdopen(out, "we");
    CHECK(stream != NULL);
    for (int i = 0; i < count; i++)
        tell(stream, &tries[i], &answers[i]);
    CHECK(fclose(stream) == 0);
    return 0;
}
