/* Shows programs that look at themselves while they make the same call again and again: that have a gs of their own, trace
   their own steps, read, move and map anew the code that they run. */
#include "check.h"
#include <asm/prctl.h>
#include <ucontext.h>

enum { CALLS = 200, ROUNDS = 30, STEPS = 3 };

/* A page of code that can run at any address, and so be mapped, moved and written. */
__asm__(".text\n.p2align 12\n"
        "page:\n"
        "  movq %rdi, %rax\n"
        "  movq %rsi, %rdi\n"
        "  movq %rdx, %rsi\n"
        "  movq %rcx, %rdx\n"
        "  syscall\n"
        "behind:\n"
        "  cmpq $-4096, %rax\n"
        "  ret\n"
        ".p2align 12\n"
        "page_end:\n");
extern char page[], behind[];
enum { PAGE = 4096 };
typedef long call(long nr, long first, long second, long third);

static int parent;
static volatile int steps, strange;

static void use(void *code, int count)
{
    for (int i = 0; i < count; i++) {
        CHECK(((call *)code)(SYS_getppid, 0, 0, 0) == parent);
        CHECK(((call *)code)(SYS_lseek, -1, 0, SEEK_SET) == -EBADF);
    }
}

static void keep_gs(void)
{
    unsigned long base = 0;
    int own = 5, found;
    CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &own) == 0);
    use(page, CALLS);
    __asm__ volatile("movl %%gs:0, %0" : "=r"(found));
    CHECK(found == 5 && syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0 && base == (unsigned long)&own);
}

static void on_step(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)number, (void)info;
    steps++;
    /* Nothing of this program is where the gate is. */
    strange += at >= 0x70000000 && at < 0x80000000;
}

/* Every instruction is a step, but a call and the one behind it, of which the kernel makes one. */
static void step(void)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    for (int i = 0; i < STEPS; i++) {
        long result, nr = SYS_getppid, first = 0, second = 0, third = 0;
        steps = 0;
        /* Below the red zone, since what is called and the flags lie on the stack. */
        __asm__ volatile("leaq -128(%%rsp), %%rsp\n  pushfq\n  orl $0x100, (%%rsp)\n  popfq\n  call page\n"
                         "  pushfq\n  andl $~0x100, (%%rsp)\n  popfq\n  leaq 128(%%rsp), %%rsp\n"
                         : "=a"(result), "+D"(nr), "+S"(first), "+d"(second), "+c"(third)
                         :
                         : "r11", "memory", "cc");
        CHECK(result == parent);
        CHECK(steps == 10 && strange == 0);
    }
    handle(SIGTRAP, SIG_DFL, 0);
}

/* The code of this program, mapped from its file as a loader does it. */
static char *map_code(int file, off_t offset, void *where)
{
    char *code = mmap(where, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | (where ? MAP_FIXED : 0), file, offset);
    CHECK(code != MAP_FAILED);
    return code;
}

static off_t offset_of_page(void)
{
    char line[512];
    off_t found = -1;
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        uintptr_t start, end;
        unsigned long offset;
        if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && (uintptr_t)page >= start && (uintptr_t)page < end)
            found = (off_t)(offset + ((uintptr_t)page - start));
    }
    fclose(maps);
    CHECK(found >= 0);
    return found;
}

static void map_anew(void)
{
    off_t offset = offset_of_page();
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char *place = map_code(file, offset, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        use(place, CALLS / 2);
        if (i % 3 == 0)
            CHECK(munmap(place, PAGE) == 0);
        map_code(file, offset, place);
        if (i % 3 == 1)
            CHECK(madvise(place, PAGE, MADV_DONTNEED) == 0);
    }
    close(file);
    /* Code that moves takes its calls along. */
    use(place, CALLS);
    char *other = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(place, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other);
    use(other, CALLS);
    /* What is written to is what was in the file, byte by byte. */
    CHECK(mprotect(other, PAGE, PROT_READ | PROT_WRITE) == 0);
    file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    static char bytes[PAGE];
    CHECK(pread(file, bytes, PAGE, offset) == PAGE && memcmp(bytes, other, PAGE) == 0);
    close(file);
    other[behind - page] = other[behind - page];
    CHECK(mprotect(other, PAGE, PROT_READ | PROT_EXEC) == 0);
    use(other, CALLS);
    CHECK(munmap(other, PAGE) == 0);
}

/* Code of its own making. */
static void compile(void)
{
    char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    memcpy(code, "\x48\x89\xf8\x48\x89\xf7\x48\x89\xd6\x48\x89\xca\x0f\x05\x48\x3d\x00\xf0\xff\xff\xc3", 21);
    use(code, CALLS);
    CHECK(memcmp(code + 12, "\x0f\x05", 2) == 0);
    CHECK(munmap(code, PAGE) == 0);
}

int main(void)
{
    begin();
    parent = getppid();
    keep_gs();
    say("gs is kept\n");
    use(page, CALLS);
    step();
    say("steps are those of the program\n");
    map_anew();
    compile();
    say("code is mapped, moved, written and made\n");
    return 0;
}
