"""Opens an archive, zip or tar, for its names alone; nothing is unpacked, and whoever made it may mean harm."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Protocol

from picobox.errors import PicoboxError
from picobox.findings.name_lists import NameList
from picobox.findings.names import DIRECTORY, ENTRY
from picobox.platform.archive_members import CUT_OFF, ArchiveError
from picobox.platform.name_sources import ARCHIVE_SUFFIXES
from picobox.platform.tar_names import BLOCK, is_header, tar_members
from picobox.platform.zip_names import looks_like_zip, zip_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.platform.archive_members import Member

MOST_NAMES = 5_000_000
MOST_CHARACTERS = 1 << 28  # of all names
MOST_BYTES = 1 << 36  # of a tar archive, decompressed

_CHUNK = 1 << 20
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


def archive(path: str) -> NameList | None:
    """The names in an archive; None for a file that is none and is not called like one. PicoboxError if it is bad."""
    try:
        with open(path, "rb") as file:
            members = _members(file, is_called_so=path.lower().endswith(ARCHIVE_SUFFIXES))
            return None if members is None else _listed(path, members)
    except OSError as error:
        cause = error.strerror or str(error)
    except ArchiveError as error:
        cause = str(error)
    except ImportError as error:
        cause = f"this Python lacks the module {error.name}"
    except MemoryError:
        cause = "it asks for more memory than there is"
    raise PicoboxError(f"{path}: {cause}. Name a whole archive: zip, tar, tar.gz, tar.bz2 or tar.xz.")


def _listed(path: str, members: Iterable[Member]) -> NameList:
    paths: list[str] = []
    directories: set[str] = set()
    links: dict[str, str] = {}
    left = MOST_CHARACTERS
    for name, kind, target in members:
        paths.append(name)
        if kind == DIRECTORY:
            directories.add(name)
        elif kind == ENTRY:
            links[name] = target
        left -= len(name) + len(target)
        if len(paths) > MOST_NAMES or left < 0:
            raise ArchiveError(f"it has over {MOST_NAMES:,} names, or {MOST_CHARACTERS:,} characters in them")
    return NameList(os.path.abspath(path), paths, frozenset(directories), links)


def _members(file: IO[bytes], *, is_called_so: bool) -> Iterator[Member] | None:
    start = file.read(BLOCK)
    file.seek(0)
    if start.startswith(_ZSTANDARD) and is_called_so:
        raise ArchiveError("it is packed by zstd, which is not read here: unpack it by `zstd -d` first")
    stream = _unpacked(file, start)
    first = start if stream is None else stream.peek(BLOCK)
    if is_header(first) or (is_called_so and first == bytes(BLOCK)):
        return tar_members(stream or _File(file))
    if stream is None and looks_like_zip(file):
        return zip_members(file)
    if is_called_so:
        raise ArchiveError("it is no archive")
    return None


def _unpacked(file: IO[bytes], start: bytes) -> _Stream | None:
    """The content of a file that is packed in one of the usual ways; None if it is not."""
    if start.startswith(b"\x1f\x8b"):
        import gzip
        import zlib

        return _Stream(gzip.GzipFile(fileobj=file), (EOFError, OSError, zlib.error))
    if start.startswith(b"BZh"):
        import bz2

        return _Stream(bz2.BZ2File(file), (EOFError, OSError))
    if start.startswith(b"\xfd7zXZ\0"):
        import lzma

        return _Stream(lzma.LZMAFile(file), (EOFError, lzma.LZMAError))
    return None


class _Reader(Protocol):
    """A file of the modules that unpack."""

    def read(self, size: int, /) -> bytes: ...


class _Stream:
    """The bytes of a packed archive; `errors` is what its reader raises for one that is damaged."""

    def __init__(self, reader: _Reader, errors: tuple[type[Exception], ...]) -> None:
        self._reader = reader
        self._errors = errors
        self._ahead = b""
        self._left = MOST_BYTES

    def peek(self, count: int) -> bytes:
        """The next bytes, which the next read of as many gives again."""
        self._ahead = self.read(count)
        return self._ahead

    def read(self, count: int, /) -> bytes:
        """See tar_names.Bytes."""
        if self._ahead:
            data, self._ahead = self._ahead[:count], self._ahead[count:]
            return data
        self._left -= count
        if self._left < 0:
            raise ArchiveError(f"it has over {MOST_BYTES:,} bytes when it is unpacked")
        try:
            return self._reader.read(count)
        except self._errors as error:
            raise ArchiveError(CUT_OFF if isinstance(error, EOFError) else str(error)) from None

    def skip(self, count: int, /) -> None:
        """See tar_names.Bytes."""
        while count:
            skipped = len(self.read(min(count, _CHUNK)))
            if not skipped:
                raise ArchiveError(CUT_OFF)
            count -= skipped


class _File:
    """The bytes of an archive that is not packed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, count: int, /) -> bytes:
        """See tar_names.Bytes."""
        return self._file.read(count)

    def skip(self, count: int, /) -> None:
        """See tar_names.Bytes."""
        if count > self._size - self._file.tell():
            raise ArchiveError(CUT_OFF)
        self._file.seek(count, os.SEEK_CUR)
