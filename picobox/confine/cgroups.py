"""Owns the control group of a run: where the machine delegates one, what it limits, and what it says of limits met.

Every name of a file here is of the kernel's Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from errno import EBUSY
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.confine.policy import Limits

MEMORY, PIDS = "memory", "pids"
_PREFIX = "picobox-"
# Of a control file of a directory that is made there: the kernel's are there at once.
_MOST_TEXT = 65536
# Guests that were killed leave their group when they have given up their memory.
_MOST_SECONDS = 2.0
_PAUSE = 0.001


class NoGroup(Exception):
    """There can be no group of the run's own; its text says why."""


class Place(NamedTuple):
    """The group that this process is in, as one that may be divided.

    controllers: those of MEMORY and PIDS that it can hand down. holds_processes: it may have processes of its own
    besides groups, as the root of the hierarchy alone may; else this process has to move into a group below first.
    """

    directory: str
    controllers: frozenset[str]
    holds_processes: bool


def place_of_run(root: str = "") -> Place:
    """Where a group of the run's own can be made; NoGroup if nowhere. `root`: what stands before each path."""
    directory = root + _own_directory(root)
    needed = (directory, f"{directory}/cgroup.procs", f"{directory}/cgroup.subtree_control")
    if not all(os.access(path, os.W_OK) for path in needed):
        raise NoGroup(f"{directory} is not ours to divide")
    controllers = frozenset(_text(f"{directory}/cgroup.controllers").split()) & {MEMORY, PIDS}
    if not controllers:
        raise NoGroup(f"{directory} has neither memory nor pids to hand down")
    kind = _text(f"{directory}/cgroup.type").strip()
    if kind not in ("", "domain"):
        raise NoGroup(f"{directory} is {kind}")
    others = set(_text(f"{directory}/cgroup.procs").split()) - {str(os.getpid())}
    if kind and others:
        raise NoGroup(f"{len(others)} other processes are in {directory}, which could have no group below then")
    return Place(directory, controllers, holds_processes=not kind)


def needed_controllers(limits: Limits) -> frozenset[str]:
    """What keeps these limits."""
    return frozenset(name for name, most in ((MEMORY, limits.memory), (PIDS, limits.processes)) if most is not None)


