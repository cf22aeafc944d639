/* Shows that vector registers, x87 and SSE controls, flags, segment bases and the red zone survive calls. */
#include <pthread.h>

#include "check.h"

#define ARCH_GET_FS 0x1003
#define ARCH_SET_GS 0x1001
#define ARCH_GET_GS 0x1004

/* Fill xmm0 to xmm15, call, and store them again. */
static long call_with_vectors(long number, long first, long second, long third, const char in[256], char out[256])
{
    long result = number;
    __asm__ volatile("movdqu 0(%[in]), %%xmm0\n\tmovdqu 16(%[in]), %%xmm1\n\tmovdqu 32(%[in]), %%xmm2\n\t"
                     "movdqu 48(%[in]), %%xmm3\n\tmovdqu 64(%[in]), %%xmm4\n\tmovdqu 80(%[in]), %%xmm5\n\t"
                     "movdqu 96(%[in]), %%xmm6\n\tmovdqu 112(%[in]), %%xmm7\n\tmovdqu 128(%[in]), %%xmm8\n\t"
                     "movdqu 144(%[in]), %%xmm9\n\tmovdqu 160(%[in]), %%xmm10\n\tmovdqu 176(%[in]), %%xmm11\n\t"
                     "movdqu 192(%[in]), %%xmm12\n\tmovdqu 208(%[in]), %%xmm13\n\tmovdqu 224(%[in]), %%xmm14\n\t"
                     "movdqu 240(%[in]), %%xmm15\n\t"
                     "syscall\n\t"
                     "movdqu %%xmm0, 0(%[out])\n\tmovdqu %%xmm1, 16(%[out])\n\tmovdqu %%xmm2, 32(%[out])\n\t"
                     "movdqu %%xmm3, 48(%[out])\n\tmovdqu %%xmm4, 64(%[out])\n\tmovdqu %%xmm5, 80(%[out])\n\t"
                     "movdqu %%xmm6, 96(%[out])\n\tmovdqu %%xmm7, 112(%[out])\n\tmovdqu %%xmm8, 128(%[out])\n\t"
                     "movdqu %%xmm9, 144(%[out])\n\tmovdqu %%xmm10, 160(%[out])\n\tmovdqu %%xmm11, 176(%[out])\n\t"
                     "movdqu %%xmm12, 192(%[out])\n\tmovdqu %%xmm13, 208(%[out])\n\tmovdqu %%xmm14, 224(%[out])\n\t"
                     "movdqu %%xmm15, 240(%[out])\n\t"
                     : "+a"(result)
                     : "D"(first), "S"(second), "d"(third), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    return result;
}

static long checked_call(long number, long first, long second, long third)
{
    static _Thread_local unsigned char seed;
    char in[256], out[256] = {0};
    seed++;
    for (int i = 0; i < 256; i++)
        in[i] = (char)(i * 7 + seed * 13);
    long result = call_with_vectors(number, first, second, third, in, out);
    CHECK(memcmp(in, out, sizeof in) == 0);
    return result;
}

static void vectors(void)
{
    for (int i = 0; i < 50; i++) {
        CHECK(checked_call(SYS_getppid, 0, 0, 0) == getppid());
        long fd = checked_call(SYS_open, (long)"/dev/null", O_RDWR | O_CLOEXEC, 0);
        CHECK(fd > 2 && checked_call(SYS_write, fd, (long)"x", 1) == 1);
        CHECK(checked_call(SYS_close, fd, 0, 0) == 0);
        CHECK(checked_call(SYS_open, (long)"none", O_RDONLY, 0) == -ENOENT);
        CHECK(checked_call(500, 0, 0, 0) == -ENOSYS);
        CHECK(checked_call(SYS_sched_yield, 0, 0, 0) == 0);
    }
    long pid = checked_call(SYS_fork, 0, 0, 0);
    if (pid == 0)
        _exit(5);
    CHECK(pid > 0 && wait_exit((pid_t)pid) == 5);
    say("xmm0 to xmm15\n");
}

static void *vectors_in_thread(void *unused)
{
    (void)unused;
    for (int i = 0; i < 500; i++)
        CHECK(checked_call(i % 2 ? SYS_getppid : SYS_sched_yield, 0, 0, 0) >= 0);
    return NULL;
}

static void vectors_in_threads(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, vectors_in_thread, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    say("xmm0 to xmm15 in four threads at once\n");
}

static void controls(void)
{
    uint16_t word = 0x0f7f, word_after;
    uint32_t mxcsr = 0x7f80, mxcsr_after;
    double top;
    __asm__ volatile("fldcw %0\n\tldmxcsr %1\n\tfldpi" ::"m"(word), "m"(mxcsr));
    for (int i = 0; i < 20; i++) {
        syscall(SYS_getppid);
        close(-1);
        syscall(500);
    }
    __asm__ volatile("fstpl %2\n\tfnstcw %0\n\tstmxcsr %1" : "=m"(word_after), "=m"(mxcsr_after), "=m"(top));
    CHECK(word_after == word && (mxcsr_after & 0xffc0) == mxcsr);
    CHECK(top > 3.14159 && top < 3.1416);
    uint16_t usual = 0x037f;
    uint32_t usual_mxcsr = 0x1f80;
    __asm__ volatile("fldcw %0\n\tldmxcsr %1" ::"m"(usual), "m"(usual_mxcsr));
    say("x87 stack and control word, mxcsr\n");
}

static void direction_flag(void)
{
    uint64_t flags;
    long result = SYS_getppid;
    __asm__ volatile("std\n\tsyscall\n\tpushfq\n\tpop %1\n\tcld"
                     : "+a"(result), "=r"(flags)::"rcx", "r11", "memory", "cc");
    CHECK(flags & 0x400 && result == getppid());
    say("direction flag\n");
}

static void segment_bases(void)
{
    uint64_t base = 0, self;
    static uint64_t other[4] = {0x1122334455667788ULL};
    CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0);
    __asm__ volatile("mov %%fs:0, %0" : "=r"(self));
    CHECK(base == self);
    CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, other) == 0);
    for (int i = 0; i < 20; i++) {
        uint64_t value;
        syscall(SYS_getppid);
        close(open("/dev/null", O_RDONLY));
        __asm__ volatile("mov %%gs:0, %0" : "=r"(value));
        CHECK(value == other[0]);
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        uint64_t value;
        __asm__ volatile("mov %%gs:0, %0" : "=r"(value));
        _exit(value == other[0] ? 6 : 1);
    }
    CHECK(wait_exit(pid) == 6);
    CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0 && base == (uint64_t)other);
    CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0) == 0);
    say("fs and gs bases\n");
}

