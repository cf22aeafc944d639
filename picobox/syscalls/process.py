"""Calls that make, replace and end processes and threads, and those that ask about them."""

from __future__ import annotations

import struct
from contextlib import suppress
from errno import EAGAIN, EFAULT, EINVAL, ENOEXEC, ENOSYS, EPERM
from typing import TYPE_CHECKING

from ntshim.nt import THREAD_AFFINITY_MASK
from ntshim.ob.handles import CURRENT_PROCESS, CURRENT_THREAD
from ntshim.status import STATUS_PROCESS_IS_TERMINATING, NtError
from picobox.creations import CLONE_VFORK, CLONE_VM, creation_of
from picobox.errors import Errno
from picobox.platform import host
from picobox.platform.base import HostTid

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider
    from picobox.task import Task

CLONE_NEWNS = 0x20000
CLONE_UNTRACED = 0x800000
_NOT_NOTIFIED = 1 << 32  # clone(2) looks at the lower half alone
CLONE_NEWUSER = 0x10000000
CLONE_NEWTIME = 0x80  # for unshare and clone3 alone: to clone it is a bit of a signal's number
CLONE_ARGS_SIZE_VER0 = 64
CLONE_ARGS_LIMIT = 4096  # linux/sched.h: a page
_ARGUMENTS_OFFSET = 8192  # of a slot: two paths, then structures

PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_GET_SECCOMP = 21
PR_SET_SECCOMP = 22
PR_SET_SYSCALL_USER_DISPATCH = 59

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
_CPU_MASK_LIMIT = 1024  # bytes; more processors than any kernel has
_SCRIPT_DEPTH = 5  # fs/exec.c: an interpreter may be a script itself, so many times
_ELF = b"\x7fELF"
_ELFCLASS32 = 1


def fork(provider: PicoProvider, call: Call) -> None:
    _create(provider, call, 0)


def vfork(provider: PicoProvider, call: Call) -> None:
    _create(provider, call, CLONE_VM | CLONE_VFORK)


def clone(
    provider: PicoProvider, call: Call, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int
) -> int | None:
    del stack, parent_tid, child_tid, tls
    if flags & CLONE_VM and not flags & CLONE_VFORK and not _page_or_unreadable(provider, call):
        return None
    if flags & CLONE_UNTRACED:
        # An untraced child's calls would all fail: nobody would answer its stops (mechanisms.md section 4).
        # Without it the filter, which looks again, may find the call to be one for the notify channel.
        call.rewrite(0, call.stop.args[0] & ~CLONE_UNTRACED | _NOT_NOTIFIED)
    _create(provider, call, flags)
    return None


def clone3(provider: PicoProvider, call: Call, cl_args: int, size: int) -> None:
    if not CLONE_ARGS_SIZE_VER0 <= size <= CLONE_ARGS_LIMIT:
        return  # the kernel refuses it by the size alone
    try:
        arguments = bytearray(call.memory.read(cl_args, size))
    except Errno as error:
        # What cannot be checked is not done: a C library falls back to clone, whose flags are in a register.
        raise Errno(ENOSYS if error.errno == EPERM else EFAULT) from None
    if not _page(provider, call):
        return
    (flags,) = struct.unpack_from("<Q", arguments)
    provider.refuse_namespaces(flags)
    struct.pack_into("<Q", arguments, 0, flags & ~CLONE_UNTRACED)
    # The kernel reads the copy: another thread may be writing to the guest's.
    call.rewrite(0, call.task.address_space.page.put(call.stop.tid, _ARGUMENTS_OFFSET, bytes(arguments)))
    _create(provider, call, flags)


def _page(provider: PicoProvider, call: Call) -> bool:
    """Whether the address space has its argument page. It is made before a second thread could interfere."""
    space = call.task.address_space
    if space.page is not None:
        return True
    space.page = provider.platform.new_page(call.stop)
    call.restart = True
    return False


def _page_or_unreadable(provider: PicoProvider, call: Call) -> bool:
    """As `_page`; memory that we may not read gets no page, and no call that needs one."""
    try:
        return _page(provider, call)
    except Errno as error:
        if error.errno != EPERM:
            raise
        return True


def _create(provider: PicoProvider, call: Call, flags: int) -> None:
    """CreateProcess, CreateThread now, so that a refusal fails the call; ResumeThread when the kernel has made it."""
    provider.refuse_namespaces(flags & ~CLONE_NEWTIME)
    if provider.most_tasks is not None and max(provider.threads, provider.platform.task_count()) >= provider.most_tasks:
        raise Errno(EAGAIN)
    if flags & CLONE_NEWNS and provider.names is not None:
        provider.names.root_may_change()
    call.creation = creation_of(provider, call.thread, flags)
    provider.platform.set_creating(call.stop)


