"""Changes that guests make to names and files, as Windows has them: decided before the kernel performs them.

Each is what the program's runtime would ask NT for: a handle is opened, the change is decided, the kernel's answer
completes or fails it, the handle is closed (facts/nt.md sections 3.5 to 3.7).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.fs.names import from_host
from ntshim.fs.native import NativeInode, give_name
from ntshim.io import create, delete, query
from ntshim.io.file import FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA
from ntshim.io.irp import NameReserved
from ntshim.io.rename import (
    FILE_RENAME_IGNORE_READONLY_ATTRIBUTE,
    FILE_RENAME_POSIX_SEMANTICS,
    FILE_RENAME_REPLACE_IF_EXISTS,
)
from ntshim.io.share import FILE_SHARE_ALL, FILE_SHARE_WRITE
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.handles import index_to_handle
from ntshim.ob.object import DELETE, SYNCHRONIZE
from picobox import change_calls, lock_calls
from picobox.abi.table import BY_NAME
from picobox.byte_locks import ByteLocks
from picobox.check.subject import DELETE as DELETE_NAME
from picobox.check.subject import EXCHANGE, LINK, MAKE, REMOVE_DIRECTORY, RENAME, TRUNCATE, Subject
from picobox.mappings import Mappings
from picobox.opens import place_of, stand_behind
from picobox.platform.identity import file_at, keep_identity
from picobox.task import fd_index
from picobox.working_directories import WorkingDirectories

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.fs.volume import Place
    from ntshim.io.irp import CreateIrp, Irp
    from picobox.call import Call
    from picobox.check.unopposed import Unopposed
    from picobox.names import Names
    from picobox.opens import Opens
    from picobox.platform.base import HostTid
    from picobox.platform.identity import Identity
    from picobox.provider import PicoProvider
    from picobox.windows import WindowsRules

_WRITE_PERMISSIONS = 0o222
# DeleteFileW and RemoveDirectoryW, since Windows 10 1809 (facts/nt.md section 3.5).
_POSIX_DELETE = delete.FILE_DISPOSITION_DELETE | delete.FILE_DISPOSITION_POSIX_SEMANTICS


class Kind(NamedTuple):
    """How a file is opened to be changed."""

    access: int
    share: int = FILE_SHARE_ALL
    options: int = 0


# What Win32 opens for each: DeleteFileW, RemoveDirectoryW, MoveFileExW, CreateHardLinkW, SetFileAttributesW.
_FILE_TO_DELETE = Kind(DELETE | FILE_READ_ATTRIBUTES, options=create.FILE_NON_DIRECTORY_FILE)
_DIRECTORY_TO_DELETE = Kind(DELETE | SYNCHRONIZE | FILE_LIST_DIRECTORY, options=create.FILE_DIRECTORY_FILE)
_TO_MOVE = Kind(DELETE | SYNCHRONIZE | FILE_READ_ATTRIBUTES)
_TO_LINK = Kind(SYNCHRONIZE | FILE_WRITE_ATTRIBUTES)
_TO_SET = Kind(SYNCHRONIZE | FILE_WRITE_ATTRIBUTES)
_DIRECTORY_TO_MAKE = Kind(SYNCHRONIZE | FILE_LIST_DIRECTORY, options=create.FILE_DIRECTORY_FILE)
_FILE_TO_MAKE = Kind(SYNCHRONIZE | FILE_WRITE_DATA, options=create.FILE_NON_DIRECTORY_FILE)


class Changes:
    """The executive's part in the calls of guests that change what is on the drives."""

    def __init__(self, provider: PicoProvider, names: Names, windows: WindowsRules, opens: Opens) -> None:
        """Serve `provider`; what `windows` says is on no drive is the host's alone. `opens` know the open files."""
        self._provider = provider
        self._names = names
        self._drives = drives = names.drives
        self._nodes = opens.nodes
        self._windows = windows
        self._identities = opens.identities
        self.working_directories = WorkingDirectories(provider, drives, windows, self._identities)
        self._deciders = deciders()
        self.locks = ByteLocks(provider, windows, self._identities)
        self.mappings = Mappings(provider.executive, opens.nodes)
        self.decided = frozenset(self._deciders)
        # What a check knows that NT need not be asked about.
        self.unopposed: Unopposed | None = None

    def decide(self, call: Call, name: str, arguments: Sequence[object]) -> None:
        """Have the executive decide about a call, the row `name`'s, if it changes something; raises NtError."""
        decider = self._deciders.get(name)
        if decider is None or self._names.root_moved(call.stop.tid):
            return
        try:
            decider(self, call, *arguments)
        except NameReserved as reserved:
            stand_behind(call, reserved.irp)

    def delete(self, call: Call, dirfd: int, path: bytes, *, directory: bool) -> None:
        """Remove a name: DeleteFileW or RemoveDirectoryW."""
        found = self._named(call, self._identities.of_entry(call.stop.tid, dirfd, path))
        if found is None or found.file is None:
            return
        _judged(call, Subject(REMOVE_DIRECTORY if directory else DELETE_NAME, found))
        if self.unopposed is not None and self.unopposed.removal(call, found, directory=directory):
            return
        self._look_at_open()
        if found.is_directory:
            self.working_directories.look()
        handle = self._open(call, found, _DIRECTORY_TO_DELETE if directory else _FILE_TO_DELETE)
        flags = _POSIX_DELETE
        if self._windows.runtimes.of(call.stop.tid).deletes_read_only:
            flags |= delete.FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE
        irp = self._set(call, handle, flags, query.FILE_DISPOSITION_INFORMATION_EX)
        _complete_at_end(call, irp, lambda: file_at(found.path) != found.file)

    def rename(self, call: Call, old: tuple[int, bytes], new: tuple[int, bytes], *, replace: bool) -> None:
        """Give a file another name: MoveFileExW, or by POSIX semantics where the runtime asks for them."""
        tid = call.stop.tid
        source, target = (self._named(call, self._identities.of_entry(tid, *each)) for each in (old, new))
        if source is None or source.file is None or target is None:
            return
        _judged(call, Subject(RENAME, source, target))
        if self.unopposed is not None and self.unopposed.rename(call, source, target, replace=replace):
            return
        self._look_at_open()
        if source.is_directory or target.is_directory:
            self.working_directories.look()
        flags = FILE_RENAME_REPLACE_IF_EXISTS if replace else 0
        runtime = self._windows.runtimes.of(call.stop.tid)
        if replace and runtime.posix_rename:
            flags |= FILE_RENAME_POSIX_SEMANTICS
        if replace and runtime.posix_rename and runtime.deletes_read_only:
            flags |= FILE_RENAME_IGNORE_READONLY_ATTRIBUTE
        handle = self._open(call, source, _TO_MOVE)
        self._name(call, handle, source, target, flags, query.FILE_RENAME_INFORMATION_EX)

    def link(self, call: Call, old: tuple[int, bytes], new: tuple[int, bytes], *, follow: bool) -> None:
        """Give a file one more name: CreateHardLinkW."""
        source = self._source(call, *old, follow=follow)
        if source is not None and not source.links:
            self._name_unnamed(call, source, new)
            return
        source, target = self._on_drive(call, source), self._entry(call, *new)
        if source is None or source.file is None or target is None:
            return
        _judged(call, Subject(LINK, source, target))
        handle = self._open(call, source, _TO_LINK)
        self._name(call, handle, source, target, 0, query.FILE_LINK_INFORMATION)

    def _source(self, call: Call, dirfd: int, path: bytes, *, follow: bool) -> Identity | None:
        """What a link is to be made of; without a path that is what a descriptor stands for."""
        tid = call.stop.tid
        if not path:
            return self._identities.of_held(tid, dirfd)
        return self._followed(tid, dirfd, path) if follow else self._identities.of_entry(tid, dirfd, path)

    def _followed(self, tid: HostTid, dirfd: int, path: bytes) -> Identity | None:
        """The file that a path leads to, by links of the kernel's own too; it may have no name."""
        found = self._identities.of_path(tid, dirfd, path, follow=True)
        return self._identities.behind(tid, dirfd, path) if found is None else found

    def _name_unnamed(self, call: Call, source: Identity, new: tuple[int, bytes]) -> None:
        """An open file without a name gets its first one, as if it were made there: Windows has none without."""
        if self._provider.opens is not None:
            self._provider.opens.unopened.count_unnamed(source.file)
        target = self._entry(call, *new)
        if target is None or target.file is not None:
            return  # on no drive, or the host refuses
        _judged(call, Subject(MAKE, target))
        irp = self._create(call, target, _FILE_TO_MAKE, create.FILE_CREATE)
        call.performed = True
        place = _place(target._replace(file=source.file), keeps_read_only=False)

        def complete() -> None:
            irp.complete(source.file, place.inode)
            give_name(self._nodes, place)
            irp.file.dereference()

        _at_end(call, irp, complete, lambda: file_at(target.path) == source.file)

    def make(self, call: Call, dirfd: int, path: bytes, *, directory: bool) -> None:
        """Make a directory, or another file that stays closed."""
        found = self._named(call, self._identities.of_entry(call.stop.tid, dirfd, path))
        if found is None or (call.judgement is not None and found.file is not None):
            return  # on no drive, or the host refuses as well
        _judged(call, Subject(MAKE, found))
        if self.unopposed is not None and self.unopposed.name(call, found):
            return
        self._look_at_open()
        irp = self._create(call, found, _DIRECTORY_TO_MAKE if directory else _FILE_TO_MAKE, create.FILE_CREATE)
        call.performed = True

        def complete() -> None:
            key = file_at(found.path)
            if key is not None:
                irp.complete(key, NativeInode(key, found.path, is_directory=directory))
                irp.file.dereference()

        _at_end(call, irp, complete, lambda: file_at(found.path) is not None)

    def truncate(self, call: Call, dirfd: int, path: bytes, length: int) -> None:
        """Give a file another end: it is opened for writing as the runtime opens files."""
        found = self._file(call, dirfd, path, follow=True)
        if found is None or found.file is None:
            return
        _judged(call, Subject(TRUNCATE, found))
        share = self._windows.runtimes.of(call.stop.tid).share
        kind = Kind(SYNCHRONIZE | FILE_WRITE_DATA, share, create.FILE_NON_DIRECTORY_FILE)
        handle = self._open(call, found, kind)
        irp = self._set(call, handle, length, query.FILE_END_OF_FILE_INFORMATION)
        _complete_at_end(call, irp)

    def set_basic(self, call: Call, dirfd: int, path: bytes, mode: int | None, *, follow: bool) -> None:
        """Change times, or the attribute READONLY by a mode: SetFileTime, SetFileAttributesW."""
        if _is_only_watched(call):
            return  # what NT refuses of it, Linux does
        found = self._file(call, dirfd, path, follow=follow)
        if found is None or found.file is None:
            return
        handle = self._open(call, found, _TO_SET)
        irp = self._set(call, handle, _basic(mode), query.FILE_BASIC_INFORMATION)
        _complete_at_end(call, irp)

    def truncate_open(self, call: Call, fd: int, length: int) -> None:
        """Give an open file another end; what it was not opened for the host refuses."""
        handle = index_to_handle(fd_index(fd))
        self._refresh(call, fd)
        found = self._identities.of_open(call.stop.tid, fd)
        if found is not None:
            if self._is_nobodys(call, found):
                return
            _judged(call, Subject(TRUNCATE, found))
        irp = self._set_open(call, handle, length, query.FILE_END_OF_FILE_INFORMATION, FILE_WRITE_DATA)
        if irp is not None:
            _complete_at_end(call, irp)

    def _is_nobodys(self, call: Call, found: Identity) -> bool:
        """Whether a file never had a name and is not mapped: it would get a handle, and each copy of it another one."""
        is_unnamed = self._provider.opens is not None and self._provider.opens.unopened.is_unnamed(found.file)
        return is_unnamed and self.unopposed is not None and self.unopposed.file(call, found)

    def set_basic_open(self, call: Call, fd: int, mode: int | None) -> None:
        """Change times or READONLY of an open file, as far as it was opened for that."""
        if _is_only_watched(call):
            return
        handle = index_to_handle(fd_index(fd))
        irp = self._set_open(call, handle, _basic(mode), query.FILE_BASIC_INFORMATION, FILE_WRITE_ATTRIBUTES)
        if irp is not None:
            _complete_at_end(call, irp)

    def note_mapping(self, call: Call, fd: int, protection: int, flags: int) -> None:
        """A file is about to be mapped."""
        tid = call.stop.tid
        found, file = self._identities.of_descriptor(tid, fd), self._identities.size_and_path_of(tid, fd)
        if found is not None and file is not None and self._windows.is_on_drive(file[1]):
            self.mappings.note(tid, fd, found[0], protection, flags)
            if self._provider.judge is not None:
                self._provider.judge.repeats.begin_anew()
                self._provider.judge.holders.moments.maps(call.thread.process, found[0])

    def look_at_sections(self, found: Identity, place: Place, access: int, share: int) -> None:
        """Have NT know which sections a file has, if that matters to an open: it writes, or lets nobody write."""
        if found.file is not None and (access & FILE_WRITE_DATA or not share & FILE_SHARE_WRITE):
            self._look(found, place)

    def look_at_mappings(self, found: Identity) -> None:
        """Have NT know which sections a file has."""
        self._look(found, _place(found, keeps_read_only=True))

    def _look(self, found: Identity, place: Place) -> None:
        if found.file is not None and isinstance(place.inode, NativeInode):
            self.mappings.look(found.file, place.inode)

    def refuse(self, call: Call, dirfd: int, path: bytes, status: int) -> None:
        """A change that no program can ask for on Windows."""
        found = self._entry(call, dirfd, path)
        if found is not None:
            _judged(call, Subject(EXCHANGE, found))
            raise st.NtError(status)

    def _entry(self, call: Call, dirfd: int, path: bytes) -> Identity | None:
        """The name that a path ends in; None if it is on no drive."""
        return self._on_drive(call, self._identities.of_entry(call.stop.tid, dirfd, path))

    def _file(self, call: Call, dirfd: int, path: bytes, *, follow: bool) -> Identity | None:
        """The file that a path leads to; None if it is on no drive."""
        if not follow:
            return self._entry(call, dirfd, path)
        found = self._followed(call.stop.tid, dirfd, path)
        return self._on_drive(call, found if found is None or found.links else None)

    def _on_drive(self, call: Call, found: Identity | None) -> Identity | None:
        named = self._named(call, found)
        if named is not None:
            self._look_at_open()
        return named

    def _look_at_open(self) -> None:
        if self._provider.opens is not None:
            self._provider.opens.unopened.look()

    def _named(self, call: Call, found: Identity | None) -> Identity | None:
        """What a call is about, if that is on a drive."""
        if found is None or not self._windows.is_on_drive(found.path):
            return None
        call.shown_by = self._windows.runtimes.of(call.stop.tid)
        call.object_name = call.object_name or self._drives.nt_name(found.path)
        return found

    def _create(self, call: Call, found: Identity, kind: Kind, disposition: int) -> CreateIrp:
        answer = self._provider.nt.NtCreateFile(
            call.thread,
            kind.access,
            ObjectAttributes(self._drives.nt_name(found.path), attributes=OBJ_CASE_INSENSITIVE),
            create.FILE_ATTRIBUTE_NORMAL,
            kind.share,
            disposition,
            kind.options | create.FILE_OPEN_REPARSE_POINT,
            extra=_place(found, keeps_read_only=_keeps_read_only(call)),
        )
        if answer.irp is None:
            raise RuntimeError("a native volume has performed an open")
        return answer.irp

    def _open(self, call: Call, found: Identity, kind: Kind) -> int:
        """A handle of the caller's for the time of the call. Raises NtError."""
        call.when_over(keep_identity(found.path))
        self._look(found, _place(found, keeps_read_only=_keeps_read_only(call)))
        irp = self._create(call, found, kind, create.FILE_OPEN)
        irp.complete(found.file)
        handle = irp.install(call.thread.process.handles)
        call.when_over(lambda: self._close(call, handle))
        return handle

    def _close(self, call: Call, handle: int) -> None:
        # A process that is being terminated has none left.
        with suppress(st.NtError):
            self._provider.nt.NtClose(call.thread, handle)

    def _set(self, call: Call, handle: int, record: object, information_class: int, place: Place | None = None) -> Irp:
        """Have a change decided. Raises NtError."""
        call.performed = True
        irp = self._provider.nt.NtSetInformationFile(call.thread, handle, record, information_class, place)
        if irp is None:
            raise RuntimeError("a native volume has performed a change")
        return irp

    def _set_open(self, call: Call, handle: int, record: object, information_class: int, access: int) -> Irp | None:
        """Have a change of an open file decided; None if it is no file of a drive or was not opened for it."""
        try:
            entry = call.thread.process.handles.look_up(handle)
        except st.NtError:
            return None  # no descriptor: the host says so
        opened = getattr(entry.object, "context", None)
        if opened is None or not entry.access & access or not isinstance(opened.node.inode, NativeInode):
            return None
        if not self._windows.is_on_drive(opened.node.inode.path):
            return None
        call.shown_by = self._windows.runtimes.of(call.stop.tid)
        return self._set(call, handle, record, information_class)

    def _refresh(self, call: Call, fd: int) -> None:
        """What is known of an open file's size and sections becomes what the host says now."""
        found, file = self._identities.of_descriptor(call.stop.tid, fd), None
        entry = call.thread.process.handles.peek(fd_index(fd))
        opened = None if entry is None else getattr(entry.object, "context", None)
        if found is not None and opened is not None and isinstance(opened.node.inode, NativeInode):
            file = self._identities.size_and_path_of(call.stop.tid, fd)
        if found is None or file is None or opened is None:
            return
        opened.node.inode.size = file[0]
        self.mappings.look(found[0], opened.node.inode)

    def _name(
        self, call: Call, handle: int, source: Identity, target: Identity, flags: int, information_class: int
    ) -> None:
        """Have a new name decided, a rename's or a link's."""
        if call.judgement is not None and call.judgement.subject is not None:
            call.judgement.subject = call.judgement.subject._replace(naming=True)
        place = _place(target, _asked(call), keeps_read_only=_keeps_read_only(call))
        self._look(target, place)
        record = query.FileRenameInformation(self._drives.nt_name(target.path), flags)
        irp = self._set(call, handle, record, information_class, place)
        _complete_at_end(call, irp, lambda: file_at(target.path) == source.file)


