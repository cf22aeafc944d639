/* Owns everything that knows the registers of x86-64: reading a call, changing it, running one in a stopped task. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "native.h"

#define LOOK_AGAIN 50 /* microseconds */

#define SYSCALL_STOP (SIGTRAP | 0x80)
#define REGISTER(name) offsetof(struct user_regs_struct, name)

static const size_t ARGUMENT[6] = {
    REGISTER(rdi), REGISTER(rsi), REGISTER(rdx), REGISTER(r10), REGISTER(r8), REGISTER(r9),
};

_Static_assert(sizeof(struct user_regs_struct) == 27 * sizeof(uint64_t), "core.h promises 27 registers");

static int poke(int32_t tid, size_t offset, uint64_t value)
{
    return ptrace(PTRACE_POKEUSER, tid, (void *)offset, (void *)value) < 0 ? -errno : 0;
}

static int peek(int32_t tid, size_t offset, uint64_t *value)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKUSER, tid, (void *)offset, NULL);
    if (word == -1 && errno)
        return -errno;
    *value = (uint64_t)word;
    return 0;
}

int call_info_read(int32_t tid, struct call_info *info)
{
    struct __ptrace_syscall_info raw;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof raw, &raw) < 0)
        return -errno;
    info->ip = raw.instruction_pointer;
    info->sp = raw.stack_pointer;
    info->verdict = raw.op == PTRACE_SYSCALL_INFO_SECCOMP ? raw.seccomp.ret_data : 0;
    if (raw.op == PTRACE_SYSCALL_INFO_EXIT) {
        info->result = raw.exit.rval;
        return 0;
    }
    /* The seccomp and entry members begin with the same number and arguments. */
    info->nr = raw.seccomp.nr;
    memcpy(info->args, raw.seccomp.args, sizeof info->args);
    return 0;
}

int argument_write(int32_t tid, int index, uint64_t value)
{
    return poke(tid, ARGUMENT[index], value);
}

int argument_read(int32_t tid, int index, uint64_t *value)
{
    return peek(tid, ARGUMENT[index], value);
}

int ip_read(int32_t tid, uint64_t *ip)
{
    return peek(tid, REGISTER(rip), ip);
}

int ip_write(int32_t tid, uint64_t ip)
{
    return poke(tid, REGISTER(rip), ip);
}

int gs_read(int32_t tid, uint64_t *base)
{
    return peek(tid, REGISTER(gs_base), base);
}

int gs_write(int32_t tid, uint64_t base)
{
    return poke(tid, REGISTER(gs_base), base);
}

int left_call_read(int32_t tid, struct left_call *found)
{
    struct user_regs_struct registers;
    int error = registers_read(tid, (uint64_t *)&registers);
    if (!error)
        *found = (struct left_call){registers.orig_rax, registers.rip, registers.rdi, (int64_t)registers.rax};
    return error;
}

int result_write(int32_t tid, int64_t result)
{
    return poke(tid, REGISTER(rax), (uint64_t)result);
}

int nr_write(int32_t tid, uint64_t nr)
{
    return poke(tid, REGISTER(orig_rax), nr);
}

int call_skip(int32_t tid, int64_t result)
{
    /* Number -1 makes the kernel skip the call and keep rax (mechanisms.md section 2, RET_TRACE). */
    int error = nr_write(tid, (uint64_t)-1);
    return error ? error : result_write(tid, result);
}

int registers_read(int32_t tid, uint64_t *registers)
{
    return ptrace(PTRACE_GETREGS, tid, NULL, registers) < 0 ? -errno : 0;
}

int registers_write(int32_t tid, const uint64_t *registers)
{
    return ptrace(PTRACE_SETREGS, tid, NULL, registers) < 0 ? -errno : 0;
}

int registers_rewind(int32_t tid, const uint64_t *registers, uint64_t nr)
{
    struct user_regs_struct again;
    memcpy(&again, registers, sizeof again);
    again.rip -= X86_SYSCALL_LENGTH;
    again.rax = nr;
    again.orig_rax = (uint64_t)-1;
    return ptrace(PTRACE_SETREGS, tid, NULL, &again) < 0 ? -errno : 0;
}

