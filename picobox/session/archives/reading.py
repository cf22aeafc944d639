"""Reads archives from wherever they come: finds out how they are compressed, and whether they have come whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zlib
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, cast

from picobox.session.archives.errors import ArchiveError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, gzip.BadGzipFile, tarfile.TarError)
# How compressed data begins (RFC 1952; bzip2; the .xz file format; RFC 8878), and what reads it from a file.
_FORMS: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", zstd.ZstdFile),
)
_LONGEST_MARK = 6
_PIECE = 1 << 20


class _Member(tarfile.TarInfo):
    """A member; of the archive it is known whether its end has been read."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Member:
        """The next one; raises what tells tarfile that there is none."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            cast("Any", archive).has_end = True
            raise


def buffered(file: IO[bytes]) -> io.BufferedReader:
    """A file of which one can see what comes without reading it."""
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("Any", file), _PIECE)


def first_name(file: io.BufferedReader) -> str:
    """The name of the first member of an archive that has not been read yet; damage is seen later."""
    with suppress(tarfile.TarError, *_DAMAGED, OSError):
        start = file.peek(tarfile.BLOCKSIZE)[: tarfile.BLOCKSIZE]
        return tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape").name
    return ""


def plain(source: IO[bytes]) -> IO[bytes]:
    """What is in a file once it is decompressed."""
    file = buffered(source)
    start = file.peek(_LONGEST_MARK)
    for mark, reader in _FORMS:
        if start.startswith(mark):
            return cast("IO[bytes]", reader(file))
    return file


@contextmanager
def opened(content: IO[bytes], name: str) -> Iterator[tarfile.TarFile]:
    """A tar archive that is read from its beginning to its end in the block.

    ArchiveError if it is none, is damaged, or ends before its end; OSError.
    """
    with translated(name):
        with tarfile.open(
            fileobj=content, mode="r|", tarinfo=_Member, encoding="utf-8", errors="surrogateescape", errorlevel=2
        ) as archive:
            yield archive
        if not getattr(archive, "has_end", False):
            raise ArchiveError(_damaged(name, "it has no end"))
        # Checksums come last.
        while content.read(_PIECE):
            pass


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Names an archive that turns out to be damaged."""
    try:
        yield
    except _DAMAGED as error:
        raise ArchiveError(_damaged(name, str(error) or type(error).__name__)) from None
    except OSError as error:
        # Python's bz2 says so of damaged data.
        if error.errno is not None:
            raise
        raise ArchiveError(_damaged(name, str(error))) from None


def _damaged(name: str, why: str) -> str:
    return f"{name}: it is no whole archive: {why}. Fetch or make it again; tar, gz, bz2, xz and zst are read."
