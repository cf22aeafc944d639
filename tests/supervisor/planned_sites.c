/* Calls from sites of every kind while signals come: results are right, and handlers see addresses of this program. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define THREADS 4
#define STUBS_BEGIN 0x7c000000
#define STUBS_END 0x7c300000

/* Each gives the parent's id, or 1 more for each time round; %rsi: how often it goes round behind the call. */
#define FUNCTION(name, body)                                                                                           \
    asm(".text\n.p2align 4\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n" body "\n.cfi_endproc\n.size " #name   \
        ", . - " #name "\n");                                                                                               \
    long name(long number, long rounds)

asm(".text\n.globl sites_begin\nsites_begin:\n");
FUNCTION(compares, "mov %edi, %eax\nsyscall\ncmp $-4095, %rax\njae 1f\n1: ret");
FUNCTION(returns, "mov %edi, %eax\nsyscall\nret\nint3\nint3\nint3\nint3\nint3");
FUNCTION(branches, "mov %edi, %eax\nsyscall\ntest %eax, %eax\nje 1f\ninc %eax\ndec %eax\n1: ret");
FUNCTION(calls, "push %rbx\nmov %edi, %eax\nsyscall\nmov %rax, %rdi\ncall itself\npop %rbx\nret");
FUNCTION(itself, "mov %rdi, %rax\nret");
FUNCTION(reads, "mov %edi, %eax\nsyscall\nadd nothing(%rip), %eax\nret");
FUNCTION(moves_before, "mov $110, %eax\nsyscall\n1: dec %esi\njns 1b\nret");
FUNCTION(moves_two_before, "mov $110, %eax\nmovq $8, -32(%rsp)\nsyscall\n1: dec %esi\njns 1b\nret");
FUNCTION(steps_after, "mov %edi, %eax\nsyscall\nnop\nmov %eax, %edx\nmov %edx, %eax\nnop\nret");
asm(".globl sites_end\nsites_end:\n.pushsection .rodata\nnothing: .long 0\n.popsection\n");

extern char sites_begin[], sites_end[];
static long rounds;
static volatile sig_atomic_t signals, strangers;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    uintptr_t ip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (ip >= STUBS_BEGIN && ip < STUBS_END)
        strangers++;
    signals++;
}

static void *run(void *unused) {
    static long (*const functions[])(long, long) = {compares, returns, branches, calls, reads, moves_before,
                                                    moves_two_before, steps_after};
    long parent = getppid();
    for (long round = 0; round < rounds; round++)
        for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
            if (functions[i](110, round % 3) != parent) {
                printf("site %zu: not %ld\n", i, parent);
                exit(1);
            }
    return unused;
}

/* argument: how often each site is called by each thread */
int main(int count, char **words) {
    rounds = count > 1 ? strtol(words[1], NULL, 0) : 0;
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run, NULL);
    run(NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    int jumps = 0;
    for (const char *at = sites_begin; at < sites_end; at++)
        jumps += memcmp(at, "\xff\x24\x65", 3) == 0;
    printf("%d jumps, %d signals in stubs, %s signals\n", jumps, (int)strangers, signals > 10 ? "many" : "few");
    return 0;
}
