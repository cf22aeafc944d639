"""Lays out /dev: the devices that a policy names, terminals of the guests' own, shared memory, queues."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from picobox.confine.mounting import (
    NO_DEVICES,
    NO_EXEC,
    NO_SET_ID,
    READ_ONLY,
    attach,
    change,
    copied,
    new,
    share_of_memory,
)
from picobox.confine.policy import ALL_DEVICES
from picobox.errors import PlatformError

if TYPE_CHECKING:
    from picobox.confine.policy import Policy

DEV = b"/dev"
# Of the machine's memory, in percent.
_SHARE_OF_SHM = 15
_PTMX = b"/dev/ptmx"
_CONSOLE = b"/dev/console"
_LINKS = (
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
    (b"core", b"/proc/kcore"),
)


class Devices:
    """The devices of one run, copied from the host's before anything changes."""

    def __init__(self, policy: Policy, host: int) -> None:
        """`host`: the root of the tree that has them. PlatformError if mounts may not be copied."""
        self._all = policy.devices == ALL_DEVICES
        self._most_memory = policy.limits.memory
        self._has_terminals = _PTMX in policy.devices
        self._trees: dict[bytes, int] = {}
        wanted = policy.devices if self._all else [path for path in policy.devices if path != _PTMX]
        for path in wanted:
            self._copy(host, path, path)
        terminal = None if self._all else _own_terminal()
        if terminal is not None:
            # As the console it is found by who asks for the name of a standard descriptor's terminal (ttyname(3)).
            self._copy(host, terminal, _CONSOLE)

    def _copy(self, host: int, path: bytes, target: bytes) -> None:
        # Who owns a device could change its mode for everybody; it works on a read-only mount as well.
        tree = copied(host, path, NO_SET_ID if self._all else NO_SET_ID | READ_ONLY)
        if tree >= 0:
            self._trees[target] = tree

    def lay_out(self, root: int) -> None:
        """Mounts them below a root."""
        directory = -1
        if not self._all:
            directory = new(b"tmpfs", b"mode=755,size=1m,nr_inodes=4096", NO_SET_ID | NO_EXEC)
            attach(directory, root, DEV)
            for name, target in _LINKS:
                os.symlink(target, name, dir_fd=directory)
        for path, tree in self._trees.items():
            attach(tree, root, path)
            os.close(tree)
        if self._has_terminals:
            self._make_terminals(root, directory)
        for path, kind, options in (
            (b"/dev/shm", b"tmpfs", b"mode=1777," + share_of_memory(_SHARE_OF_SHM, self._most_memory)),
            (b"/dev/mqueue", b"mqueue", b""),
        ):
            with suppress(PlatformError):
                tree = new(kind, options, NO_SET_ID | NO_DEVICES)
                attach(tree, root, path)
                os.close(tree)
        if directory >= 0:
            change(directory, READ_ONLY | NO_SET_ID | NO_EXEC, DEV, recursive=False)
            os.close(directory)

    @staticmethod
    def _make_terminals(root: int, directory: int) -> None:
        tree = new(b"devpts", b"newinstance,ptmxmode=0666,mode=0620", NO_SET_ID | NO_EXEC)
        attach(tree, root, b"/dev/pts")
        os.close(tree)
        os.symlink(b"pts/ptmx", b"ptmx", dir_fd=directory)


def _own_terminal() -> bytes | None:
    """The terminal behind a standard descriptor of ours."""
    for fd in range(3):
        with suppress(OSError):
            return os.fsencode(os.ttyname(fd))
    return None
