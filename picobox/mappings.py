"""Sections of the files on drives: what guests run and map, told to NT when it counts (facts/nt.md section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.mapped import pointers_of
from picobox.platform.mapped import Mapping, image_of, is_elf, mappings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.fs.native import NativeInode
    from ntshim.fs.nodes import Nodes
    from ntshim.ps.executive import Executive
    from ntshim.ps.process import Process
    from picobox.platform.base import HostTid
    from picobox.platform.identity import Key

PROT_EXEC = 4
MAP_SHARED = 1
MAP_SHARED_VALIDATE = 3
_MAP_TYPE = 0xF


class _Counts(NamedTuple):
    """How many sections of a file there are, and how many views that write."""

    data: int = 0
    images: int = 0
    writable_views: int = 0


_NONE = _Counts()


class Mappings:
    """Which files of drives are mapped, by the kernel's word, which is asked about files that ever were.

    A mapping is a section of data, a private one too: Windows' copy on write. An image is what a process runs, or an
    ELF file that it maps executable, whatever else it maps of it. What has only forked has nothing of its own.
    """

    def __init__(self, executive: Executive, nodes: Nodes) -> None:
        """Nothing is known to be mapped."""
        self._executive = executive
        self._nodes = nodes
        self._noted: set[Key] = set()
        # Told of each.
        self.told: Callable[[Key], None] | None = None
        self._images: dict[Process, Key | None] = {}
        self._counted: dict[Key, _Counts] = {}

    def note(self, tid: HostTid, fd: int, key: Key, protection: int, flags: int) -> None:
        """A task is about to map a file of a drive."""
        if key not in self._noted and (_is_shared(flags) or protection & PROT_EXEC or not is_elf(tid, fd)):
            self._noted.add(key)
            if self.told is not None:
                self.told(key)

    def look(self, key: Key, inode: NativeInode) -> None:
        """Bring NT's count of a file's sections up to what the kernel says now."""
        now, before = self._count(key), self._counted.pop(key, _NONE)
        if now != before:
            pointers = pointers_of(self._nodes, inode, "")
            # Pointers without a section are forgotten: what has come is counted before what has gone.
            for is_image, came in ((False, now.data - before.data), (True, now.images - before.images)):
                for _ in range(came):
                    pointers.add_section(image=is_image)
            pointers.writable_views += now.writable_views - before.writable_views
            for is_image, gone in ((False, before.data - now.data), (True, before.images - now.images)):
                for _ in range(gone):
                    pointers.remove_section(image=is_image)
        if now != _NONE:
            self._counted[key] = now

    def holders(self, key: Key) -> Iterator[tuple[Process, bool]]:
        """The processes that run a file, or map it, and which of them run it."""
        for process in list(self._executive.processes.values()):
            if not getattr(process.context, "has_image", False):
                continue
            if self._image(process) == key:
                yield process, True
            elif key in self._noted and self._mappings(process, key):
                yield process, False

    def _count(self, key: Key) -> _Counts:
        processes = [
            process for process in self._executive.processes.values() if getattr(process.context, "has_image", False)
        ]
        for gone in self._images.keys() - processes:
            del self._images[gone]
        running = sum([self._image(process) == key for process in processes])
        if key not in self._noted:
            return _Counts(images=running)
        found = [set(self._mappings(process, key)) for process in processes]
        images = [any(each.is_executable and not each.is_shared for each in one) for one in found]
        return _Counts(
            data=sum([bool(one) and not is_image for one, is_image in zip(found, images, strict=True)]),
            images=running + sum(images),
            writable_views=sum([any(each.is_shared and each.is_writable for each in one) for one in found]),
        )

    def _image(self, process: Process) -> Key | None:
        """The file that a process runs: an exec makes another process of it."""
        if process not in self._images:
            self._images[process] = next(filter(None, map(image_of, _tids(process))), None)
        return self._images[process]

    def _mappings(self, process: Process, key: Key) -> list[Mapping]:
        return next(filter(None, (mappings_of(tid, key) for tid in _tids(process))), [])


def _is_shared(flags: int) -> bool:
    return flags & _MAP_TYPE in (MAP_SHARED, MAP_SHARED_VALIDATE)


def _tids(process: Process) -> Iterator[HostTid]:
    return (thread.context.tid for thread in process.threads.values() if thread.context.tid)
