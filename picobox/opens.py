"""Opens of guests as NtCreateFile: decided before the kernel makes the descriptor, completed when it has."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.names import from_host
from ntshim.fs.native import NativeInode, NativeVolume, resolved
from ntshim.fs.nodes import Nodes
from ntshim.io import create
from ntshim.io.file import File
from ntshim.io.irp import NameReserved
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.handles import index_to_handle
from ntshim.ob.symlink import SymbolicLink
from ntshim.status import NtError
from picobox.check.subject import OPEN, Subject
from picobox.platform.identity import Identities, is_link
from picobox.task import fd_index, granted_access
from picobox.unopened import Unopened

if TYPE_CHECKING:
    from ntshim.fs.volume import Place
    from ntshim.io.irp import CreateIrp
    from ntshim.ke.pending import PendingRequest
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.platform.drives import Drives
    from picobox.platform.host import PseudoDevices
    from picobox.platform.identity import Identity
    from picobox.provider import PicoProvider
    from picobox.runtimes import Runtime

O_RDONLY = 0
O_ACCMODE = 3
O_CREAT = 0o100
O_EXCL = 0o200
O_TRUNC = 0o1000
O_DIRECTORY = 0o200000
O_NOFOLLOW = 0o400000
O_PATH = 0o10000000
O_TMPFILE = 0o20200000
_ANY_WRITE = 0o222
# What is there is not what was asked for.
_TOLD_BY_HOST = frozenset((st.STATUS_NOT_A_DIRECTORY, st.STATUS_FILE_IS_A_DIRECTORY, st.STATUS_OBJECT_NAME_COLLISION))


class Opens:
    """The volumes of the host's files, and the opens that guests make on them."""

    def __init__(self, provider: PicoProvider, drives: Drives, pseudo: PseudoDevices) -> None:
        """Put the volumes into the namespace, and the drives that lead to them. `pseudo`: knows what is mounted."""
        self._provider = provider
        self.drives = drives
        self.identities = Identities(pseudo)
        self.unopened = provider.open_files.unopened = Unopened(
            provider, self.identities, self._share_of, self._volume_of
        )
        namespace = provider.executive.namespace
        # A file of the host may have names on several volumes: whatever it was opened by, its share state is one.
        self.nodes = nodes = Nodes()
        self.volumes: list[NativeVolume] = []
        for volume in drives.volumes:
            self.volumes.append(NativeVolume(nodes, drives.is_case_sensitive))
            namespace.add(volume.device, self.volumes[-1])
            for letter in volume.letters:
                namespace.add(f"\\GLOBAL??\\{letter}:", SymbolicLink(volume.device))

    def begin(self, call: Call, dirfd: int, path: bytes, flags: int) -> None:
        """Have the executive decide about an open whose name is approved; raises NtError if it refuses.

        Files that NT does not serve here (pipes, sockets, devices, what the kernel makes up) are the host's alone, and
        so is the answer for a name that is missing. Where the same call may happen unseen nothing is decided, and the
        handle is made when somebody looks.
        """
        if self._provider.platform.leaves_handles(call.stop.nr):
            return
        follow = not flags & O_NOFOLLOW and flags & (O_CREAT | O_EXCL) != O_CREAT | O_EXCL
        if flags & O_TMPFILE == O_TMPFILE:
            self._take_over_at_exit(call, made=True)
            return
        # Where everything is shared, who only reads is in nobody's way, and a copy of all that is read would take long.
        kept = self._has_share_states() or flags & (O_ACCMODE | O_TRUNC) != O_RDONLY
        found = self.identities.of_path(call.stop.tid, dirfd, path, follow=follow, kept=kept)
        if found is None and follow:
            found = self.identities.behind(call.stop.tid, dirfd, path)
        if found is None:
            return
        if not found.links:
            self._take_over_at_exit(call, made=False)
            return
        name = call.object_name = self.drives.nt_name(found.path)
        if found.file is None and not flags & O_CREAT:
            return
        runtime = self._runtime(call, found.path)
        if runtime is None and self._has_share_states() and found.file is None and follow and is_link(found.path):
            self._take_over_at_exit(call, made=False)  # what it makes may lie on a drive
            return
        if runtime is None and found.is_directory and flags & (O_CREAT | O_TRUNC) and not flags & O_PATH:
            return  # no open makes or empties a directory: the host says in which way it fails
        call.shown_by = runtime
        judge = self._provider.judge
        if runtime is not None:
            if judge is not None and judge.readers.takes(call, found, flags, runtime):
                return
            self.unopened.look()
        judgement = call.judgement
        if judgement is not None:
            if runtime is None or (found.file is not None and flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL):
                return  # nothing there is judged, or the host refuses as well
            judgement.subject = Subject(OPEN, found)
        ignores_read_only = runtime is None or (judgement is not None and judgement.ignores_read_only)
        place = place_of(found, keeps_read_only=not ignores_read_only)
        access = granted_access(flags)
        # FindFirstFileW shares deletion, and by it programs list what they open here.
        share = FILE_SHARE_ALL if runtime is None or found.is_directory else self._share(call, runtime)
        if self._provider.changes is not None and runtime is not None:
            self._provider.changes.look_at_sections(found, place, access, share)
        call.performed = True
        try:
            answer = self._provider.nt.NtCreateFile(
                call.thread,
                access,
                ObjectAttributes(name, attributes=OBJ_CASE_INSENSITIVE),
                create.FILE_ATTRIBUTE_NORMAL,
                share,
                _disposition(flags),
                _options(flags, runtime),
                extra=place,
            )
        except NameReserved as reserved:
            call.performed = False
            stand_behind(call, reserved.irp)
            return
        except NtError as error:
            if runtime is not None or error.status not in _TOLD_BY_HOST:
                raise
            # The host refuses it as well, and it alone knows whether the task may hear of what is there.
            call.performed = False
            self._take_over_at_exit(call, made=False)
            return
        if answer.irp is None:
            raise RuntimeError("a native volume has performed an open")
        self._complete_at_exit(call, answer.irp, found)

    def _has_share_states(self) -> bool:
        names = self._provider.names
        return names is not None and names.windows is not None

    def _take_over_at_exit(self, call: Call, *, made: bool) -> None:
        """What has no name NT opens by none: it counts the open as that of the kernel's descriptor.

        `made`: it is made in a directory, which is all that the call names.
        """
        call.then = lambda fd: self._take_over(call, fd, made=made) if fd >= 0 else None

    def _take_over(self, call: Call, fd: int, *, made: bool) -> None:
        handles = call.thread.process.handles
        with suppress(NtError):
            handles.look_up(index_to_handle(fd_index(fd)))
        entry = handles.peek(fd_index(fd))
        if entry is None or not isinstance(entry.object, File) or entry.object.context is None:
            return
        path = entry.object.context.node.inode.path
        runtime = self._runtime(call, path)
        if self._provider.judge is not None and runtime is not None:
            self._provider.judge.opened(call, entry.object, path.rpartition(b"/")[0] if made else path, fd)
            if made and self._provider.judge.observes:
                self.unopened.leave_unnamed(entry.object.host_key)
                call.task.files.leave(fd)

    def _share_of(self, tid: HostTid, path: bytes) -> int | None:
        runtime = self._runtime_of(tid, path)
        return None if runtime is None else runtime.share

    def _volume_of(self, path: bytes) -> NativeVolume:
        return self.volumes[self.drives.volumes.index(self.drives.of(path))]

    def _runtime(self, call: Call, path: bytes) -> Runtime | None:
        """Whose opens on Windows an open is to be like; None where no rules of Windows hold."""
        return self._runtime_of(call.stop.tid, path)

    def _runtime_of(self, tid: HostTid, path: bytes) -> Runtime | None:
        windows = None if self._provider.names is None else self._provider.names.windows
        return windows.runtimes.of(tid) if windows is not None and windows.is_on_drive(path) else None

    def _share(self, call: Call, runtime: Runtime) -> int:
        """What an open shares; by which library of a runtime it is made is known where stacks are read."""
        judge = self._provider.judge
        return runtime.share if judge is None else judge.share_of(call, runtime)

    def _complete_at_exit(self, call: Call, irp: CreateIrp, decided: Identity) -> None:
        """The kernel makes the descriptor; its handle is made when the number is known.

        If it has found another file than was decided about, since the name led there meanwhile, that is what is open.
        """
        path = decided.path

        def then(fd: int) -> None:
            found = self.identities.of_descriptor(call.stop.tid, fd) if fd >= 0 else None
            if found is None:
                return
            key, is_directory = found
            if decided.file not in (None, key):
                self._take_over(call, fd, made=False)
                return
            irp.complete(key, NativeInode(key, path, is_directory=is_directory))
            self._provider.open_files.adopt(irp.file, call.task.files, fd)
            irp.install(call.thread.process.handles, index=fd_index(fd))
            if self._provider.judge is not None and call.shown_by is not None:
                self._provider.judge.opened(call, irp.file, path, fd)

        def over() -> None:
            if irp.status == st.STATUS_PENDING:
                irp.fail(st.STATUS_CANCELLED)

        call.then = then
        call.when_over(over)


