"""Completion ports: packets, who gets them, and how many may work at a time."""

from __future__ import annotations

from nt.drive import READ, SYNCHRONIZE, Drive
from nt.drive import status_of as status_of_call
from typing import Any

import pytest
from ntshim_ke import PENDING, SECOND, WaitingWorld
from ntshim_ob import status_of

from ntshim import status as st
from ntshim.io import create, query
from ntshim.io.completion import FileIoCompletionInformation
from ntshim.io.queued import QueuedIrp, signal_when_done
from ntshim.ob.object import GENERIC_ALL

WAIT_0 = st.STATUS_SUCCESS


class PortWorld(WaitingWorld):
    """A port."""

    def __init__(self, count: int = 1) -> None:
        super().__init__()
        self.handle = self.port(count)

    def post(self, key: Any) -> None:
        self.nt.NtSetIoCompletion(self.thread, self.handle, key)

    def remove(self, thread: Any = None, timeout: int | None = None) -> Any:
        return self.nt.NtRemoveIoCompletion(thread or self.thread, self.handle, timeout)

    @property
    def depth(self) -> int:
        return self.nt.NtQueryIoCompletion(self.thread, self.handle).depth


def keys(removals: list[Any]) -> list[Any]:
    """Give the key that each got, None for who waits."""
    return [removal.result[0].key_context if removal.result else None for removal in removals]


def test_packets_come_out_as_they_went_in() -> None:
    world = PortWorld()
    world.nt.NtSetIoCompletion(world.thread, world.handle, "first", "context", st.STATUS_CANCELLED, 7)
    world.post("second")
    assert world.depth == 2
    assert world.wait(world.handle) == WAIT_0
    first = world.remove()
    assert (first.status, first.result) == (WAIT_0, [("first", "context", st.STATUS_CANCELLED, 7)])
    assert world.remove().result == [FileIoCompletionInformation("second", None, WAIT_0, 0)]
    assert world.depth == 0
    assert world.remove(timeout=0).status == world.wait(world.handle, timeout=0) == st.STATUS_TIMEOUT


def test_several_packets_at_once() -> None:
    world = PortWorld()
    for key in range(3):
        world.post(key)
    remove = world.nt.NtRemoveIoCompletionEx
    assert [packet.key_context for packet in remove(world.thread, world.handle, 2).result] == [0, 1]
    assert [packet.key_context for packet in remove(world.thread, world.handle, 1 << 70).result] == [2]
    for count in (0, -1):
        assert status_of(remove, world.thread, world.handle, count) == st.STATUS_INVALID_PARAMETER


def test_the_last_to_come_is_served_first() -> None:
    world = PortWorld(3)
    removals = [world.remove(world.sibling()) for _ in range(3)]
    world.post("a")
    world.post("b")
    assert keys(removals) == [None, "b", "a"]


def test_only_so_many_work_at_a_time() -> None:
    world = PortWorld(1)
    first, second = world.sibling(), world.sibling()
    waiting = [world.remove(first), world.remove(second)]
    world.post("a")
    world.post("b")
    assert keys(waiting) == [None, "a"]
    assert world.depth == 1
    poller = world.sibling()
    assert world.remove(poller, 0).status == st.STATUS_TIMEOUT
    assert world.object(world.handle).active == 2
    world.executive.thread_exited(poller, 0)
    again = world.remove(second)
    assert keys([*waiting, again]) == [None, "a", "b"]
    world.post("c")
    assert keys(waiting) == [None, "a"]
    blocked = world.wait(world.event(), second)
    assert keys([*waiting, again]) == ["c", "a", "b"]
    assert world.object(world.handle).active == 1
    blocked.cancel()
    assert world.object(world.handle).active == 2


@pytest.mark.parametrize("leave", ["end", "other port"])
def test_who_leaves_makes_room(leave: str) -> None:
    world = PortWorld(1)
    worker = world.sibling()
    world.post("a")
    world.remove(worker)
    waiting = world.remove(world.sibling())
    world.post("b")
    assert waiting.status == PENDING
    if leave == "end":
        world.executive.thread_exited(worker, 0)
    else:
        world.nt.NtRemoveIoCompletion(worker, world.port(), 0)
    assert keys([waiting]) == ["b"]


def test_a_process_as_a_whole_counts_as_nobody() -> None:
    world = PortWorld(1)
    world.post("a")
    world.post("b")
    assert keys([world.remove(world.process), world.remove(world.process)]) == ["a", "b"]


def test_no_number_is_that_of_the_processors() -> None:
    world = WaitingWorld()
    world.executive.processor_count = 3
    assert world.object(world.port()).maximum == 3
    assert world.object(world.port(2)).maximum == 2