def execve(provider: PicoProvider, call: Call, pathname: bytes | None, argv: int, envp: int) -> None:
    del envp
    _refuse_32_bit(provider, call, AT_FDCWD, pathname)
    _run_interpreter(provider, call, AT_FDCWD, pathname, argv)
    _replace_image(provider, call)


def execveat(
    provider: PicoProvider, call: Call, dirfd: int, pathname: bytes | None, argv: int, envp: int, flags: int
) -> None:
    del envp
    _refuse_32_bit(provider, call, dirfd, pathname)
    if not flags & AT_SYMLINK_NOFOLLOW:
        _run_interpreter(provider, call, dirfd, pathname, argv)
    _replace_image(provider, call)


def _run_interpreter(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, argv: int) -> None:
    if provider.names is None or path is None:
        return
    from picobox.scripts import run_interpreter

    run_interpreter(provider.names, call, path, argv, dirfd=dirfd)


def _refuse_32_bit(provider: PicoProvider, call: Call, dirfd: int, pathname: bytes | None) -> None:
    """A 32-bit program's calls would all be refused by the filter; ENOEXEC says so at once (design section 4)."""
    tid = call.stop.tid
    if pathname is None or (provider.names is not None and provider.names.is_served(tid, dirfd, pathname)):
        return
    head = host.executable_head(tid, dirfd, pathname)
    for _ in range(_SCRIPT_DEPTH):
        if head[:4] == _ELF and head[4:5] == bytes((_ELFCLASS32,)):
            raise Errno(ENOEXEC)
        words = head[2:].split(b"\n", 1)[0].split() if head.startswith(b"#!") else []
        if not words:
            return
        head = host.executable_head(tid, AT_FDCWD, words[0])


def _replace_image(provider: PicoProvider, call: Call) -> None:
    task: Task = call.task
    task.group.has_image = True
    # An exec is a new NT process under the old Linux pid (wsl1.md section 3).
    call.on_exec = lambda: provider.exec(task, call.thread)


def exit(provider: PicoProvider, call: Call, status: int) -> None:  # noqa: A001 - the row's name
    provider.nt.NtTerminateThread(call.thread, CURRENT_THREAD, status & 0xFF)
    call.task.begin_exit()
    call.performed = True


def exit_group(provider: PicoProvider, call: Call, status: int) -> None:
    try:
        provider.nt.NtTerminateProcess(call.thread, CURRENT_PROCESS, status & 0xFF)
    except NtError as error:
        if error.status != STATUS_PROCESS_IS_TERMINATING:
            raise
    call.performed = True


def prctl(provider: PicoProvider, call: Call, option: int, arg2: int, arg3: int, arg4: int, arg5: int) -> int | None:
    del arg3, arg4, arg5
    space = call.task.address_space
    if option in (PR_SET_SECCOMP, PR_SET_SYSCALL_USER_DISPATCH):
        # As a kernel without them answers: a guest's filter or dispatch would outrank interception.
        raise Errno(EINVAL)
    if option == PR_GET_SECCOMP:
        return 0
    if option == PR_SET_DUMPABLE and arg2 in (0, 1):
        provider.meet_children(call.stop.tid)  # they were made with the former value
        # The supervisor reads the guest's memory and /proc as long as the kernel calls it dumpable.
        space.dumpable = arg2
        return 0
    if option == PR_GET_DUMPABLE and space.dumpable is not None:
        return int(space.dumpable)
    return None


def sched_getaffinity(provider: PicoProvider, call: Call, pid: int, cpusetsize: int, mask: int) -> None:
    del cpusetsize
    if pid in (0, call.task.vtid):
        provider.nt.NtQueryInformationThread(call.thread, CURRENT_THREAD, THREAD_AFFINITY_MASK)
        call.performed = True
    tid = _affine_task(provider, call, pid)
    hidden = None if tid is None else provider.platform.hidden_affinity(tid)
    if hidden is not None:
        call.then = lambda size: call.memory.write(mask, hidden[:size]) if size > 0 else None


def _affine_task(provider: PicoProvider, call: Call, pid: int) -> HostTid | None:
    """The task that a call on affinity means; None behind walls, where numbers are others, if it is not the caller."""
    if pid in (0, call.task.vtid):
        return call.stop.tid
    return None if provider.walled else HostTid(pid)


def sched_setaffinity(provider: PicoProvider, call: Call, pid: int, cpusetsize: int, mask: int) -> None:
    tid = _affine_task(provider, call, pid)
    if tid is not None:
        provider.platform.own_affinity(tid)
    if pid not in (0, call.task.vtid):
        return
    affinity = int.from_bytes(call.memory.read(mask, min(cpusetsize, _CPU_MASK_LIMIT)), "little")
    if affinity:
        # The kernel's own call follows and has the last word on a mask without a usable processor.
        with suppress(NtError):
            provider.nt.NtSetInformationThread(call.thread, CURRENT_THREAD, THREAD_AFFINITY_MASK, affinity)
            call.performed = True
