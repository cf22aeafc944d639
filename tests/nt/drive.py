"""An executive with one drive, `C:`, and the services called as its processes would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim.fs.memfs import MemFs
from ntshim.fs.rules import NTFS
from ntshim.fs.volume import Volume
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.nt import NtServices
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.symlink import SymbolicLink
from ntshim.ps import Executive
from ntshim.status import STATUS_SUCCESS, NtError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.backend import Backend
    from ntshim.fs.rules import VolumeRules
    from ntshim.io.services import CreateAnswer
    from ntshim.ps import Process

READ = 0x1
WRITE = 0x2
APPEND = 0x4
EXECUTE = 0x20
READ_ATTRIBUTES = 0x80
WRITE_ATTRIBUTES = 0x100
DELETE = 0x10000
SYNCHRONIZE = 0x100000
MAXIMUM_ALLOWED = 0x2000000

PREFIX = "\\??\\C:\\"


class NoHost:
    """A host that no test of files asks for anything."""

    def _none(self, *_: object) -> Any:
        raise NotImplementedError

    get_context = set_context = suspend_thread = resume_thread = terminate_thread = _none
    terminate_process = set_descriptor_base = get_affinity = set_affinity = _none


def status_of(call: Callable[[], object]) -> int:
    """Run a call and give its status."""
    try:
        call()
    except NtError as error:
        return error.status
    return STATUS_SUCCESS


class Drive:
    """The drive `C:` over a backend. Paths are relative to its root; each call may name its process."""

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        rules: VolumeRules = NTFS,
        read_only: bool = False,
        native: bool = False,
    ) -> None:
        self.executive = Executive(NoHost())
        self.executive.boot()
        self.nt = NtServices(self.executive)
        self.volume = Volume(backend or MemFs(), rules=rules, read_only=read_only, native=native)
        self.executive.namespace.add("\\Device\\HarddiskVolume1", self.volume)
        self.executive.namespace.add("\\GLOBAL??\\C:", SymbolicLink("\\Device\\HarddiskVolume1"))
        self.process = self.executive.create_minimal_process("first")

    def new_process(self) -> Process:
        return self.executive.create_minimal_process("another")

    def create(
        self,
        path: str,
        access: int = READ,
        share: int = FILE_SHARE_ALL,
        disposition: int = io.FILE_OPEN,
        options: int = 0,
        attributes: int = 0,
        root: int = 0,
        process: Process | None = None,
    ) -> CreateAnswer:
        name = ObjectAttributes(path if root else PREFIX + path, root, 0x40)
        return self.nt.NtCreateFile(process or self.process, access, name, attributes, share, disposition, options)

    def open(self, path: str, access: int = READ, share: int = FILE_SHARE_ALL, options: int = 0, **more: Any) -> int:
        return self.create(path, access, share, options=options, **more).handle

    def make(self, path: str, attributes: int = 0, options: int = 0) -> None:
        """Make a file or directory and close it."""
        self.close(self.create(path, READ, disposition=io.FILE_CREATE, options=options, attributes=attributes).handle)

    def make_directory(self, path: str, attributes: int = 0) -> None:
        self.make(path, attributes, io.FILE_DIRECTORY_FILE)

    def close(self, handle: int, process: Process | None = None) -> None:
        self.nt.NtClose(process or self.process, handle)

    def exists(self, path: str) -> int:
        """Give the status of asking for a name's attributes."""
        name = ObjectAttributes(PREFIX + path, 0, 0x40)
        return status_of(lambda: self.nt.NtQueryAttributesFile(self.process, name))

    def delete(self, path: str) -> None:
        self.nt.NtDeleteFile(self.process, ObjectAttributes(PREFIX + path, 0, 0x40))

    def set(self, handle: int, information: Any, information_class: int) -> Any:
        return self.nt.NtSetInformationFile(self.process, handle, information, information_class)

    def get(self, handle: int, information_class: int) -> Any:
        return self.nt.NtQueryInformationFile(self.process, handle, information_class)

    def rename(self, handle: int, path: str, flags: int = 0, *, extended: bool = False, root: int = 0) -> Any:
        record = query.FileRenameInformation(path if root else PREFIX + path, flags, root)
        return self.set(handle, record, query.FILE_RENAME_INFORMATION_EX if extended else query.FILE_RENAME_INFORMATION)

    def link(self, handle: int, path: str, flags: int = 0, *, extended: bool = False) -> Any:
        record = query.FileRenameInformation(PREFIX + path, flags)
        return self.set(handle, record, query.FILE_LINK_INFORMATION_EX if extended else query.FILE_LINK_INFORMATION)

    def names(self, path: str) -> list[str]:
        """List a directory, without `.` and `..`."""
        handle = self.open(path, READ, options=io.FILE_DIRECTORY_FILE)
        try:
            entries = self.nt.NtQueryDirectoryFile(self.process, handle, query.FILE_NAMES_INFORMATION)
        except NtError:
            return []
        finally:
            self.close(handle)
        return [entry.file_name for entry in entries if entry.file_name not in (".", "..")]
