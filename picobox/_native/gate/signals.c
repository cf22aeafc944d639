/* Owns what signals see of the gate: nothing. A handler finds the address that the task would be at without it, and what
   leads back there leads into the stub. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <ucontext.h>

#include "gate.h"

#define SAVED offsetof(ucontext_t, uc_mcontext.gregs)
#define SAVED_IP (SAVED + REG_RIP * sizeof(greg_t))

/* Where a task is that runs the code before a call, or after it, at a position of it. */
static uint64_t origin_before(const struct gate_site *site, uint64_t at)
{
    if (!site->record)
        return site_start(site) + at;
    return at < site->record->code_before ? site_start(site) : site->call; /* it can be begun anew */
}

static uint64_t origin_after(const struct gate_site *site, uint64_t at)
{
    const struct site_record *record = site->record;
    if (!record)
        return at < site->after ? site->call + X86_SYSCALL_LENGTH + at : site_end(site);
    for (uint8_t i = record->steps_before; i < record->steps_before + record->steps_after; i++)
        if (record->step_at[i] == at)
            return site->call + (uint64_t)(int64_t)record->step_to[i];
    return site_end(site);
}

/* A task in the gate gets what it would have at the site. */
static void give_back(const struct task *task, struct borrowed *registers)
{
    uint32_t stub;
    if (task->gate)
        exchange_give_back(task, registers);
    if (!task->gate || !stub_at(task->gate, registers->ip, &stub))
        return;
    struct gate_site site = site_here(task, stub);
    struct stub_places places = stub_places(task->gate, stub);
    uint64_t ip = registers->ip;
    if (ip < places.entry)
        return;
    if (ip < places.start)
        registers->ip = origin_before(&site, ip - places.entry);
    else if (ip < places.behind || ip >= GATE_ASKING)
        call_give_back(&site, stub, places.start, registers);
    else
        registers->ip = origin_after(&site, ip - places.behind);
}

uint64_t gate_origin(const struct task *task, uint64_t ip)
{
    struct borrowed registers = {.ip = ip};
    give_back(task, &registers);
    return registers.ip;
}

/* Whether the kernel is about to take the task back to its call, or to say EINTR instead, when it builds the frame. */
static bool begins_again(const struct user_regs_struct *registers)
{
    return (int64_t)registers->orig_rax >= 0 && is_restart((int64_t)registers->rax);
}

static void leave_gate(const struct task *task, struct user_regs_struct *registers)
{
    struct borrowed borrowed = {registers->rip, registers->rax, registers->rdi,
                                registers->rsi, registers->r8,  registers->r10};
    exchange_interrupt(task, borrowed.ip);
    give_back(task, &borrowed);
    registers->rip = borrowed.ip;
    registers->rax = borrowed.rax;
    registers->rdi = borrowed.rdi;
    registers->rsi = borrowed.rsi;
    registers->r8 = borrowed.r8;
    registers->r10 = borrowed.r10;
}

/* Where nothing is left for the kernel to change, the task is taken out of the gate before the signal. */
bool gate_delivers(struct pb_core *core, struct task *task, int signal)
{
    struct user_regs_struct registers;
    if (!task->gate || registers_read(task->tid, (uint64_t *)&registers) < 0 || !is_in_gate(registers.rip) ||
        !is_caught(core, task, signal))
        return false;
    bool leaves = is_guest_code(registers.rip) && guest_registers_leave(core, task, &registers, false);
    bool steps = begins_again(&registers);
    if (!steps)
        leave_gate(task, &registers);
    if (leaves || !steps)
        steps |= registers_write(task->tid, (uint64_t *)&registers) < 0;
    return steps;
}

/* The kernel has built the frame of a handler and stopped the task at its first instruction. */
static void leave_frame(struct pb_core *core, const struct task *task)
{
    uint64_t context;
    gregset_t saved;
    if (argument_read(task->tid, 2, &context) < 0 ||
        pb_read(core, task->tid, context + SAVED, saved, sizeof saved) != sizeof saved ||
        !is_in_gate((uint64_t)saved[REG_RIP]))
        return;
    struct borrowed registers = {(uint64_t)saved[REG_RIP], (uint64_t)saved[REG_RAX], (uint64_t)saved[REG_RDI],
                                 (uint64_t)saved[REG_RSI], (uint64_t)saved[REG_R8],  (uint64_t)saved[REG_R10]};
    exchange_interrupt(task, registers.ip);
    give_back(task, &registers);
    saved[REG_RAX] = (greg_t)registers.rax;
    saved[REG_RDI] = (greg_t)registers.rdi;
    saved[REG_RSI] = (greg_t)registers.rsi;
    saved[REG_R8] = (greg_t)registers.r8;
    saved[REG_R10] = (greg_t)registers.r10;
    saved[REG_RIP] = (greg_t)registers.ip;
    pb_write(core, task->tid, context + SAVED, saved, sizeof saved);
}

