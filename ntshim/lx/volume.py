r"""Linux operations on a mounted volume, turned into calls of NT services as WSL's kernel module does it.

Source: facts/wsl1.md sections 4.7 and 4.8. Paths are relative to the mount, with `/`, and as Linux' own walk leaves
them: no component but the last one is a link. Failures are LxError.
"""

from __future__ import annotations

import stat as modes
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.io import control, create, delete, query, rename, volume_query
from ntshim.io.ea import FileFullEaInformation
from ntshim.io.file import (
    FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_EA,
)
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.lx import attributes as lx
from ntshim.lx.errors import LxError, as_errno, failure
from ntshim.lx.links import target_of
from ntshim.lx.record import FILE_SYSTEM_TYPE, FILES, FREE_FILES, LxEntry, LxStat, LxStatfs, entry_of, stat_of, type_of
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.object import DELETE, SYNCHRONIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ntshim.fs.rules import VolumeRules
    from ntshim.io.services import CreateAnswer
    from ntshim.io.stat import FileStatLxInformation
    from ntshim.nt import NtServices
    from ntshim.ps.process import Process

_OPEN = create.FILE_OPEN_REPARSE_POINT | create.FILE_SYNCHRONOUS_IO_NONALERT
_POSIX_DELETE = (
    delete.FILE_DISPOSITION_DELETE
    | delete.FILE_DISPOSITION_POSIX_SEMANTICS
    | delete.FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE
)
_POSIX_RENAME = (
    rename.FILE_RENAME_REPLACE_IF_EXISTS
    | rename.FILE_RENAME_POSIX_SEMANTICS
    | rename.FILE_RENAME_IGNORE_READONLY_ATTRIBUTE
)
_NODE_TAGS = {
    modes.S_IFIFO: reparse.IO_REPARSE_TAG_LX_FIFO,
    modes.S_IFCHR: reparse.IO_REPARSE_TAG_LX_CHR,
    modes.S_IFBLK: reparse.IO_REPARSE_TAG_LX_BLK,
    modes.S_IFSOCK: reparse.IO_REPARSE_TAG_AF_UNIX,
}
_DOTS = (".", "..")
UNCHANGED = -1  # an id that chown leaves


class Owner(NamedTuple):
    """File system user and group of who makes a file."""

    uid: int
    gid: int


