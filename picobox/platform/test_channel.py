"""The files through which a test runner in a guest tells which test runs, and hears what was found meanwhile."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Self

from picobox.platform.base import HostTid
from picobox.platform.host import thread_group
from picobox.platform.removal import remove

VARIABLE = "PICOBOX_TESTS"
"""The environment variable that names the directory of the files."""

TESTS = "tests"
FINDINGS = "findings"
# Memory of its own that no drive holds; the directory for temporary files where there is none.
_PLACE = "/dev/shm"  # noqa: S108 - only a directory with a random name is made there
_MOST_ANCESTORS = 64
_BLOCK = 1 << 16


def _new_directory() -> str:
    """A directory of nobody else's, by its path. Raises OSError."""
    if os.access(_PLACE, os.W_OK | os.X_OK):
        path = f"{_PLACE}/picobox-{os.urandom(8).hex()}"
        os.mkdir(path, 0o700)
        return path
    from tempfile import mkdtemp

    return mkdtemp(prefix="picobox-")


class TestChannel:
    """The supervisor's end. `tests` is written by guests, so whatever it says decides nothing but a test's name."""

    __test__ = False

    def __init__(self) -> None:
        """Make the files. Raises OSError."""
        self.directory = _new_directory()
        self._directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        flags = os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._tests = os.open(os.path.join(self.directory, TESTS), flags | os.O_RDONLY, 0o600)
        self._findings = os.open(os.path.join(self.directory, FINDINGS), flags | os.O_WRONLY | os.O_APPEND, 0o600)
        self._offset = 0
        self._rest = b""
        self._running: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._tests)
        os.close(self._findings)
        remove(self._directory)
        os.close(self._directory)

    def test_of(self, tid: HostTid) -> str:
        """The test that a task's process runs, or the nearest process that started it; "" if none does."""
        self._read()
        if not self._running:
            return ""
        pid, parent = thread_group(tid)
        for _ in range(_MOST_ANCESTORS):
            if pid in self._running:
                return self._running[pid]
            if parent <= 1:
                break
            pid, parent = thread_group(HostTid(parent))
        return ""

    def tell(self, line: str) -> None:
        """Let test runners read of a finding."""
        with suppress(OSError):
            os.write(self._findings, line.encode("ascii") + b"\n")

    def _read(self) -> None:
        while block := os.pread(self._tests, _BLOCK, self._offset):
            self._offset += len(block)
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                self._note(line)
            self._rest = self._rest[-_BLOCK:]

    def _note(self, line: bytes) -> None:
        try:
            pid, test = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            return
        if isinstance(pid, int) and isinstance(test, str):
            if test:
                self._running[pid] = test
            else:
                self._running.pop(pid, None)


class TestRunner:
    """The guest's end: `begin` and `end` frame a test, `take` gives the lines of findings that have come since."""

    __test__ = False

    def __init__(self, directory: str) -> None:
        """Open the files. Raises OSError."""
        self._tests = os.open(os.path.join(directory, TESTS), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._findings = os.open(os.path.join(directory, FINDINGS), os.O_RDONLY | os.O_CLOEXEC)
        self._offset = 0
        self._rest = b""

    def begin(self, test: str) -> None:
        """This process runs a test from now on."""
        os.write(self._tests, json.dumps([os.getpid(), test]).encode() + b"\n")

    def end(self) -> None:
        """It does no more."""
        self.begin("")

    def take(self) -> list[str]:
        """The lines about findings that were told since the last time, of whatever test."""
        taken: list[bytes] = []
        while block := os.pread(self._findings, _BLOCK, self._offset):
            self._offset += len(block)
            *lines, self._rest = (self._rest + block).split(b"\n")
            taken.extend(lines)
        return [line.decode("ascii") for line in taken]

    def close(self) -> None:
        """Close the files."""
        os.close(self._tests)
        os.close(self._findings)
