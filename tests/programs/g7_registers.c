/* Shows programs that keep something of their own where a thread's registers are: a gs base that they set by an instruction,
   restartable sequences, the flags and the registers that a call leaves alone. */
#define WATCHDOG 60
#include "check.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#define HAS_RSEQ 1
#endif

enum { CALLS = 300, THREADS = 4, TURNS = 50000 };

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2 /* asm/hwcap2.h */
#endif

static int parent;

static void make_calls(int count)
{
    char nothing;
    for (int i = 0; i < count; i++) {
        CHECK(syscall(SYS_getppid) == parent);
        CHECK(lseek(-1, 0, SEEK_SET) == -1 && errno == EBADF);
        CHECK(read(-1, &nothing, 1) == -1 && errno == EBADF);
    }
}

static unsigned long read_gs(void)
{
    unsigned long base = 0;
    CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0);
    return base;
}

/* Each thread has a word of its own there, and finds it after calls, handlers and in a child. */
static void *keep_own_gs(void *unused)
{
    long own[2] = {(long)(intptr_t)own, 0}, found;
    (void)unused;
    CHECK(read_gs() == 0);
    make_calls(CALLS);
    CHECK(read_gs() == 0);
    if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
        __asm__ volatile("wrgsbase %0" : : "r"(own) : "memory");
    else
        CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, own) == 0);
    for (int i = 0; i < 10; i++) {
        make_calls(CALLS / 10);
        __asm__ volatile("movq %%gs:0, %0" : "=r"(found));
        CHECK(found == (long)(intptr_t)own && read_gs() == (unsigned long)own);
    }
    pid_t pid = fork_child();
    if (pid == 0) {
        parent = getppid();
        make_calls(CALLS);
        __asm__ volatile("movq %%gs:0, %0" : "=r"(found));
        _exit(found == own[0] && read_gs() == (unsigned long)own ? 3 : 4);
    }
    CHECK(wait_exit(pid) == 3);
    return NULL;
}

/* Every register but rax, rcx and r11 is after a call what it was before it, and the direction flag too. */
static void keep_registers(void)
{
    for (long i = 0; i < CALLS; i++) {
        long result, sum;
        __asm__ volatile(
            "movq $110, %%rax\n  movq $1, %%rbx\n  movq $2, %%rdx\n  movq $4, %%rsi\n  movq $8, %%rdi\n  movq $16, %%r8\n"
            "movq $32, %%r9\n  movq $64, %%r10\n  movq $128, %%r12\n  movq $256, %%r13\n  movq $512, %%r14\n  movq $1024, %%r15\n"
            "syscall\n  cmpq $-4096, %%rax\n  movq %%rax, %0\n"
            "leaq (%%rbx, %%rdx), %%rax\n  addq %%rsi, %%rax\n  addq %%rdi, %%rax\n  addq %%r8, %%rax\n  addq %%r9, %%rax\n"
            "addq %%r10, %%rax\n  addq %%r12, %%rax\n  addq %%r13, %%rax\n  addq %%r14, %%rax\n  addq %%r15, %%rax\n  movq %%rax, %1\n"
            : "=m"(result), "=m"(sum)
            :
            : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
        CHECK(result == parent && sum == 2047);
    }
}

#ifdef HAS_RSEQ
static struct rseq *own_rseq(void)
{
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Adds one, or is sent to the end that says that it was interrupted (rseq(2)). */
static bool add_one(long *counter)
{
    struct rseq *area = own_rseq();
    __asm__ goto(
        ".pushsection __rseq_cs, \"aw\"\n.balign 32\n3:\n.long 0, 0\n.quad 1f, (2f - 1f), 4f\n.popsection\n"
        "leaq 3b(%%rip), %%rax\n  movq %%rax, %0\n"
        "1:\n  movq (%1), %%rcx\n  incq %%rcx\n  pause\n  movq %%rcx, (%1)\n2:\n"
        ".pushsection __rseq_failure, \"ax\"\n.byte 0x0f, 0xb9, 0x3d\n.long 0x53053053\n4:\n  jmp %l[aborted]\n.popsection\n"
        :
        : "m"(area->rseq_cs), "r"(counter)
        : "rax", "rcx", "memory", "cc"
        : aborted);
    return true;
aborted:
    return false;
}

static void *count_restartably(void *argument)
{
    long counter = 0;
    (void)argument;
    for (long i = 0; i < TURNS; i++) {
        while (!add_one(&counter))
            ;
        CHECK(counter == i + 1);
        if (i % 100 == 0) {
            make_calls(1);
            CHECK(own_rseq()->cpu_id < 4096);
        }
    }
    return NULL;
}

#endif

static void run_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, body, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void)
{
    begin();
    parent = getppid();
    keep_registers();
    say("registers are kept\n");
    run_threads(keep_own_gs);
    keep_own_gs(NULL);
    say("everybody has a gs base of their own\n");
#ifdef HAS_RSEQ
    if (__rseq_size)
        run_threads(count_restartably);
#endif
    say("restartable sequences are begun anew, or done\n");
    return 0;
}
