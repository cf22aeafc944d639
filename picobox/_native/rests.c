/* Owns writes that were cut short by a stop of ours, or by a signal that the task ignores: the call is made again for what is
   left, and the program sees one call that has written all. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "native.h"

/* What fits no more into a regular file would be told by a signal. */
static bool is_stream(int32_t tid, int fd)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", tid, fd);
    return stat(path, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISCHR(status.st_mode));
}

bool rest_begin(struct pb_core *core, struct task *task)
{
    struct transfer transfer;
    /* A tracer sees each call end, as it does (ptrace(2), BUGS). */
    if (is_debugged(task))
        return false;
    if (transfer_read(task->tid, &transfer) < 0 || (transfer.nr != SYS_write && transfer.nr != SYS_sendto) ||
        !(core->dispositions[transfer.nr] & (PB_FLAG_NOTIFY | PB_FLAG_DECIDED) || recorder_wants(core, (uint32_t)transfer.nr)) || transfer.result <= 0 ||
        (uint64_t)transfer.result >= transfer.count || !is_stream(task->tid, (int)transfer.fd))
        return false;
    uint64_t done = (uint64_t)transfer.result;
    if (interruption_undo(task->tid, transfer.nr) < 0)
        return false;
    argument_write(task->tid, 1, transfer.address + done);
    argument_write(task->tid, 2, transfer.count - done);
    task->rest = (struct rest){done, transfer.address, transfer.count};
    /* The channel will count it once more. */
    struct left_call call = {.nr = transfer.nr, .ip = transfer.ip};
    if (!gate_was_called(core, task, &call))
        core->counters[core->dispositions[transfer.nr] & 3][transfer.nr]--;
    return true;
}

static void finish(struct task *task, uint64_t more)
{
    argument_write(task->tid, 1, task->rest.address);
    argument_write(task->tid, 2, task->rest.count);
    result_write(task->tid, (int64_t)(task->rest.done + more));
    task->rest.done = 0;
}

void rest_give(struct task *task)
{
    uint64_t ip;
    if (!task->rest.done || ip_read(task->tid, &ip) < 0)
        return;
    ip_write(task->tid, ip + X86_SYSCALL_LENGTH);
    finish(task, 0);
}

void rest_seen(struct pb_core *core, struct task *task, bool halted)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info) < 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        bool again = false;
        int64_t total = (int64_t)task->rest.done + (info.exit.rval > 0 ? info.exit.rval : 0);
        finish(task, info.exit.rval > 0 ? (uint64_t)info.exit.rval : 0);
        /* It has not begun, or a signal ends it, which is told next. */
        if ((halted || info.exit.rval <= -ERESTARTSYS) && rest_begin(core, task))
            again = true;
        recorder_left(core, task, again ? (int64_t)task->rest.done : total);
    }
    task_resume(core, task, 0);
}
