"""When a file's times and its ARCHIVE attribute change, and the times that an open keeps from changing.

[MS-FSA] sections 2.1.4.17, 2.1.4.18 and 2.1.4.20 say what is noted when (facts/nt.md section 3.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ntshim.io.create import FILE_ATTRIBUTE_ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume

_Result = TypeVar("_Result")


class Times(NamedTuple):
    """The times of a file; 0 leaves one as it is."""

    creation: int = 0
    access: int = 0
    write: int = 0
    change: int = 0


# Bits of `Open.stopped_times`, in the order of the times; the creation time never moves.
ACCESS, WRITE, CHANGE = 1 << 1, 1 << 2, 1 << 3
STOP_UPDATING = -1
RESUME_UPDATING = -2


def modify(volume: Volume, opened: Open, act: Callable[[], None]) -> None:
    """Do what modifies data: all times but the first move, unless this open has stopped them."""
    backend, inode, stopped = volume.backend, opened.node.inode, opened.stopped_times
    before = backend.facts(inode) if stopped else None
    act()
    if volume.updates_access_time:
        backend.stamp(inode, access=True)
    if before is not None:
        put_back = (at if stopped & bit else 0 for at, bit in zip(before[2:5], (ACCESS, WRITE, CHANGE), strict=True))
        backend.set_basic(inode, Times(0, *put_back), None)
    archive(volume, inode)


def access(volume: Volume, opened: Open, act: Callable[[], _Result]) -> _Result:
    """Do what reads data: the access time moves if the volume wants that and this open does not stop it."""
    backend, inode = volume.backend, opened.node.inode
    stopped = opened.stopped_times & ACCESS
    # Where the medium moves the time by itself it is put back.
    before = backend.facts(inode).last_access_time if stopped and not backend.keeps_all_times else 0
    result = act()
    if before:
        backend.set_basic(inode, Times(access=before), None)
    elif volume.updates_access_time and not stopped:
        backend.stamp(inode, access=True)
    return result


def note_change(volume: Volume, opened: Open) -> None:
    """Something about a file other than its data has changed."""
    if not opened.stopped_times & CHANGE:
        volume.backend.stamp(opened.node.inode, change=True)


def archive(volume: Volume, inode: Inode) -> None:
    """Say of a file that a backup has to save it again."""
    if inode.is_directory:
        return
    attributes = volume.backend.attributes(inode)
    if not attributes & FILE_ATTRIBUTE_ARCHIVE:
        volume.backend.set_basic(inode, Times(), attributes | FILE_ATTRIBUTE_ARCHIVE)


def stops_after(opened: Open, times: Times) -> int:
    """Give `stopped_times` as they are once an open has set times: a time that it sets itself no longer moves."""
    stopped = opened.stopped_times
    for given, bit in zip(times[1:], (ACCESS, WRITE, CHANGE), strict=True):
        if given == RESUME_UPDATING:
            stopped &= ~bit
        elif given:
            stopped |= bit
    return stopped
