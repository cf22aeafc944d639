"""Packs the tree of an instance into a tar archive, with the owners, modes and attributes that its guests see."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import IO, TYPE_CHECKING, NamedTuple

from picobox.platform.holes import data_of
from picobox.session import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_XATTR = "SCHILY.xattr."
_TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
}
_BLOCK = 512


class _Entry(NamedTuple):
    """Something in an open directory; `path`: from the root of the tree, without a slash at its beginning."""

    directory: int
    name: str
    path: str


def pack(root: str, output: IO[bytes]) -> int:
    """Writes all that is below a directory, and the directory itself as `.`; gives the number of members.

    Sockets are left out, which no archive can hold. Raises OSError.
    """
    count = 0
    # Where a file with several names was written first.
    written: dict[tuple[int, int], str] = {}
    with tarfile.open(
        fileobj=output, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for entry in _walk(root):
            count += _pack(archive, entry, written)
    return count


def _walk(root: str) -> Iterator[_Entry]:
    """The root and everything below it, each directory before what is in it, by name; open is one for each level."""
    top = os.open(root, _DIRECTORY)
    levels = [(top, "", iter(sorted(os.listdir(top))))]
    try:
        yield _Entry(top, ".", ".")
        while levels:
            directory, path, names = levels[-1]
            name = next(names, None)
            if name is None:
                os.close(levels.pop()[0])
                continue
            yield _Entry(directory, name, path + name)
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                below = os.open(name, _DIRECTORY, dir_fd=directory)
                levels.append((below, f"{path}{name}/", iter(sorted(os.listdir(below)))))
    finally:
        for directory, _, _ in levels:
            os.close(directory)


def _pack(archive: tarfile.TarFile, entry: _Entry, written: dict[tuple[int, int], str]) -> int:
    directory, name, path = entry
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if stat.S_ISSOCK(found.st_mode):
        return 0
    kept = metadata.load(directory, name, found)
    headers: dict[str, str] = {}
    member = tarfile.TarInfo(path)
    member.pax_headers = headers
    member.uid, member.gid, member.mode = kept.uid, kept.gid, stat.S_IMODE(kept.mode)
    member.type = _TYPES[stat.S_IFMT(kept.mode)]
    member.mtime = found.st_mtime_ns // 1_000_000_000
    if found.st_mtime_ns % 1_000_000_000:
        headers["mtime"] = f"{found.st_mtime_ns // 1_000_000_000}.{found.st_mtime_ns % 1_000_000_000:09}"
    if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
        first = written.setdefault((found.st_dev, found.st_ino), path)
        if first != path:
            member.type, member.linkname = tarfile.LNKTYPE, first
            archive.addfile(member)
            return 1
    if not kept.is_kept_apart:
        for attribute, value in metadata.attributes(directory, name).items():
            headers[_XATTR + attribute] = value.decode("utf-8", "surrogateescape")
    if kept.device is not None:
        member.devmajor, member.devminor = kept.device
    elif member.issym():
        member.linkname = os.readlink(name, dir_fd=directory)
    if not member.isreg():
        archive.addfile(member)
        return 1
    with open(os.open(name, _FILE, dir_fd=directory), "rb") as file:
        _add_file(archive, member, file, found)
    return 1


def _add_file(archive: tarfile.TarFile, member: tarfile.TarInfo, file: IO[bytes], found: os.stat_result) -> None:
    member.size = found.st_size
    data = _data(file.fileno(), found.st_size) if found.st_blocks * _BLOCK < found.st_size else [(0, found.st_size)]
    if data == [(0, found.st_size)] or not found.st_size:
        archive.addfile(member, file)
        return
    # GNU tar's manual, appendix D.2.3: sparse files in the PAX format, version 1.0.
    lines = [len(data), *(number for piece in data for number in piece)]
    table = "".join(f"{number}\n" for number in lines).encode()
    table = table.ljust(-(-len(table) // _BLOCK) * _BLOCK, b"\0")
    member.pax_headers = {
        **member.pax_headers,
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": member.name,
        "GNU.sparse.realsize": str(found.st_size),
    }
    directory, _, name = member.name.rpartition("/")
    member.name = os.path.join(directory, "GNUSparseFile.0", name)
    member.size = len(table) + sum(size for _, size in data)
    archive.addfile(member, _Pieces(table, file, data))


class _Pieces(io.RawIOBase):
    """A table, and behind it pieces of a file."""

    def __init__(self, table: bytes, file: IO[bytes], data: list[tuple[int, int]]) -> None:
        self._contents = self._read(table, file, data)
        self._left = b""

    @staticmethod
    def _read(table: bytes, file: IO[bytes], data: list[tuple[int, int]]) -> Iterator[bytes]:
        yield table
        for offset, size in data:
            file.seek(offset)
            left = size
            while left and (piece := file.read(min(left, tarfile.RECORDSIZE))):
                left -= len(piece)
                yield piece

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            piece = next(self._contents, None)
            if piece is None:
                break
            self._left += piece
        found = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(found) :]
        return found


def _data(fd: int, size: int) -> list[tuple[int, int]]:
    """Where data is in a sparse file, offsets and sizes; at its end an empty piece, as GNU tar writes one."""
    found = [(begin, end - begin) for begin, end in data_of(fd, size)]
    if not found or sum(found[-1]) < size:
        found.append((size, 0))
    return found