def stand_behind(call: Call, irp: PendingRequest) -> None:
    """The call is dispatched again once a request that has its name is done; what it has itself it gives back."""
    call.finish()
    call.wait = lambda routine: irp.when_done(lambda _: routine())


def place_of(found: Identity, *, keeps_read_only: bool) -> Place:
    """Where the name leads; a mode without write permission is the attribute READONLY where Windows' rules hold."""
    file = None
    if found.file is not None:
        read_only = keeps_read_only and not found.mode & _ANY_WRITE
        file = NativeInode(found.file, found.path, is_directory=found.is_directory, read_only=read_only)
        file.size, file.links = found.size, found.links
    return resolved(NativeInode(found.directory, found.parent), from_host(found.name), file)


def _options(flags: int, runtime: Runtime | None) -> int:
    """NtCreateFile's options for open's flags: as Win32 adds them, an open that may write takes no directory.

    One that only reads does, though Win32's would not: by it programs on Linux list a directory (facts/nt.md 3.1).
    """
    if flags & O_DIRECTORY:
        return create.FILE_DIRECTORY_FILE
    reads = flags & O_ACCMODE == O_RDONLY and not flags & O_CREAT
    return 0 if runtime is None or reads or flags & O_PATH else create.FILE_NON_DIRECTORY_FILE


def _disposition(flags: int) -> int:
    """NtCreateFile's disposition for open's flags (facts/nt.md section 3.1)."""
    if flags & O_DIRECTORY:
        return create.FILE_OPEN
    if flags & O_CREAT:
        if flags & O_EXCL:
            return create.FILE_CREATE
        return create.FILE_OVERWRITE_IF if flags & O_TRUNC else create.FILE_OPEN_IF
    return create.FILE_OVERWRITE if flags & O_TRUNC and not flags & O_PATH else create.FILE_OPEN
