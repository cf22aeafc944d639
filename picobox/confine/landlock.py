"""The rules of Landlock that a policy makes: a second wall behind the mounts, and behind the network of one's own."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.confine.policy import HIDE, LAYER, READ, RIGHTS, WRITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from picobox.confine.policy import FileRule, Policy

# linux/landlock.h, LANDLOCK_ACCESS_FS_*: the bit of each right, and of how many each version of the interface knows.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MAKE_DEVICES = 1 << 6 | 1 << 11
TRUNCATE, DEVICE_CONTROL = 1 << 14, 1 << 15
_RIGHTS_BY_VERSION = (13, 14, 15, 15, 16)
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CONTROL
_READING = EXECUTE | READ_FILE | READ_DIRECTORY
_ALL = (1 << 16) - 1
# Which version of the interface has rules for TCP, and which keeps signals and abstract sockets in.
_WITH_PORTS, WITH_SCOPES = 4, 6
_TCP = 3  # LANDLOCK_ACCESS_NET_BIND_TCP, LANDLOCK_ACCESS_NET_CONNECT_TCP
_SCOPES = 3  # LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, LANDLOCK_SCOPE_SIGNAL
GIVEN = {READ: _READING, WRITE: _ALL & ~MAKE_DEVICES, LAYER: _ALL & ~MAKE_DEVICES}
_STANDARD_DESCRIPTORS = 3


class Ruleset:
    """A set of rules to which guests are held; `fd` is -1 where the kernel has no Landlock."""

    def __init__(self, rules: Iterable[tuple[bytes, int]], *, network: bool) -> None:
        """Makes rules for files of this process's tree. Without `network` TCP is refused."""
        version = lib.pb_landlock_abi()
        self.fd = -1
        if version <= 0:
            return
        self._known = (1 << _RIGHTS_BY_VERSION[min(version, len(_RIGHTS_BY_VERSION)) - 1]) - 1
        ports = _TCP if version >= _WITH_PORTS and not network else 0
        self.fd = lib.pb_landlock_new(self._known, ports, _SCOPES if version >= WITH_SCOPES else 0)
        if self.fd < 0:
            return
        for path, rights in rules:
            self._allow_path(path, rights)
        for number in range(_STANDARD_DESCRIPTORS):
            # What was given is given, also when it is opened again by its name in /dev.
            self._allow_path(b"/proc/self/fd/%d" % number, _OF_FILES)

    def _allow_path(self, path: bytes, rights: int) -> None:
        with suppress(OSError):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                self._allow(fd, rights)
            finally:
                os.close(fd)

    def _allow(self, fd: int, rights: int) -> None:
        """Gives rights to a file, or to a directory and all below it. What the kernel refuses is not given."""
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= _OF_FILES
        lib.pb_landlock_allow(self.fd, fd, rights & self._known)

    def close(self) -> None:
        """The guests keep to it all the same."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def rules_of_tree(
    decide: Callable[[bytes], FileRule], paths: Iterable[bytes], proc: int
) -> Iterator[tuple[bytes, int]]:
    """Paths of a policy's tree and what may be done there; a rule gives all that those above it give.

    `paths`: those of its rules that are there. `proc`: an open directory, the guests' /proc.
    """
    for path in paths:
        rule = decide(path)
        if rule.right == HIDE:
            continue
        above = HIDE if path == b"/" else decide(os.path.dirname(path)).right
        if GIVEN[rule.right] & ~GIVEN.get(above, 0):
            yield path, GIVEN[rule.right]
    # Directories that are there only to lead to others.
    yield b"/", READ_DIRECTORY
    yield b"/proc/self/fd/%d" % proc, GIVEN[READ] | WRITE_FILE | TRUNCATE
    yield b"/dev", GIVEN[READ] | WRITE_FILE | TRUNCATE | DEVICE_CONTROL
    for path in (b"/dev/shm", b"/dev/mqueue"):
        yield path, GIVEN[WRITE]
    if decide(b"/sys").right != HIDE:
        yield b"/sys", GIVEN[READ]


def rules_of_host(policy: Policy) -> Iterator[tuple[bytes, int]]:
    """The same for the host's own tree: what lies above something with less rights is given entry by entry.

    So nothing can be listed or made in such a directory itself.
    """
    rules = policy.rules()
    for path, rule in rules.items():
        yield from _given_below(path, rule.right, rules)


def _given_below(path: bytes, right: str, rules: Mapping[bytes, FileRule]) -> Iterator[tuple[bytes, int]]:
    if right == HIDE:
        return
    start = path.rstrip(b"/") + b"/"
    if not any(each.startswith(start) and each != path and _is_less(rule.right, right) for each, rule in rules.items()):
        yield path, GIVEN[right] | (DEVICE_CONTROL if path.startswith(b"/dev/") else 0)
        return
    with suppress(OSError):
        for name in os.listdir(path):
            below = start + name
            if below not in rules and not os.path.islink(below):
                yield from _given_below(below, right, rules)


def _is_less(right: str, other: str) -> bool:
    return RIGHTS.index(right) < RIGHTS.index(other)
