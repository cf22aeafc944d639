"""Volumes: the rules of a file system between a name and a backend, and the requests that they decide about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.fs import links
from ntshim.fs.creation import VolumeCreate
from ntshim.fs.names import DATA, INDEX_ALLOCATION, FileName, check_component, split_stream
from ntshim.fs.nodes import Node, Nodes, Open
from ntshim.fs.rules import NTFS
from ntshim.fs.secured import SecuredDevice, asks_directories
from ntshim.io import create
from ntshim.io.create import CreateRequest, Target
from ntshim.io.irp import CreateContext, Irp, NameReserved, ReparsePointMet, TargetContext
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, OBJ_DONT_REPARSE
from ntshim.ob.object import Reparse
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.fs.backend import Backend, Inode
    from ntshim.fs.mapped import SectionObjectPointers
    from ntshim.fs.rules import VolumeRules
    from ntshim.fs.security import Limits
    from ntshim.io.directory import DirectoryQuery
    from ntshim.io.ea import FileFullEaInformation
    from ntshim.io.file import File
    from ntshim.io.locks import ByteRangeLocks
    from ntshim.io.queued import QueuedIrp
    from ntshim.ob.parse import ParseRequest
    from ntshim.ps.process import Process, Thread


MOST_BYTES = (1 << 63) - 1  # of an offset, and so of a file


class Place(NamedTuple):
    """Where a name leads: a link that exists or could.

    `directory` is None for the root directory. `name` is the stored spelling if `inode` is there, else the name as
    asked for. `part` says which stream of the file; `names_data` that the main stream was named, `::$DATA`.
    """

    directory: Inode | None
    name: str
    inode: Inode | None
    part: FileName
    names_data: bool = False
    trailing_separator: bool = False


class Volume(SecuredDevice):
    """A volume: name rules, case rule, and the state of its open files over a backend.

    Unless it is native, the backend performs what the volume decides. `developer_mode` is Windows' setting that lets
    everybody make symbolic links.
    """

    __slots__ = (
        "developer_mode",
        "has_oplocks",
        "label",
        "nodes",
        "object_id",
        "reservations",
        "rules",
        "told_reserved",
        "updates_access_time",
    )

    def __init__(
        self,
        backend: Backend,
        *,
        rules: VolumeRules = NTFS,
        read_only: bool = False,
        native: bool = False,
        updates_access_time: bool = False,
    ) -> None:
        """Put rules over a backend; to note when files are read is off by default, as since Windows Vista."""
        super().__init__(native=native)
        self.backend = backend
        self.rules = rules
        self.read_only = read_only
        self.developer_mode = False
        self.updates_access_time = updates_access_time
        self.label = ""
        self.object_id: tuple[bytes, bytes] | None = None
        self.nodes = Nodes()
        # Whether somebody has ever asked for one.
        self.has_oplocks = False
        # None until somebody watches a directory.
        self.watches = None
        # (directory, folded name) of what is being made, from the decision to the completion (design.md section 5).
        self.reservations: dict[tuple[Hashable, str], Irp] = {}
        # Called when there are others.
        self.told_reserved: Callable[[], None] | None = None

    def split_name(self, component: str) -> FileName:
        """Take the last component of a name apart; STATUS_OBJECT_NAME_INVALID for what the volume cannot store."""
        if self.backend.has_streams:
            return split_stream(component)
        check_component(component)
        return FileName(component)

    def is_case_sensitive(self, directory: Inode) -> bool:
        """Whether names in a directory are exact, whatever the caller wants."""
        return self.rules.is_case_sensitive(
            lambda: self.backend.is_case_sensitive(directory), is_root=directory.key == self.backend.root.key
        )

    def fold(self, directory: Inode, name: str) -> str:
        """Give what two names of a directory have in common if they are one."""
        return name if self.is_case_sensitive(directory) else upcase(name)

    def create(self, request: ParseRequest, related: File | None) -> Any:
        """Decide about opening a file, or find where a rename or link leads; reparse points are followed."""
        while True:
            try:
                return self._create(request, related)
            except ReparsePointMet as met:
                name, from_namespace = self._follow(request, met)
            if from_namespace:
                return Reparse(name)
            request.name, related = name, None

    def _follow(self, request: ParseRequest, met: ReparsePointMet) -> tuple[str, bool]:
        """Give the name behind a reparse point, and whether it begins at the root of the object namespace."""
        from ntshim.fs import reparse

        target = reparse.resolve(self, met)
        if request.attributes & OBJ_DONT_REPARSE:
            raise st.NtError(st.STATUS_REPARSE_POINT_ENCOUNTERED)
        request.reparse_points += 1
        if request.reparse_points > reparse.REPARSE_POINT_LIMIT:
            raise st.NtError(st.STATUS_REPARSE_POINT_NOT_RESOLVED)
        return target

    def _create(self, request: ParseRequest, related: File | None) -> Any:
        """Decide about a name as far as no reparse point is in its way."""
        context = request.context
        ignore_case = bool(request.attributes & OBJ_CASE_INSENSITIVE)
        if isinstance(context, TargetContext):
            context.place = self.target_place(request.name, related, ignore_case=ignore_case)
            context.volume = self
            self.reference()
            return self
        if not isinstance(context, CreateContext):
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        asked = context.request
        if self.read_only:
            create.validate(asked, read_only_volume=True)
        if asked.options & create.FILE_OPEN_BY_FILE_ID:
            from ntshim.fs.file_id import place_of_id

            place = Place(*place_of_id(self, request.name, related))
        else:
            place = self._walk(request.name, related, ignore_case=ignore_case, passing=asks_directories(request.caller))
        irp = self._decide(asked, place, self.limits(place, request.caller, context))
        if asked.options & create.FILE_NO_EA_KNOWLEDGE:
            irp.check_ea_knowledge()
        irp.eas = context.eas
        context.irp = irp
        request.granted_access = irp.granted
        return irp.file

    def cleanup(self, file: File) -> None:
        """Release locks and share access, and remove what was to be deleted (facts/nt.md section 3.5)."""
        if file.context is not None:
            locks = file.context.stream.locks
            if locks is not None:
                locks.release(file)
            links.clean_up(self, file.context)
            oplocks = file.context.stream.oplocks
            if oplocks is not None:
                oplocks.release(file.context)

    def close(self, file: File) -> None:
        """Let the backend's file go."""
        if file.context is not None:
            self.backend.close(file.context.node.inode)

    def read(self, file: File, offset: int, length: int) -> bytes:
        """Read from the stream that is open."""
        from ntshim.fs import times

        opened = _data(file)
        _check_sectors(file, offset, length)
        inode, stream = opened.node.inode, opened.stream.name
        if not length:
            return b""
        _check_oplocks(opened, writes=False)
        data = times.access(self, opened, lambda: self.backend.read(inode, stream, offset, length))
        if not data:
            raise st.NtError(st.STATUS_END_OF_FILE)
        return data

    def write(self, file: File, offset: int | None, data: bytes) -> tuple[int, int]:
        """Write to the stream that is open."""
        from ntshim.fs import times

        opened = _data(file)
        if self.read_only:
            raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
        if offset is not None:
            _check_sectors(file, offset, len(data))
        _check_oplocks(opened, writes=True)
        inode, stream = opened.node.inode, opened.stream.name
        at = self.backend.facts(inode, stream).size if offset is None else offset
        if at + len(data) > MOST_BYTES:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if data:
            before = self.backend.facts(inode, stream).size if self.watches is not None else 0
            times.modify(self, opened, lambda: self.backend.write(inode, stream, at, data))
            if self.watches is not None:
                self.watches.written(opened, resized=at + len(data) > before)
        return len(data), at + len(data)

    def byte_range_locks(self, file: File) -> ByteRangeLocks:
        """Give the locks of the stream that is open; a directory has no bytes (facts/nt.md section 3.8)."""
        opened: Open = file.context
        if opened.node.inode.is_directory and not opened.stream.name:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if opened.stream.locks is None:
            from ntshim.io.locks import ByteRangeLocks

            opened.stream.locks = ByteRangeLocks()
        return opened.stream.locks

    def before_lock(self, file: File) -> None:
        """Break the oplocks of the stream that do not bear locks."""
        _check_oplocks(file.context, writes=True)

    def check_locks(
        self, file: File, process: Process, key: int, offset: int | None, length: int, *, writes: bool
    ) -> None:
        """Ask the locks of the stream, if it ever had one."""
        opened: Open = file.context
        locks = opened.stream.locks
        if locks is None:
            return
        if offset is None:
            offset = self.backend.facts(opened.node.inode, opened.stream.name).size
        locks.check((file, process, key), offset, length, writes=writes)

    def page_in(self, file: File, offset: int, length: int) -> bytes:
        """Read for a section."""
        opened: Open = file.context
        return self.backend.read(opened.node.inode, opened.stream.name, offset, length)

    def page_out(self, file: File, offset: int, data: bytes) -> None:
        """Write for a section."""
        from ntshim.fs.mapped import page_out

        page_out(self, file.context, offset, data)

    def section_object_pointers(self, file: File) -> SectionObjectPointers:
        """Give where the sections of the stream are counted; a directory has no data (facts/nt.md section 3.9)."""
        from ntshim.fs.mapped import pointers_of

        opened: Open = file.context
        if opened.node.inode.is_directory and not opened.stream.name:
            raise st.NtError(st.STATUS_INVALID_FILE_FOR_SECTION)
        return pointers_of(self.nodes, opened.node.inode, opened.stream.name)

    def flush(self, file: File) -> None:
        """Bring what was written to the medium."""
        self.backend.flush(file.context.node.inode)

    def query_information(self, file: File, information_class: int) -> Any:
        """Tell of an open file."""
        from ntshim.fs import information

        return information.query_file(self, file, information_class)

    def set_information(self, file: File, record: Any, information_class: int) -> Irp | None:
        """Change an open file."""
        from ntshim.fs import information

        return information.change(self, file, record, information_class)

    def query_eas(self, file: File) -> list[FileFullEaInformation]:
        """Give the EAs of the file that is open."""
        return self.backend.extended_attributes(file.context.node.inode)

    def set_eas(self, file: File, attributes: list[FileFullEaInformation]) -> None:
        """Change the EAs of the file that is open."""
        from ntshim.fs import eas

        eas.change(self, file.context, attributes)

    def fs_control(
        self, caller: Process | Thread, file: File, access: int, code: int, data: bytes, output_length: int
    ) -> Any:
        """Serve the codes of `fs.control`."""
        from ntshim.fs import control

        return control.control(self, caller, file, access, code, data, output_length)

    def query_volume_information(self, file: File, fs_information_class: int) -> Any:
        """Tell of the volume; any of its files will do."""
        from ntshim.fs import volume_information

        del file
        return volume_information.query_volume(self, fs_information_class)

    def set_volume_information(self, file: File, record: Any, fs_information_class: int) -> None:
        """Change what the volume tells of itself."""
        from ntshim.fs import volume_information

        volume_information.set_volume(self, file, record, fs_information_class)

    def query_directory(self, file: File, query: DirectoryQuery) -> list[Any]:
        """Go on through a directory."""
        from ntshim.fs import scan

        return scan.scan(self, file, query)

    def notify_change_directory(
        self, file: File, length: int, completion_filter: int, information_class: int, *, watch_tree: bool
    ) -> QueuedIrp:
        """Queue a request for changes in a directory."""
        from ntshim.fs import notify

        return notify.request(self, file, length, completion_filter, information_class, watch_tree=watch_tree)

    def target_place(self, name: str, related: File | None, *, ignore_case: bool) -> Place:
        """Find where a rename or link leads; a parent that is no directory is STATUS_INVALID_PARAMETER there."""
        directory, last, trailing = self._parent(name, related, st.STATUS_INVALID_PARAMETER, ignore_case=ignore_case)
        if ":" in last and self.split_name(last):
            # A stream keeps its file: it is renamed by its own name alone.
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        check_component(last)
        return self._last(directory, FileName(last), trailing, ignore_case=ignore_case)

    def sibling(self, opened: Open, name: str) -> Place:
        """Find a name in the directory where an open file has its own."""
        if opened.link.directory is None:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        check_component(name)
        return self._last(opened.link.directory, FileName(name), trailing=False, ignore_case=True)

    def reserve(self, directory: Inode, name: str, irp: Irp) -> None:
        """Keep a name for a request until it is done."""
        key = (directory.key, self.fold(directory, name))
        self.reservations[key] = irp
        if self.told_reserved is not None:
            self.told_reserved()

        def free(_: Irp) -> None:
            del self.reservations[key]
            if self.told_reserved is not None:
                self.told_reserved()

        irp.when_done(free)

    def _walk(
        self, name: str, related: File | None, *, ignore_case: bool, passing: Process | Thread | None = None
    ) -> Place:
        """Follow a name to its last component; a file used as a directory is STATUS_OBJECT_PATH_NOT_FOUND.

        `passing` is a caller whom each directory on the way has to let through.
        """
        if not name:
            return self._itself(related)
        if related is None and name == "\\":
            return Place(None, "", self.backend.root, FileName(""))
        directory, last, trailing = self._parent(
            name, related, st.STATUS_OBJECT_PATH_NOT_FOUND, ignore_case=ignore_case, passing=passing
        )
        part = self.split_name(last)
        place = self._last(directory, part, trailing, ignore_case=ignore_case)
        if ":" in last and not part.stream and part.type == DATA:
            return place._replace(names_data=True)
        return place

    def _itself(self, related: File | None) -> Place:
        """Open once more what is open; the volume itself is no file here."""
        if related is None:
            raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
        opened: Open = related.context
        if opened.link.removed:
            raise st.NtError(st.STATUS_DELETE_PENDING)
        link = opened.link
        return Place(link.directory, link.name, opened.node.inode, FileName(link.name, opened.stream.name))

    def _parent(
        self,
        name: str,
        related: File | None,
        no_directory: int,
        *,
        ignore_case: bool,
        passing: Process | Thread | None = None,
    ) -> tuple[Inode, str, bool]:
        """Follow a name to the directory of its last component; gives whether a separator ends it, too."""
        if related is None:
            directory, name = self.backend.root, name[1:]
        else:
            opened: Open = related.context
            directory = opened.node.inode
            if not directory.is_directory:
                raise st.NtError(no_directory)
            if opened.link.removed:
                raise st.NtError(st.STATUS_DELETE_PENDING)
        trailing = name.endswith("\\")
        *parents, last = (name[:-1] if trailing else name).split("\\")
        if passing is not None:
            self.check_passing(directory, passing)
        for depth, component in enumerate(parents):
            check_component(component)
            found = self._find(directory, component, ignore_case=ignore_case)
            if found is None:
                raise st.NtError(st.STATUS_OBJECT_PATH_NOT_FOUND)
            above, directory = directory, found[1]
            if directory.is_reparse_point:
                rest = "\\".join(["", *parents[depth + 1 :], last])
                raise ReparsePointMet(directory, above, rest + "\\" if trailing else rest)
            if not directory.is_directory:
                raise st.NtError(no_directory)
            self._refuse_pending(above, found[0], directory)
            if passing is not None:
                self.check_passing(directory, passing)
        return directory, last, trailing

    def _refuse_pending(self, directory: Inode, name: str, inode: Inode) -> None:
        """Let no way lead through a directory that is to be deleted."""
        node = self.nodes.find(inode)
        link = node and node.link(directory, name)
        if link and link.delete_pending:
            raise st.NtError(st.STATUS_DELETE_PENDING)

    def _find(self, directory: Inode, name: str, *, ignore_case: bool) -> tuple[str, Inode] | None:
        """Look a component up as far as case counts there."""
        return self.backend.find(directory, name, ignore_case=ignore_case and not self.is_case_sensitive(directory))

    def _last(self, directory: Inode, part: FileName, trailing: bool, *, ignore_case: bool) -> Place:
        """Look the last component up, unless somebody is just making it."""
        if self.reservations:
            irp = self.reservations.get((directory.key, self.fold(directory, part.file)))
            if irp is not None:
                raise NameReserved(irp)
        found = self._find(directory, part.file, ignore_case=ignore_case)
        if found is None:
            return Place(directory, part.file, None, part, trailing_separator=trailing)
        return Place(directory, found[0], found[1], part, trailing_separator=trailing)

    def _decide(self, asked: CreateRequest, place: Place, limits: Limits | None = None) -> VolumeCreate:
        """Apply the rules, and reserve what the request may have (facts/nt.md section 3.3)."""
        if place.part.type == INDEX_ALLOCATION:
            asked = asked._replace(options=asked.options | create.FILE_DIRECTORY_FILE)
        if place.inode is None:
            return self._decide_absent(asked, place, None, limits)
        if place.inode.is_reparse_point and not asked.options & create.FILE_OPEN_REPARSE_POINT:
            raise _at_reparse_point(asked, place)
        node = self.nodes.find(place.inode)
        stream = ""
        if place.part.stream and not place.part.is_main_stream:
            stored = self.stored_stream(place.inode, place.part.stream)
            if stored is None:
                return self._decide_absent(asked, place, node, limits)
            stream = stored
        if place.names_data and place.inode.is_directory:
            raise st.NtError(st.STATUS_FILE_IS_A_DIRECTORY)
        target = Target(
            place.inode.is_directory,
            self.backend.attributes(place.inode),
            place.directory is None,
            self._is_pending(node, place, stream),
            bool(stream),
        )
        available = create.available_access(read_only_volume=self.read_only)
        verdict = create.decide_existing(
            asked,
            target,
            trailing_separator=place.trailing_separator,
            available=available if limits is None else available & limits.available(place),
        )
        beside_break = node is not None and _check_sharing(node, stream, asked, verdict)
        if self.nodes.mapped:
            from ntshim.fs.mapped import check_open

            check_open(self.nodes, place.inode, stream, asked, verdict)
        irp = VolumeCreate(self, asked, place, verdict)
        irp.beside_break = beside_break
        inode = place.inode if node is None else node.inode
        irp.opened = self.nodes.acquire(inode, place[:2], stream, verdict.granted, asked.share)
        return irp

    def _decide_absent(
        self, asked: CreateRequest, place: Place, node: Node | None = None, limits: Limits | None = None
    ) -> VolumeCreate:
        """Decide about a file, or a stream of a file, that is not there."""
        if place.inode is not None and self._is_pending(node, place, ""):
            raise st.NtError(st.STATUS_DELETE_PENDING)
        verdict = create.decide_absent(
            asked,
            trailing_separator=place.trailing_separator,
            is_stream=bool(place.part.stream) and not place.part.is_main_stream,
            read_only_volume=self.read_only,
        )
        if place.directory is not None:
            parent = self.nodes.find(place.directory)
            if parent is not None and parent.pending_links:
                raise st.NtError(st.STATUS_DELETE_PENDING)
        is_directory = bool(asked.options & create.FILE_DIRECTORY_FILE)
        security = None if limits is None else limits.for_new(place, is_directory=is_directory)
        irp = VolumeCreate(self, asked, place, verdict)
        irp.security = security
        if place.inode is not None:
            inode = place.inode if node is None else node.inode
            irp.opened = self.nodes.acquire(inode, place[:2], place.part.stream, verdict.granted, asked.share)
        elif place.directory is not None:
            self.reserve(place.directory, place.name, irp)
        return irp

    def stored_stream(self, inode: Inode, stream: str) -> str | None:
        """Find a named stream, without regard to case even in case-sensitive directories (facts/nt.md 4.2)."""
        folded = upcase(stream)
        return next((stored for stored in self.backend.streams(inode) if upcase(stored) == folded), None)

    def _is_pending(self, node: Node | None, place: Place, stream: str) -> bool:
        """Whether the link or the stream is to be deleted."""
        if node is None:
            return False
        link = node.link(*place[:2])
        opened = node.streams.get(stream)
        return (link is not None and link.delete_pending) or (opened is not None and opened.delete_pending)


