"""What NTFS keeps with a file and the host does not: streams, EAs, security and reparse data, in extended attributes.

The host limits what one attribute, or all of a file, may hold: STATUS_DISK_FULL says that it has no more room. Its
special files can carry none; as reparse points they are what WSL makes of them (facts/wsl1.md section 4.2).
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.fs.host_inode import REPARSE_XATTR, HostInode, ask, own
from ntshim.fs.names import from_host, to_host
from ntshim.io.ea import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.backend import Inode
    from ntshim.io.ea import FileFullEaInformation

EA_XATTR = "user.ntshim.ea"
SECURITY_XATTR = "user.ntshim.security"  # self-relative bytes
STREAM_XATTR = b"user.ntshim.stream."
_XATTR_NAME_BYTES = 255  # XATTR_NAME_MAX
_XATTR_BYTES = 0x10000  # XATTR_SIZE_MAX
_SPECIAL_TAGS = {
    stat.S_IFLNK: reparse.IO_REPARSE_TAG_LX_SYMLINK,
    stat.S_IFSOCK: reparse.IO_REPARSE_TAG_AF_UNIX,
    stat.S_IFIFO: reparse.IO_REPARSE_TAG_LX_FIFO,
    stat.S_IFCHR: reparse.IO_REPARSE_TAG_LX_CHR,
    stat.S_IFBLK: reparse.IO_REPARSE_TAG_LX_BLK,
}
_NO_ROOM = (errno.ENOSPC, errno.E2BIG, errno.ERANGE, errno.EDQUOT)
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class KeptInXattrs:
    """The part of `backend.Backend` that the host's files have only by their extended attributes."""

    __slots__ = ()

    def keeps(self, inode: Inode) -> bool:
        """Whether a file's medium has extended attributes that are anybody's to set."""
        try:
            os.listxattr(own(inode).handle, follow_symlinks=False)
            os.getxattr(own(inode).handle, EA_XATTR)
        except OSError as error:
            return error.errno == errno.ENODATA
        return True

    def streams(self, inode: Inode) -> list[str]:
        """Give the names of the named streams."""
        file = own(inode)
        if file.is_special:
            return []
        prefix = STREAM_XATTR.decode()
        names = [name.removeprefix(prefix) for name in ask(os.listxattr, file.handle) if name.startswith(prefix)]
        return [from_host(os.fsencode(name)) for name in names]

    def make_stream(self, inode: Inode, stream: str) -> None:
        """Make an empty stream, or empty one."""
        _store(own(inode), _stream_name(stream), b"", st.STATUS_NOT_SUPPORTED)

    def remove_stream(self, inode: Inode, stream: str) -> None:
        """Remove a stream."""
        _remove(own(inode), _stream_name(stream))

    def rename_stream(self, inode: Inode, old: str, new: str) -> None:
        """Give a stream another name; what replaces the file's own data, or comes of it, is copied."""
        file = own(inode)
        if not old:
            self._check_size(ask(os.fstat, file.fd).st_size)
        data = self.stream_data(file, old) if old else ask(os.pread, file.fd, _XATTR_BYTES, 0)
        if new:
            _store(file, _stream_name(new), data, st.STATUS_NOT_SUPPORTED)
        else:
            ask(os.ftruncate, file.fd, 0)
            ask(os.pwrite, file.fd, data, 0)
        if old:
            _remove(file, _stream_name(old))
        else:
            ask(os.ftruncate, file.fd, 0)

    def stream_data(self, inode: Inode, stream: str) -> bytes:
        """Give all of a stream."""
        return ask(os.getxattr, own(inode).handle, _stream_name(stream))

    def write_stream(self, inode: Inode, stream: str, offset: int, data: bytes) -> None:
        """Write into a stream; a gap reads as zeros."""
        content = self.stream_data(inode, stream)
        self._check_size(offset + len(data))
        content = content.ljust(offset, b"\0")
        content = content[:offset] + data + content[offset + len(data) :]
        _store(own(inode), _stream_name(stream), content, st.STATUS_NOT_SUPPORTED)

    def set_stream_end(self, inode: Inode, stream: str, size: int) -> None:
        """Cut a stream or extend it with zeros."""
        self._check_size(size)
        content = self.stream_data(inode, stream)[:size].ljust(size, b"\0")
        _store(own(inode), _stream_name(stream), content, st.STATUS_NOT_SUPPORTED)

    def extended_attributes(self, inode: Inode) -> list[FileFullEaInformation]:
        """Give the EAs; STATUS_EA_CORRUPT_ERROR for what is stored and is none."""
        stored = _read(own(inode), EA_XATTR)
        return [] if stored is None else unpack(stored)

    def set_extended_attributes(self, inode: Inode, attributes: list[FileFullEaInformation]) -> None:
        """Store all EAs instead of those that were; STATUS_EAS_NOT_SUPPORTED where there is no place for them."""
        if attributes:
            _store(own(inode), EA_XATTR, pack(attributes), st.STATUS_EAS_NOT_SUPPORTED)
        elif self.extended_attributes(inode):
            _remove(own(inode), EA_XATTR)

    def security(self, inode: Inode) -> bytes | None:
        """Give the descriptor; of a file that we may not read, whose host decides by itself, there is none."""
        try:
            return _read(own(inode), SECURITY_XATTR)
        except st.NtError as error:
            if error.status in (st.STATUS_ACCESS_DENIED, st.STATUS_PRIVILEGE_NOT_HELD):
                return None
            raise

    def set_security(self, inode: Inode, descriptor: bytes) -> None:
        """Store a descriptor."""
        _store(own(inode), SECURITY_XATTR, descriptor, st.STATUS_NOT_SUPPORTED)

    def reparse_point(self, inode: Inode) -> bytes:
        """Give a REPARSE_DATA_BUFFER: what is stored, or what the special file is to WSL."""
        file = own(inode)
        if not file.is_special:
            return ask(os.getxattr, file.handle, REPARSE_XATTR)
        tag = _SPECIAL_TAGS.get(stat.S_IFMT(ask(os.lstat, file.path).st_mode))
        if tag is None:
            raise st.NtError(st.STATUS_NOT_A_REPARSE_POINT)
        if tag != reparse.IO_REPARSE_TAG_LX_SYMLINK:
            return reparse.build(tag, b"")
        return reparse.build_lx_symlink(ask(os.readlink, file.path))

    def set_reparse_point(self, inode: Inode, buffer: bytes | None) -> None:
        """Make a file a reparse point, or none any more.

        LX_SYMLINK makes it a symbolic link of the host and the end of that a regular file, which is another file to
        the host: the inode's key changes. STATUS_NOT_SUPPORTED if its other names would stay behind.
        """
        file = own(inode)
        target = None if buffer is None else reparse.lx_symlink_target(buffer)
        if target is not None and not file.is_directory:
            _replace(file, lambda path: os.symlink(target, path))
        elif file.is_special:
            if buffer is not None or not stat.S_ISLNK(ask(os.lstat, file.path).st_mode):
                raise st.NtError(st.STATUS_NOT_SUPPORTED)
            _replace(file, lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)))
        elif buffer is None:
            _remove(file, REPARSE_XATTR)
        else:
            _store(file, REPARSE_XATTR, buffer, st.STATUS_NOT_SUPPORTED)
        file.is_reparse_point = buffer is not None

    def _check_size(self, size: int) -> None:
        """Refuse what no host's attribute can hold before so many bytes are made."""
        if size > _XATTR_BYTES:
            raise st.NtError(st.STATUS_DISK_FULL)