int registers_leave(int32_t tid, const uint64_t *registers)
{
    struct user_regs_struct behind;
    memcpy(&behind, registers, sizeof behind);
    behind.orig_rax = (uint64_t)-1;
    return ptrace(PTRACE_SETREGS, tid, NULL, &behind) < 0 ? -errno : 0;
}

int interruption_read(int32_t tid, struct interruption *found)
{
    struct left_call call;
    int error = left_call_read(tid, &call);
    if (!error)
        *found = (struct interruption){(int64_t)call.nr >= 0 && call.result == -EINTR, call.nr};
    return error;
}

int transfer_read(int32_t tid, struct transfer *found)
{
    struct user_regs_struct registers;
    int error = registers_read(tid, (uint64_t *)&registers);
    if (!error)
        *found = (struct transfer){registers.orig_rax, registers.rip, registers.rdi,
                                   registers.rsi,      registers.rdx, (int64_t)registers.rax};
    return error;
}

bool withdrawal_read(int32_t tid, struct notified_call *call)
{
    struct user_regs_struct registers;
    if (registers_read(tid, (uint64_t *)&registers) < 0 || (int64_t)registers.rax != -ERESTARTSYS)
        return false;
    *call = (struct notified_call){
        .nr = registers.orig_rax,
        .ip = registers.rip,
        .args = {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9},
    };
    return true;
}

int interruption_undo(int32_t tid, uint64_t nr)
{
    uint64_t registers[27];
    int error = registers_read(tid, registers);
    return error ? error : registers_rewind(tid, registers, nr);
}

int interruption_give(int32_t tid, uint64_t nr)
{
    struct user_regs_struct registers;
    int error = registers_read(tid, (uint64_t *)&registers);
    /* It has been made again, or a tracer has led the task elsewhere. */
    if (error || registers.orig_rax != (uint64_t)-1 || registers.rax != nr)
        return error;
    registers.rip += X86_SYSCALL_LENGTH;
    registers.rax = (uint64_t)-EINTR;
    return registers_write(tid, (uint64_t *)&registers);
}

static bool has_ended(int32_t tid)
{
    char stat[512];
    const char *name_end = proc_read(tid, "stat", stat, sizeof stat) ? strrchr(stat, ')') : NULL;
    return !name_end || name_end[1] != ' ' || name_end[2] == 'Z' || name_end[2] == 'X';
}

/* Of a leader that is killed nothing is told before its threads are gone, and they may stand at their ends until we let them
   go on: so it is not waited for (wait(2), NOTES on threads). */