def test_what_ends_a_removal() -> None:
    world = PortWorld()
    nt, thread = world.nt, world.thread
    late = world.remove(timeout=-SECOND)
    world.pass_time(SECOND)
    alertable = nt.NtRemoveIoCompletionEx(thread, world.handle, 1, alertable=True)
    nt.NtAlertThread(thread, -2)
    closed = world.remove()
    assert [late.status, alertable.status, closed.status] == [st.STATUS_TIMEOUT, st.STATUS_ALERTED, PENDING]
    world.post("a")
    assert closed.result
    closed = world.remove()
    port = world.object(world.handle)
    world.close(world.handle)
    assert closed.status == st.STATUS_ABANDONED_WAIT_0
    world.executive.thread_exited(thread, 0)
    assert port.pointer_count == 0


def test_rights_and_classes() -> None:
    world = PortWorld()
    nt, thread = world.nt, world.thread
    weak = nt.NtCreateIoCompletion(thread, 1, None).handle
    blind = nt.NtCreateIoCompletion(thread, 2, None).handle
    denied = st.STATUS_ACCESS_DENIED
    assert status_of(nt.NtSetIoCompletion, thread, weak, 1) == denied
    assert status_of(nt.NtRemoveIoCompletion, thread, weak, 0) == denied
    assert status_of(nt.NtRemoveIoCompletionEx, thread, weak, 1, 0) == denied
    assert status_of(nt.NtQueryIoCompletion, thread, blind) == denied
    assert status_of(nt.NtQueryIoCompletion, thread, weak, 1) == st.STATUS_INVALID_INFO_CLASS
    assert status_of(nt.NtQueryIoCompletion, thread, world.event()) == st.STATUS_OBJECT_TYPE_MISMATCH


def test_a_file_tells_its_port() -> None:
    drive = Drive()
    nt, process = drive.nt, drive.process
    drive.make("file")
    handle = drive.open("file")
    port, event = nt.NtCreateIoCompletion(process, GENERIC_ALL, None).handle, nt.NtCreateEvent(process, 3, None, 0)
    drive.set(handle, query.FileCompletionInformation(port, "key"), query.FILE_COMPLETION_INFORMATION)
    file: Any = process.handles.look_up(handle).object
    told: Any = process.handles.look_up(event.handle).object
    silent, loud = QueuedIrp(file, lambda _: None), QueuedIrp(file, lambda _: None)
    signal_when_done(silent, None)
    signal_when_done(loud, told, "context")
    assert not file.signalled
    loud.finish(st.STATUS_NOTIFY_ENUM_DIR, information=3)
    assert (told.signalled, file.signalled) == (True, False)
    silent.finish()
    assert file.signalled
    removed = nt.NtRemoveIoCompletionEx(process, port, 9, 0)
    assert removed.result == [("key", "context", st.STATUS_NOTIFY_ENUM_DIR, 3)]
    associated = process.handles.look_up(port).object
    assert associated.pointer_count == 2
    drive.close(handle)
    assert associated.pointer_count == 1


def test_which_files_can_have_a_port() -> None:
    drive = Drive()
    drive.make("file")
    port = drive.nt.NtCreateIoCompletion(drive.process, GENERIC_ALL, None).handle
    weak = drive.nt.NtCreateIoCompletion(drive.process, 1, None).handle

    def associate(handle: int, port: int = port) -> int:
        record = query.FileCompletionInformation(port, 1)
        return status_of_call(lambda: drive.set(handle, record, query.FILE_COMPLETION_INFORMATION))

    synchronous = drive.open("file", READ | SYNCHRONIZE, options=create.FILE_SYNCHRONOUS_IO_NONALERT)
    assert associate(synchronous) == st.STATUS_INVALID_PARAMETER
    handle = drive.open("file")
    assert associate(handle, weak) == st.STATUS_ACCESS_DENIED
    assert associate(handle, handle) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert [associate(handle) for _ in range(2)] == [WAIT_0, st.STATUS_INVALID_PARAMETER]


def test_requests_of_all_kinds_tell_the_port() -> None:
    drive = Drive()
    nt, process = drive.nt, drive.process
    drive.make("file")
    drive.make_directory("directory")
    port = nt.NtCreateIoCompletion(process, GENERIC_ALL, None).handle
    directory = drive.open("directory", options=create.FILE_DIRECTORY_FILE)
    holder, asker = drive.open("file"), drive.open("file")
    for handle in (directory, asker):
        drive.set(handle, query.FileCompletionInformation(port, handle), query.FILE_COMPLETION_INFORMATION)
    nt.NtLockFile(process, holder, 0, 1, exclusive_lock=True)
    nt.NtLockFile(process, asker, 0, 1, apc_context="lock")
    nt.NtLockFile(process, asker, 9, 1)
    nt.NtNotifyChangeDirectoryFile(process, directory, 1000, 1, apc_context="change")
    assert nt.NtQueryIoCompletion(process, port).depth == 0
    drive.make("directory\\new")
    nt.NtUnlockFile(process, holder, 0, 1)
    removed = nt.NtRemoveIoCompletionEx(process, port, 9, 0).result
    assert [packet[:3] for packet in removed] == [(directory, "change", WAIT_0), (asker, "lock", WAIT_0)]