def deciders() -> dict[str, Callable[..., None]]:
    """What change_calls and lock_calls have for rows, by the rows' names."""
    functions = {**vars(change_calls), **vars(lock_calls)}
    return {name: found for name, found in functions.items() if name in BY_NAME and callable(found)}


def _is_only_watched(call: Call) -> bool:
    """Whether a check lets the guest have Linux' answer whatever NT says."""
    return call.judgement is not None and call.judgement.observes


def _judged(call: Call, subject: Subject) -> None:
    """A check is told what a call is about to do."""
    if call.judgement is not None:
        call.judgement.subject = subject


def _keeps_read_only(call: Call) -> bool:
    return call.judgement is None or not call.judgement.ignores_read_only


def _place(found: Identity, asked: bytes | None = None, *, keeps_read_only: bool) -> Place:
    """Where a name leads; `asked`: in which other spelling it is to be stored."""
    place = place_of(found, keeps_read_only=keeps_read_only)
    return place if asked is None else place._replace(part=place.part._replace(file=from_host(asked)))


def _asked(call: Call) -> bytes | None:
    """The spelling in which a name is made that is stored in another one."""
    return None if call.made is None or call.made.stored is None else call.made.asked


def _basic(mode: int | None) -> query.FileBasicInformation:
    """What a mode says of the attributes; None: the times change."""
    if mode is None:
        return query.FileBasicInformation()
    read_only = create.FILE_ATTRIBUTE_NORMAL if mode & _WRITE_PERMISSIONS else create.FILE_ATTRIBUTE_READONLY
    return query.FileBasicInformation(file_attributes=read_only)


def _complete_at_end(call: Call, irp: Irp, happened: Callable[[], bool] | None = None) -> None:
    _at_end(call, irp, irp.complete, happened)


def _at_end(call: Call, irp: Irp, complete: Callable[[], object], happened: Callable[[], bool] | None) -> None:
    """The kernel's answer completes or fails a request; `happened` tells what became of one that is not answered."""
    former = call.then

    def then(result: int) -> int | None:
        replaced = None if former is None else former(result)
        if (result if replaced is None else replaced) >= 0:
            complete()
        else:
            irp.fail(st.STATUS_CANCELLED)
        return replaced

    def over() -> None:
        if irp.status == st.STATUS_PENDING and happened is not None and happened():
            complete()
        if irp.status == st.STATUS_PENDING:
            irp.fail(st.STATUS_CANCELLED)

    call.then = then
    call.when_over(over)