def _stream_name(stream: str) -> bytes:
    """Name the attribute of a stream; STATUS_NAME_TOO_LONG for one that the host cannot name."""
    name = STREAM_XATTR + to_host(stream)
    if len(name) > _XATTR_NAME_BYTES:
        raise st.NtError(st.STATUS_NAME_TOO_LONG)
    return name


def _read(file: HostInode, name: str) -> bytes | None:
    """Give an attribute, None if there is none or no place for any."""
    if file.is_special:
        return None
    try:
        return os.getxattr(file.handle, name)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return None
        raise st.NtError(st.status_of_errno(error.errno or errno.EIO)) from None


def _store(file: HostInode, name: str | bytes, value: bytes, unsupported: int) -> None:
    """Set an attribute, of a READONLY file too."""
    if file.is_special:
        raise st.NtError(unsupported)
    try:
        _while_writable(file, lambda: os.setxattr(file.handle, name, value))
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise st.NtError(st.STATUS_DISK_FULL) from None
        status = unsupported if error.errno == errno.ENOTSUP else st.status_of_errno(error.errno or errno.EIO)
        raise st.NtError(status) from None


def _remove(file: HostInode, name: str | bytes) -> None:
    """Remove an attribute, of a READONLY file too."""
    ask(_while_writable, file, lambda: os.removexattr(file.handle, name))


def _while_writable(file: HostInode, change: Callable[[], None]) -> None:
    """Make a change; if it is refused for want of permission to write, give that permission meanwhile."""
    try:
        change()
    except PermissionError:
        mode = stat.S_IMODE(os.stat(file.handle).st_mode)
        if mode & _WRITABLE:
            raise
        os.chmod(file.handle, mode | stat.S_IWUSR)
        try:
            change()
        finally:
            os.chmod(file.handle, mode)


def _replace(file: HostInode, make: Callable[[bytes], None]) -> None:
    """Put another file of the host in a file's place, under its one name."""
    found = ask(os.lstat, file.path)
    if (found.st_dev, found.st_ino) != file.key or found.st_nlink > 1:
        raise st.NtError(st.STATUS_NOT_SUPPORTED)
    temporary = os.path.join(os.path.dirname(file.path), b".ntshim-" + secrets.token_hex(8).encode())
    ask(make, temporary)
    try:
        ask(os.replace, temporary, file.path)
    except st.NtError:
        os.unlink(temporary)
        raise
    made = HostInode(file.path, ask(os.lstat, file.path))
    file.key, file.is_special = made.key, made.is_special
    if file.fd >= 0:
        os.close(file.fd)
        flags = os.O_PATH if made.is_special else os.O_RDWR
        file.fd = ask(os.open, file.path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
