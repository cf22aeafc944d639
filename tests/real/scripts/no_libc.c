// Writes, makes a file, forks and waits with bare system calls: no libc, no start-up code, no thread pointer.
static long call(long nr, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

enum { WRITE = 1, OPEN = 2, CLOSE = 3, PIPE = 22, READ = 0, FORK = 57, EXIT = 60, WAIT4 = 61, EXIT_GROUP = 231 };

static void say(const char *text, long length) { call(WRITE, 1, (long)text, length, 0); }

void _start(void) {
    static int ends[2];
    static char text[8];
    int status = 0;
    say("start\n", 6);
    long fd = call(OPEN, (long)"made", 01101, 0644, 0);
    call(WRITE, fd, (long)"content\n", 8, 0);
    call(CLOSE, fd, 0, 0, 0);
    if (call(OPEN, (long)"missing", 0, 0, 0) == -2) say("missing\n", 8);
    if (call(OPEN, 8, 0, 0, 0) == -14) say("fault\n", 6);
    if (call(PIPE, (long)ends, 0, 0, 0)) call(EXIT_GROUP, 1, 0, 0, 0);
    long pid = call(FORK, 0, 0, 0, 0);
    if (pid == 0) {
        call(WRITE, ends[1], (long)"child\n", 6, 0);
        call(EXIT, 41, 0, 0, 0);
    }
    say(text, call(READ, ends[0], (long)text, 6, 0));
    call(WAIT4, pid, (long)&status, 0, 0);
    call(EXIT_GROUP, (status >> 8) + 1, 0, 0, 0);
    for (;;) {
    }
}
