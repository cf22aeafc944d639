"""Writes archives: compresses them as their name says, and puts a file in its place only when it is whole."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import sys
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from picobox.errors import PicoboxError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The time in a gzip file's head would make two exports of one tree differ.
_FORMATS: dict[str, Callable[[Any], Any]] = {
    "tar.gz": partial(gzip.GzipFile, "", "wb", 6, mtime=0),
    "tar.bz2": partial(bz2.BZ2File, mode="wb"),
    "tar.xz": partial(lzma.LZMAFile, mode="wb"),
    "tar.zst": partial(zstd.ZstdFile, mode="wb"),
}
FORMATS = ("tar", *_FORMATS)
_SHORT = {"tgz": "tar.gz", "tbz2": "tar.bz2", "txz": "tar.xz", "tzst": "tar.zst"}


def format_of(path: str) -> str:
    """The format that a file's name means, "tar" if it means none."""
    name = os.path.basename(path).lower()
    for ending in (*_FORMATS, *_SHORT):
        if name.endswith(f".{ending}"):
            return _SHORT.get(ending, ending)
    return "tar"


@contextmanager
def compressed(output: IO[bytes], form: str) -> Iterator[IO[bytes]]:
    """A file that compresses what is written to it into another one."""
    maker = _FORMATS.get(form)
    if maker is None:
        yield output
        return
    with maker(output) as file:
        yield cast("IO[bytes]", file)


@contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """A new file that takes a path's place when the block is done; if it raises, nothing has changed there.

    Of a link it is the place that it leads to. PicoboxError if it cannot be written, or is no regular file.
    """
    above, name = os.path.split(os.path.realpath(path))
    if os.path.exists(path) and not os.path.isfile(path):
        # A device, for one, would be gone.
        raise PicoboxError(
            f"{path}: it is no regular file, which is what is replaced. Name one, or write to - instead."
        )
    try:
        directory = os.open(above, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Without a name until it is whole: a process that is killed leaves nothing (open(2), O_TMPFILE).
            fd = os.open(above, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666)
            with open(fd, "wb") as file:
                yield file
                file.flush()
                os.fsync(fd)
                _give_name(fd, directory, name)
        finally:
            os.close(directory)
    except OSError as error:
        raise PicoboxError(f"{path}: {error.strerror}. Name a file that can be written.") from None


def _give_name(fd: int, directory: int, name: str) -> None:
    """Links a file without a name to one in a directory, over what is there."""
    source = f"/proc/self/fd/{fd}"
    try:
        os.link(source, name, dst_dir_fd=directory, follow_symlinks=True)
    except FileExistsError:
        beside = f".{name[:200]}.{os.getpid()}"
        with suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=directory)
        os.link(source, beside, dst_dir_fd=directory, follow_symlinks=True)
        os.replace(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