def _at_reparse_point(asked: CreateRequest, place: Place) -> st.NtError:
    """Make what goes on behind a reparse point that is the last component, or the refusal of its own kind.

    A link of one kind never opens a file of the other, whatever is behind it.
    """
    if place.inode is None or place.directory is None:
        return st.NtError(st.STATUS_IO_REPARSE_TAG_NOT_HANDLED)
    if asked.options & create.FILE_NON_DIRECTORY_FILE and place.inode.is_directory:
        return st.NtError(st.STATUS_FILE_IS_A_DIRECTORY)
    if asked.options & create.FILE_DIRECTORY_FILE and not place.inode.is_directory:
        return st.NtError(st.STATUS_NOT_A_DIRECTORY)
    part = place.part
    rest = f":{part.stream}:{part.type}" if part.stream or place.names_data or part.type != DATA else ""
    return ReparsePointMet(place.inode, place.directory, rest + "\\" if place.trailing_separator else rest)


def _check_sectors(file: File, offset: int, length: int) -> None:
    """Let what is not buffered begin and end with a sector ([MS-FSA] sections 2.1.5.3 and 2.1.5.4)."""
    if file.options & create.FILE_NO_INTERMEDIATE_BUFFERING and (offset | length) % create.SECTOR_SIZE:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)


