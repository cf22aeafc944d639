r"""The object namespace of running guests: what they share by name, `\Device\NamedPipe`, processes and threads."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.mm.section import SEC_COMMIT, Section
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.handles import CURRENT_PROCESS
from ntshim.ob.object import MAXIMUM_ALLOWED
from ntshim.se.token import TOKEN, Token
from picobox.provider import PicoProvider

from .guests import guest
from .sandbox import Sandbox, Watcher, is_checkpoint
from .test_handles import living

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.ob.object import Object
    from picobox.call import Call

NOT_FOUND = st.STATUS_OBJECT_NAME_NOT_FOUND
BASE = r"\BaseNamedObjects"
PROCESSES, THREADS = r"\Sessions\0\Processes", r"\Sessions\0\Threads"
SHARED = Path("/dev/shm")


def status_of(call: Callable[..., object], *arguments: object) -> int:
    """Call a service; gives its status."""
    try:
        call(*arguments)
    except st.NtError as error:
        return error.status
    return st.STATUS_SUCCESS


class Looker(Watcher):
    """Looks through the system process's eyes, one step after another at the guest's checkpoints."""

    def __init__(self, name: str) -> None:
        self.sandbox = Sandbox(subscribe=True, profile="nt")
        self.provider = PicoProvider(self.sandbox.platform, self.sandbox.executive, self.sandbox.names)
        self.nt = self.provider.nt
        self.system = self.sandbox.executive.system_process
        self.memory = ObjectAttributes(rf"{BASE}\{name}")
        self.semaphore = ObjectAttributes(rf"{BASE}\sem.{name}")
        self.steps: list[Callable[[Call], None]] = []
        self.handles: list[int] = []

    def run(self, name: str) -> None:
        command = (guest("named_objects"), f"/{name}", f"/sem.{name}")
        status, errors = self.sandbox.run(self.provider, *command, observer=self)
        assert (status, errors, self.steps) == (0, "", [])

    def entered(self, call: Call) -> bool:
        if is_checkpoint(call):
            self.steps.pop(0)(call)
        return True

    def open_section(self, given: ObjectAttributes | None = None) -> int:
        self.handles.append(self.nt.NtOpenSection(self.system, MAXIMUM_ALLOWED, given or self.memory))
        return self.handles[-1]

    def open_semaphore(self) -> int:
        self.handles.append(self.nt.NtOpenSemaphore(self.system, MAXIMUM_ALLOWED, self.semaphore))
        return self.handles[-1]

    def size(self, handle: int) -> int:
        return int(self.nt.NtQuerySection(self.system, handle).maximum_size)

    def listed(self, path: str) -> dict[str, str]:
        handle = self.nt.NtOpenDirectoryObject(self.system, 1, ObjectAttributes(path))
        listing = self.nt.NtQueryDirectoryObject(self.system, handle, 1 << 20)
        self.nt.NtClose(self.system, handle)
        return dict(listing.entries)

    def close_all(self) -> None:
        while self.handles:
            self.nt.NtClose(self.system, self.handles.pop())


@pytest.fixture
def name() -> Iterator[str]:
    """Give a name that nobody else uses, and take away what a guest that failed has left."""
    name = f"Picobox-{os.getpid()}"
    yield name
    for path in (SHARED / name, SHARED / f"sem.{name}"):
        path.unlink(missing_ok=True)


def test_what_guests_share_by_name_is_in_the_namespace(name: str) -> None:
    looker = Looker(name)

    def before(_: Call) -> None:
        assert status_of(looker.open_section) == NOT_FOUND
        assert status_of(looker.open_semaphore) == NOT_FOUND

    def made(_: Call) -> None:
        listed = looker.listed(BASE)
        assert (listed[name], listed[f"sem.{name}"]) == ("Section", "Semaphore")
        memory, semaphore = looker.open_section(), looker.open_semaphore()
        assert looker.nt.NtQuerySection(looker.system, memory) == (0, SEC_COMMIT, 12345)
        assert looker.nt.NtQuerySemaphore(looker.system, semaphore) == (3, 0x7FFFFFFF)
        assert looker.nt.NtQueryObject(looker.system, semaphore, 1) == looker.semaphore.name
        shouted = looker.memory._replace(name=rf"{BASE}\{name.upper()}")
        assert status_of(looker.open_section, shouted) == NOT_FOUND
        again = looker.open_section(shouted._replace(attributes=OBJ_CASE_INSENSITIVE))
        table = looker.system.handles
        assert table.look_up(again).object is table.look_up(memory).object
        assert status_of(looker.nt.NtReleaseSemaphore, looker.system, semaphore) == st.STATUS_ACCESS_DENIED

    def changed(_: Call) -> None:
        memory, semaphore = looker.handles[:2]
        assert looker.size(memory) == 54321
        assert looker.nt.NtQuerySemaphore(looker.system, semaphore).current_count == 2

    def replaced(_: Call) -> None:
        former = looker.handles[0]
        assert looker.size(looker.open_section()) == 7
        assert status_of(looker.size, former) == st.STATUS_FILE_DELETED

    def unlinked(_: Call) -> None:
        assert status_of(looker.open_section) == NOT_FOUND
        assert status_of(looker.open_semaphore) == NOT_FOUND
        query = looker.nt.NtQuerySemaphore
        assert status_of(query, looker.system, looker.handles[1]) == st.STATUS_FILE_DELETED
        assert looker.nt.NtQueryObject(looker.system, looker.handles[1], 1) == ""
        assert name not in looker.listed(BASE)

    def over(_: Call) -> None:
        return

    looker.steps = [before, made, changed, replaced, unlinked, over, over, over]
    sections = living(Section)
    looker.run(name)
    looker.close_all()
    looker.listed(BASE)
    looker.sandbox.executive.namespace.named_objects.find("nothing")
    assert living(Section) == sections


def test_processes_and_threads_are_there_while_they_run(name: str) -> None:
    looker = Looker(name)
    seen = set()

    def compare(call: Call) -> None:
        threads = looker.sandbox.supervisor.threads().values()
        processes = {looker.system, *(thread.process for thread in threads)}
        assert looker.listed(PROCESSES) == {str(process.pid): "Process" for process in processes}
        assert looker.listed(THREADS) == {str(thread.tid): "Thread" for thread in threads}
        seen.add((len(processes) - 1, len(threads)))
        own = ObjectAttributes(rf"{THREADS}\{call.thread.tid}")
        handle = looker.nt.NtOpenThread(looker.system, 1, own)
        assert looker.system.handles.look_up(handle).object is call.thread
        looker.nt.NtClose(looker.system, handle)
        tokens.update(process.token for process in processes - {looker.system})
        token = looker.nt.NtOpenProcessToken(call.thread, CURRENT_PROCESS, MAXIMUM_ALLOWED)
        assert call.thread.process.handles.look_up(token, TOKEN).object in tokens
        looker.nt.NtClose(call.thread, token)

    tokens: set[Object | None] = set()
    looker.steps = [compare] * 8
    looker.run(name)
    # All processes of a sandbox have the same token.
    assert [isinstance(token, Token) for token in tokens] == [True]
    # A thread that has been joined may still be told of while the child looks.
    assert {(1, 1), (1, 2)} <= seen
    assert {processes for processes, _ in seen} == {1, 2}
    assert looker.listed(PROCESSES) == {str(looker.system.pid): "Process"}
    handle = looker.nt.NtOpenDirectoryObject(looker.system, 1, ObjectAttributes(THREADS))
    nobody = status_of(looker.nt.NtQueryDirectoryObject, looker.system, handle, 1 << 20)
    assert nobody == st.STATUS_NO_MORE_ENTRIES


def test_files_of_the_host_are_found_and_others_are_none(name: str) -> None:
    looker = Looker(name)
    semaphore, memory = SHARED / f"sem.{name}", SHARED / name
    memory.symlink_to("/etc/passwd")
    assert status_of(looker.open_section) == NOT_FOUND
    memory.unlink()
    memory.write_bytes(bytes(99))
    assert looker.size(looker.open_section()) == 99
    semaphore.write_bytes(struct.pack("<I", 0x80000005) + bytes(28))
    handle = looker.open_semaphore()
    assert looker.nt.NtQuerySemaphore(looker.system, handle).current_count == 5
    os.truncate(semaphore, 31)
    assert status_of(looker.open_semaphore) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert looker.size(looker.open_section(looker.semaphore)) == 31
    for odd in ("", ".", "..", "a/b", "\0", "\udcff"):
        given = ObjectAttributes(rf"{BASE}\{odd}")
        assert status_of(looker.open_section, given) in (NOT_FOUND, st.STATUS_OBJECT_NAME_INVALID)
    looker.close_all()
    looker.sandbox.platform.close()


def test_no_pipe_is_found_by_name(name: str) -> None:
    looker = Looker(name)

    def opens(_: Call) -> None:
        for path in (rf"\Device\NamedPipe\{name}", rf"\??\PIPE\{name}"):
            given = ObjectAttributes(path)
            assert status_of(looker.nt.NtOpenFile, looker.system, 1, given, 7, 0) == NOT_FOUND

    looker.steps = [opens] * 8
    looker.run(name)


def test_without_names_nobody_is_asked(name: str) -> None:
    sandbox = Sandbox(profile="linux")
    provider = sandbox.run_ours("/bin/true")
    (SHARED / name).write_bytes(b"x")
    given = ObjectAttributes(rf"{BASE}\{name}")
    assert status_of(provider.nt.NtOpenSection, sandbox.executive.system_process, 1, given) == NOT_FOUND
