"""The services on directories and symbolic links of the object namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ob.attributes import BadPointer, GivenAttributes, GivenName, UnicodeString, capture_name
from ntshim.ob.directory import DIRECTORY, DIRECTORY_QUERY, Directory
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.ob.symlink import SYMBOLIC_LINK, SYMBOLIC_LINK_QUERY, SymbolicLink
from ntshim.service import ServiceFamily, TooSmall, service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread

OBJECT_DIRECTORY_INFORMATION_SIZE = 32  # bytes on a 64-bit system


class ObjectDirectoryInformation(NamedTuple):
    """One object of a directory."""

    name: str
    type_name: str


class DirectoryListing(NamedTuple):
    """What NtQueryDirectoryObject gives; the all-zero record at the end of its buffer is left out.

    `context` is where the next call goes on, `return_length` the bytes used of the buffer. `status` is
    STATUS_MORE_ENTRIES if not everything fitted, otherwise STATUS_SUCCESS.
    """

    entries: list[ObjectDirectoryInformation]
    context: int
    return_length: int
    status: int


class SymbolicLinkTarget(NamedTuple):
    """What NtQuerySymbolicLinkObject gives; `return_length` is in bytes and counts the terminating NUL."""

    target: str
    return_length: int


class NameServices(ServiceFamily):
    """Directories and symbolic links."""

    __slots__ = ()

    @service
    def NtCreateDirectoryObject(
        self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes
    ) -> Created:
        """Make a directory; statuses as facts/nt.md section 1.1 has them."""
        return insert_object(self.executive.namespace, caller, Directory(), attributes, desired_access)

    @service
    def NtOpenDirectoryObject(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a directory; statuses as facts/nt.md section 1.1 has them."""
        return open_by_name(self.executive.namespace, caller, attributes, DIRECTORY, desired_access)

    @service
    def NtQueryDirectoryObject(
        self,
        caller: Process | Thread,
        handle: int,
        length: int,
        *,
        return_single_entry: bool = False,
        restart_scan: bool = False,
        context: int = 0,
    ) -> DirectoryListing:
        """List a directory from the entry with index `context` into a buffer of `length` bytes.

        Needs DIRECTORY_QUERY. TooSmall with STATUS_BUFFER_TOO_SMALL if not even one entry fits,
        STATUS_NO_MORE_ENTRIES at the end, STATUS_INVALID_PARAMETER for a negative number. Source: facts/nt.md
        section 1.3.
        """
        directory = self._object(caller, handle, Directory, DIRECTORY, DIRECTORY_QUERY)
        first = 0 if restart_scan else context
        if first < 0 or length < 0:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        found: list[ObjectDirectoryInformation] = []
        used = OBJECT_DIRECTORY_INFORMATION_SIZE
        status = st.STATUS_SUCCESS
        entries = directory.entries()
        following = first
        for place, name in directory.following(first):
            target = entries[name]
            size = OBJECT_DIRECTORY_INFORMATION_SIZE + _terminated(name) + _terminated(target.type.name)
            if used + size > length:
                if not found:
                    raise TooSmall(st.STATUS_BUFFER_TOO_SMALL, used + size)
                status = st.STATUS_MORE_ENTRIES
                break
            found.append(ObjectDirectoryInformation(name, target.type.name))
            used += size
            following = place + 1
            if return_single_entry:
                break
        if not found:
            raise st.NtError(st.STATUS_NO_MORE_ENTRIES)
        return DirectoryListing(found, following, used, status)

    @service
    def NtCreateSymbolicLinkObject(
        self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes, target: GivenName
    ) -> Created:
        """Make a link to `target`, which need not exist.

        STATUS_ACCESS_VIOLATION for a NULL target, STATUS_INVALID_PARAMETER for a UnicodeString of length 0 (an empty
        str is a target: the root); else statuses as facts/nt.md section 1.1 has them.
        """
        if target is None:
            raise st.NtError(st.STATUS_ACCESS_VIOLATION)
        if isinstance(target, UnicodeString) and not target.length:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if isinstance(target, BadPointer):
            raise st.NtError(target.status)
        link = SymbolicLink(capture_name(target) or "")
        return insert_object(self.executive.namespace, caller, link, attributes, desired_access)

    @service
    def NtOpenSymbolicLinkObject(
        self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes
    ) -> int:
        """Open a link itself; statuses as facts/nt.md section 1.1 has them."""
        return open_by_name(self.executive.namespace, caller, attributes, SYMBOLIC_LINK, desired_access)

    @service
    def NtQuerySymbolicLinkObject(
        self, caller: Process | Thread, handle: int, maximum_length: int | None = None
    ) -> SymbolicLinkTarget:
        """Give the target of a link, for a buffer of `maximum_length` bytes if the caller has one.

        Needs SYMBOLIC_LINK_QUERY. TooSmall with STATUS_BUFFER_TOO_SMALL if target and NUL do not fit. Source:
        facts/nt.md section 1.3.
        """
        link = self._object(caller, handle, SymbolicLink, SYMBOLIC_LINK, SYMBOLIC_LINK_QUERY)
        needed = _terminated(link.target)
        if maximum_length is not None and maximum_length < needed:
            raise TooSmall(st.STATUS_BUFFER_TOO_SMALL, needed)
        return SymbolicLinkTarget(link.target, needed)


def _terminated(text: str) -> int:
    """Give the bytes of a string in UTF-16 with its terminating NUL."""
    return len(text.encode("utf-16-le", "surrogatepass")) + 2