class Group:
    """A group for the guests of a run. `fd`: its directory, -1 if there is none. `controllers`: what it limits.

    The place is opened at once, since it is not in the tree that the guests get, and nothing is made before `make`.
    """

    def __init__(self, place: Place, limits: Limits) -> None:
        """OSError if the place cannot be opened."""
        self.fd = -1
        self.controllers: frozenset[str] = frozenset()
        self._wanted = needed_controllers(limits) & place.controllers
        self._limits = limits
        self._holds_processes = place.holds_processes
        self._name = f"{_PREFIX}{os.getpid()}"
        self._moved = False
        self._added: list[str] = []
        self._above = os.open(place.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def make(self, *children: int) -> None:
        """Makes it, with its limits, and empty. NoGroup, with nothing changed, if it fails.

        This process may have to move, and then all `children` that it has, by their pids.
        """
        try:
            self._make(self._limits, (os.getpid(), *children))
        except OSError as error:
            self._undo()
            raise NoGroup(f"{error.filename or 'its group'}: {error.strerror}") from None
        self.controllers = self._wanted

    def _make(self, limits: Limits, ours: tuple[int, ...]) -> None:
        _sweep(self._above)
        if not self._holds_processes:
            os.mkdir(self._supervisors, 0o755, dir_fd=self._above)
            self._moved = True
            for pid in ours:
                _write(self._above, f"{self._supervisors}/cgroup.procs", str(pid))
        self._hand_down(self._wanted - set(_read(self._above, "cgroup.subtree_control").split()))
        os.mkdir(self._name, 0o755, dir_fd=self._above)
        self.fd = os.open(self._name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._above)
        _hold(self.fd)
        if MEMORY in self._wanted:
            _write(self.fd, "memory.max", str(limits.memory))
            # The kernel may keep no account of it.
            with suppress(FileNotFoundError):
                _write(self.fd, "memory.swap.max", "0")
        if PIDS in self._wanted:
            _write(self.fd, "pids.max", str(limits.processes))

    def _hand_down(self, missing: Iterable[str]) -> None:
        wanted = sorted(missing)
        if wanted:
            _write(self._above, "cgroup.subtree_control", " ".join(f"+{name}" for name in wanted))
            self._added = wanted

    @property
    def _supervisors(self) -> str:
        return f"{self._name}-supervisor"

    def met(self) -> dict[str, int]:
        """How often each limit was met, by its name in Limits; of memory, when the kernel ended a process for it."""
        found = {}
        if MEMORY in self.controllers:
            events = _events(self.fd, "memory.events")
            found["memory"] = max(events.get("oom", 0), events.get("oom_kill", 0))
        if PIDS in self.controllers:
            found["processes"] = _events(self.fd, "pids.events").get("max", 0)
        return {name: times for name, times in found.items() if times}

    def close(self) -> None:
        """Ends what is left in it and takes it away; this process goes back to where it was."""
        self._undo()
        os.close(self._above)

    def _undo(self) -> None:
        if self.fd >= 0:
            _kill(self.fd)
            os.close(self.fd)
            self.fd = -1
        _remove(self._above, self._name)
        if self._moved:
            # A group that hands something down can have no process of its own.
            with suppress(OSError):
                if self._added:
                    _write(self._above, "cgroup.subtree_control", " ".join(f"-{name}" for name in self._added))
                _write(self._above, "cgroup.procs", str(os.getpid()))
            _remove(self._above, self._supervisors)
            self._moved = False


def group_of(limits: Limits, root: str = "") -> Group | None:
    """A group that can keep some of these limits, not made yet; None where there is none, or nothing to keep."""
    needed = needed_controllers(limits)
    if not needed:
        return None
    try:
        place = place_of_run(root)
        return Group(place, limits) if needed & place.controllers else None
    except (NoGroup, OSError):
        return None


def _own_directory(root: str) -> str:
    """The directory of the group that this process is in, below a mount of the unified hierarchy."""
    lines = _text(f"{root}/proc/self/cgroup").splitlines()
    own = next((line[3:] for line in lines if line.startswith("0::")), None)
    if own is None:
        raise NoGroup("there is no unified hierarchy (cgroup 2)")
    for line in _text(f"{root}/proc/self/mountinfo").splitlines():
        # proc_pid_mountinfo(5): root and mount point are the fourth and fifth, the type comes after a lone hyphen.
        fields = line.split()
        if "-" not in fields or fields[fields.index("-") + 1] != "cgroup2":
            continue
        top, point = (_unescaped(field) for field in fields[3:5])
        if top == own or own.startswith(top.rstrip("/") + "/"):
            return (point.rstrip("/") + "/" + own[len(top.rstrip("/")) :].strip("/")).rstrip("/")
    raise NoGroup(f"the group {own} is not mounted")


def _unescaped(field: str) -> str:
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        field = field.replace(f"\\{code}", character)
    return field


def _sweep(above: int) -> None:
    """Takes away what supervisors that were killed have left: its maker is gone, and nobody holds it."""
    for name in os.listdir(above):
        pid = name.removeprefix(_PREFIX).removesuffix("-supervisor")
        if not name.startswith(_PREFIX) or not pid.isdigit() or (int(pid) != os.getpid() and _lives(int(pid))):
            continue
        with suppress(OSError):
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
            try:
                _hold(fd)
                os.rmdir(name, dir_fd=above)
            finally:
                os.close(fd)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _hold(fd: int) -> None:
    """A lock that says that the group is somebody's, in another namespace of processes too. OSError: it is held."""
    import fcntl

    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _kill(fd: int) -> None:
    """Kills every process of a group."""
    try:
        _write(fd, "cgroup.kill", "1")
    except OSError:
        # Linux before 5.14.
        for pid in _read(fd, "cgroup.procs").split():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)


def _remove(above: int, name: str) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while True:
        try:
            os.rmdir(name, dir_fd=above)
        except OSError as error:
            if error.errno == EBUSY and time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
        return


def _events(fd: int, name: str) -> dict[str, int]:
    pairs = (line.split() for line in _read(fd, name).splitlines())
    return {key: int(value) for key, value in pairs}


def _text(path: str) -> str:
    """A file's text, empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _read(directory: int, name: str) -> str:
    """A control file's text, empty if it cannot be read."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return ""
    with open(fd, encoding="utf-8") as file:
        return file.read(_MOST_TEXT)


def _write(directory: int, name: str, text: str) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(fd, text.encode())
    except OSError as error:
        error.filename = name
        raise
    finally:
        os.close(fd)
