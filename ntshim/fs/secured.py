"""What a volume has to do with security: where descriptors are asked at all, and where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io.device import Device
from ntshim.se.token import SE_CHANGE_NOTIFY_PRIVILEGE, Token

if TYPE_CHECKING:
    from ntshim.fs.backend import Backend, Inode
    from ntshim.fs.notify import Watches
    from ntshim.fs.security import Limits
    from ntshim.fs.volume import Place
    from ntshim.io.file import File
    from ntshim.io.irp import CreateContext
    from ntshim.io.services import Destination
    from ntshim.ps.process import Process, Thread
    from ntshim.se.descriptor import SecurityDescriptor


def asks_directories(caller: Process | Thread) -> Process | Thread | None:
    """Give a caller whom each directory on the way has to let through: one without SeChangeNotifyPrivilege."""
    token = caller.effective_token
    return caller if isinstance(token, Token) and not token.holds(SE_CHANGE_NOTIFY_PRIVILEGE) else None


class SecuredDevice(Device):
    """A device whose files may have security descriptors; a volume says more of it.

    As long as none has one, and nobody gives one, `fs.security` is not even loaded.
    """

    __slots__ = ("backend", "read_only", "watches")

    backend: Backend
    read_only: bool
    watches: Watches | None

    def limits(self, place: Place, caller: Process | Thread, context: CreateContext) -> Limits | None:
        """Give what security leaves of an open, None if that is everything."""
        secured = self.backend.security
        if (
            context.security is None
            and (place.inode is None or secured(place.inode) is None)
            and (place.directory is None or secured(place.directory) is None)
            and not (isinstance(caller.effective_token, Token) and caller.effective_token.has_default_dacl)
        ):
            return None
        from ntshim.fs.security import Limits

        return Limits(self, caller, context.request, context.security)

    def check_target(self, caller: Process | Thread, file: File, destination: Destination) -> None:
        """Ask the descriptor of the directory that a rename or link leads to; a native volume's host asks its own."""
        place = destination.place
        directory = file.context.link.directory if place is None else place.directory
        if not self.native and directory is not None and self.backend.security(directory) is not None:
            from ntshim.fs.security import check_target

            check_target(self, caller, file, directory)

    def check_case_flag(self, caller: Process | Thread, file: File) -> None:
        """Ask a directory's own descriptor; a native volume's host asks its own."""
        inode = file.context.node.inode
        if not self.native and inode.is_directory and self.backend.security(inode) is not None:
            from ntshim.fs.security import check_case_flag

            check_case_flag(self, inode, caller)

    def query_security(self, file: File) -> SecurityDescriptor | None:
        """Give what the backend keeps."""
        from ntshim.fs.security import descriptor_of

        return descriptor_of(self, file.context.node.inode)

    def set_security(self, file: File, descriptor: SecurityDescriptor) -> None:
        """Have the backend keep it; STATUS_MEDIA_WRITE_PROTECTED."""
        if self.read_only:
            raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
        self.backend.set_security(file.context.node.inode, descriptor.to_bytes())
        if self.watches is not None:
            self.watches.security_set(file.context)

    def is_container(self, file: File) -> bool:
        """Whether it is a directory that is open."""
        return bool(file.context.node.inode.is_directory)

    def check_passing(self, directory: Inode, caller: Process | Thread) -> None:
        """Ask a directory's descriptor whether a name may go on through it."""
        from ntshim.fs.security import check_traversal

        check_traversal(self, directory, caller)