class LxVolume:
    r"""A volume that is mounted with options; `root` is its NT name, such as `\??\C:`."""

    def __init__(
        self,
        nt: NtServices,
        caller: Process,
        root: str,
        rules: VolumeRules,
        options: lx.MountOptions | None = None,
        mount_root: bytes = b"/mnt/",
    ) -> None:
        """Serve in the name of `caller`, the process that the instance is to NT. `rules` give names and case.

        `mount_root` and a letter are where Linux finds another drive.
        """
        self.mount_root = mount_root
        self.nt = nt
        self.caller = caller
        self.root = root
        self.rules = rules
        self.options = options or lx.MountOptions()

    def nt_name(self, path: str) -> str:
        """The NT name of a path: forbidden characters are escaped, slashes turned. EINVAL for what is no UTF-8."""
        if any("\ud800" <= unit <= "\udfff" for unit in path):
            raise failure("EINVAL")
        components = [self.rules.escape(component) for component in path.split("/") if component not in ("", ".")]
        return "\\".join([self.root, *components]) if components else self.root + "\\"

    @contextmanager
    def opened(self, path: str, access: int, options: int = 0) -> Iterator[int]:
        """A handle of what is at a path, a link itself included."""
        with as_errno():
            handle = self._open(path, access, create.FILE_OPEN, options).handle
        try:
            yield handle
        finally:
            self.nt.NtClose(self.caller, handle)

    def _open(
        self,
        path: str,
        access: int,
        disposition: int,
        options: int,
        attributes: int = create.FILE_ATTRIBUTE_NORMAL,
        eas: Sequence[FileFullEaInformation] = (),
    ) -> CreateAnswer:
        return self.nt.NtCreateFile(
            self.caller,
            access | SYNCHRONIZE,
            ObjectAttributes(self.nt_name(path), 0, OBJ_CASE_INSENSITIVE),
            attributes,
            FILE_SHARE_ALL,
            disposition,
            options | _OPEN,
            ea_buffer=eas,
        )

    def make_plain(self, path: str, access: int, kind: int) -> int:
        """A handle of a new file or directory, by its create option. NtError."""
        return self._open(path, access, create.FILE_CREATE, kind).handle

    def stat(self, path: str) -> LxStat:
        """What lstat tells."""
        with self.opened(path, FILE_READ_ATTRIBUTES) as handle:
            found = self.information(handle)
            target = target_of(self, path, handle, found) if type_of(found) == modes.S_IFLNK else b""
            return stat_of(found, self.options, self._cluster(handle), len(target))

    def information(self, handle: int) -> FileStatLxInformation:
        """What NT tells of what is open, for Linux."""
        with as_errno():
            information: FileStatLxInformation = self.nt.NtQueryInformationFile(
                self.caller, handle, query.FILE_STAT_LX_INFORMATION
            )
            return information

    def _cluster(self, handle: int) -> int:
        with as_errno():
            size = self.nt.NtQueryVolumeInformationFile(self.caller, handle, volume_query.FILE_FS_FULL_SIZE_INFORMATION)
        return int(size.sectors_per_allocation_unit * size.bytes_per_sector)

    def statfs(self, path: str = "") -> LxStatfs:
        """What statfs tells; the counts of files are made up."""
        with self.opened(path, FILE_READ_ATTRIBUTES) as handle, as_errno():
            size = self.nt.NtQueryVolumeInformationFile(self.caller, handle, volume_query.FILE_FS_FULL_SIZE_INFORMATION)
        return LxStatfs(
            FILE_SYSTEM_TYPE,
            size.sectors_per_allocation_unit * size.bytes_per_sector,
            size.total_allocation_units,
            size.actual_available_allocation_units,
            size.caller_available_allocation_units,
            FILES,
            FREE_FILES,
        )

    def readdir(self, path: str) -> list[LxEntry]:
        """All entries of a directory, `.` and `..` first; these two have no inode number."""
        found = [LxEntry(".", 0, modes.S_IFDIR >> 12), LxEntry("..", 0, modes.S_IFDIR >> 12)]
        with self.opened(path, FILE_LIST_DIRECTORY, create.FILE_DIRECTORY_FILE) as handle, as_errno():
            while True:
                try:
                    records = self.nt.NtQueryDirectoryFile(
                        self.caller, handle, query.FILE_ID_EXTD_DIRECTORY_INFORMATION
                    )
                except st.NtError as error:
                    if error.status in (st.STATUS_NO_MORE_FILES, st.STATUS_NO_SUCH_FILE):
                        return found
                    raise
                found += [entry_of(record, self.rules) for record in records if record.file_name not in _DOTS]

    def create(self, path: str, mode: int, owner: Owner) -> None:
        """Make a regular file, which must not be there; `mode` are permissions, less the umask."""
        self._make(path, modes.S_IFREG | mode & 0o7777, owner)

    def mkdir(self, path: str, mode: int, owner: Owner) -> None:
        """Make a directory; it gets the case flag where the mount says so, or is not made."""
        self._make(path, modes.S_IFDIR | mode & 0o7777, owner)

    def mknod(self, path: str, mode: int, device: tuple[int, int], owner: Owner) -> None:
        """Make a file of any type but link and directory: EPERM without metadata unless it is a regular one."""
        file_type = (mode & lx.TYPE_BITS) or modes.S_IFREG
        if file_type in (modes.S_IFDIR, modes.S_IFLNK):
            raise failure("EINVAL")
        if not lx.may_make(file_type, self.options):
            raise failure("EPERM")
        self._make(path, file_type | mode & 0o7777, owner, device)

    def _make(self, path: str, mode: int, owner: Owner, device: tuple[int, int] | None = None) -> None:
        is_directory = mode & lx.TYPE_BITS == modes.S_IFDIR
        eas = self._metadata(path, mode, owner, device) if self.options.metadata else ()
        read_only = lx.is_read_only(mode) and not is_directory
        attributes = create.FILE_ATTRIBUTE_READONLY if read_only else create.FILE_ATTRIBUTE_NORMAL
        kind = create.FILE_DIRECTORY_FILE if is_directory else create.FILE_NON_DIRECTORY_FILE
        access = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | DELETE
        with as_errno():
            handle = self._open(path, access, create.FILE_CREATE, kind, attributes, eas).handle
        try:
            tag = _NODE_TAGS.get(mode & lx.TYPE_BITS)
            if tag is not None:
                with as_errno(), self.undone(handle):
                    buffer = reparse.build(tag, b"")
                    self.nt.NtFsControlFile(self.caller, handle, control.FSCTL_SET_REPARSE_POINT, buffer)
        finally:
            self.nt.NtClose(self.caller, handle)

    @contextmanager
    def undone(self, handle: int) -> Iterator[None]:
        """What fails half-way leaves nothing behind."""
        try:
            yield
        except st.NtError:
            self._delete(handle)
            raise

    def _metadata(
        self, path: str, mode: int, owner: Owner, device: tuple[int, int] | None
    ) -> tuple[FileFullEaInformation, ...]:
        """The EAs of a new file; of a set-group-ID directory it takes the group."""
        parent = self.stat(path.rstrip("/").rpartition("/")[0])
        mode, gid = lx.inherited(mode, owner.gid, parent.mode, parent.gid)
        return lx_eas(lx.LxAttributes(owner.uid, gid, mode, device))

    def chmod(self, path: str, mode: int) -> None:
        """Change a mode, whose type must be the file's with metadata; without, READONLY follows the write bits."""
        with self.opened(path, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA) as handle:
            found = self.information(handle)
            if self.options.metadata:
                if mode & lx.TYPE_BITS != type_of(found):
                    raise failure("EINVAL")
                self._keep(handle, lx.LxAttributes(mode=mode))
            if not found.file_attributes & create.FILE_ATTRIBUTE_DIRECTORY:
                self._set_read_only(handle, found.file_attributes, read_only=lx.is_read_only(mode))

    def _set_read_only(self, handle: int, attributes: int, *, read_only: bool) -> None:
        bit = create.FILE_ATTRIBUTE_READONLY
        wanted = attributes | bit if read_only else attributes & ~bit
        if wanted != attributes:
            with as_errno():
                record = query.FileBasicInformation(file_attributes=wanted or create.FILE_ATTRIBUTE_NORMAL)
                self.nt.NtSetInformationFile(self.caller, handle, record, query.FILE_BASIC_INFORMATION)

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Give a file away; UNCHANGED leaves an id. Without metadata nothing happens, and that is a success."""
        if not self.options.metadata:
            self.stat(path)
            return
        with self.opened(path, FILE_READ_ATTRIBUTES | FILE_WRITE_EA) as handle:
            now = stat_of(self.information(handle), self.options, 0, 0)
            owner = Owner(now.uid if uid == UNCHANGED else uid, now.gid if gid == UNCHANGED else gid)
            self._keep(handle, lx.LxAttributes(*owner, lx.mode_after_chown(now.mode)))

    def _keep(self, handle: int, attributes: lx.LxAttributes) -> None:
        with as_errno():
            self.nt.NtSetEaFile(self.caller, handle, lx_eas(attributes))

    def unlink(self, path: str) -> None:
        """Remove a name that is no directory's, be the file open or READONLY; EISDIR."""
        with self.opened(path, FILE_READ_ATTRIBUTES | DELETE) as handle:
            if type_of(self.information(handle)) == modes.S_IFDIR:
                raise failure("EISDIR")
            with as_errno():
                self._delete(handle)

    def rmdir(self, path: str) -> None:
        """Remove an empty directory; ENOTDIR also for a link to one, EINVAL for `.`."""
        if path.rstrip("/").rpartition("/")[2] == ".":
            raise failure("EINVAL")
        with self.opened(path, FILE_READ_ATTRIBUTES | DELETE) as handle:
            if type_of(self.information(handle)) != modes.S_IFDIR:
                raise failure("ENOTDIR")
            with as_errno("delete directory"):
                self._delete(handle)

    def _delete(self, handle: int) -> None:
        self.nt.NtSetInformationFile(self.caller, handle, _POSIX_DELETE, query.FILE_DISPOSITION_INFORMATION_EX)

    def rename(self, old: str, new: str) -> None:
        """Rename, over what has the new name; EISDIR, ENOTDIR, ENOTEMPTY; EACCES while a file below is open."""
        with self.opened(old, FILE_READ_ATTRIBUTES | DELETE) as handle:
            is_directory = type_of(self.information(handle)) == modes.S_IFDIR
            if is_directory and new.strip("/").startswith(old.strip("/") + "/"):
                raise failure("EINVAL")
            self._check_replaced(new, is_directory=is_directory)
            record = query.FileRenameInformation(self.nt_name(new), _POSIX_RENAME)
            with as_errno():
                self.nt.NtSetInformationFile(self.caller, handle, record, query.FILE_RENAME_INFORMATION_EX)

    def _check_replaced(self, new: str, *, is_directory: bool) -> None:
        try:
            with self.opened(new, FILE_READ_ATTRIBUTES) as handle:
                replaces_directory = type_of(self.information(handle)) == modes.S_IFDIR
        except LxError:
            return  # the rename itself tells why
        if replaces_directory != is_directory:
            raise failure("EISDIR" if replaces_directory else "ENOTDIR")

    def link(self, old: str, new: str) -> None:
        """Give a file another name; EEXIST."""
        with self.opened(old, FILE_READ_ATTRIBUTES) as handle, as_errno():
            record = query.FileRenameInformation(self.nt_name(new))
            self.nt.NtSetInformationFile(self.caller, handle, record, query.FILE_LINK_INFORMATION)

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Read a file; at its end there is nothing, which is no error."""
        with self.opened(path, FILE_READ_DATA) as handle, as_errno("rw"):
            try:
                return self.nt.NtReadFile(self.caller, handle, length, offset)
            except st.NtError as error:
                if error.status == st.STATUS_END_OF_FILE:
                    return b""
                raise


def lx_eas(attributes: lx.LxAttributes) -> tuple[FileFullEaInformation, ...]:
    """The EAs that keep attributes; fields that are None are left out (facts/wsl1.md section 4.2)."""
    fields = (("$LXUID", attributes.uid), ("$LXGID", attributes.gid), ("$LXMOD", attributes.mode))
    eas = [FileFullEaInformation(0, name, value.to_bytes(4, "little")) for name, value in fields if value is not None]
    if attributes.device is not None:
        value = b"".join(part.to_bytes(4, "little") for part in attributes.device)
        eas.append(FileFullEaInformation(0, "$LXDEV", value))
    return tuple(eas)