/* The 128 bytes below the stack pointer belong to the function (x86-64 psABI 3.2.2). Returns how many changed. */
static long red_zone_changes(long number, long first, long second, long third)
{
    long changed, result = number;
    __asm__ volatile("mov $16, %%ecx\n"
                     "1:\tmov %%rcx, %%r8\n\tneg %%r8\n\t"
                     "lea 0x5a5a(%%rcx), %%r9\n\t"
                     "mov %%r9, (%%rsp,%%r8,8)\n\t"
                     "dec %%ecx\n\tjnz 1b\n\t"
                     "syscall\n\t"
                     "xor %%r10d, %%r10d\n\tmov $16, %%ecx\n"
                     "2:\tmov %%rcx, %%r8\n\tneg %%r8\n\t"
                     "lea 0x5a5a(%%rcx), %%r9\n\t"
                     "cmp %%r9, (%%rsp,%%r8,8)\n\t"
                     "je 3f\n\tinc %%r10\n"
                     "3:\tdec %%ecx\n\tjnz 2b\n\t"
                     "mov %%r10, %1"
                     : "+a"(result), "=&r"(changed)
                     : "D"(first), "S"(second), "d"(third)
                     : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
    return changed;
}

static __attribute__((noinline)) void red_zone(void)
{
    static struct stat info;
    static char byte;
    CHECK(red_zone_changes(SYS_getppid, 0, 0, 0) == 0);
    CHECK(red_zone_changes(SYS_stat, (long)"/", (long)&info, 0) == 0);
    CHECK(red_zone_changes(SYS_open, (long)"none", O_RDONLY, 0) == 0);
    CHECK(red_zone_changes(SYS_open, (long)"made", O_RDWR | O_CREAT, 0600) == 0);
    CHECK(red_zone_changes(SYS_read, 9999, (long)&byte, 1) == 0);
    CHECK(red_zone_changes(SYS_mkdir, (long)"dir", 0700, 0) == 0);
    CHECK(red_zone_changes(SYS_execve, (long)"none", 0, 0) == 0);
    CHECK(red_zone_changes(500, 0, 0, 0) == 0);
    say("red zone\n");
}

/* A handler runs below the red zone of what it interrupts (x86-64 psABI 3.2.2). */
static void spend_stack(int number)
{
    (void)number;
    volatile char room[4096];
    memset((char *)room, 0xee, sizeof room);
}

static __attribute__((noinline)) void red_zone_and_handler(void)
{
    handle(SIGUSR1, spend_stack, 0);
    for (int i = 0; i < 20; i++)
        CHECK(red_zone_changes(SYS_kill, getpid(), SIGUSR1, 0) == 0);
    say("red zone with a handler\n");
}

int main(void)
{
    begin();
    vectors();
    vectors_in_threads();
    controls();
    direction_flag();
    segment_bases();
    red_zone();
    red_zone_and_handler();
    return 0;
}
