"""Both implementations of the directory index over directories of this host, with and without inotify."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import cffi

from ntshim.fs.view import NAMES_KEPT, DirectoryIndex, FoldedIndex
from picobox.platform.names import NativeIndex
from picobox.platform.reference_names import HostListing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.fs.view import Answer

KINDS = ("reference", "native", "native watched", "reference unwatched", "native unwatched")

# linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root may list everything.
_OVERRIDING = 1 << 1 | 1 << 2
_VERSION_3 = 0x20080522


@contextmanager
def free_descriptors(count: int) -> Iterator[None]:
    """Within, this process may open so many files more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class WatchedIndex(NativeIndex):
    """An index that watches a directory from the first look-up on: an absence is not believed without."""

    def look_up(self, directory: int, name: bytes, /) -> Answer:
        for _ in range(2):
            super().look_up(directory, b"this is nowhere")
        return super().look_up(directory, name)


class UnwatchedIndex(NativeIndex):
    """An index that never gets a descriptor for inotify: the listing takes the one that is free."""

    def look_up(self, directory: int, name: bytes, /) -> Answer:
        with free_descriptors(1):
            return super().look_up(directory, name)


@contextmanager
def index(kind: str, limit: int = NAMES_KEPT) -> Iterator[DirectoryIndex]:
    """An index; an unwatched one gets no descriptor for inotify."""
    listing = None
    if kind.startswith("native"):
        kinds = {"native": NativeIndex, "native watched": WatchedIndex, "native unwatched": UnwatchedIndex}
        made: DirectoryIndex = kinds[kind](limit)
    else:
        HostListing().close()  # what it imports the first time takes descriptors too
        with free_descriptors(0) if kind.endswith("unwatched") else nullcontext():
            listing = HostListing()
        made = FoldedIndex(listing, limit)
    try:
        yield made
    finally:
        if listing is not None:
            listing.close()


@contextmanager
def opened(path: str | bytes, flags: int = os.O_RDONLY) -> Iterator[int]:
    """An open directory."""
    fd = os.open(path, flags | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def mode_counts() -> Iterator[None]:
    """Within, this process may do no more than its files' modes allow, even if it is root's."""
    ffi = cffi.FFI()
    ffi.cdef("int capget(void *header, void *data); int capset(void *header, const void *data);")
    c = cast("Any", ffi.dlopen(None))
    header, data = ffi.new("uint32_t[2]", [_VERSION_3, 0]), ffi.new("uint32_t[6]")
    assert c.capget(header, data) == 0
    before = data[0]
    data[0] = before & ~_OVERRIDING
    assert c.capset(header, data) == 0
    try:
        yield
    finally:
        data[0] = before
        assert c.capset(header, data) == 0


def touch(directory: str, *names: bytes) -> None:
    """Make empty files."""
    for name in names:
        os.close(os.open(os.path.join(os.fsencode(directory), name), os.O_CREAT | os.O_WRONLY, 0o600))