/* What gate_delivers has asked for, not a SIGTRAP of the guest's. */
static bool is_step(int32_t tid)
{
    siginfo_t info;
    return ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 &&
           (info.si_code == SIGTRAP || info.si_code == TRAP_TRACE || (info.si_code == SI_USER && info.si_pid == 0));
}

/* The task came to an address in the middle of what was taken into a stub, see stub_jump. */
static bool heal(struct pb_core *core, const struct task *task)
{
    siginfo_t info;
    uint64_t ip;
    if (ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) < 0 || info.si_code <= 0 || ip_read(task->tid, &ip) < 0)
        return false;
    uint64_t inside = site_inside(core, task, ip);
    return inside && ip_write(task->tid, inside) == 0;
}

/* Between the site and its call there is no instruction of the guest's at which its own trap flag could stop it: a handler
   that returned to the site would never get beyond it. */
static bool traps_inside(const struct task *task)
{
    siginfo_t info;
    uint64_t ip;
    uint32_t stub;
    if (ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) < 0 || info.si_code != TRAP_TRACE ||
        ip_read(task->tid, &ip) < 0)
        return false;
    if (is_guest_code(ip))
        return true;
    return stub_at(task->gate, ip, &stub) && (ip < stub_places(task->gate, stub).behind || ip >= GATE_ASKING);
}

/* The stub could not read what the call would have found unreadable itself: the call is made as it was asked for. */
static bool goes_on(struct pb_core *core, struct task *task)
{
    siginfo_t info;
    uint64_t ip;
    uint32_t stub;
    if (ip_read(task->tid, &ip) < 0)
        return false;
    if (is_guest_code(ip))
        return ptrace(PTRACE_GETSIGINFO, task->tid, NULL, &info) == 0 && info.si_code > 0 && guest_leave(core, task, true);
    if (!stub_at(task->gate, ip, &stub))
        return false;
    uint64_t on = call_unread(&task->gate->stubs->sites[stub], stub_places(task->gate, stub).start, ip);
    return on && ip_write(task->tid, on) == 0;
}

static bool is_own_affair(struct pb_core *core, struct task *task, int signal)
{
    if (task->entering && (signal == SIGSEGV || signal == SIGILL))
        return start_undo(core, task);
    switch (signal) {
    case SIGTRAP:
        return traps_inside(task);
    case SIGILL:
        return heal(core, task);
    case SIGSEGV:
    case SIGBUS:
        return goes_on(core, task);
    default:
        return false;
    }
}

void gate_signal_told(struct pb_core *core, struct task *task, int signal)
{
    uint64_t ip;
    if (task->ring && ip_read(task->tid, &ip) == 0 && is_guest_code(ip) && !goes_unnoticed(core, task, signal))
        guest_leave(core, task, false);
}

bool gate_signal_seen(struct pb_core *core, struct task *task, int signal)
{
    bool stepping = task->stepping;
    task->stepping = false;
    if (!task->gate)
        return false;
    if (stepping && signal == SIGTRAP && is_step(task->tid))
        leave_frame(core, task);
    else if (!is_own_affair(core, task, signal))
        return false;
    task_resume(core, task, 0);
    return true;
}

void gate_sigreturn_seen(struct pb_core *core, const struct task *task, uint64_t frame)
{
    uint64_t ip;
    if (pb_read(core, task->tid, frame + SAVED_IP, &ip, sizeof ip) != sizeof ip)
        return;
    uint64_t inside = site_inside(core, task, ip);
    if (inside)
        pb_write(core, task->tid, frame + SAVED_IP, &inside, sizeof inside);
}

bool gate_has_left(const struct pb_core *core, const struct task *task)
{
    char call[256], *first;
    if (!proc_read(task->tid, "syscall", call, sizeof call))
        return false;
    const char *ip = strrchr(call, ' ');
    if (!ip) /* "running", in the kernel or not */
        return task->gate && gate_calls(task->gate) != task->gate_calls;
    long nr = strtol(call, &first, 10);
    if (nr >= 0 && waits_unseen(core, (uint64_t)nr, strtoull(first, NULL, 16)))
        return true;
    return task->gate && (nr == -1 || gate_passes(core, strtoull(ip, NULL, 16), (uint64_t)nr));
}

bool gate_was_called(const struct pb_core *core, const struct task *task, const struct left_call *call)
{
    return task->gate && gate_passes(core, call->ip, call->nr);
}
