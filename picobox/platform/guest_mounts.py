"""Knows the file systems that guests serve themselves (fuse(4)), in which this process must not look anything up.

Their answers may be what a guest would give that is stopped until we have them.
"""

from __future__ import annotations

import os
import select

_WHOLE_TABLE = 64 << 10
_PLACE = os.O_PATH | os.O_CLOEXEC
# path_resolution(7): as many symbolic links as the kernel follows.
_MOST_LINKS = 40
# What picobox serves has names that are known by their text: see PseudoDevices.
_OURS = b"fuse.picobox-nt"


def _task_in(ours: bytes) -> tuple[str, bytes]:
    """Of a path into the mounts of a task, or from where relative paths of guests begin: the task, and that part.

    Both are empty for other paths.
    """
    parts = ours.split(b"/", 5)[:5]
    if len(parts) < 4 or parts[:2] != [b"", b"proc"] or not parts[2].isdigit():
        return "", b""
    by_descriptor = parts[3] == b"fd" and parts[4:] and parts[4].isdigit()
    if not by_descriptor and parts[3] not in (b"root", b"cwd"):
        return "", b""
    return parts[2].decode(), b"/".join(parts if by_descriptor else parts[:4])


class GuestMounts:
    """The mounts of file systems that are served by programs and that nobody had mounted before the run.

    The kernel tells when its table has changed (proc(5), mountinfo), so that a look at it costs nothing until then.
    """

    def __init__(self) -> None:
        """What is mounted now is no guest's. Raises OSError."""
        self._table = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._table, select.POLLPRI)
        self._poll.poll(0)
        self._before = frozenset(_served("self").values())
        self._mounts: frozenset[bytes] = frozenset()
        self._namespace = os.readlink("/proc/self/ns/mnt")

    def lead(self, ours: bytes) -> bool:
        """Whether a path of this process leads into one of them, or through one. Nobody is asked who serves one."""
        if self._poll.poll(0):
            self._mounts = self._of("self")
        task, beginning = _task_in(ours)
        mounts = self._mounts | self._elsewhere(task) if task else self._mounts
        return bool(mounts) and _crosses(ours, beginning, mounts)

    def _elsewhere(self, task: str) -> frozenset[bytes]:
        """Those of a task that has mounts of its own (mount_namespaces(7))."""
        try:
            return frozenset() if os.readlink(f"/proc/{task}/ns/mnt") == self._namespace else self._of(task)
        except OSError:
            return frozenset()

    def _of(self, task: str) -> frozenset[bytes]:
        return frozenset(mount for mount, device in _served(task).items() if device not in self._before)


def _served(task: str) -> dict[bytes, bytes]:
    """The mounts, by number, of what programs serve, and the device of each."""
    with open(f"/proc/{task}/mountinfo", "rb", buffering=_WHOLE_TABLE) as table:
        found = {}
        for line in table:
            fields, _, tail = line.partition(b" - ")
            kind = tail.partition(b" ")[0]
            if kind.startswith(b"fuse") and kind not in (_OURS, b"fusectl"):
                mount, _, device = fields.split(b" ", 3)[:3]
                found[mount] = device
        return found


def _crosses(path: bytes, start: bytes, mounts: frozenset[bytes]) -> bool:
    """Whether a path leads through a mount. `start`: as much of it as is a link of the kernel's own."""
    try:
        way = _Way(start or (b"/" if path.startswith(b"/") else b"."))
    except OSError:
        return False
    try:
        return way.meets(path[len(start) :], mounts)
    except OSError:
        return False  # nor would a look at it come farther
    finally:
        way.close()


class _Way:
    """How far a path has been followed, a component at a time, in no file system that is not to be asked."""

    def __init__(self, start: bytes) -> None:
        self._start = start if start.endswith(b"/root") else b"/"
        self._at = os.open(start, _PLACE)

    def close(self) -> None:
        os.close(self._at)

    def meets(self, path: bytes, mounts: frozenset[bytes]) -> bool:
        """Whether one of the mounts is on the way. Raises OSError where it ends."""
        left, links = path.split(b"/")[::-1], _MOST_LINKS
        while _mount_of(self._at) not in mounts:
            name = left.pop() if left else None
            if name is None:
                return False
            below = os.open(name or b".", _PLACE | os.O_NOFOLLOW, dir_fd=self._at)
            try:
                # The place of a mount is asked nothing; a link there has been entered by its number alone.
                target = b"" if _mount_of(below) in mounts else os.readlink(b"", dir_fd=below)
            except OSError:
                target = b""
            if not target:
                self._enter(below)
                continue
            os.close(below)
            if not links:
                return False
            links -= 1
            if target.startswith(b"/"):
                self._enter(os.open(self._start, _PLACE))
            left += target.split(b"/")[::-1]
        return True

    def _enter(self, fd: int) -> None:
        os.close(self._at)
        self._at = fd


def _mount_of(fd: int) -> bytes:
    """The number of the mount that a descriptor of ours leads to (proc(5), fdinfo)."""
    with open(f"/proc/self/fdinfo/{fd}", "rb", buffering=0) as info:
        found = info.read(_WHOLE_TABLE).partition(b"mnt_id:")[2]
    return found.partition(b"\n")[0].strip()
