/* Owns the way of a call site into the gate: calls are counted by where they come from, and one that comes often is held
   in the notify channel until the loop has given its task a gate and its site a jump. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate.h"
#include "guest.h"

/* Another site costs so much less than the gate itself. */
#define NEXT_SITE(patience) (((patience) + 3) / 4)
#define BLOCKS_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE | MAP_STACK)
#define REFUSED (UINT32_C(1) << 30)
/* So often may it be that siblings do not stand still. */
#define MOST_FAILURES 8
/* A site that is refused keeps its place for good, so others need more than one. */
#define HOT_PLACES 4
#define BELL (SIGRTMAX - 1)
#define KERNEL_SIGSET_SIZE 8

/* A call that the notify channel has not answered yet. */
struct gate_wait {
    struct gate_wait *next;
    int listener;
    uint64_t id;
    int32_t tid;
    uint32_t nr;
    uint64_t call; /* address of the syscall instruction */
    bool closes;   /* what it changes holds sites */
    uint64_t address, length;
};

static void on_bell(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    doorbell_rung = 1;
    wait4_abort(context);
}

int32_t pb_open_gate(struct pb_core *core, int32_t patience)
{
    if (patience <= 0)
        return -EINVAL;
    struct sigaction action = {.sa_sigaction = on_bell, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigfillset(&action.sa_mask);
    if (sigaction(BELL, &action, &core->before_bell) < 0)
        return -errno;
    core->watchers = calloc(WATCHED_COUNT, sizeof *core->watchers);
    core->gate_patience = (uint32_t)patience;
    return core->watchers ? 0 : -ENOMEM;
}

void gate_close(struct pb_core *core)
{
    while (core->waits) {
        struct gate_wait *first = core->waits;
        core->waits = first->next;
        free(first);
    }
    free(core->watchers);
    core->watchers = NULL;
    if (!core->gate_patience)
        return;
    signal(BELL, SIG_IGN); /* one may be on its way */
    sigaction(BELL, &core->before_bell, NULL);
}

/* Where a site is known, else the one of its places whose site is called least. */
static struct hot_site *hot_of(struct pb_core *core, uint64_t call)
{
    uint64_t set = call * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (HOT_COUNT / HOT_PLACES - 1);
    struct hot_site *places = &core->hot[set * HOT_PLACES], *least = places;
    for (int i = 0; i < HOT_PLACES; i++) {
        if (places[i].call == call)
            return &places[i];
        if (places[i].calls < least->calls)
            least = &places[i];
    }
    return least;
}

/* Of sites that have to share a place the one that is called most often stays. */
static bool has_become_hot(struct pb_core *core, const struct task *task, uint64_t call)
{
    struct hot_site *hot = hot_of(core, call);
    if (hot->call != call) {
        if (hot->calls) {
            hot->calls--;
            return false;
        }
        *hot = (struct hot_site){.call = call};
    }
    if (hot->calls >= REFUSED)
        return false;
    /* Of what is called often, the sites have jumps already. */
    if (task->gate && task->gate->text_count && task->calls - task->calls_before < core->gate_patience)
        return false;
    return ++hot->calls >= (task->gate ? NEXT_SITE(core->gate_patience) : core->gate_patience);
}

static void refuse(struct pb_core *core, uint64_t call)
{
    *hot_of(core, call) = (struct hot_site){.call = call, .calls = REFUSED};
}

static void try_later(struct pb_core *core, uint64_t call)
{
    struct hot_site *hot = hot_of(core, call);
    uint32_t failures = hot->call == call ? hot->failures + 1 : 0;
    *hot = (struct hot_site){.call = call, .failures = failures};
    if (failures >= MOST_FAILURES)
        hot->calls = REFUSED;
}

bool gate_holds(struct pb_core *core, const struct task *task, const struct notified_call *call, int listener, uint64_t id)
{
    uint64_t site = call->ip - X86_SYSCALL_LENGTH;
    bool hot = core->gate_patience && !task->debugging && is_for_gate(core, call->nr, call->args) && !is_in_gate(site) &&
               has_become_hot(core, task, site);
    bool closes = !hot && changes_sites(task, call->nr, call->args);
    struct gate_wait *wait = hot || closes ? malloc(sizeof *wait) : NULL;
    if (!wait)
        return false;
    *wait = (struct gate_wait){
        core->waits, listener, id, task->tid, (uint32_t)call->nr, site, closes, call->args[0], call->args[1],
    };
    core->waits = wait;
    syscall(SYS_tgkill, getpid(), core->pin.loop_tid, BELL);
    return true;
}

/* error: 0, the kernel runs the call. */
static bool answer(const struct gate_wait *wait, int32_t error)
{
    struct seccomp_notif_resp response = {.id = wait->id, .error = error};
    response.flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    return ioctl(wait->listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

/* The call has not begun. With a stop asked for before, the kernel takes it back to the site, as if it had not been made. */
static bool begin_anew(struct pb_core *core, const struct gate_wait *wait)
{
    core->counters[core->dispositions[wait->nr] & 3][wait->nr]--;
    ptrace(PTRACE_INTERRUPT, wait->tid, NULL, NULL);
    return answer(wait, -ERESTARTNOINTR);
}

static struct gate_wait *take_wait(struct pb_core *core)
{
    struct gate_wait *wait = core->waits;
    if (wait)
        core->waits = wait->next;
    return wait;
}

void gate_release(struct pb_core *core)
{
    struct gate_wait *wait;
    while ((wait = take_wait(core))) {
        begin_anew(core, wait);
        free(wait);
    }
}

void gate_lend(struct task *task, int listener, uint64_t id)
{
    for (int i = 0; i < 2; i++) {
        struct seccomp_notif_addfd request = {
            .id = id, .srcfd = (uint32_t)task->lends[i], .newfd_flags = O_CLOEXEC,
        };
        /* -1 if it may have no more. */
        task->lends[i] = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
    }
}

/* Gives the task copies of our descriptors, while a call that it makes for us waits in the notify channel. */
bool gate_lends(struct pb_core *core, struct task *task, bool entered, int fds[2])
{
    static const uint32_t numbers[] = {SYS_getppid, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, PB_NR_UNUSED};
    const uint64_t none[6] = {0};
    int64_t result;
    size_t i = 0;
    while (i < sizeof numbers / sizeof numbers[0] && !(core->dispositions[numbers[i]] & PB_FLAG_NOTIFY))
        i++;
    if (i == sizeof numbers / sizeof numbers[0])
        return false;
    task->lends = fds;
    bool made = call_inject(core, task, entered, numbers[i], none, &result) == 0;
    task->lends = NULL;
    return made;
}

/* The task makes the calls itself; it stands where a call ends. */
static bool map_gate(struct pb_core *core, struct task *task, const struct gate *gate, const int lent[2])
{
    const struct {
        uint64_t address, size;
        int rights;
        uint64_t offset;
    } maps[2] = {
        {GATE_CODE, GATE_CODE_SIZE, PROT_READ | PROT_EXEC, 0},
        {GATE_COUNTERS, GATE_COUNTERS_SIZE, PROT_READ | PROT_WRITE, gate->number * GATE_COUNTERS_SIZE},
    };
    bool mapped = lent[0] >= 0 && lent[1] >= 0;
    int64_t result;
    for (int i = 0; mapped && i < 2; i++) {
        uint64_t map[6] = {maps[i].address, maps[i].size, (uint64_t)maps[i].rights,
                           MAP_SHARED | MAP_FIXED_NOREPLACE, (uint64_t)lent[i], maps[i].offset};
        mapped = call_inject(core, task, false, SYS_mmap, map, &result) == 0 && result == (int64_t)maps[i].address;
        if (!mapped && i == 1) {
            uint64_t unmap[6] = {maps[0].address, maps[0].size};
            call_inject(core, task, false, SYS_munmap, unmap, &result);
        }
    }
    if (mapped && core->gate_enters) {
        /* A stack as the kernel sees it has no huge pages. Without blocks sites make their calls themselves. */
        uint64_t map[6] = {BLOCKS, BLOCKS_SIZE, PROT_READ | PROT_WRITE, BLOCKS_FLAGS, (uint64_t)-1, 0};
        call_inject(core, task, false, SYS_mmap, map, &result);
    }
    for (int i = 0; i < 2; i++) {
        uint64_t args[6] = {(uint64_t)lent[i]};
        if (lent[i] >= 0)
            call_inject(core, task, false, SYS_close, args, &result);
    }
    return mapped;
}

static void enter(struct pb_core *core, struct task *task, struct gate *gate)
{
    task->gate = gate_share(gate);
    block_give(core, task);
}

static void give_to_all(struct pb_core *core, const struct task *of, struct gate *gate)
{
    for (int bucket = 0; bucket < TASK_BUCKETS; bucket++)
        for (struct task *task = core->buckets[bucket]; task; task = task->next)
            if (task != of && !task->gate && pb_shares_memory(of->tid, task->tid)) {
                enter(core, task, gate);
                task->gate_is_new = true;
            }
}

/* *consumed: the call at whose entry the task stood is over. */
static void install(struct pb_core *core, struct task *task, bool entered, bool *consumed)
{
    struct gate *gate = gate_new(core);
    if (!gate)
        return;
    int lent[2] = {gate->stubs->fds[0], gate->stubs->fds[1]};
    *consumed = true;
    if (gate_lends(core, task, entered, lent) && map_gate(core, task, gate, lent)) {
        task->gate = gate_share(gate);
        give_to_all(core, task, gate);
    }
    gate_leave(core, gate);
}

/* Waits for the stop that begin_anew has asked for; false if the task does something else, which the loop is told. */
static bool await(struct pb_core *core, struct task *task)
{
    int status;
    if (wait_unlocked(core, task->tid, &status) < 0)
        return false;
    if (status >> 16 == PTRACE_EVENT_STOP && WIFSTOPPED(status)) {
        task->group_stopped = WSTOPSIG(status) != SIGTRAP;
        return true;
    }
    round_add(core, task->tid, status);
    return false;
}

/* Where the call from the site begins then. */
static uint64_t patch(struct pb_core *core, struct task *task, const struct gate_site *site)
{
    int32_t stub = task->gate ? site_patch(core, task->tid, task->gate, site) : -1;
    if (stub < 0) {
        refuse(core, site->call);
        return site->call;
    }
    siblings_leave(core, task, site, stub);
    return stub_places(task->gate, (uint32_t)stub).start;
}

/* Its siblings stand still; it stands at the entry of a call from the site, or, if not `entered`, where that begins anew. */
static bool open_site(struct pb_core *core, int32_t tid, bool entered, uint64_t nr, const struct gate_site *site)
{
    uint64_t registers[27], mask, blocked = ~UINT64_C(0);
    bool consumed = !entered;
    struct task *task = task_find(core, tid);
    if (registers_read(tid, registers) < 0)
        return false;
    ptrace(PTRACE_GETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &mask);
    ptrace(PTRACE_SETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &blocked);
    if (!task->gate)
        install(core, task, entered, &consumed);
    uint64_t call = patch(core, task, site);
    ptrace(PTRACE_SETSIGMASK, tid, (void *)KERNEL_SIGSET_SIZE, &mask);
    if (consumed || task->gate) {
        registers_rewind(tid, registers, nr);
        ip_write(tid, call);
        if (task->gate && !task->block)
            block_give(core, task);
    }
    stops_ask_again(task);
    return consumed || task->gate;
}

static bool is_ready(struct pb_core *core, const struct task *task, uint64_t call, uint32_t nr, struct gate_site *site)
{
    if (!site_plan(core, task->tid, call, nr, site)) {
        refuse(core, call);
        return false;
    }
    if (siblings_stop(core, task) && siblings_leave(core, task, site, -1))
        return true;
    try_later(core, call);
    return false;
}

static void serve(struct pb_core *core, const struct gate_wait *wait)
{
    struct gate_site site;
    struct task *task = task_find(core, wait->tid);
    if (!task)
        return;
    if (wait->closes) {
        siblings_stop(core, task);
        sites_restore(core, task, wait->address, wait->length);
        answer(wait, 0);
    } else if (!is_ready(core, task, wait->call, wait->nr, &site)) {
        answer(wait, 0);
    } else if (begin_anew(core, wait) && await(core, task)) {
        /* If it does not stop so, it is about to die. */
        open_site(core, wait->tid, false, wait->nr, &site);
        task_resume(core, task, 0);
    }
}

bool gate_opens(struct pb_core *core, struct task *task, const struct call_info *info)
{
    struct gate_site site;
    uint64_t call = info->ip - X86_SYSCALL_LENGTH;
    if (!core->gate_patience || !core->listeners || task->debugging || info->nr >= PB_NR_COUNT ||
        !is_for_gate(core, info->nr, info->args) || is_in_gate(call) || !has_become_hot(core, task, call) ||
        !is_ready(core, task, call, (uint32_t)info->nr, &site) ||
        !open_site(core, task->tid, true, info->nr, &site))
        return false;
    core->counters[core->dispositions[info->nr] & 3][info->nr]--;
    return true;
}

void gate_serve(struct pb_core *core)
{
    struct gate_wait *wait;
    while ((wait = take_wait(core))) {
        serve(core, wait);
        free(wait);
    }
}
