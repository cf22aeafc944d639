"""A volume's backend on a real directory of the host; it and the `host_` modules alone touch the host's files.

A file is READONLY if nobody has write permission, as WSL and Samba have it; HIDDEN, SYSTEM and what else differs from
the default stands in an extended attribute, as does READONLY of a directory, which forbids nothing inside.
Symbolic links, pipes, sockets and devices are reparse points: they are never followed or opened.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from itertools import islice
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.backend import Facts
from ntshim.fs.case_flag import case_flag, differ_in_case, set_case_flag
from ntshim.fs.host_inode import HostInode
from ntshim.fs.host_inode import ask as _ask
from ntshim.fs.host_inode import own as _host
from ntshim.fs.host_medium import find_path, find_paths, medium, space
from ntshim.fs.host_xattrs import KeptInXattrs
from ntshim.fs.memfs import UNIX_EPOCH
from ntshim.fs.names import from_host, order_key, to_host
from ntshim.fs.rules import NTFS
from ntshim.fs.view import FoldedIndex, Found, Stamp, Timestamps
from ntshim.io.create import FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_READONLY

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from ntshim.fs.backend import Inode, Medium, Space
    from ntshim.fs.rules import VolumeRules
    from ntshim.fs.view import DirectoryIndex

ATTRIBUTES_XATTR = "user.ntshim.attributes"
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_GRANULARITY = 50_000_000  # ns in which two changes of a directory may leave the same timestamp


class HostListing:
    """How the folded index sees the host's directories: known by timestamps alone."""

    def __init__(self) -> None:
        """Begin with none."""
        self._timestamps = Timestamps(_GRANULARITY)

    def stamp(self, directory: int, /) -> Stamp:
        """Tell a directory's state."""
        found = os.fstat(directory)
        identity = (found.st_dev, found.st_ino)
        times = (found.st_mtime_ns, found.st_ctime_ns)
        return Stamp(identity, self._timestamps.change(identity, times, time.monotonic_ns()), watched=False)

    def names(self, directory: int, /) -> list[bytes]:
        """List a directory."""
        return [os.fsencode(name) for name in os.listdir(directory)]

    def exists(self, directory: int, name: bytes, /) -> bool:
        """Look for an exact name."""
        try:
            os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


