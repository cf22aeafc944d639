"""The oplocks of a volume's open streams: who holds which, which are being broken, and who waits for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io import create, oplock
from ntshim.io.irp import OplockBreaking
from ntshim.io.oplock import Level, Operation, OplockKind
from ntshim.io.queued import QueuedIrp
from ntshim.ke.pending import PendingRequest

if TYPE_CHECKING:
    from ntshim.fs.nodes import Node, Open, Stream
    from ntshim.fs.volume import Place, Volume
    from ntshim.io.create import CreateRequest, Verdict
    from ntshim.io.file import File

_SYNCHRONOUS = create.FILE_SYNCHRONOUS_IO_ALERT | create.FILE_SYNCHRONOUS_IO_NONALERT
_REPLACING = (create.FILE_SUPERSEDE, create.FILE_OVERWRITE, create.FILE_OVERWRITE_IF)


class Grant:
    """An oplock that an open holds; its request waits until it is broken."""

    __slots__ = ("irp", "level", "opened")

    def __init__(self, opened: Open, level: Level, irp: QueuedIrp) -> None:
        """Note who holds what."""
        self.opened = opened
        self.level = level
        self.irp = irp


class Break(PendingRequest):
    """A break that its holder has to acknowledge; what waits for that is told when this request is finished.

    `left` is the caching that the holder may keep, `close_pending` that it will close its handle instead.
    """

    __slots__ = ("close_pending", "left", "level", "opened")

    def __init__(self, opened: Open, level: Level, left: int) -> None:
        """Begin to wait."""
        super().__init__()
        self.opened = opened
        self.level = level
        self.left = left
        self.close_pending = False

    def end(self) -> None:
        """The holder has answered, or is gone."""
        self._finish(st.STATUS_SUCCESS)


class Oplocks:
    """All oplocks of one stream."""

    __slots__ = ("_breaks", "_grants", "_notified")

    def __init__(self) -> None:
        """Begin with none."""
        self._grants: list[Grant] = []
        self._breaks: list[Break] = []
        self._notified: list[QueuedIrp] = []

    def request(self, opened: Open, file: File, level: Level) -> QueuedIrp:
        """Grant an oplock; STATUS_OPLOCK_NOT_GRANTED if another one, a break, or another open is in its way."""
        own = [grant for grant in self._grants if grant.opened is opened]
        refused = (
            bool(self._breaks)
            or (level.is_exclusive and opened.stream.open_count > 1)
            or any(not oplock.may_replace(level, grant.level) for grant in own)
            or any(not oplock.may_join(level, grant.level) for grant in self._grants if grant.opened is not opened)
        )
        if refused:
            raise st.NtError(st.STATUS_OPLOCK_NOT_GRANTED)
        for grant in own:
            self._grants.remove(grant)
            if grant.level.kind is OplockKind.LEVEL_2:
                grant.irp.finish(information=oplock.FILE_OPLOCK_BROKEN_TO_NONE)
            else:
                answer = oplock.build_answer(grant.level.caching, level.caching, 0)
                grant.irp.finish(st.STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE, answer, len(answer))
        return self._grant(opened, file, level)

    def acknowledge(self, opened: Open, file: File, *, keeps_level_2: bool) -> QueuedIrp | None:
        """Answer the break of a level 1, batch or filter oplock; gives the request of the level 2 that is kept."""
        broken = self._break_of(opened, granular=False)
        kept = keeps_level_2 and broken.left
        irp = self._grant(opened, file, oplock.LEVEL_2) if kept else None
        self._end(broken)
        return irp

    def acknowledge_granular(self, opened: Open, file: File, caching: int) -> QueuedIrp | None:
        """Answer the break of another oplock, with what is kept of it; more than is left is no answer."""
        broken = self._break_of(opened, granular=True)
        if caching & ~broken.left:
            raise st.NtError(st.STATUS_INVALID_OPLOCK_PROTOCOL)
        irp = self._grant(opened, file, Level(OplockKind.GRANULAR, caching)) if caching else None
        self._end(broken)
        return irp

    def close_pending(self, opened: Open, *, granular: bool) -> None:
        """Answer a break by the promise to close the handle, which ends it."""
        broken = self._break_of(opened, granular=granular)
        if not granular and not broken.level.breaks_before_sharing:
            raise st.NtError(st.STATUS_INVALID_OPLOCK_PROTOCOL)
        broken.close_pending = True

    def notify(self, file: File) -> QueuedIrp | None:
        """Give a request that ends with the breaks under way, None if there are none."""
        if not self._breaks:
            return None
        irp = QueuedIrp(file, self._notified.remove)
        self._notified.append(irp)
        return irp

    def check_open(self, asked: CreateRequest, verdict: Verdict, *, violates: bool) -> bool:
        """Break what an open breaks; gives whether it goes on beside a break, since it did not want to wait.

        `violates` says that the share rule refuses the open as things are. Raises OplockBreaking;
        STATUS_CANNOT_BREAK_OPLOCK for FILE_OPEN_REQUIRING_OPLOCK.
        """
        replaces = asked.disposition in _REPLACING
        if not oplock.disturbs(verdict.checked, replaces=replaces):
            return False
        plain = Operation.REPLACE if replaces else Operation.OPEN
        later = Operation.SHARING_VIOLATION if violates else plain
        broken = [(grant, plain if grant.level.breaks_before_sharing else later) for grant in self._grants]
        spared = None if oplock.disturbs_filter(verdict.checked, replaces=replaces) else OplockKind.FILTER
        broken = [entry for entry in broken if entry[0].level.kind is not spared]
        must_wait = any(
            oplock.left_by(grant.level, operation) is not None and oplock.operation_waits(grant.level, operation)
            for grant, operation in broken
        )
        if asked.options & create.FILE_OPEN_REQUIRING_OPLOCK and (must_wait or self._waited_for(None, later, spared)):
            raise st.NtError(st.STATUS_CANNOT_BREAK_OPLOCK)
        for grant, operation in broken:
            self._break(grant, operation, (verdict.granted, asked.share) if violates else None)
        waiting = self._waited_for(None, later, spared)
        if waiting and not asked.options & create.FILE_COMPLETE_IF_OPLOCKED:
            raise OplockBreaking(waiting[0])
        return bool(waiting)

    def check(self, opened: Open | None, operation: Operation) -> None:
        """Break what an operation through an open breaks; raises OplockBreaking if it has to wait.

        Only level 2 is broken by its own holder. `opened` is None for what is done to the file through no open of it.
        """
        for grant in list(self._grants):
            if grant.opened is not opened or grant.level.kind is OplockKind.LEVEL_2:
                self._break(grant, operation)
        for broken in self._breaks:
            left = oplock.left_by(Level(broken.level.kind, broken.left), operation)
            if broken.opened is not opened and left is not None:
                broken.left = left
        waiting = self._waited_for(opened, operation)
        if waiting:
            raise OplockBreaking(waiting[0])

    def release(self, opened: Open) -> None:
        """The last handle of an open is gone, and with it what it holds or has to answer."""
        for grant in [grant for grant in self._grants if grant.opened is opened]:
            self._grants.remove(grant)
            if grant.level.kind is OplockKind.GRANULAR:
                answer = oplock.build_answer(grant.level.caching, 0, 0)
                grant.irp.finish(st.STATUS_OPLOCK_HANDLE_CLOSED, answer, len(answer))
            else:
                grant.irp.finish(information=oplock.FILE_OPLOCK_BROKEN_TO_NONE)
        for broken in [broken for broken in self._breaks if broken.opened is opened]:
            self._end(broken)

    def _grant(self, opened: Open, file: File, level: Level) -> QueuedIrp:
        """Let an open hold an oplock; a request that is cancelled gives it back."""
        irp = QueuedIrp(file, self._withdraw)
        self._grants.append(Grant(opened, level, irp))
        return irp

    def _withdraw(self, irp: QueuedIrp) -> None:
        """Take the oplock of a request that is cancelled."""
        self._grants = [grant for grant in self._grants if grant.irp is not irp]

    def _break(self, grant: Grant, operation: Operation, modes: tuple[int, int] | None = None) -> None:
        """Break an oplock if an operation does."""
        level = grant.level
        left = oplock.left_by(level, operation)
        if left is None:
            return
        self._grants.remove(grant)
        must_answer = oplock.needs_acknowledgement(level)
        if must_answer:
            self._breaks.append(Break(grant.opened, level, left))
        if level.kind is OplockKind.GRANULAR:
            flags = oplock.REQUEST_OPLOCK_OUTPUT_FLAG_ACK_REQUIRED if must_answer else 0
            answer = oplock.build_answer(level.caching, left, flags, modes)
            grant.irp.finish(result=answer, information=len(answer))
        else:
            broken_to = oplock.FILE_OPLOCK_BROKEN_TO_LEVEL_2 if left else oplock.FILE_OPLOCK_BROKEN_TO_NONE
            grant.irp.finish(information=broken_to)

    def _waited_for(self, opened: Open | None, operation: Operation, spared: OplockKind | None = None) -> list[Break]:
        """Give the breaks that an operation has to wait for; nobody waits for an answer of his own."""
        return [
            broken
            for broken in self._breaks
            if broken.opened is not opened and broken.level.kind is not spared and _holds_up(broken, operation)
        ]

    def _break_of(self, opened: Open, *, granular: bool) -> Break:
        """Give the break that an open has to answer; STATUS_INVALID_OPLOCK_PROTOCOL if it has none of this family."""
        for broken in self._breaks:
            is_granular = broken.level.kind is OplockKind.GRANULAR
            if broken.opened is opened and is_granular == granular and not broken.close_pending:
                return broken
        raise st.NtError(st.STATUS_INVALID_OPLOCK_PROTOCOL)

    def _end(self, broken: Break) -> None:
        """Finish a break, and tell who waits for it or for all."""
        self._breaks.remove(broken)
        broken.end()
        if not self._breaks:
            notified, self._notified = self._notified, []
            for irp in notified:
                irp.finish()


def _holds_up(broken: Break, operation: Operation) -> bool:
    """Whether an operation that would have broken the oplock has to wait for the holder's answer."""
    level = broken.level
    if level.breaks_before_sharing and operation is Operation.SHARING_VIOLATION:
        return True
    return oplock.left_by(level, operation) is not None and oplock.operation_waits(level, operation)


