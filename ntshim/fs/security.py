"""Security of files: what a descriptor that a backend keeps lets a caller open, make and rename on a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io import create
from ntshim.io.file import (
    FILE,
    FILE_ADD_FILE,
    FILE_ADD_SUBDIRECTORY,
    FILE_DELETE_CHILD,
    FILE_EXECUTE,
    FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES,
    FILE_WRITE_DATA,
)
from ntshim.ob.object import DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER
from ntshim.se.access import allowed_access, check_level, effective_token
from ntshim.se.assign import assign_security
from ntshim.se.descriptor import SecurityDescriptor
from ntshim.se.privileges import SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE

if TYPE_CHECKING:
    from ntshim.fs.backend import Inode
    from ntshim.fs.secured import SecuredDevice
    from ntshim.fs.volume import Place
    from ntshim.io.create import CreateRequest
    from ntshim.io.file import File
    from ntshim.ps.process import Process, Thread

# What who backs up may have of any file, and who restores (WDK, FILE_OPEN_FOR_BACKUP_INTENT).
_FOR_BACKUP = READ_CONTROL | FILE.generic_mapping.read | FILE_EXECUTE
_FOR_RESTORE = WRITE_DAC | WRITE_OWNER | DELETE | FILE.generic_mapping.write | FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY
_FOR_CASE_FLAG = FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD


class Limits:
    """What security leaves of one open: made for a caller where a descriptor has a say."""

    __slots__ = ("_asked", "_given", "_token", "_volume")

    def __init__(
        self, volume: SecuredDevice, caller: Process | Thread, asked: CreateRequest, given: SecurityDescriptor | None
    ) -> None:
        """Begin an open; `given` is the descriptor that a new file is to have. STATUS_BAD_IMPERSONATION_LEVEL."""
        self._volume = volume
        self._asked = asked
        self._given = given
        self._token = effective_token(caller)
        check_level(self._token)

    def available(self, place: Place) -> int:
        """Give the rights on the file at a place.

        Who may delete a directory's children may delete this one, and who may list it may see the child's attributes
        (MS-FSA section 2.1.5.1.2.1); backup and restore intent add what their privileges stand for.
        """
        allowed = self._allowed(place.inode)
        if place.directory is not None and allowed != FILE.valid_mask:
            above = self._allowed(place.directory)
            allowed |= DELETE if above & FILE_DELETE_CHILD else 0
            allowed |= FILE_READ_ATTRIBUTES if above & FILE_LIST_DIRECTORY else 0
        return allowed | self._by_intent()

    def for_new(self, place: Place, *, is_directory: bool) -> bytes | None:
        """Let something be made at a place; gives the descriptor that a new file has.

        STATUS_ACCESS_DENIED without the right to add to the directory, or, for a stream, to write to its file; else
        what `assign_security` raises.
        """
        if place.inode is not None:
            self._require(place.inode, FILE_WRITE_DATA)
            return None
        if place.directory is None:
            return None
        self._require(place.directory, FILE_ADD_SUBDIRECTORY if is_directory else FILE_ADD_FILE)
        parent = descriptor_of(self._volume, place.directory)
        inheritable = parent is not None and (parent.dacl is not None or parent.sacl is not None)
        if self._given is None and not inheritable and not self._token.has_default_dacl:
            return None
        made = assign_security(
            self._given, parent, self._token, FILE.generic_mapping, is_container=is_directory, auto_inherit=True
        )
        return made.to_bytes()

    def _allowed(self, inode: Inode | None) -> int:
        """Give the rights on a file by its own descriptor."""
        descriptor = None if inode is None else descriptor_of(self._volume, inode)
        if descriptor is None:
            return FILE.valid_mask
        return allowed_access(descriptor, self._token, FILE.generic_mapping, FILE.valid_mask)

    def _by_intent(self) -> int:
        """Give the rights that an open for backup has by privilege."""
        if not self._asked.options & create.FILE_OPEN_FOR_BACKUP_INTENT:
            return 0
        granted = _FOR_BACKUP if self._token.holds(SE_BACKUP_PRIVILEGE) else 0
        return granted | (_FOR_RESTORE if self._token.holds(SE_RESTORE_PRIVILEGE) else 0)

    def _require(self, inode: Inode, right: int) -> None:
        """Raise STATUS_ACCESS_DENIED without a right on a file."""
        if not (self._allowed(inode) | self._by_intent()) & right:
            raise st.NtError(st.STATUS_ACCESS_DENIED)


def descriptor_of(volume: SecuredDevice, inode: Inode) -> SecurityDescriptor | None:
    """Give what a backend keeps; what is damaged opens nothing: STATUS_INVALID_SECURITY_DESCR and its kin."""
    stored = volume.backend.security(inode)
    return None if stored is None else SecurityDescriptor.from_bytes(stored)


def check_traversal(volume: SecuredDevice, directory: Inode, caller: Process | Thread) -> None:
    """Let a name go on through a directory: STATUS_ACCESS_DENIED without FILE_TRAVERSE."""
    descriptor = descriptor_of(volume, directory)
    if descriptor is None:
        return
    allowed = allowed_access(descriptor, effective_token(caller), FILE.generic_mapping, FILE.valid_mask)
    if not allowed & FILE_EXECUTE:
        raise st.NtError(st.STATUS_ACCESS_DENIED)


def check_target(volume: SecuredDevice, caller: Process | Thread, file: File, directory: Inode) -> None:
    """Let a file get a name in a directory: STATUS_ACCESS_DENIED without the right to add it there."""
    descriptor = descriptor_of(volume, directory)
    if descriptor is None:
        return
    right = FILE_ADD_SUBDIRECTORY if file.context.node.inode.is_directory else FILE_ADD_FILE
    token = effective_token(caller)
    check_level(token)
    if not allowed_access(descriptor, token, FILE.generic_mapping, FILE.valid_mask) & right:
        raise st.NtError(st.STATUS_ACCESS_DENIED)


def check_case_flag(volume: SecuredDevice, directory: Inode, caller: Process | Thread) -> None:
    """Let a caller change a directory's case flag: its own descriptor has to let names come and go (nt.md 4.5)."""
    if effective_access(volume, directory, caller) & _FOR_CASE_FLAG != _FOR_CASE_FLAG:
        raise st.NtError(st.STATUS_ACCESS_DENIED)


def effective_access(volume: SecuredDevice, inode: Inode, caller: Process | Thread) -> int:
    """Give all rights of a caller on a file, of which a mode without metadata is made (facts/wsl1.md section 4.7)."""
    descriptor = descriptor_of(volume, inode)
    if descriptor is None:
        return FILE.valid_mask
    return allowed_access(descriptor, effective_token(caller), FILE.generic_mapping, FILE.valid_mask)