def _check_sharing(node: Node, stream: str, asked: CreateRequest, verdict: create.Verdict) -> bool:
    """Ask the share rule, and break oplocks, of some kinds before it is asked; gives whether a break goes on.

    STATUS_OPLOCK_NOT_GRANTED for FILE_RESERVE_OPFILTER on a file that is open; STATUS_SHARING_VIOLATION.
    """
    if asked.options & create.FILE_RESERVE_OPFILTER:
        raise st.NtError(st.STATUS_OPLOCK_NOT_GRANTED)
    violates = not node.allows(stream, verdict.checked, asked.share)
    beside_break = False
    opened = node.streams.get(stream)
    if opened is not None and opened.oplocks is not None:
        beside_break = opened.oplocks.check_open(asked, verdict, violates=violates)
    if violates:
        raise st.NtError(st.STATUS_SHARING_VIOLATION)
    return beside_break


def _check_oplocks(opened: Open, *, writes: bool) -> None:
    """Break the oplocks of others, and level 2 even of one's own, before data is read or changed."""
    if opened.stream.oplocks is not None:
        from ntshim.io.oplock import Operation

        opened.stream.oplocks.check(opened, Operation.WRITE if writes else Operation.READ)


def _data(file: File) -> Open:
    """Give what is open, if it has data."""
    opened: Open = file.context
    if opened.node.inode.is_directory and not opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    return opened
