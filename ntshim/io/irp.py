"""I/O requests in two phases: decided by a device, then performed by whoever can, then completed or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.ke.pending import PendingRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ntshim.fs.backend import Inode
    from ntshim.io.create import CreateRequest
    from ntshim.io.ea import FileFullEaInformation
    from ntshim.io.file import File
    from ntshim.ob.handles import HandleTable
    from ntshim.se.descriptor import SecurityDescriptor


class Irp(PendingRequest):
    """One request that its device has decided about and reserved everything for.

    `status` is STATUS_PENDING until `complete` or `fail`, of which the first one counts. A subclass says what the
    request reserved: `_commit` makes it last, `_abort` gives it back; `_take_effect` does the request's work.
    """

    __slots__ = ("information",)

    def __init__(self, information: int = 0) -> None:
        """Begin a request that will tell `information` if it succeeds."""
        super().__init__()
        self.information = information

    def perform(self) -> None:
        """Do the work in this process and complete; a failure fails the request and is raised."""
        try:
            inode = self._take_effect()
        except st.NtError as error:
            self.fail(error.status)
            raise
        self.complete(None, inode)

    def complete(self, host_key: Any = None, inode: Any = None) -> None:
        """The work was done. `host_key` is what the host knows the result by, `inode` the backend's, if known.

        If its result cannot be kept, the request fails with that status, which is raised.
        """
        if self.status != st.STATUS_PENDING:
            raise RuntimeError("a request is finished once")
        try:
            self._commit(host_key, inode)
        except st.NtError as error:
            self.fail(error.status)
            raise
        self._finish(st.STATUS_SUCCESS)

    def fail(self, status: int) -> None:
        """The work failed: give back what was reserved."""
        if self.status != st.STATUS_PENDING:
            raise RuntimeError("a request is finished once")
        self._abort()
        self._finish(status)

    def _take_effect(self) -> Any:
        """Do the work; gives the inode of a file that was made."""
        raise NotImplementedError

    def _commit(self, host_key: Any, inode: Any) -> None:
        """Make what was reserved last."""
        raise NotImplementedError

    def _abort(self) -> None:
        """Give back what was reserved."""
        raise NotImplementedError


class CreateContext:
    """What NtCreateFile hands a device through the look-up, and what it gets back.

    `extra` is for the device alone, as an extra create parameter (WDK, FltAllocateExtraCreateParameter).
    """

    __slots__ = ("eas", "extra", "irp", "request", "security")

    def __init__(
        self,
        request: CreateRequest,
        extra: object = None,
        eas: Sequence[FileFullEaInformation] = (),
        security: SecurityDescriptor | None = None,
    ) -> None:
        """Carry a validated request, EAs that are checked, and the descriptor that a new file is to have."""
        self.security = security
        self.request = request
        self.extra = extra
        self.eas = eas
        self.irp: CreateIrp | None = None


class CreateIrp(Irp):
    """IRP_MJ_CREATE: makes `file` an open file. `granted` is the access of the handle that will lead to it.

    The file's first reference belongs to the request until `install`; a request that fails gives it back.
    `beside_break` says that an oplock is being broken for it, for which it does not wait.
    """

    __slots__ = ("beside_break", "file", "granted")

    def __init__(self, file: File, granted: int, information: int) -> None:
        """Begin to open."""
        super().__init__(information)
        self.file = file
        self.granted = granted
        self.beside_break = False

    def fail(self, status: int) -> None:
        """Give back what was reserved, and the file."""
        super().fail(status)
        self.file.dereference()

    def install(self, table: HandleTable, attributes: int = 0, index: int | None = None) -> int:
        """Make the handle to the file, once the request is complete; `index` is a place that the host chose."""
        try:
            if index is None:
                return table.insert(self.file, self.granted, attributes)
            return table.insert_at(index, self.file, self.granted, attributes)
        finally:
            self.file.dereference()


class NameReserved(st.NtError):
    """The name belongs to a request that is being performed: ask again when `irp` is done (design.md section 5)."""

    def __init__(self, irp: PendingRequest) -> None:
        """Say behind whom the caller stands."""
        super().__init__(st.STATUS_RETRY)
        self.irp = irp


class OplockBreaking(NameReserved):
    """An oplock is being broken: ask again when `irp`, the break, is done, since its holder has answered."""


class ReparsePointMet(st.NtError):
    r"""A walk met the reparse point `inode` of `directory`; `rest` of the name follows it, "" or from `\` or `:` on.

    Whoever walks goes on from there; where nobody does, the tag is not handled.
    """

    def __init__(self, inode: Inode, directory: Inode, rest: str) -> None:
        """Say where."""
        super().__init__(st.STATUS_IO_REPARSE_TAG_NOT_HANDLED)
        self.inode = inode
        self.directory = directory
        self.rest = rest


class TargetContext:
    """What finds the place where a rename or link leads; `place` and `volume` are set by the volume that is met.

    `extra` is for the device alone, as that of CreateContext.
    """

    __slots__ = ("extra", "place", "volume")

    def __init__(self, extra: object = None) -> None:
        """Begin with nothing found."""
        self.extra = extra
        self.place: Any = None
        self.volume: Any = None
