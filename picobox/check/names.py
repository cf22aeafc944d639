"""The rules about names (PB001 to PB008) for the paths of running programs."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from errno import EEXIST, ENOENT
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.fs.view import fold
from picobox.abi.row import QUERIES
from picobox.errors import Errno
from picobox.findings import names as rules
from picobox.findings.finding import Process, Side
from picobox.names import MAKES_DIRECTORIES, meaning_of
from picobox.platform.host import AT_FDCWD, directory_of, full_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.check.judge import Judge
    from picobox.names import Meaning, Names
    from picobox.platform.base import HostTid
    from picobox.platform.identity import Identities, Identity

# What a harmless name holds, does not end in and does not begin with, and how long it is; others are looked at closely.
_HARMLESS = bytes(set(range(0x80)) - {*range(1, 0x20), *b'"*:<>?\\|'})
_SUSPECT_ENDS = (b".", b" ")
_DEVICES = frozenset((b"con", b"prn", b"aux", b"nul", b"com", b"lpt"))
_MOST_HARMLESS = 127
_TWINS, _DEVICE, _STREAM = "PB001", "PB003", "PB005"
_MOST_TOLD = 4096
_OPENS = frozenset(("open", "creat", "openat", "openat2"))
_REMOVES = frozenset(("unlink", "rmdir", "unlinkat"))
_RENAMES = frozenset(("rename", "renameat", "renameat2"))


def is_harmless(name: bytes) -> bool:
    """Whether no rule about single names can refuse a name that is to be made."""
    is_plain = len(name) <= _MOST_HARMLESS and not name.translate(None, _HARMLESS)
    return is_plain and not name.endswith(_SUSPECT_ENDS) and name[:3].lower() not in _DEVICES


class NameRules:
    """Judges names as guests write them: those that a call makes, and those that it does not find.

    A name that is there already was judged when it was made, or is a matter of `picobox names`; only devices do not
    even open.
    """

    def __init__(self, judge: Judge, names: Names, identities: Identities) -> None:
        """Tell `judge` what is found; `names` know the spellings that drives hold."""
        self._judge = judge
        self._names = names
        self._identities = identities
        self._told_devices: set[bytes] = set()

    def look(self, call: Call, row: Row, arguments: Sequence[object]) -> None:
        """See a call that takes paths, before anybody serves it."""
        if row.name in QUERIES or self._names.root_moved(call.stop.tid):
            return
        source: tuple[int, bytes] | None = None
        for argument in row.paths():
            path = arguments[argument.position]
            dirfd = arguments[argument.dirfd] if argument.dirfd >= 0 else AT_FDCWD
            if not isinstance(path, bytes) or not isinstance(dirfd, int) or not path:
                continue
            try:
                meaning = meaning_of(call, row, argument, arguments)
            except Errno:
                return  # what the kernel says of arguments that cannot be read is its own
            if not meaning.creates or not self._make(call, row, dirfd, path, source):
                self._use(call, row, dirfd, path, meaning)
            source = dirfd, path

    def _make(self, call: Call, row: Row, dirfd: int, path: bytes, source: tuple[int, bytes] | None) -> bool:
        """Judge a name that a call makes; false if it makes none, since it is there or its directory is not.

        `source` is what gets the name, if it had one before.
        """
        made = self._identities.of_entry(call.stop.tid, dirfd, path)
        if made is None or made.file is not None:
            return False
        full = self._judge.windows.full_name(made.path)
        if not full:
            return True
        kind = _kind_of(row)
        judged = self._judged(made.name, kind)
        if not self._judge.windows.runtimes.of(call.stop.tid).long_paths:
            judged += rules.judge_length(full, kind)
        others: Sequence[Side] = ()
        twin = self._names.stored_otherwise(made.parent, made.name)
        if twin is not None and not self._is_source(call, made, twin, source):
            judged.append(rules.judge_twin(os.fsdecode(twin)))
            others = self._sides_of(call, made.parent.rstrip(b"/") + b"/" + twin)
        for judgement in judged:
            self._tell(call, judgement, made.path, others if judgement.rule == _TWINS else ())
        return True

    def _sides_of(self, call: Call, path: bytes) -> Sequence[Side]:
        """Who has a file open, else nobody's side: whoever made it may be long gone."""
        found = self._identities.of_entry(call.stop.tid, AT_FDCWD, path)
        node = None if found is None else self._judge.node_of(found)
        sides = [] if node is None else self._judge.holders.of(node)
        return sides or [Side(Process(0, ""), "", os.fsdecode(path), time.time())]

    def _judged(self, name: bytes, kind: str) -> list[rules.Judgement]:
        if is_harmless(name):
            return []
        # On Windows such a name is another one: half a surrogate pair, which NTFS takes, or what a code page says.
        text = name.decode(errors="replace") if self._judge.observes else os.fsdecode(name)
        return rules.judge_name(text, self._judge.windows.version, kind)

    def _is_source(self, call: Call, made: Identity, twin: bytes, source: tuple[int, bytes] | None) -> bool:
        """Whether a rename only changes how a name is spelled."""
        if source is None or call.row is None or call.row.name not in _RENAMES:
            return False
        former = self._identities.of_entry(call.stop.tid, *source)
        return former is not None and former.directory == made.directory and former.name == twin

    def _use(self, call: Call, row: Row, dirfd: int, path: bytes, meaning: Meaning) -> None:
        """Judge a name that a call takes as it is, or does not find."""
        tid = call.stop.tid
        if self._judge.observes and self._is_there(call, row, dirfd, path, meaning):
            return
        if not self._may_be_on_drive(tid, dirfd, path):
            return
        if row.name in _OPENS:
            self._open_device(call, dirfd, path, meaning)
        spelled = self._names.in_stored_spelling(tid, dirfd, path, follow=meaning.follow)
        if spelled is None or not _differs_in_case(path, spelled):
            return
        found = self._identities.of_path(tid, dirfd, spelled, follow=meaning.follow)
        if found is None or (found.file is None and not meaning.creates):
            return
        if self._judge.windows.is_on_drive(found.path):
            with suppress(OSError):
                self._tell_if_missed(call, full_path(tid, dirfd, path), found.path, makes=meaning.creates)

    def _is_there(self, call: Call, row: Row, dirfd: int, path: bytes, meaning: Meaning) -> bool:
        """Whether what a call opens or removes is there as it is written: Linux and Windows both find it."""
        if row.name in _REMOVES or (row.name in _RENAMES and not meaning.creates):
            found = self._identities.of_entry(call.stop.tid, dirfd, path)
        elif row.name in _OPENS and is_harmless(path.rpartition(b"/")[2]):
            found = self._identities.of_path(call.stop.tid, dirfd, path, follow=meaning.follow)
        else:
            return False
        return found is not None and found.file is not None

    def _may_be_on_drive(self, tid: HostTid, dirfd: int, path: bytes) -> bool:
        """Whether a path begins on a drive, by its text."""
        try:
            return self._judge.windows.is_on_drive(path if path.startswith(b"/") else directory_of(tid, dirfd))
        except OSError:
            return False

    def _open_device(self, call: Call, dirfd: int, path: bytes, meaning: Meaning) -> None:
        """A file of a device's name is there, and Windows would open the device; once told is enough."""
        devices = [each for each in self._judged(path.rpartition(b"/")[2], rules.FILE) if each.rule == _DEVICE]
        if not devices:
            return
        found = self._identities.of_path(call.stop.tid, dirfd, path, follow=meaning.follow)
        if found is None or found.file is None or found.is_directory or found.path in self._told_devices:
            return
        if self._judge.windows.is_on_drive(found.path):
            self._tell(call, devices[0], found.path)

    def _tell(self, call: Call, judgement: rules.Judgement, path: bytes, others: Sequence[Side] = ()) -> None:
        if judgement.rule == _STREAM and self._is_separator(call, path):
            return
        from picobox.check.other_names import is_written_otherwise

        if self._judge.observes and is_written_otherwise(self._judge.posix.stack(call), judgement.rule):
            return
        self._judge.report(
            call,
            judgement.rule,
            judgement.status,
            path,
            judgement.message,
            others=others,
            refused=not self._judge.observes,
        )
        if judgement.rule == _DEVICE:
            self._judge.when_done(call, lambda result: self._device_told(path) if result >= 0 else None)

    def _is_separator(self, call: Call, path: bytes) -> bool:
        """Whether a check that observes finds a colon that a program on Windows would not write."""
        from picobox.check.separators import writes_separator

        name = os.fsdecode(path.rpartition(b"/")[2])
        return self._judge.observes and writes_separator(self._judge.posix.stack(call), name)

    def _device_told(self, path: bytes) -> None:
        if len(self._told_devices) >= _MOST_TOLD:
            self._told_devices.clear()
        self._told_devices.add(path)

    def _tell_if_missed(self, call: Call, path: bytes, stored: bytes, *, makes: bool) -> None:
        """Linux does not find a name that Windows finds: told where the guest meets either."""

        def done(result: int) -> None:
            if makes and result == -EEXIST and not self._judge.observes:
                twin = rules.judge_twin(os.fsdecode(stored.rpartition(b"/")[2]))
                self._judge.report(call, twin.rule, twin.status, path, twin.message)
            elif result == -ENOENT if self._judge.observes else result >= 0:
                message = f"leads to {os.fsdecode(stored)} on Windows, where case does not count, and nowhere on Linux"
                self._judge.report(call, "PB002", st.STATUS_SUCCESS, path, message)

        self._judge.when_done(call, done)


def _kind_of(row: Row) -> str:
    """How a call makes its name."""
    if row.name in MAKES_DIRECTORIES:
        return rules.DIRECTORY
    return rules.FILE if row.name in _OPENS else rules.ENTRY


def _differs_in_case(path: bytes, other: bytes) -> bool:
    """Whether two paths have the same components but for case."""
    ours, theirs = ([fold(part) for part in each.split(b"/") if part not in (b"", b".")] for each in (path, other))
    return ours == theirs