class HostFs(KeptInXattrs):
    """`backend.Backend` on a directory of the host."""

    __slots__ = ("_index", "_listing", "_rules", "has_streams", "root")

    keeps_all_times = False

    def __init__(self, path: str | bytes, index: DirectoryIndex | None = None, *, rules: VolumeRules = NTFS) -> None:
        """Show a directory as a volume; raises OSError if it is not there. The host has names as Linux has them."""
        self._rules = rules
        absolute = os.path.realpath(os.fsencode(path))
        self.root = HostInode(absolute, os.lstat(absolute))
        self._listing = HostListing()
        self._index = index or FoldedIndex(self._listing)
        self.has_streams = self.keeps(self.root)

    def find(self, directory: Inode, name: str, *, ignore_case: bool) -> tuple[str, Inode] | None:
        """Look a name up: the exact one first, then the directory's index."""
        try:
            host_name = self._host_name(name)
        except st.NtError:
            return None
        path = os.path.join(_host(directory).path, host_name)
        try:
            return name, HostInode(path, os.lstat(path))
        except FileNotFoundError:
            if not ignore_case:
                return None
        except OSError as error:
            raise st.NtError(st.status_of_errno(error.errno or errno.EIO)) from None
        spelling = self._folded(_host(directory), host_name)
        if spelling is None:
            return None
        path = os.path.join(_host(directory).path, spelling)
        return self._nt_name(spelling), HostInode(path, _ask(os.lstat, path))

    def key_of_id(self, file_id: int) -> tuple[int, int]:
        """Give the root's device and the number."""
        device, _ = self._root_key()
        return device, file_id

    def find_by_id(self, file_id: int) -> tuple[Inode | None, str, Inode] | None:
        """Look through the whole tree."""
        device, number = self._root_key()
        if file_id == number:
            return None, "", self.root
        path = _ask(find_path, self.root.path, device, file_id)
        if path is None:
            return None
        above, name = os.path.split(path)
        return HostInode(above, _ask(os.lstat, above)), self._nt_name(name), HostInode(path, _ask(os.lstat, path))

    def links(self, inode: Inode) -> list[tuple[Inode, str]]:
        """Look through the whole tree, up to the last of the names that the file has; others may lie outside."""
        known = self.facts(inode)
        device, _ = self._root_key()
        paths: list[bytes] = _ask(list, islice(find_paths(self.root.path, device, known.file_id), known.links))
        places = [os.path.split(path) for path in paths]
        return [(HostInode(above, _ask(os.lstat, above)), self._nt_name(name)) for above, name in places]

    def _root_key(self) -> tuple[int, int]:
        """Give device and number of the root."""
        found = _ask(os.lstat, self.root.path)
        return found.st_dev, found.st_ino

    def is_case_sensitive(self, directory: Inode) -> bool:
        """Tell the directory's flag."""
        return _ask(case_flag, _host(directory).handle)

    def set_case_sensitive(self, directory: Inode, sensitive: bool) -> None:
        """Set the directory's flag; it is not cleared over names that differ in case only."""
        handle = _host(directory).handle
        if not sensitive and _ask(case_flag, handle) and _ask(differ_in_case, handle):
            raise st.NtError(st.STATUS_CASE_DIFFERING_NAMES_IN_DIR)
        try:
            set_case_flag(handle, sensitive)
        except OSError as error:
            unable = error.errno == errno.ENOTSUP
            status = st.STATUS_NOT_SUPPORTED if unable else st.status_of_errno(error.errno or errno.EIO)
            raise st.NtError(status) from None

    def is_below(self, directory: Inode, ancestor: Inode) -> bool:
        """Compare the paths."""
        path, above = _host(directory).path, _host(ancestor).path
        return path == above or path.startswith(above.rstrip(b"/") + b"/")

    def names(self, directory: Inode) -> Iterator[tuple[str, Inode]]:
        """Give the entries in order; one that goes meanwhile is left out."""
        path = _host(directory).path
        entries = [(self._nt_name(entry), entry) for entry in _ask(lambda: os.listdir(path))]
        for name, host_name in sorted(entries, key=lambda entry: order_key(entry[0])):
            entry_path = os.path.join(path, host_name)
            try:
                found = os.lstat(entry_path)
            except FileNotFoundError:
                continue
            yield name, HostInode(entry_path, found)

    def version(self, directory: Inode) -> Hashable | None:
        """Give the timestamps once they can be believed."""
        fd = _host(directory).fd
        return None if fd < 0 else _ask(self._listing.stamp, fd).change

    def is_empty(self, directory: Inode) -> bool:
        """Look for entries; a directory without a name has none."""
        with _ask(os.scandir, _host(directory).handle) as entries:
            return next(entries, None) is None

    def parent(self, directory: Inode) -> tuple[Inode, str]:
        """Go up by the path."""
        above, name = os.path.split(_host(directory).path)
        return HostInode(above, _ask(os.lstat, above)), self._nt_name(name)

    def open(self, inode: Inode) -> None:
        """Open a descriptor that can do what the host lets us do."""
        file = _host(inode)
        file.holders += 1
        if file.holders == 1 and file.fd < 0:
            file.fd = _ask(_open_most, file)

    def close(self, inode: Inode) -> None:
        """Close it with the last holder."""
        file = _host(inode)
        file.holders -= 1
        if not file.holders and file.fd >= 0:
            os.close(file.fd)
            file.fd = -1

    def facts(self, inode: Inode, stream: str = "") -> Facts:
        """Tell of a file; the host's own birth time is not asked for, its last change stands for it."""
        found = self._stat(inode)
        size = 0 if inode.is_directory else found.st_size
        allocated = 0 if inode.is_directory else found.st_blocks * 512
        if stream:
            size = allocated = len(self.stream_data(inode, stream))
        return Facts(
            self._attributes(inode, found),
            _nt_time(min(found.st_ctime_ns, found.st_mtime_ns)),
            _nt_time(found.st_atime_ns),
            _nt_time(found.st_mtime_ns),
            _nt_time(found.st_ctime_ns),
            size,
            allocated,
            1 if inode.is_directory and found.st_nlink else found.st_nlink,
            found.st_ino,
        )

    def attributes(self, inode: Inode) -> int:
        """Give the attributes."""
        return self._attributes(inode, self._stat(inode))

    def set_basic(self, inode: Inode, times: tuple[int, int, int, int], attributes: int | None) -> None:
        """Set access and write time and attributes; of creation and change time the host lets nobody decide."""
        created, read, written, changed = times
        if created or changed:
            raise st.NtError(st.STATUS_NOT_SUPPORTED)
        if read or written:
            found = self._stat(inode)
            accessed = _host_time(read) if read else found.st_atime_ns
            modified = _host_time(written) if written else found.st_mtime_ns
            _ask(os.utime, _host(inode).handle, ns=(accessed, modified))
        if attributes is not None:
            self._set_attributes(inode, attributes)

    def stamp(self, inode: Inode, *, access: bool = False, change: bool = False) -> None:
        """The kernel notes both."""

    def space(self) -> Space:
        """Ask the file system of the root."""
        return _ask(space, self.root.path)

    def medium(self) -> Medium:
        """Tell the root's numbers; that it was made is not known, only that it is older than its last change."""
        return _ask(medium, self.root.path, self.facts(self.root).creation_time)

    def make(self, directory: Inode, name: str, attributes: int, *, is_directory: bool) -> Inode:
        """Make a file or directory."""
        path = os.path.join(_host(directory).path, self._host_name(name))
        if is_directory:
            _ask(os.mkdir, path)
            made = HostInode(path, _ask(os.lstat, path))
        else:
            # The descriptor stays: it may write even if the file is READONLY from now on (facts/nt.md section 3.3).
            fd = _ask(os.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            made = HostInode(path, os.fstat(fd))
            made.fd = fd
        self._changed(directory)
        if attributes != self._default(made):
            try:
                self._set_attributes(made, attributes)
            except st.NtError:
                self._forget_made(made)
                raise
        return made

    def replace_contents(self, inode: Inode, stream: str, attributes: int) -> None:
        """Empty a file or stream."""
        if stream:
            self.make_stream(inode, stream)
            return
        self._set_attributes(inode, attributes & ~FILE_ATTRIBUTE_READONLY)
        _ask(os.truncate, _host(inode).handle, 0)
        self._set_attributes(inode, attributes)

    def unlink(self, directory: Inode, name: str, inode: Inode) -> None:
        """Remove a name; the file's descriptor stays."""
        path = os.path.join(_host(directory).path, self._host_name(name))
        _ask(os.rmdir if inode.is_directory else os.unlink, path)
        self._changed(directory)

    def rename(
        self, inode: Inode, source: tuple[Inode, str], target: tuple[Inode, str], replaced: tuple[str, Inode] | None
    ) -> None:
        """Move a name; a file of that kind is replaced at one blow if the spelling is the same."""
        path = os.path.join(_host(target[0]).path, self._host_name(target[1]))
        self._make_room(inode, target, replaced)
        _ask(os.rename, os.path.join(_host(source[0]).path, self._host_name(source[1])), path)
        _host(inode).path = path
        self._changed(source[0])
        self._changed(target[0])

    def link(
        self,
        inode: Inode,  # noqa: ARG002 - its path may be that of a link that is gone
        source: tuple[Inode, str],
        target: tuple[Inode, str],
        replaced: tuple[str, Inode] | None,
    ) -> None:
        """Add a name."""
        if replaced is not None:
            self.unlink(target[0], *replaced)
        path = os.path.join(_host(target[0]).path, self._host_name(target[1]))
        _ask(os.link, os.path.join(_host(source[0]).path, self._host_name(source[1])), path, follow_symlinks=False)
        self._changed(target[0])

    def read(self, inode: Inode, stream: str, offset: int, length: int) -> bytes:
        """Read."""
        if stream:
            return self.stream_data(inode, stream)[offset : offset + length]
        return _ask(os.pread, _host(inode).fd, length, offset)

    def write(self, inode: Inode, stream: str, offset: int, data: bytes) -> None:
        """Write all."""
        if stream:
            self.write_stream(inode, stream, offset, data)
            return
        view = memoryview(data)
        while view:
            done = _ask(os.pwrite, _host(inode).fd, view, offset)
            view, offset = view[done:], offset + done

    def set_end(self, inode: Inode, stream: str, size: int) -> None:
        """Cut or extend."""
        if stream:
            self.set_stream_end(inode, stream, size)
            return
        _ask(os.ftruncate, _host(inode).fd, size)

    def flush(self, inode: Inode) -> None:
        """Wait for the medium."""
        _ask(os.fsync, _host(inode).fd)

    def _host_name(self, name: str) -> bytes:
        """The host's name of a file; STATUS_OBJECT_NAME_INVALID for a form in which the rules store none."""
        under_linux = self._rules.unescape(name)
        if self._rules.escape(under_linux) != name:
            raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
        return to_host(under_linux)

    def _nt_name(self, name: bytes) -> str:
        """The NT name of a file of the host."""
        return self._rules.escape(from_host(name))

    def _folded(self, directory: HostInode, name: bytes) -> bytes | None:
        """Find another spelling."""
        fd = _ask(os.open, directory.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            answer = _ask(self._index.look_up, fd, name)
        finally:
            os.close(fd)
        return None if answer.found is Found.ABSENT else answer.spelling

    def _changed(self, directory: Inode) -> None:
        """Tell the index of a change of ours."""
        fd = _ask(os.open, _host(directory).path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._index.told_changed(fd)
        finally:
            os.close(fd)

    def _make_room(self, inode: Inode, target: tuple[Inode, str], replaced: tuple[str, Inode] | None) -> None:
        """Remove what the host's rename would not replace: another spelling or kind, or a link of the same file."""
        if replaced is not None and (
            replaced[0] != target[1] or inode.is_directory != replaced[1].is_directory or inode.key == replaced[1].key
        ):
            self.unlink(target[0], *replaced)

    def _stat(self, inode: Inode) -> os.stat_result:
        """Ask for what the host knows."""
        handle = _host(inode).handle
        return _ask(os.fstat, handle) if isinstance(handle, int) else _ask(os.lstat, handle)

    def _default(self, inode: Inode) -> int:
        """Give the attributes of which nothing is stored."""
        return 0 if inode.is_directory else FILE_ATTRIBUTE_ARCHIVE

    def _attributes(self, inode: Inode, found: os.stat_result) -> int:
        """Put stored attributes and permissions together."""
        attributes = self._default(inode)
        if _host(inode).is_special:
            return attributes
        try:
            attributes = int(os.getxattr(_host(inode).handle, ATTRIBUTES_XATTR), 16)
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EPERM, errno.EACCES):
                raise st.NtError(st.status_of_errno(error.errno or errno.EIO)) from None
        if inode.is_directory or found.st_mode & _WRITABLE:
            return attributes
        return attributes | FILE_ATTRIBUTE_READONLY

    def _set_attributes(self, inode: Inode, attributes: int) -> None:
        """Store attributes; STATUS_INVALID_DEVICE_REQUEST if the host has no place for them."""
        handle, found = _host(inode).handle, self._stat(inode)
        current = self._attributes(inode, found)
        stored, read_only = attributes, False
        if not inode.is_directory:
            stored, read_only = attributes & ~FILE_ATTRIBUTE_READONLY, bool(attributes & FILE_ATTRIBUTE_READONLY)
            current &= ~FILE_ATTRIBUTE_READONLY
        mode = stat.S_IMODE(found.st_mode)
        wanted = mode if inode.is_directory or mode & _WRITABLE else mode | stat.S_IWUSR
        if wanted != mode:
            # Also to store the rest: a user's extended attributes can be set only where he may write.
            _ask(os.chmod, handle, wanted)
        if current != stored:
            _ask(os.setxattr, handle, ATTRIBUTES_XATTR, b"%x" % stored)
        if read_only:
            _ask(os.chmod, handle, wanted & ~_WRITABLE)

    def _forget_made(self, made: HostInode) -> None:
        """Undo a creation that could not be finished."""
        if made.fd >= 0:
            os.close(made.fd)
        _ask(os.rmdir if made.is_directory else os.unlink, made.path)


def _open_most(file: HostInode) -> int:
    """Open a regular file to write if it may be, otherwise to read, otherwise, as all that is neither, as a name."""
    mode = os.lstat(file.path).st_mode
    ways = [os.O_PATH | os.O_NOFOLLOW]
    if stat.S_ISDIR(mode):
        ways = [os.O_RDONLY | os.O_DIRECTORY, *ways]
    elif stat.S_ISREG(mode):
        ways = [os.O_RDWR, os.O_RDONLY, *ways]
    for flags in ways[:-1]:
        try:
            return os.open(file.path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
        except (PermissionError, IsADirectoryError):
            continue
    return os.open(file.path, ways[-1] | os.O_CLOEXEC)


def _nt_time(ns: int) -> int:
    """Turn the host's time into NT's."""
    return UNIX_EPOCH + ns // 100


def _host_time(units: int) -> int:
    """Turn NT's time into the host's."""
    return (units - UNIX_EPOCH) * 100
