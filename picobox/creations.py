"""Owns what the executive is given for a task that another one makes: its process, its thread and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ps.pico import PS_PICO_CREATE_PROCESS_CLONE_PARENT, PS_PICO_CREATE_PROCESS_INHERIT_HANDLES
from ntshim.status import NtError
from picobox.call import Creation
from picobox.task import AddressSpace, FdTable, Task, ThreadGroup

if TYPE_CHECKING:
    from ntshim.ps.process import Thread
    from picobox.platform.base import HostTid
    from picobox.provider import PicoProvider

CLONE_VM = 0x100
CLONE_FILES = 0x400
CLONE_VFORK = 0x4000
CLONE_THREAD = 0x10000


def creation_of(
    provider: PicoProvider, creator: Thread, flags: int, *, is_made: bool = False, has_image: bool = False
) -> Creation:
    """A suspended thread, and process, for what a thread makes with flags of clone; NtError if the executive refuses.

    `is_made`: it runs already, so that it is too late to refuse it; `has_image`: a program of its own.
    """
    parent: Task = creator.context
    files = parent.files if flags & CLONE_FILES else FdTable(provider.platform, provider.open_files)
    space = parent.address_space
    if has_image or not flags & CLONE_VM:
        space = AddressSpace(None if has_image else space.dumpable)
    process = creator.process
    if flags & CLONE_THREAD:
        group = parent.group
    else:
        group = ThreadGroup()
        group.has_image = has_image
        shared = process.handle_table if files is parent.files else None
        clone_flags = PS_PICO_CREATE_PROCESS_CLONE_PARENT | PS_PICO_CREATE_PROCESS_INHERIT_HANDLES
        if is_made and process.terminating:
            process = provider.make_process(group, files, None, token=process.token)
        else:
            process = provider.make_process(group, files, process, clone_flags, shared)
    task = Task(provider.platform, group, space, files)
    task.credentials = parent.credentials
    try:
        thread = provider.make_thread(process, task)
    except NtError as error:
        task.exit()
        if not flags & CLONE_THREAD:
            provider.pico.TerminateProcess(process, error.status)
        raise

    def bind(tid: HostTid) -> None:
        task.bind(tid)
        if provider.fake_root is not None:
            provider.fake_root.born(task)
        provider.credentials_may_change()
        if provider.judge is not None and group is not parent.group and files is not parent.files:
            if provider.opens is not None:
                provider.opens.unopened.look()
            provider.copy_files(thread.process.handles, creator.process.handle_table, files)
        provider.pico.ResumeThread(thread)

    def abandon() -> None:
        """The kernel made no thread: nobody will ever report its end."""
        provider.retire(thread)

    return Creation(thread, bind, abandon)
