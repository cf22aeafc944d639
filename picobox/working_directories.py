"""The working directories of guests as Windows has them: each process holds its own open (facts/nt.md section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim.io import create
from ntshim.io.file import FILE_EXECUTE
from ntshim.io.share import FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.handles import handle_to_index
from ntshim.ob.object import SYNCHRONIZE
from ntshim.status import NtError
from picobox.opens import place_of
from picobox.platform.identity import keep_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.io.file import File
    from ntshim.ob.handles import HandleTable
    from ntshim.ps.process import Process
    from picobox.platform.drives import Drives
    from picobox.platform.identity import Identities, Identity
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules


class _Held(NamedTuple):
    """A working directory for which a process has a handle, in `table`, which it may share with others."""

    found: Identity
    handle: int
    file: File
    table: HandleTable
    forget: Callable[[], None]

    def let_go(self) -> None:
        """Close the handle, also if the process is gone and others have its table still."""
        self.forget()
        index = handle_to_index(self.handle)
        entry = self.table.peek(index)
        if entry is not None and entry.object is self.file:
            self.table.discard(index)


class WorkingDirectories:
    """The handles of working directories, made when it counts whether there is one: the kernel's word is the truth.

    What a process has that has run no program of its own yet is its parent's still: on Windows it would not be there.
    """

    def __init__(self, provider: PicoProvider, drives: Drives, windows: WindowsRules, identities: Identities) -> None:
        """Nothing is held at first."""
        self._identities = identities
        self._provider = provider
        self._drives = drives
        self._windows = windows
        self._held: dict[Process, _Held] = {}

    def holders(self, key: object) -> Iterator[tuple[Process, int]]:
        """The processes that work in a directory, as it was found last, with their handles."""
        return ((process, held.handle) for process, held in self._held.items() if held.found.file == key)

    def look(self) -> None:
        """Bring the handles up to what the kernel says now."""
        processes = [each for each in self._provider.executive.processes.values() if not each.terminating]
        for gone in self._held.keys() - processes:
            self._held.pop(gone).let_go()
        for process in processes:
            self._look_at(process)

    def _look_at(self, process: Process) -> None:
        if not getattr(process.context, "has_image", False):
            return
        found = self._working_directory(process)
        held = self._held.get(process)
        if held is not None:
            if found == held.found and process.handle_table is held.table:
                return
            del self._held[process]
            held.let_go()
        if found is not None and self._windows.is_on_drive(found.path):
            self._hold(process, found)

    def _working_directory(self, process: Process) -> Identity | None:
        """The name that the directory has; None if it has none any more."""
        tids = [thread.context.tid for thread in process.threads.values()]
        return next(filter(None, map(self._identities.of_working_directory, tids)), None)

    def _hold(self, process: Process, found: Identity) -> None:
        try:
            irp = self._provider.nt.NtOpenFile(
                process,
                FILE_EXECUTE | SYNCHRONIZE,
                ObjectAttributes(self._drives.nt_name(found.path), attributes=OBJ_CASE_INSENSITIVE),
                FILE_SHARE_READ | FILE_SHARE_WRITE,
                create.FILE_DIRECTORY_FILE,
                extra=place_of(found, keeps_read_only=True),
            ).irp
        except NtError:
            return  # it is about to go, or its name is
        if irp is None:
            raise RuntimeError("a native volume has performed an open")
        irp.complete(found.file)
        handle = irp.install(process.handles)
        self._held[process] = _Held(found, handle, irp.file, process.handles, keep_identity(found.path))