def request(volume: Volume, file: File, level: Level) -> QueuedIrp:
    """Ask for an oplock on the stream that is open.

    STATUS_INVALID_PARAMETER for a directory; STATUS_OPLOCK_NOT_GRANTED on a synchronous handle, while a byte range is
    locked, and as Oplocks.request.
    """
    opened: Open = file.context
    if opened.node.inode.is_directory and not opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    locks = opened.stream.locks
    if file.options & _SYNCHRONOUS or (locks is not None and locks.any_held):
        raise st.NtError(st.STATUS_OPLOCK_NOT_GRANTED)
    volume.has_oplocks = True
    return oplocks_of(opened.stream).request(opened, file, level)


def oplocks_of(stream: Stream) -> Oplocks:
    """Give the oplocks of a stream, none at first."""
    if stream.oplocks is None:
        stream.oplocks = Oplocks()
    return stream.oplocks


def before_resize(opened: Open) -> None:
    """Break what a change of a stream's size breaks."""
    if opened.stream.oplocks is not None:
        opened.stream.oplocks.check(opened, Operation.WRITE)


def before_disposition(opened: Open, *, deletes: bool) -> None:
    """Break what a mark for deletion breaks: handles that are only kept, of a stream or of all of the file."""
    if deletes:
        _check_node(opened.node, opened, Operation.DELETE, opened.stream.name)


def before_rename(volume: Volume, opened: Open, place: Place) -> None:
    """Break what a rename or link breaks: of the file, of what it replaces, and of all that is open below it."""
    _check_node(opened.node, opened, Operation.RENAME)
    replaced = None if place.inode is None else volume.nodes.find(place.inode)
    if replaced is not None and replaced is not opened.node:
        _check_node(replaced, None, Operation.RENAME)
    inode = opened.node.inode
    if not inode.is_directory:
        return
    for node in volume.nodes.all():
        if any(
            link.directory is not None and not link.removed and volume.backend.is_below(link.directory, inode)
            for link in node.links
        ):
            _check_node(node, None, Operation.RENAME)


def _check_node(node: Node, opened: Open | None, operation: Operation, stream: str = "") -> None:
    """Break what an operation on one stream of a file breaks, or on all of it."""
    for name, found in list(node.streams.items()):
        if found.oplocks is not None and stream in ("", name):
            found.oplocks.check(opened, operation)
