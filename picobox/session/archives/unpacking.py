"""Unpacks members of tar archives into the tree of an instance, without rights: owners and modes become metadata."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

from picobox.session import metadata
from picobox.session.archives.errors import ArchiveError
from picobox.session.archives.rooted import RootedTree
from picobox.session.metadata import Metadata
from picobox.session.removal import remove_tree

if TYPE_CHECKING:
    import tarfile
    from typing import Self

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_XATTR = "SCHILY.xattr."
_PIECE = 1 << 20
# Of images (OCI image-spec, layer.md, Whiteouts).
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


class Unpacker:
    """One tree being unpacked; layers one over the other if there are several.

    Names cannot leave it: `..` is refused, a link on the way means what it would if the tree were the root. Times of
    directories are set at the end, since entries change them.
    """

    def __init__(self, root: str, archive: str) -> None:
        """`archive`: its name, for messages."""
        self._tree = RootedTree(root)
        self._archive = archive
        self._times: dict[tuple[str, ...], int] = {}
        # What this layer has made, which its own whiteouts do not take away.
        self._made: set[tuple[str, ...]] = set()
        self.members = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tree.__exit__()

    def unpack(self, archive: tarfile.TarFile, *, is_layer: bool = False) -> None:
        """Unpacks all members. ArchiveError for a damaged one or one that is refused, OSError."""
        self._made.clear()
        for member in archive:
            path = self._components(member.name)
            if is_layer and path and path[-1].startswith(_WHITEOUT):
                self._white_out(path)
                continue
            self._add(archive, member, path)
            self._made.add(path)
            self.members += 1

    def finish(self) -> None:
        """Sets what comes last."""
        for path, time in sorted(self._times.items(), reverse=True):
            with suppress(FileNotFoundError, NotADirectoryError):
                fd = self._tree.directory(path, make=False)
                os.utime(fd, ns=(time, time))
        self._tree.forget()

    def _components(self, name: str) -> tuple[str, ...]:
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if ".." in parts:
            raise ArchiveError(
                f"{self._archive}: {name!r} leads out of its tree. Whoever made this archive may mean harm; nothing is "
                "left of it."
            )
        return parts

    def _add(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: tuple[str, ...]) -> None:
        if not path:
            self._describe_root(member)
            return
        directory, name = self._tree.directory(path[:-1]), path[-1]
        kept = Metadata(member.uid, member.gid, stat.S_IMODE(member.mode) | _type(member))
        if member.isdir():
            self._make_directory(directory, name)
            self._times[path] = _time(member)
        else:
            self._clear(directory, name)
            if member.islnk():
                self._link(member, directory, name)
                return
            if member.issym():
                os.symlink(member.linkname, name, dir_fd=directory)
            elif member.isfifo():
                os.mkfifo(name, 0o600, dir_fd=directory)
            elif member.ischr() or member.isblk():
                kept = kept._replace(device=(member.devmajor, member.devminor))
                os.close(os.open(name, _NEW_FILE, 0o600, dir_fd=directory))
            elif member.isreg():
                self._write(archive, member, directory, name)
            else:
                raise ArchiveError(
                    f"{self._archive}: {member.name!r} is of the unknown type {member.type!r}. Make the archive with "
                    "GNU tar or bsdtar."
                )
        metadata.store(directory, name, kept)
        if not kept.is_kept_apart:
            self._store_attributes(member, directory, name)
        if not member.isdir():
            time = _time(member)
            os.utime(name, ns=(time, time), dir_fd=directory, follow_symlinks=False)

    def _describe_root(self, member: tarfile.TarInfo) -> None:
        if member.isdir():
            kept = Metadata(member.uid, member.gid, stat.S_IMODE(member.mode) | stat.S_IFDIR)
            metadata.store(self._tree.directory(()), ".", kept)
            self._times[()] = _time(member)

    def _make_directory(self, directory: int, name: str) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=directory)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                self._clear(directory, name)
                os.mkdir(name, 0o700, dir_fd=directory)

    def _clear(self, directory: int, name: str) -> None:
        """Takes away what is in the place of a member."""
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):
            remove_tree(f"/proc/self/fd/{directory}/{name}")

    def _link(self, member: tarfile.TarInfo, directory: int, name: str) -> None:
        source = self._components(member.linkname)
        kept = os.dup(directory)
        try:
            # The look-up closes the directory that was looked up before.
            above = self._tree.directory(source[:-1])
            try:
                os.link(source[-1], name, src_dir_fd=above, dst_dir_fd=kept, follow_symlinks=False)
            except (FileNotFoundError, IndexError):
                raise ArchiveError(
                    f"{self._archive}: {member.name!r} is a link to {member.linkname!r}, which is not in it. "
                    "Make the archive anew, of the whole tree."
                ) from None
        finally:
            os.close(kept)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, directory: int, name: str) -> None:
        fd = os.open(name, _NEW_FILE, metadata.host_mode(member.mode), dir_fd=directory)
        with open(fd, "wb") as file:
            pieces = cast("list[tuple[int, int]]", member.sparse) if member.issparse() else [(0, member.size)]
            # The data of a sparse file lie in one piece in the archive.
            content = cast("IO[bytes]", archive.fileobj)
            content.seek(member.offset_data)
            for offset, size in pieces:
                file.seek(offset)
                left = size
                while left and (block := content.read(min(left, _PIECE))):
                    file.write(block)
                    left -= len(block)
                if left:
                    raise EOFError(f"it ends within {member.name!r}")
            file.truncate(member.size)

    def _store_attributes(self, member: tarfile.TarInfo, directory: int, name: str) -> None:
        for header, value in member.pax_headers.items():
            if header.startswith(_XATTR):
                attribute = header.removeprefix(_XATTR)
                metadata.store_attribute(directory, name, attribute, value.encode("utf-8", "surrogateescape"))

    def _white_out(self, path: tuple[str, ...]) -> None:
        """Takes away what lower layers have at a name, or all in a directory."""
        directory = self._tree.directory(path[:-1])
        if path[-1] != _OPAQUE:
            self._clear(directory, path[-1].removeprefix(_WHITEOUT))
            return
        for name in os.listdir(directory):
            if (*path[:-1], name) not in self._made:
                self._clear(directory, name)
                directory = self._tree.directory(path[:-1])


def _type(member: tarfile.TarInfo) -> int:
    if member.isdir():
        return stat.S_IFDIR
    if member.issym():
        return stat.S_IFLNK
    if member.isfifo():
        return stat.S_IFIFO
    if member.ischr():
        return stat.S_IFCHR
    return stat.S_IFBLK if member.isblk() else stat.S_IFREG


def _time(member: tarfile.TarInfo) -> int:
    """In nanoseconds; a PAX header has parts of seconds, which a float has not all of."""
    text = member.pax_headers.get("mtime")
    if text is None:
        return int(member.mtime) * 1_000_000_000
    seconds, _, part = text.partition(".")
    sign = -1 if seconds.startswith("-") else 1
    return int(seconds or 0) * 1_000_000_000 + sign * int(part[:9].ljust(9, "0") or 0)
