/* Looks at its own text, which may be a copy of the C library's that enters the gate, as its first argument says: "jumps" or
   not. Further arguments: what to do, and what that is done with. */
#include <dlfcn.h>
#include <sys/mman.h>

#include "../programs/check.h"

struct area {
    uint8_t *start, *end;
    size_t offset;
    bool runs;
    char device[16], path[256];
};

static bool is_plain;

/* The mapping that an address is in. */
static struct area area_of(const void *address)
{
    char line[512], rights[5];
    struct area area;
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps);
    while (fgets(line, sizeof line, maps)) {
        area.path[0] = 0;
        CHECK(sscanf(line, "%p-%p %4s %zx %15s %*u %255s", (void **)&area.start, (void **)&area.end, rights, &area.offset,
                     area.device, area.path) >= 5);
        area.runs = rights[2] == 'x';
        if ((const uint8_t *)address >= area.start && (const uint8_t *)address < area.end) {
            fclose(maps);
            return area;
        }
    }
    CHECK(!"mapped");
    return area;
}

static bool jumps(const void *function)
{
    return memmem(function, 16, "\xff\x24\x65", 3) != NULL;
}

/* The file's own bytes of a mapping. */
static uint8_t *file_of(const struct area *area)
{
    int fd = open(area->path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    uint8_t *bytes = mmap(NULL, (size_t)(area->end - area->start), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)area->offset);
    CHECK(bytes != MAP_FAILED && close(fd) == 0);
    return bytes;
}

static size_t differences(const struct area *area)
{
    uint8_t *file = file_of(area);
    size_t count = 0, length = (size_t)(area->end - area->start);
    for (size_t i = 0; i < length; i++)
        count += area->start[i] != file[i];
    CHECK(munmap(file, length) == 0);
    return count;
}

static void check_names(void)
{
    struct area text = area_of(getppid), data = area_of(text.end);
    CHECK(text.runs && !data.runs && strcmp(text.path, data.path) == 0 && strstr(text.path, "/libc.so.6"));
    CHECK((strcmp(text.device, data.device) == 0) == is_plain);
    CHECK((differences(&text) == 0) == is_plain);
    /* Nobody can write the copy that others run. */
    char link[128];
    snprintf(link, sizeof link, "/proc/self/map_files/%zx-%zx", (size_t)text.start, (size_t)text.end);
    CHECK(is_plain || open(link, O_RDWR) == -1);
    /* No descriptor is left. */
    CHECK(fcntl(61, F_GETFD) == -1 && fcntl(62, F_GETFD) == -1 && fcntl(63, F_GETFD) == -1);
    CHECK(open("/dev/null", O_RDONLY) == 3 && close(3) == 0);
}

/* Who is about to write its text finds it as it was. */
static void check_writable(void)
{
    struct area text = area_of(getppid);
    size_t length = (size_t)(text.end - text.start);
    CHECK(mprotect(text.start, length, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    CHECK(!jumps(getppid) && differences(&text) == 0 && getppid() > 0);
    CHECK(mprotect(text.start, length, PROT_READ | PROT_EXEC) == 0);
    CHECK(getppid() > 0 && !jumps(getppid));
}

static void run(const char *path, char **arguments)
{
    pid_t pid = fork_child();
    if (pid == 0) {
        execv(path, arguments);
        _exit(99);
    }
    CHECK(wait_exit(pid) == 0);
}

static void run_often(char **argv)
{
    for (int i = 0; i < 50; i++)
        run(argv[0], (char *[]){argv[0], argv[1], NULL});
    /* Of memory that it shares with who waits for it. */
    for (int i = 0; i < 50; i++) {
        pid_t pid = vfork();
        if (pid == 0)
            execv(argv[0], (char *[]){argv[0], argv[1], NULL});
        CHECK(wait_exit(pid) == 0);
    }
}

/* A library that comes and goes. */
static void load_often(const char *library)
{
    for (int i = 0; i < 50; i++) {
        void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        CHECK(handle);
        pid_t (*function)(void) = (pid_t(*)(void))(uintptr_t)dlsym(handle, "parent");
        CHECK(function && function() == getppid() && jumps((const void *)(uintptr_t)function) != is_plain);
        CHECK(dlclose(handle) == 0);
    }
}

/* A second C library is where its stubs would not return to. */
static void load_twice(void)
{
    void *other = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW | RTLD_LOCAL);
    CHECK(other);
    pid_t (*function)(void) = (pid_t(*)(void))(uintptr_t)dlsym(other, "getppid");
    CHECK(function && function != getppid && !jumps((const void *)(uintptr_t)function));
    for (int i = 0; i < 100; i++)
        CHECK(function() == getppid());
}

/* The same where the first pages with sites are no copy any more. */
static void load_twice_partly(void)
{
    struct area text = area_of(getppid);
    uint8_t *first = memmem(text.start, (size_t)(text.end - text.start), "\xff\x24\x65", 3);
    uintptr_t page = (uintptr_t)first & ~(uintptr_t)4095;
    CHECK(first && page + 2 * 4096 <= ((uintptr_t)getppid & ~(uintptr_t)4095));
    CHECK(mprotect((void *)page, 2 * 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
    CHECK(!jumps(first) && jumps(getppid));
    void *other = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW | RTLD_LOCAL);
    CHECK(other && !jumps(dlsym(other, "getppid")));
    CHECK(dlclose(other) == 0 && getppid() > 0 && jumps(getppid));
}

static volatile sig_atomic_t signals;

static void on_signal(int signal)
{
    (void)signal;
    signals++;
    CHECK(getppid() > 0);
}

/* The same while signals come at any instruction. */
static void load_interrupted(const char *library)
{
    struct sigaction action = {.sa_handler = on_signal};
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &(struct itimerspec){{0, 300007}, {0, 300007}}, NULL) == 0);
    while (signals < 1000)
        load_often(library);
    CHECK(timer_delete(timer) == 0);
    CHECK(open("/dev/null", O_RDONLY) == 3);
}

int main(int argc, char **argv)
{
    begin();
    CHECK(argc >= 2);
    is_plain = strcmp(argv[1], "jumps") != 0;
    CHECK(getppid() > 0 && jumps(getppid) != is_plain);
    const char *what = argc > 2 ? argv[2] : "";
    if (strcmp(what, "names") == 0)
        check_names();
    if (strcmp(what, "path") == 0)
        CHECK(strcmp(area_of(getppid).path, argv[3]) == 0);
    if (strcmp(what, "replace") == 0) {
        CHECK(rename(argv[3], argv[4]) == 0);
        run(argv[5], argv + 5);
    }
    if (strcmp(what, "writable") == 0)
        check_writable();
    if (strcmp(what, "run") == 0)
        run(argv[3], argv + 3);
    if (strcmp(what, "often") == 0)
        run_often(argv);
    if (strcmp(what, "interrupted") == 0)
        load_interrupted(argv[3]);
    if (strcmp(what, "twice") == 0)
        load_twice();
    if (strcmp(what, "partly") == 0)
        load_twice_partly();
    if (strcmp(what, "load") == 0)
        load_often(argv[3]);
    return 0;
}
