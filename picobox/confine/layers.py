"""Owns the store of layers: what runs with --overlay have written, one directory for each layer, with its record."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from picobox.confine.files import attributes_to, remove_tree, sync_directory
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

# What a layer's name may be: the name of a directory that no shell changes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RECORD = b"layer.json"
_LOCK = b"lock"
_STAMP = b"stamp"
# Directories that are no layers: made and not yet named, or thrown away and not yet gone.
_UNFINISHED = b"."
_FORMAT = 1
TRUSTED, USER = b"trusted.overlay.", b"user.overlay."


class Part(NamedTuple):
    """A directory of the host that a layer covers, and where what was written there is kept.

    `runs`: when each run that wrote here began, in nanoseconds, ascending. `seen`: since when at the latest each path
    of `upper` that hides a file of the host has hidden it, as far as a later run has looked. `touched`: the ctime with
    which a commit left directories of the host that `upper` still has. `modes`: those of directories of `upper` that
    are open now, though their owner has closed them. `is_rest`: a part of it was committed, and this is left.
    """

    directory: bytes
    place: bytes
    runs: tuple[int, ...] = ()
    seen: Mapping[bytes, int] = {}
    touched: Mapping[bytes, int] = {}
    modes: Mapping[bytes, int] = {}
    is_rest: bool = False

    @property
    def upper(self) -> bytes:
        """What was written, as overlayfs keeps it."""
        return self.place + b"/upper"

    @property
    def work(self) -> bytes:
        """What overlayfs needs beside it."""
        return self.place + b"/work"


class LayerInUseError(PicoboxError):
    """A layer is another process's at the moment."""