static int wait_or_ended(int32_t tid, int *status)
{
    for (;;) {
        bool ended = has_ended(tid);
        int32_t got = waitpid(tid, status, __WALL | WNOHANG);
        if (got > 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (ended)
            return -ESRCH;
        usleep(LOOK_AGAIN);
    }
}

/* The call may have to pass the notify channel, whose thread needs the lock. */
int wait_unlocked(struct pb_core *core, int32_t tid, int *status)
{
    int error = 0;
    bool may_stand = core->has_end_stops;
    pthread_mutex_unlock(&core->lock);
    if (may_stand)
        error = wait_or_ended(tid, status);
    else
        while (!error && waitpid(tid, status, __WALL) < 0)
            error = errno == EINTR ? 0 : -errno;
    pthread_mutex_lock(&core->lock);
    return error;
}

/* Resumes the task and waits for its next stop; anything but the wanted one is death or a sabotaged text page. */
static int step_to(struct pb_core *core, struct task *task, int how, int wanted)
{
    int status;
    bool is_over = false;
    for (;;) {
        if (ptrace(is_over ? PTRACE_CONT : how, task->tid, NULL, NULL) < 0)
            return -errno;
        int error = wait_unlocked(core, task->tid, &status);
        if (error)
            return error;
        if (!WIFSTOPPED(status)) {
            death_keep(core, task->tid, status);
            return -ESRCH;
        }
        if (status >> 8 == wanted)
            return 0;
        /* Killed: its tracer cannot keep one that we wait for. */
        if (status >> 16 == PTRACE_EVENT_EXIT) {
            is_over = true;
            continue;
        }
        /* Stops that nobody can block are walked through and asked for again when the calls are done. */
        if (status >> 8 == SIGSTOP)
            task->stop_postponed = true;
        else if (status >> 16 == PTRACE_EVENT_STOP)
            task->group_stopped = true;
        else
            break;
    }
    kill_noted(core, task->tid, status);
    return -EFAULT;
}

/* From the entry of a call to its exit. Without PTRACE_CONT in between the kernel stops at the entry itself as well,
   before the filter is asked, and then for the filter's stop, unless the call has none. */
static int step_through(struct pb_core *core, struct task *task, bool entered, uint64_t nr)
{
    bool notified = core->listeners && core->dispositions[nr] & PB_FLAG_NOTIFY;
    int error = 0;
    if (!entered)
        error = step_to(core, task, PTRACE_SYSCALL, SYSCALL_STOP);
    if (!error && !entered && !notified)
        error = step_to(core, task, PTRACE_SYSCALL, SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
    return error ? error : step_to(core, task, PTRACE_SYSCALL, SYSCALL_STOP);
}

int call_inject(struct pb_core *core, struct task *task, bool entered, uint64_t nr, const uint64_t args[6],
                int64_t *result)
{
    struct user_regs_struct registers;
    int error = registers_read(task->tid, (uint64_t *)&registers);
    if (error)
        return error;
    registers.rdi = args[0];
    registers.rsi = args[1];
    registers.rdx = args[2];
    registers.r10 = args[3];
    registers.r8 = args[4];
    registers.r9 = args[5];
    registers.rax = nr;
    if (entered) {
        registers.orig_rax = nr;
    } else {
        registers.rip -= X86_SYSCALL_LENGTH;
        registers.orig_rax = (uint64_t)-1;
    }
    error = registers_write(task->tid, (uint64_t *)&registers);
    task->injecting = true;
    /* A SIGSTOP can end the wait in the notify channel before the call has begun. */
    for (*result = -ERESTARTSYS; !error && *result == -ERESTARTSYS; entered = false) {
        error = step_through(core, task, entered, nr);
        if (!error)
            error = registers_read(task->tid, (uint64_t *)&registers);
        *result = (int64_t)registers.rax;
    }
    task->injecting = false;
    return error;
}

void stops_ask_again(struct task *task)
{
    if (task->group_stopped) {
        task->group_stopped = false;
        ptrace(PTRACE_INTERRUPT, task->tid, NULL, NULL);
    }
    if (task->stop_postponed) {
        task->stop_postponed = false;
        kill(task->tid, SIGSTOP);
    }
}

/* The flag is tested and the call entered in a window that wait4_abort recognises. */
__asm__(
    ".text\n"
    ".type wait4_stub, @function\n"
    "wait4_stub:\n"
    "  xorl %r10d, %r10d\n"
    "wait4_begin:\n"
    "  cmpl $0, (%rcx)\n"
    "  jne wait4_aborted\n"
    "  movl $61, %eax\n"
    "  syscall\n"
    "wait4_end:\n"
    "  ret\n"
    "wait4_aborted:\n"
    "  movq $-4, %rax\n"
    "  ret\n"
    ".size wait4_stub, . - wait4_stub\n");

extern long wait4_stub(long pid, int *status, long options, volatile int *flag);
extern const char wait4_begin[], wait4_end[], wait4_aborted[];

long wait4_interruptible(int32_t pid, int *status, int options, volatile int *flag)
{
    return wait4_stub(pid, status, options, flag);
}

bool wait4_abort(void *ucontext)
{
    greg_t *rip = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
    if (*rip < (greg_t)wait4_begin || *rip >= (greg_t)wait4_end)
        return false;
    *rip = (greg_t)wait4_aborted;
    return true;
}
