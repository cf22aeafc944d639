/* Shows that calls keep every register, that a thread finds the gs base that it has set, or none, and that bad pointers are
   errors and no signals: of threads, of processes that share memory with one that goes on, and of programs run anew. */
#include "check.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>

enum { CALLS = 300, THREADS = 12, STACK = 65536 };

static int parent;

/* Makes a call with known values in all registers, and tells which have others afterwards. */
static uint64_t changed_by(long nr, long first, long second, long third, long fourth, long *result)
{
    uint64_t output[14], input[5] = {(uint64_t)nr, (uint64_t)first, (uint64_t)second, (uint64_t)third, (uint64_t)fourth};
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n  pushq %%rbp\n  pushq %%rbx\n  pushq %1\n  movq %0, %%r11\n"
                     "  movq (%%r11), %%rax\n  movq 8(%%r11), %%rdi\n  movq 16(%%r11), %%rsi\n"
                     "  movq 24(%%r11), %%rdx\n  movq 32(%%r11), %%r10\n"
                     "  movq $8, %%r8\n  movq $9, %%r9\n  movq $12, %%r12\n  movq $13, %%r13\n  movq $14, %%r14\n"
                     "  movq $15, %%r15\n  movq $3, %%rbx\n  movq %%rsp, %%rbp\n"
                     "  call the_site\n"
                     "  cmpq %%rsp, %%rbp\n  jne 1f\n"
                     "  popq %%rcx\n"
                     "  movq %%rax, (%%rcx)\n  movq %%rdi, 8(%%rcx)\n  movq %%rsi, 16(%%rcx)\n  movq %%rdx, 24(%%rcx)\n"
                     "  movq %%r10, 32(%%rcx)\n  movq %%r8, 40(%%rcx)\n  movq %%r9, 48(%%rcx)\n  movq %%r12, 56(%%rcx)\n"
                     "  movq %%r13, 64(%%rcx)\n  movq %%r14, 72(%%rcx)\n  movq %%r15, 80(%%rcx)\n  movq %%rbx, 88(%%rcx)\n"
                     "  popq %%rbx\n  popq %%rbp\n  leaq 128(%%rsp), %%rsp\n  jmp 2f\n"
                     "1: ud2\n2:"
                     :
                     : "a"(input), "c"(output)
                     : "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    const uint64_t wanted[11] = {input[1], input[2], input[3], input[4], 8, 9, 12, 13, 14, 15, 3};
    *result = (long)output[0];
    return memcmp(output + 1, wanted, sizeof wanted) ? 1 : 0;
}
__asm__(".text\n.p2align 4\n.type the_site, @function\nthe_site:\n  syscall\n  cmpq $-4096, %rax\n  ja 1f\n1: ret\n"
        ".size the_site, . - the_site\n");

static unsigned long gs_of_kernel(void)
{
    unsigned long base = 1;
    CHECK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0);
    return base;
}

static void make_calls(void)
{
    static const char nothing[] = "";
    struct stat status;
    long result;
    for (int i = 0; i < CALLS; i++) {
        CHECK(!changed_by(SYS_getppid, 1, 2, 3, 4, &result) && result == parent);
        CHECK(!changed_by(SYS_lseek, -1, 0, SEEK_SET, 4, &result) && result == -EBADF);
        CHECK(!changed_by(SYS_newfstatat, 0, (long)nothing, (long)&status, AT_EMPTY_PATH, &result) && result == 0);
        /* By memory that is not there, and by an address that cannot be. */
        CHECK(!changed_by(SYS_newfstatat, 0, 64, (long)&status, AT_EMPTY_PATH, &result) && result == -EFAULT);
        CHECK(!changed_by(SYS_newfstatat, 0, 1L << 62, (long)&status, AT_EMPTY_PATH, &result) && result == -EFAULT);
        CHECK(!changed_by(-1, 1, 2, 3, 4, &result) && result == -ENOSYS);
        CHECK(!changed_by(1L << 32 | SYS_getppid, 1, 2, 3, 4, &result) && result == parent);
    }
}

/* Half of the threads have a gs of their own from somewhere on. */
static void *work(void *number)
{
    int own = 5, found;
    make_calls();
    if ((intptr_t)number % 4 == 1) {
        CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &own) == 0);
    } else if ((intptr_t)number % 4 == 2 && getauxval(AT_HWCAP2) & 2) {
        __asm__ volatile("wrgsbase %0" : : "r"(&own));
    } else {
        CHECK(gs_of_kernel() == 0);
        make_calls();
        return NULL;
    }
    make_calls();
    __asm__ volatile("movl %%gs:0, %0" : "=r"(found));
    CHECK(found == 5 && gs_of_kernel() == (unsigned long)&own);
    return NULL;
}

static int share_memory(void *argument)
{
    (void)argument;
    /* The child of one that has none has none. */
    make_calls();
    CHECK(gs_of_kernel() == 0);
    return 0;
}

static void run_threads(void)
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    make_calls();
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void run_processes(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    /* Its parent's parent is this process' too: both make calls in one memory at once. */
    pid_t pid = clone(share_memory, stack + STACK, CLONE_VM | CLONE_PARENT | SIGCHLD, NULL);
    CHECK(pid > 0);
    make_calls();
    pid_t self = getpid(), child = fork_child();
    if (child == 0) {
        parent = self;
        make_calls();
        run_threads();
        _exit(0);
    }
    CHECK(wait_exit(child) == 0);
    /* Who is not its parent cannot wait for it. */
    while (kill(pid, 0) == 0 && thread_state(pid, pid) != 'Z')
        usleep(1000);
}

static void no_signal(int number)
{
    (void)number;
    _exit(3);
}

int main(int argc, char **argv)
{
    begin();
    parent = getppid();
    handle(SIGSEGV, no_signal, 0);
    handle(SIGBUS, no_signal, 0);
    make_calls();
    run_threads();
    say("registers stay as they are, and each thread has its own gs\n");
    run_processes();
    say("so have processes that share memory, and forked ones\n");
    if (argc == 1) {
        CHECK(syscall(SYS_arch_prctl, ARCH_SET_GS, &argc) == 0);
        CHECK(execl("/proc/self/exe", argv[0], "again", NULL) == 0);
    }
    CHECK(gs_of_kernel() == 0);
    return 0;
}
