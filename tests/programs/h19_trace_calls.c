/* Shows the stops of a tracee at its calls, what they tell, and calls that a tracer changes. */
#include "traced.h"
#include <sys/uio.h>
#include <elf.h>

struct call_info {
    uint8_t op;
    uint32_t arch;
    uint64_t ip, sp;
    uint64_t words[8];
};

static void follows_calls(long options)
{
    pid_t pid = fork_traced();
    if (pid == 0) {
        syscall(SYS_getppid);
        syscall(SYS_close, -1);
        syscall(SYS_openat, AT_FDCWD, "/no such file", O_RDONLY);
        void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(memory, 4096);
        _exit(7);
    }
    CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, options) == 0);
    int stops = 0;
    for (;;) {
        go_on(PTRACE_SYSCALL, pid, 0);
        int status = wait_status(pid);
        if (!WIFSTOPPED(status)) {
            show_stop("calls", status);
            break;
        }
        struct call_info info;
        long size = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
        struct user_regs_struct registers = registers_of(pid);
        CHECK(WSTOPSIG(status) == (options ? SIGTRAP | 0x80 : SIGTRAP));
        if (info.op == 1)
            say("call %ld of %d begins, size %ld\n", (long)info.words[0], info.words[0] == registers.orig_rax, size);
        else
            say("call ends with %ld, op %d, error %d\n", (int64_t)info.words[0] < 0 ? (long)info.words[0] : 0, info.op,
                (int)(info.words[1] & 1));
        stops++;
    }
    say("%d stops\n", stops);
}

/* From the next stop to the entry of a call of that number. */
static void run_to(pid_t pid, unsigned long number)
{
    do {
        go_on(PTRACE_SYSCALL, pid, 0);
        await_stop(pid, SIGTRAP | 0x80);
    } while (registers_of(pid).orig_rax != number);
}

static void changes_calls(void)
{
    int pair[2];
    open_pipe(pair);
    pid_t pid = fork_traced();
    if (pid == 0) {
        long result = syscall(SYS_getppid);
        dprintf(pair[1], "result %ld\n", result);
        result = syscall(SYS_write, -1, "changed\n", 8);
        dprintf(pair[1], "written %ld\n", result);
        result = syscall(SYS_getuid);
        dprintf(pair[1], "skipped %ld\n", result);
        _exit(0);
    }
    CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    run_to(pid, SYS_getppid);
    go_on(PTRACE_SYSCALL, pid, 0);
    await_stop(pid, SIGTRAP | 0x80);
    struct user_regs_struct registers = registers_of(pid);
    registers.rax = 4711;
    CHECK(ptrace(PTRACE_SETREGS, pid, NULL, &registers) == 0);
    do {
        run_to(pid, SYS_write);
        registers = registers_of(pid);
    } while ((int)registers.rdi != -1);
    CHECK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rdi), pair[1]) == 0);
    run_to(pid, SYS_getuid);
    CHECK(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1) == 0);
    go_on(PTRACE_SYSCALL, pid, 0);
    await_stop(pid, SIGTRAP | 0x80);
    say("a skipped call: %ld\n", (long)registers_of(pid).rax);
    struct iovec vector = {&registers, sizeof registers};
    CHECK(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector) == 0 && vector.iov_len == sizeof registers);
    registers.rax = 42;
    CHECK(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector) == 0);
    go_on(PTRACE_CONT, pid, 0);
    CHECK(wait_exit(pid) == 0);
    char text[256];
    ssize_t got = read(pair[0], text, sizeof text - 1);
    CHECK(got > 0);
    text[got] = 0;
    say("%s", text);
}

static void handler(int number)
{
    (void)number;
}

/* A signal ends a call that its tracer sees end, then it is told. */
static void is_interrupted(void)
{
    int pair[2];
    open_pipe(pair);
    pid_t pid = fork_traced();
    if (pid == 0) {
        char byte;
        handle(SIGUSR1, handler, 0);
        long got = syscall(SYS_read, pair[0], &byte, 1);
        _exit(got == -1 && errno == EINTR ? 3 : 4);
    }
    CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD) == 0);
    run_to(pid, SYS_read);
    go_on(PTRACE_SYSCALL, pid, 0);
    await_sleep(pid, pid);
    CHECK(kill(pid, SIGUSR1) == 0);
    int status = wait_status(pid);
    show_stop("interrupted", status);
    say("restart %ld\n", (long)registers_of(pid).rax);
    go_on(PTRACE_SYSCALL, pid, 0);
    show_stop("interrupted", wait_status(pid));
    go_on(PTRACE_CONT, pid, SIGUSR1);
    say("exit %d\n", wait_exit(pid));
}

int main(void)
{
    begin();
    follows_calls(0);
    follows_calls(PTRACE_O_TRACESYSGOOD);
    changes_calls();
    is_interrupted();
    return 0;
}
