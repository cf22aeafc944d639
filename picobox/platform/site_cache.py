"""Keeps the plans of images from one run to the next, by their contents; a plan is found by which file an image is.

What is damaged is made anew. A guest that runs behind walls sees a layer of caches (`confine.caches`), so what it
writes there is dropped.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from contextlib import suppress
from errno import ENOMEM
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.cache_directory import READ, CacheDirectory

if TYPE_CHECKING:
    from picobox.platform.site_records import StoredPlan

_MOST_IMAGE = 1 << 28
_MOST_PLAN = 1 << 23
# A file that was changed a moment ago may be changed again without its times telling.
_SETTLED_NS = 2_000_000_000
# Bytes of addresses with which nothing has to be spared.
_AMPLE = 1 << 30
# Before the name of an image that was met once.
_MET = "met-"


class ImageFile(NamedTuple):
    """Tells an image from all others, and from itself before it was changed."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, fd: int) -> ImageFile:
        """The one that a descriptor is open for. OSError if it is no regular file."""
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("no regular file is an image")
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @property
    def name(self) -> str:
        """The name of what tells the plan of this file."""
        return "-".join(f"{number:x}" for number in self)


class SiteCache(CacheDirectory):
    """The kept plans of one user; without a directory nothing is kept."""

    kind = "sites"

    def lend(self) -> int:
        """A descriptor of the directory, which is the caller's, for who reads plans there. OSError as from `hold`."""
        return self._made()

    def find(self, fd: int) -> StoredPlan | None:
        """The plan of an image that a descriptor is open for, if it was made before; nothing of the image is read."""
        try:
            return self._read(ImageFile.of(fd).name)
        except OSError:
            return None

    def make(self, fd: int) -> StoredPlan:
        """The plan of an image, made if it is not kept, and kept.

        An image that has no code we understand has an empty plan. OSError if it cannot be read or is none, or if memory
        is short: libraries that are loaded for it then complain by themselves.
        """
        if _is_memory_short():
            raise OSError(ENOMEM, os.strerror(ENOMEM))
        image = ImageFile.of(fd)
        data = _contents(fd, image.size)
        digest = _digest(data)
        from picobox.platform.site_records import StoredPlan

        found = self._read(digest.hex())
        plan = found or StoredPlan(_planned(data, digest))
        if found is None:
            self.write(digest.hex(), bytes(plan.data))
        is_settled = image.changed_ns < time.time_ns() - _SETTLED_NS
        if is_settled and ImageFile.of(fd) == image:
            self._link(digest.hex(), image.name)
        return plan

    def meet(self, path: str) -> None:
        """An image that programs begin with is met: from the second time on its plan is kept.

        It is never hot in a short run, which is the one that would gain most. Once is no habit: who has no caches, or
        a home for one run, does not wait for a plan.
        """
        with suppress(OSError):
            fd = os.open(path, READ & ~os.O_NOFOLLOW)
            try:
                image = ImageFile.of(fd).name
                if not self._is_kept(image) and self._was_met(_MET + image):
                    self.make(fd)
            finally:
                os.close(fd)

    def _is_kept(self, name: str) -> bool:
        directory = self._made()
        try:
            return os.access(name, os.F_OK, dir_fd=directory, follow_symlinks=False)
        finally:
            os.close(directory)

    def _was_met(self, name: str) -> bool:
        """Whether the mark of that name was there, which it is no more; else it is now."""
        directory = self._made()
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory))
        except FileExistsError:
            os.unlink(name, dir_fd=directory)
            return True
        finally:
            os.close(directory)
        return False

    def _read(self, name: str) -> StoredPlan | None:
        data = self.read(name, _MOST_PLAN)
        if data is None:
            return None
        from picobox.platform.site_records import DamagedPlanError, StoredPlan

        try:
            return StoredPlan(data)
        except DamagedPlanError:
            return None

    def _link(self, name: str, other: str) -> None:
        """Let another name tell a kept plan too, in place of what it told before."""
        with suppress(OSError):
            directory = self._open()
            try:
                part = f".{os.getpid()}-{time.monotonic_ns()}"
                os.link(name, part, src_dir_fd=directory, dst_dir_fd=directory)
                try:
                    os.replace(part, other, src_dir_fd=directory, dst_dir_fd=directory)
                finally:
                    # Renaming one link of a file to another one's name does nothing (rename(2)).
                    with suppress(FileNotFoundError):
                        os.unlink(part, dir_fd=directory)
            finally:
                os.close(directory)


def _contents(fd: int, size: int) -> bytes:
    if size > _MOST_IMAGE:
        raise OSError("no image is as large")
    parts = []
    at = 0
    while at < size and (part := os.pread(fd, size - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _is_memory_short() -> bool:
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return most != resource.RLIM_INFINITY and most < _AMPLE


def _digest(data: bytes) -> bytes:
    from hashlib import sha256

    return sha256(data).digest()


def _planned(data: bytes, digest: bytes) -> bytes:
    """The plan of an image in the form in which it is kept."""
    from picobox.platform.site_finder import plan_of
    from picobox.platform.site_records import to_bytes
    from picobox.platform.sites import Plan, UnreadableError

    try:
        return to_bytes(plan_of(data))
    # Addresses that are too far from each other do not fit; no linker makes such an image.
    except (UnreadableError, struct.error):
        return to_bytes(Plan(digest))
