"""Keeps the forms of the table that kernel and core are given, so that a plain run starts without the table itself.

They follow from our modules alone, and lie where Python keeps those compiled: who may write there may change the
modules as well. They are valid as long as each file that they are made from is the one that it was.
"""

from __future__ import annotations

import marshal
import os
import sys
from _imp import source_hash
from contextlib import suppress
from stat import S_ISREG, S_IWGRP, S_IWOTH
from typing import TYPE_CHECKING, Any, NamedTuple

import picobox
from picobox._native import _core
from picobox.abi.row import CHECK, FAKE_ROOT, NAMES, NO_NETWORK, OBSERVERS, SUPERVISED, UNSEEN, WALLS, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

# What they are made from, the C core besides.
SOURCES = (
    "abi/arguments.py", "abi/filter.py", "abi/row.py", "abi/table.py", "abi/types.py", "abi/x86_64.py",
    "confine/hardening.py", "platform/form_compiler.py", "platform/forms.py",
)  # fmt: skip
# Runs with other features are rare, or need the table anyway.
_KEPT = frozenset((CHECK, FAKE_ROOT, NAMES, NO_NETWORK, OBSERVERS, SUPERVISED, UNSEEN, WALLS, WINDOWS))
_MOST_BYTES = 1 << 20
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_DIGEST = 8
_HASH_KEY = 0x7069_636F_626F_7801


class Forms(NamedTuple):
    """See the functions of abi.filter and abi.arguments that make them; arrays are bytes as they lie in memory.

    stopping: the filter without the notify channel. notifying: the one with it, empty if nothing comes by it. It has
    the places of the gate if `has_gates`. watches, opens_unseen, tells_closes: what of descriptors the gate and the
    channel leave unseen, or tell. hardening: the supervisor's own filter.
    """

    stopping: bytes
    notifying: bytes
    dispositions: bytes
    guards: bytes
    mmap_nr: int
    rules: bytes
    resolvable: bytes
    hardening: bytes
    has_gates: bool
    watches: bool
    opens_unseen: bool
    tells_closes: bool


_KINDS = (bytes,) * 4 + (int,) + (bytes,) * 3 + (bool,) * 4


class KeptForms:
    """The forms kept beside our compiled modules, or in another directory."""

    def __init__(self, directory: str | None = None) -> None:
        """Holds the directory, made if need be, where walls may let nobody write later."""
        self._package = os.path.dirname(picobox.__file__)
        self._directory = -1
        self._stamp: tuple[int, ...] = ()
        if directory is None:
            if sys.pycache_prefix is not None:
                return
            directory = f"{self._package}/platform/__pycache__"
        try:
            found = [os.stat(f"{self._package}/{name}") for name in SOURCES]
            found.append(os.stat(_core.__file__))
            self._directory = _held(directory)
        except OSError:
            return
        # The second time is the kernel's own: packages are laid out with whatever first time they say.
        self._stamp = tuple([number for each in found for number in (each.st_mtime_ns, each.st_ctime_ns, each.st_size)])

    def find(self, features: frozenset[str], *, gate: bool, notify: bool, shown: str = "") -> Forms | None:
        """The forms of a run with these features, if they were kept and are still right.

        `shown`: what else they follow from, where calls are shown to somebody.
        """
        if self._directory < 0 or not features <= _KEPT:
            return None
        told = self._told(features, gate=gate, notify=notify, shown=shown)
        try:
            fd = os.open(_name(told), _READ, dir_fd=self._directory)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            if not _is_trusted(status) or not S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
                return None
            data = os.read(fd, _MOST_BYTES)
        except OSError:
            return None
        finally:
            os.close(fd)
        return _read(data, (self._stamp, told))

    def keep(self, forms: Forms, features: frozenset[str], *, gate: bool, notify: bool, shown: str = "") -> None:
        """Keep them for runs to come; where that cannot be, they are not kept."""
        if self._directory < 0 or not features <= _KEPT:
            return
        told = self._told(features, gate=gate, notify=notify, shown=shown)
        body = marshal.dumps((self._stamp, told, tuple(forms)))
        name = _name(told)
        part = f"{name}.{os.getpid()}"
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            fd = os.open(part, flags, 0o644, dir_fd=self._directory)
            try:
                with open(fd, "wb") as file:
                    file.write(source_hash(_HASH_KEY, body) + body)
                os.replace(part, name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
            except OSError:
                os.unlink(part, dir_fd=self._directory)
                raise

    def close(self) -> None:
        """Let go of the directory."""
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    def _told(self, features: frozenset[str], *, gate: bool, notify: bool, shown: str) -> tuple[str, ...]:
        of_policy = (self._package, *sorted(features))
        return (*of_policy, "gate" if gate else "", "channel" if notify else "", shown)


def _name(told: Sequence[str]) -> str:
    """The name of the file for a kind of run."""
    return "forms-" + source_hash(_HASH_KEY, repr(told).encode()).hex()


def _held(directory: str) -> int:
    """A descriptor of a directory in which not everybody may write. OSError if there is none."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        fd = os.open(directory, flags)
    except FileNotFoundError:
        os.makedirs(directory, 0o755)
        fd = os.open(directory, flags)
    if not os.fstat(fd).st_mode & S_IWOTH:
        return fd
    os.close(fd)
    raise PermissionError("everybody may write there")


def _is_trusted(status: os.stat_result) -> bool:
    """Whether a file was written by this user or by root, and can be by nobody else."""
    is_ours = status.st_uid in (0, os.geteuid())
    return is_ours and not status.st_mode & (S_IWGRP | S_IWOTH)


def _read(data: bytes, wanted: tuple[Any, ...]) -> Forms | None:
    """The forms that a file holds; None if it is damaged, or of other modules or another kind of run."""
    body = data[_DIGEST:]
    if source_hash(_HASH_KEY, body) != data[:_DIGEST]:
        return None
    try:
        *head, fields = marshal.loads(body)  # noqa: S302  (as it reads compiled modules from there)
    except (EOFError, ValueError, TypeError):
        return None
    if tuple(head) != wanted or tuple(map(type, fields)) != _KINDS:
        return None
    return Forms(*fields)
