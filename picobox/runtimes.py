"""Which runtime a program is written on, and how that opens files on Windows and shows what fails there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ntshim.io.share import FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.win32.errors import CRT, LIBUV, POSIX, RtlNtStatusToDosError, errno_of_error
from picobox.platform import images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.platform.base import HostTid

_IMAGES_KEPT = 4096  # each time of change makes an executable another one
_READ_WRITE = FILE_SHARE_READ | FILE_SHARE_WRITE
_READ_WRITE_DELETE = _READ_WRITE | FILE_SHARE_DELETE


class Runtime(NamedTuple):
    """A runtime as it behaves on Windows (facts/nt.md sections 3.4 and 5).

    `share`: the share mode of its opens. `errors`: by which table it shows Win32 errors. `long_paths`: it writes long
    paths with a prefix that lifts MAX_PATH. `posix_rename`: it renames with POSIX semantics, not as MoveFileExW.
    `deletes_read_only`: it takes the attribute READONLY away from what it is to delete. `library_shares`: the share
    mode of opens that come from a library of its own.

    Every one opens directories: on Linux they list them by a descriptor, where on Windows they ask for the next name.
    """

    name: str
    share: int
    errors: str
    long_paths: bool = False
    posix_rename: bool = False
    deletes_read_only: bool = False
    library_shares: tuple[tuple[str, int], ...] = ()

    def errno_of(self, status: int) -> int:
        """The errno by which a program sees a status of NT."""
        return errno_of_error(RtlNtStatusToDosError(status), self.errors)


C = Runtime("C", _READ_WRITE, CRT)
PYTHON = Runtime("CPython", _READ_WRITE, CRT)
GO = Runtime("Go", _READ_WRITE, POSIX, long_paths=True, deletes_read_only=True)
NODE = Runtime("node", _READ_WRITE_DELETE, LIBUV, long_paths=True, deletes_read_only=True)
RUST = Runtime("Rust", _READ_WRITE_DELETE, POSIX, long_paths=True, posix_rename=True, deletes_read_only=True)
JAVA = Runtime(
    "Java",
    _READ_WRITE,
    CRT,
    long_paths=True,
    library_shares=(("libnio.so", _READ_WRITE_DELETE),),
)
LLVM = Runtime("LLVM", _READ_WRITE_DELETE, CRT, long_paths=True)
GIT = Runtime("git", _READ_WRITE_DELETE, CRT, posix_rename=True, deletes_read_only=True)

# Where in an executable its maker leaves traces that stripping it keeps.
_GO_SECTIONS = (b".go.buildinfo", b".note.go.buildid")
_SECTIONS = frozenset((*_GO_SECTIONS, b".comment", b".dynstr", b".rodata"))
_RUSTC_MARK = b"rustc"
_RUSTC = re.compile(rb"rustc version \d|/rustc/[0-9a-f]{40}/library/")
_GIT_NAMES = re.compile(rb"git(-.*)?")
_GIT_MARK = b"GIT_DIR\0"
_PYTHON_SYMBOLS = (b"\0Py_BytesMain\0", b"\0Py_Main\0", b"\0libpython")
_JAVA_SYMBOL = b"\0JLI_Launch\0"
_LLVM_LIBRARY = b"\0libLLVM"
_NODE_SYMBOLS = (b"\0napi_create_object\0", b"\0libnode.so")


def classify(names: tuple[bytes, ...], sections: Mapping[bytes, bytes]) -> Runtime:
    """The runtime of an executable: of several traces the one that decides how it opens files.

    `names` are its own, `sections` those of the ELF file. What leaves no trace uses the C runtime.
    """
    if any(section in sections for section in _GO_SECTIONS):
        return GO
    symbols = sections.get(b".dynstr", b"")
    if any(mark in symbols for mark in _NODE_SYMBOLS):
        return NODE
    if any(mark in symbols for mark in _PYTHON_SYMBOLS):
        return PYTHON
    if _JAVA_SYMBOL in symbols:
        return JAVA
    constants = sections.get(b".rodata", b"")
    if any(_RUSTC_MARK in text and _RUSTC.search(text) for text in (sections.get(b".comment", b""), constants)):
        return RUST
    if _LLVM_LIBRARY in symbols:
        return LLVM
    if _GIT_MARK in constants and any(_GIT_NAMES.fullmatch(name) for name in names):
        return GIT
    return C


class Shares(NamedTuple):
    """What --share says instead of the runtimes: for all programs, or by a program's name."""

    everywhere: int | None
    by_name: Mapping[bytes, int]


class Runtimes:
    """The runtimes of tasks; what an executable is, is looked at once."""

    def __init__(self, shares: Shares) -> None:
        """Let `shares` override what runtimes ask for."""
        self._shares = shares
        self._known: dict[images.ImageKey, Runtime] = {}
        self._appointed: dict[HostTid, Runtime] = {}
        # Of tasks whose executable is what it was.
        self._of: dict[HostTid, Runtime] = {}

    def all_share(self, share: int) -> bool:
        """Whether the opens of all programs share at least that."""
        asked = (*self._shares.by_name.values(), share if self._shares.everywhere is None else self._shares.everywhere)
        return all(each & share == share for each in asked)

    def appoint(self, tid: HostTid, runtime: Runtime) -> None:
        """A task runs on that, whatever its executable is, until it is dismissed."""
        self._appointed[tid] = runtime

    def dismiss(self, tid: HostTid) -> None:
        """A task that was appointed a runtime is gone; another one may have its tid next."""
        del self._appointed[tid]

    def of(self, tid: HostTid) -> Runtime:
        """The runtime that a task runs on, with the share mode that was asked for."""
        if tid in self._appointed:
            return self._appointed[tid]
        known = self._of.get(tid)
        if known is None:
            known = self._looked_at(tid)
            self._of[tid] = known
        return known

    def forget_tasks(self) -> None:
        """A task is about to run another executable, or its tid is another's now: all are looked at again."""
        self._of.clear()

    def _looked_at(self, tid: HostTid) -> Runtime:
        key = images.key_of(tid)
        runtime = None if key is None else self._known.get(key)
        names = images.names_of(tid) if runtime is None or self._shares.by_name else ()
        if runtime is None:
            runtime = classify(names, images.sections_of(tid, _SECTIONS))
            if key is not None:
                if len(self._known) >= _IMAGES_KEPT:
                    self._known.clear()
                self._known[key] = runtime
        share = next((self._shares.by_name[name] for name in names if name in self._shares.by_name), None)
        if share is None:
            share = self._shares.everywhere
        return runtime if share is None else runtime._replace(share=share, library_shares=())
