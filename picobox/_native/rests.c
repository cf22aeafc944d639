/* Owns writes that were cut short by a stop of ours, or by a signal that the task ignores: the call is made again for what is
   left, and the program sees one call that has written all. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "native.h"

#define MOST_WRITTEN UINT64_C(0x7ffff000) /* write(2), NOTES */
#ifndef UIO_MAXIOV
#define UIO_MAXIOV 1024 /* linux/uio.h */
#endif

/* What fits no more into a regular file would be told by a signal. */
static bool is_stream(int32_t tid, int fd)
{
    struct pb_held held;
    return pb_held_status(tid, fd, &held) == 0 && (S_ISFIFO(held.mode) || S_ISSOCK(held.mode) || S_ISCHR(held.mode));
}

/* Only where the program could write as well: it is its memory. */
static bool piece_move(int32_t tid, uint64_t address, struct piece *piece, bool to_task)
{
    struct iovec here = {piece, sizeof *piece}, there = {(void *)(uintptr_t)address, sizeof *piece};
    long nr = to_task ? SYS_process_vm_writev : SYS_process_vm_readv;
    return syscall(nr, tid, &here, 1, &there, 1, 0) == (long)sizeof *piece;
}

/* Unless the program has written something else there meanwhile. */
static void piece_give_back(struct task *task)
{
    struct rest *rest = &task->rest;
    struct piece now;
    if (rest->changed && piece_move(task->tid, rest->changed, &now, false) && now.base == rest->piece.base &&
        now.size == rest->piece.size)
        piece_move(task->tid, rest->changed, &rest->before, true);
    rest->changed = 0;
}

/* The piece of a vector in which a write has ended; false: it has written all, or as much as one call can. */
static bool piece_find(struct pb_core *core, int32_t tid, const struct transfer *transfer, uint64_t *index, uint64_t *inside,
                       struct piece *found)
{
    struct piece pieces[UIO_MAXIOV];
    uint64_t sum = 0, done = (uint64_t)transfer->result;
    int64_t size = (int64_t)(transfer->count * sizeof *pieces);
    if (transfer->count > UIO_MAXIOV || pb_read(core, tid, transfer->address, pieces, (uint64_t)size) != size)
        return false;
    bool is_found = false;
    for (uint64_t i = 0; i < transfer->count; i++) {
        if (pieces[i].size > MOST_WRITTEN - sum)
            return false;
        if (!is_found && sum + pieces[i].size > done) {
            *index = i;
            *inside = done - sum;
            *found = pieces[i];
            is_found = true;
        }
        sum += pieces[i].size;
    }
    return is_found;
}

/* A vector is begun at the piece that is left; what is written of that is left out of it in the program's memory, which has
   it back when the call is over. A call that is recorded is told with the result that it has had. */
static bool vector_rest_begin(struct pb_core *core, struct task *task, const struct transfer *transfer)
{
    struct rest rest = {(uint64_t)transfer->result, transfer->address, transfer->count, 0, {0}, {0}};
    uint64_t index, inside;
    if (recorder_wants(core, SYS_writev) || !piece_find(core, task->tid, transfer, &index, &inside, &rest.before))
        return false;
    uint64_t first = transfer->address + index * sizeof rest.piece;
    rest.piece = (struct piece){rest.before.base + inside, rest.before.size - inside};
    if (inside && !piece_move(task->tid, first, &rest.piece, true))
        return false;
    rest.changed = inside ? first : 0;
    task->rest = rest;
    if (interruption_undo(task->tid, transfer->nr) < 0) {
        piece_give_back(task);
        task->rest.done = 0;
        return false;
    }
    argument_write(task->tid, 1, first);
    argument_write(task->tid, 2, transfer->count - index);
    return true;
}

static bool bytes_rest_begin(struct task *task, const struct transfer *transfer)
{
    uint64_t done = (uint64_t)transfer->result;
    if (interruption_undo(task->tid, transfer->nr) < 0)
        return false;
    argument_write(task->tid, 1, transfer->address + done);
    argument_write(task->tid, 2, transfer->count - done);
    task->rest = (struct rest){.done = done, .address = transfer->address, .count = transfer->count};
    return true;
}

static bool is_write(uint64_t nr)
{
    return nr == SYS_write || nr == SYS_sendto || nr == SYS_writev;
}

bool rest_begin(struct pb_core *core, struct task *task)
{
    struct transfer transfer;
    /* A tracer sees each call end, as it does (ptrace(2), BUGS). */
    if (is_debugged(task))
        return false;
    if (transfer_read(task->tid, &transfer) < 0 || !is_write(transfer.nr) ||
        !(core->dispositions[transfer.nr] & (PB_FLAG_NOTIFY | PB_FLAG_DECIDED) || recorder_wants(core, (uint32_t)transfer.nr)) || transfer.result <= 0 ||
        (transfer.nr != SYS_writev && (uint64_t)transfer.result >= transfer.count) || !is_stream(task->tid, (int)transfer.fd))
        return false;
    if (transfer.nr == SYS_writev ? !vector_rest_begin(core, task, &transfer) : !bytes_rest_begin(task, &transfer))
        return false;
    /* The channel will count it once more. */
    struct left_call call = {.nr = transfer.nr, .ip = transfer.ip};
    if (!gate_was_called(core, task, &call))
        core->counters[core->dispositions[transfer.nr] & 3][transfer.nr]--;
    return true;
}

static void finish(struct task *task, uint64_t more)
{
    piece_give_back(task);
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