class Layer:
    """A layer of the store. As a context manager it is this process's alone; PicoboxError if it is another's."""

    def __init__(self, store: bytes, name: str) -> None:
        """Names a layer, which need not be there. PicoboxError if that cannot be a name."""
        if not _NAME.fullmatch(name):
            raise PicoboxError(f"{name!r} is no name of a layer: take letters, digits, dots, hyphens and underscores")
        self.name = name
        self._store = store
        self.path = os.path.join(store, os.fsencode(name))
        self.parts: list[Part] = []
        # Whether overlayfs keeps its notes where only root of the host reads and writes them.
        self.trusted = False
        self._lock = -1

    def exists(self) -> bool:
        """Whether the store has it."""
        return os.path.exists(os.path.join(self.path, _RECORD))

    def read(self) -> Self:
        """Reads its record anew, a run may be using it. PicoboxError if there is none that can be read."""
        try:
            with open(os.path.join(self.path, _RECORD), "rb") as file:
                record = json.load(file)
            if record["format"] != _FORMAT:
                raise PicoboxError(f"layer {self.name} was kept by another version of picobox, which can commit it")
            self.trusted = record["trusted"]
            self.parts = [self._part(number, part) for number, part in enumerate(record["parts"])]
        except FileNotFoundError:
            raise PicoboxError(f"there is no layer {self.name}; {_what_there_is(self._store)}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PicoboxError(
                f"layer {self.name} cannot be read ({error}): look into {os.fsdecode(self.path)}"
            ) from None
        return self

    def create(self) -> None:
        """Makes it unless it is there: whole or not at all, whoever else does the same."""
        os.makedirs(self._store, mode=0o700, exist_ok=True)
        made = os.path.join(self._store, _UNFINISHED + secrets.token_hex(8).encode())
        os.mkdir(made, 0o700)
        os.close(os.open(os.path.join(made, _LOCK), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self.trusted = _may_trust(made)
        self.parts = []
        self._write_record(made)
        try:
            os.rename(made, self.path)
        except OSError:
            remove_tree(made)
            if not self.exists():
                raise
        sync_directory(self._store)

    def __enter__(self) -> Self:
        if not self.exists():
            raise PicoboxError(f"there is no layer {self.name}; {_what_there_is(self._store)}")
        path = os.path.join(self.path, _LOCK)
        while True:
            try:
                self._lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # It may have been thrown away between the two, and made again.
                if os.path.samestat(os.fstat(self._lock), os.stat(path)):
                    return self.read()
            except BlockingIOError:
                self.__exit__(None, None, None)
                raise LayerInUseError(
                    f"layer {self.name} is in use: wait for that run, or name another layer"
                ) from None
            except OSError as error:
                self.__exit__(None, None, None)
                raise PicoboxError(f"layer {self.name}: {error.strerror}: {os.fsdecode(path)}") from None
            self.__exit__(None, None, None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def prefix(self) -> bytes:
        """What the names of overlayfs's own extended attributes begin with."""
        return TRUSTED if self.trusted else USER

    def part_of(self, directory: bytes) -> Part:
        """The part for a directory of the host; a new one looks as that directory does. Needs the lock."""
        for part in self.parts:
            if part.directory == directory:
                return part
        part = Part(directory, os.path.join(self.path, b"%d" % len(self.parts)))
        if os.path.lexists(part.place):
            remove_tree(part.place)
        os.makedirs(part.upper)
        os.mkdir(part.work)
        try:
            attributes_to(directory, part.upper, hidden=self.prefix)
        except PermissionError:
            # Another's directory, as /tmp is: its owner stays the host's business.
            os.chmod(part.upper, stat.S_IMODE(os.stat(directory).st_mode))
        self.parts.append(part)
        return part

    def now(self) -> int:
        """The time by the clock that marks files of the store, in nanoseconds."""
        fd = os.open(os.path.join(self.path, _STAMP), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, b"\n")
            return os.fstat(fd).st_mtime_ns
        finally:
            os.close(fd)

    def replace(self, part: Part) -> None:
        """Keeps a part with other runs, or another `seen`; `write` makes it last."""
        self.parts = [part if each.directory == part.directory else each for each in self.parts]

    def write(self) -> None:
        """Makes its record last: a crash leaves the old one or this."""
        self._write_record(self.path)

    def discard(self) -> None:
        """Throws it away. Needs the lock."""
        gone = os.path.join(self._store, _UNFINISHED + secrets.token_hex(8).encode())
        os.rename(self.path, gone)
        remove_tree(gone)

    def _part(self, number: int, record: Mapping[str, object]) -> Part:
        directory, runs = record["directory"], record["runs"]
        if not (isinstance(directory, str) and isinstance(runs, list)):
            raise TypeError(f"part {number} is no part")
        place = os.path.join(self.path, b"%d" % number)
        seen, touched = _by_bytes(record["seen"]), _by_bytes(record["touched"])
        return Part(os.fsencode(directory), place, tuple(runs), seen, touched, is_rest=record["is_rest"] is True)

    def _write_record(self, directory: bytes) -> None:
        parts = [
            {
                "directory": os.fsdecode(part.directory),
                "runs": part.runs,
                "is_rest": part.is_rest,
                "seen": {os.fsdecode(path): at for path, at in part.seen.items()},
                "touched": {os.fsdecode(path): at for path, at in part.touched.items()},
            }
            for part in self.parts
        ]
        record = {"format": _FORMAT, "trusted": self.trusted, "parts": parts}
        write_file(os.path.join(directory, _RECORD), json.dumps(record, indent=1).encode())


def _by_bytes(times: object) -> dict[bytes, int]:
    if not isinstance(times, dict):
        raise TypeError("there are no times")
    return {os.fsencode(path): at for path, at in times.items()}


def write_file(path: bytes, content: bytes) -> None:
    """Replaces a file: a crash leaves the old content or this, and this once it returns."""
    fd = os.open(path + b".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(content)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(path + b".new", path)
    sync_directory(os.path.dirname(path))


def store_of(environment: Mapping[str, str]) -> bytes:
    """Where a user's layers are kept: below XDG_STATE_HOME (XDG Base Directory Specification 0.8)."""
    state = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.join(environment.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(os.path.realpath(os.fsencode(state)), b"picobox", b"layers")


def layers_in(store: bytes) -> list[str]:
    """The names of the layers that are there, sorted."""
    try:
        names = os.listdir(store)
    except OSError:
        return []
    return sorted(os.fsdecode(name) for name in names if _NAME.fullmatch(os.fsdecode(name)))


def usual_name(directory: bytes) -> str:
    """The layer of runs in a directory that name none: told by its name, and apart by its whole path."""
    import hashlib

    word = re.sub(r"[^A-Za-z0-9._-]", "_", os.fsdecode(os.path.basename(directory)))[:60].lstrip("._-")
    return f"{word or 'root'}-{hashlib.sha256(directory).hexdigest()[:8]}"


def _what_there_is(store: bytes) -> str:
    names = layers_in(store)
    return f"there are {', '.join(names)}" if names else "`picobox --overlay -- CMD` makes one"


def _may_trust(directory: bytes) -> bool:
    """Whether this process may set attributes of the class `trusted`, as root of the host may (xattr(7))."""
    with suppress(OSError):
        os.setxattr(directory, b"trusted.picobox", b"")
        os.removexattr(directory, b"trusted.picobox")
        return True
    return False
