"""Mode bits and times that a program sets and then looks at, where Windows keeps less (rules PB021, PB025)."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from ntshim.status import STATUS_SUCCESS
from picobox.check import origins
from picobox.check.interpreted import code_of, script_of
from picobox.check.unshown_callers import LOOKS, MAKES, SETS_MODE, SETS_TIMES
from picobox.platform.attributes import attributes_of
from picobox.platform.identity import file_at
from picobox.platform.sources import lines_of, text_of
from picobox.runtimes import C

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.check.posix import Posix
    from picobox.check.unshown_callers import UnshownCallers
    from picobox.findings.finding import Frame

_MOST = 256
# Looks that are seen after something was set: ever fewer while none of them tells anything.
_MOST_LOOKS, _FEWEST_LOOKS = 2000, 125
# So often may one place set something at which nobody looks.
_MOST_TRIES, _MOST_PLACES = 32, 4096
_PERMISSIONS = 0o777
_USUAL_MASK = 0o022
_WRITE_PERMISSIONS = 0o222
# What a umask of 022 or 002 leaves of 0666 and 0777, and these: what a program sets that wants a file to be as all are.
_ORDINARY = frozenset((0o666, 0o644, 0o664, 0o777, 0o755, 0o775))
_EXECUTABLE = (b".exe", b".com", b".bat", b".cmd")
_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_STEP = 100  # nanoseconds, NTFS's
# A look at a file for its kind alone.
_KIND_ONLY = re.compile(r"S_IS[A-Z]+\([^()]*(?:\([^()]*\))?[^()]*\)")
_LOOKS_AT_MODE = re.compile(r"st_mode|ST_MODE|S_IMODE|filemode")
# A look that only makes another mode of the one that is there, or asks for what Windows keeps.
_LOOKS_ON_THE_WAY = re.compile(r"[&|]\s*(?:stat\.)?S_IW[A-Z]+|copymode|copystat")
_CHANGES_MODE = re.compile(r"\b[lf]?chmod\(([^\n]*)")
_ASSIGNED = re.compile(r"^\s*(\w+)(?:\s*:[^=\n]*)?\s*=(?!=)", re.MULTILINE)
_TELLS = re.compile(r"\bassert|[!=]=|\bprint\(")
_LOOKS_AT_NANOSECONDS = re.compile(r"st_[amc]time_ns")
# How times are compared that need not be equal to the nanosecond.
_NEARLY = re.compile(r"\babs\(|//|\bround\(|\bapprox\(|\bisclose\(|AlmostEqual\(|[^<>=!-][<>]=?[^<>=]|/ ?1e")
_LINES_AFTER = 3
# os.path.getmtime and the like.
_TIMES_AS_FLOATS = ("/genericpath.py", "<frozen genericpath>")
# How scripts get at what they have asked for of a file: a mode, or nanoseconds, which not every language tells.
_SCRIPTS = {
    (b"node", True): re.compile(r"\.mode\b"),
    (b"node", False): re.compile(r"\.[amc]timeNs\b"),
    (b"perl", True): re.compile(r"stat\b[^;]*\[\s*2\s*\]|->mode\b|0?7777?\b.*stat\b|stat\b.*0?7777?\b"),
    (b"python", True): _LOOKS_AT_MODE,
    (b"python", False): _LOOKS_AT_NANOSECONDS,
}
_MODE_FORMAT = re.compile("%[0#]?[aA]")
# How stat(1) is asked for nanoseconds, and touch(1) given a time of its own or a file's.
_TIME_FORMAT = re.compile(r"%[xyz]|%[0 ]?\d*\.\d*[XYZ]")
_GIVES_TIME = re.compile(r"-[a-z]*d|--date")
_GIVES_FILE = re.compile(r"-[a-z]*r|--reference")


class _Set(NamedTuple):
    """What was set of a file by a process: a mode, or times with nanoseconds (None)."""

    tgid: int
    mode: int | None
    shown: int
    inode: int | None = None


class ReadBack:
    """What programs have set that Windows would not keep, by path, until they look at it."""

    def __init__(self, posix: Posix) -> None:
        """Nothing was set."""
        self._posix = posix
        self._set: dict[tuple[bytes, bool], _Set] = {}
        # A look at another file costs one look into this.
        self._names: set[bytes] = set()
        self._looks = 0
        self._patience = _MOST_LOOKS
        self._tries: dict[object, int] = {}
        # Masks that take more from a mode than is usual, by process.
        self._umasks: dict[int | None, int] = {}
        # Told who need not be shown; None where all are.
        self.callers: UnshownCallers | None = None
        # Told when there are others.
        self.told_umasks: Callable[[], None] | None = None
        self._is_asked = False

    @property
    def has_umasks(self) -> bool:
        """Whether a process may take more from the modes of what it makes than is usual."""
        return bool(self._umasks)

    def executes(self, program: bytes) -> None:
        """A program is about to run: stat(1) may be asked for any file's mode."""
        if program.rpartition(b"/")[2] == b"stat":
            self._is_asked, self._looks = True, 0
            self._ask()

    def sets_umask(self, call: Call, mask: int) -> None:
        """A process is about to take bits from the modes of what it creates."""
        self._umasks.pop(call.task.group.tgid, None)
        if mask & _PERMISSIONS & ~_USUAL_MASK and len(self._umasks) < _MOST:
            self._umasks[call.task.group.tgid] = mask & _PERMISSIONS
        if self.told_umasks is not None:
            self.told_umasks()

    def creates(self, call: Call, file: tuple[int, bytes], mode: int, *, is_directory: bool) -> None:
        """A file may be about to be made with a mode; what the library chooses for temporary files is no matter."""
        made = mode & _PERMISSIONS & ~self._umasks.get(call.task.group.tgid, _USUAL_MASK)
        if made in _ORDINARY or not origins.is_interpreter(self._posix.program(call)):
            return  # of others nobody knows what they look for, and they look at most of what they make
        shown = mode_on_windows(made, file[1], is_directory=is_directory)
        if shown == made or attributes_of(call.stop.tid, *file, follow=True) is not None:
            return
        if origins.passes_through(self._posix.stack(call), "/tempfile.py"):
            self._leave(call, MAKES)
        else:
            self._note(call, file, made, shown, does=MAKES)

    def sets_mode(self, call: Call, file: tuple[int, bytes], mode: int, *, follow: bool) -> None:
        """A file is about to get a mode."""
        found = attributes_of(call.stop.tid, *file, follow=follow)
        if found is None:
            return
        shown = mode_on_windows(mode, file[1], is_directory=stat.S_ISDIR(found.mode))
        if shown != mode & _PERMISSIONS:
            self._note(call, file, mode & _PERMISSIONS, shown)

    def sets_times(self, call: Call, file: tuple[int, bytes], nanoseconds: Sequence[int]) -> None:
        """A file is about to get times of access and of change, with these nanoseconds.

        What a copy gets from its original was cut there already.
        """
        is_fine = any(part not in (_UTIME_NOW, _UTIME_OMIT) and part % _STEP for part in nanoseconds)
        place = self._posix.place(call, *file) if self._set and not is_fine else None
        if place is not None:
            self._set.pop((place, True), None)
        if is_fine and origins.passes_through(self._posix.stack(call), "/shutil.py"):
            self._leave(call, SETS_TIMES)
        elif is_fine:
            self._note(call, file, None, 0, does=SETS_TIMES)

    def looks(self, call: Call, dirfd: int, path: bytes) -> None:
        """A file is about to be looked at, an open one if the path is empty."""
        self._looks += 1
        if self._looks > self._patience:
            self._patience = max(_FEWEST_LOOKS, self._patience // 2)
            self._forget()
        if self._is_asked and self._is_stat(call):
            self._shows_mode(call, dirfd, path)
        if not self._names or (path and path.rpartition(b"/")[2] not in self._names):
            return
        place = self._posix.place(call, dirfd, path)
        for is_mode in (True, False):
            key = place or b"", is_mode
            noted = self._set.get(key)
            if noted is not None and self._sees(call, noted):
                del self._set[key]
                self._tell(call, key[0], noted)
        if place is not None and _sees_nothing(self._posix.stack(call)):
            self._leave(call, LOOKS)

    def waits_for(self, path: bytes) -> bool:
        """Whether a look at the file of this path without links may tell something."""
        return self._is_asked or any((path, is_mode) in self._set for is_mode in (True, False))

    def _note(
        self, call: Call, file: tuple[int, bytes], mode: int | None, shown: int, *, does: int = SETS_MODE
    ) -> None:
        place = self._posix.place(call, *file)
        if place is None:
            return
        if not self._may_look(call, mode):
            self._leave(call, does)
            return
        if self._is_in_vain(call):
            self._leave(call, does, for_now=True)
            return
        key = place, mode is not None
        # A program's next look is for what it has set last.
        self._set.pop((place, mode is None), None)
        noted = _Set(call.task.group.tgid, mode, shown)

        def done(result: int) -> None:
            if result >= 0:
                if len(self._set) >= _MOST:
                    self._forget()
                self._looks = 0
                found = file_at(place)
                self._set[key] = noted if found is None else noted._replace(inode=found[1])
                self._names.add(place.rpartition(b"/")[2])
                self._ask()

        self._posix.judge.when_done(call, done)

    def _leave(self, call: Call, does: int, *, for_now: bool = False) -> None:
        if self.callers is not None:
            self.callers.leave(call, self._posix.stack(call), does, for_now=for_now)

    def _forget_tries(self) -> None:
        self._tries.clear()
        if self.callers is not None:
            self.callers.forget()

    def _is_in_vain(self, call: Call) -> bool:
        """Whether this place of a program has set so much that was never looked at that nobody will."""
        caller = origins.caller(self._posix.stack(call))
        place = self._posix.program(call) if caller is None else (caller.file, caller.line)
        if len(self._tries) >= _MOST_PLACES:
            self._forget_tries()
        self._tries[place] = tries = self._tries.get(place, 0) + 1
        return tries > _MOST_TRIES

    def _ask(self) -> None:
        """Looks at what was set are to be seen, those at all other files only if a program asks for modes."""
        files = {} if self._is_asked else {place: noted.inode for (place, _), noted in self._set.items()}
        self._posix.judge.wants_looks(wanted=True, files=files)

    def _forget(self) -> None:
        """Who has not looked until now sets things for others; each look costs a stop."""
        self._set.clear()
        self._names.clear()
        self._is_asked = False
        self._posix.judge.wants_looks(wanted=False)

    def _shows_mode(self, call: Call, dirfd: int, path: bytes) -> None:
        """stat(1) writes the mode of a file, whoever has set it."""
        found = attributes_of(call.stop.tid, dirfd, path, follow=False)
        place = None if found is None else self._posix.place(call, dirfd, path)
        if found is None or place is None or (place, True) in self._set:
            return
        mode = found.mode & _PERMISSIONS
        shown = mode_on_windows(mode, path, is_directory=stat.S_ISDIR(found.mode))
        if not stat.S_ISLNK(found.mode) and mode not in _ORDINARY and shown != mode:
            self._tell(call, place, _Set(0, mode, shown))

    def _tell(self, call: Call, place: bytes, noted: _Set) -> None:
        self._patience = _MOST_LOOKS
        self._forget_tries()
        if noted.mode is None:
            self._posix.report(call, "PB025", STATUS_SUCCESS, place, "is looked at for the nanoseconds that were set")
        else:
            message = (
                f"is looked at for its mode, which was set to {noted.mode:04o} and is {noted.shown:04o} on Windows"
            )
            self._posix.report(call, "PB021", STATUS_SUCCESS, place, message)

    def _may_look(self, call: Call, mode: int | None) -> bool:
        """Whether it could be told of the program that it looks at what it sets: a mode, or times (None).

        Of a program of the C library nobody knows what of a look it wants, so that an ordinary mode tells nothing.
        """
        is_mode = mode is not None
        program = self._posix.program(call)
        if origins.is_tool(program):
            return program.endswith(b"/chmod") if is_mode else self._is_touch(call, program)
        stack = self._posix.stack(call)
        if any(map(origins.is_python, stack)):
            return origins.is_project(stack)
        if origins.is_interpreter(program):
            return self._script_sees(call, program, is_mode=is_mode)
        return mode not in _ORDINARY and self._posix.runtime(call).name == C.name

    def _sees(self, call: Call, noted: _Set) -> bool:
        """Whether it is sure that the program looks at what was set: a look at a file tells all of it at once."""
        program = self._posix.program(call)
        if origins.is_tool(program):
            return self._is_stat(call, _TIME_FORMAT if noted.mode is None else _MODE_FORMAT)
        if noted.tgid != call.task.group.tgid:
            return False
        stack = self._posix.stack(call)
        if any(map(origins.is_python, stack)):
            return _source_sees(stack, noted)
        return not origins.is_of_a_library(stack) and self._may_look(call, noted.mode)

    def _is_stat(self, call: Call, wanted: re.Pattern[str] = _MODE_FORMAT) -> bool:
        """Whether stat(1) looks that is asked for a mode, or for what else a format says."""
        program = self._posix.program(call)
        arguments = self._posix.process(call).arguments if program.endswith(b"/stat") else ()
        return origins.is_tool(program) and any(map(wanted.search, arguments))

    def _is_touch(self, call: Call, program: bytes) -> bool:
        """Whether touch(1) sets a time that it was given, not that of another file."""
        arguments = self._posix.process(call).arguments if program.endswith(b"/touch") else ()
        return any(map(_GIVES_TIME.match, arguments)) and not any(map(_GIVES_FILE.match, arguments))

    def _script_sees(self, call: Call, program: bytes, *, is_mode: bool) -> bool:
        """Whether a script names what was set, where its interpreter does not tell which of its lines asks."""
        looks = _SCRIPTS.get((re.sub(rb"[\d.]+t?\Z", b"", program.rpartition(b"/")[2]), is_mode))
        if looks is None:
            return False
        arguments = self._posix.process(call).arguments
        text = code_of(arguments) or text_of(call.stop.tid, os.fsencode(script_of(arguments)))
        return looks.search(_KIND_ONLY.sub("", text)) is not None


def mode_on_windows(mode: int, path: bytes, *, is_directory: bool) -> int:
    """The permissions that a C runtime of Windows shows once a mode was set: it keeps whether somebody may write."""
    shown = 0o666 if mode & _WRITE_PERMISSIONS else 0o444
    return shown | 0o111 if is_directory or path.lower().endswith(_EXECUTABLE) else shown


def _source_sees(stack: Sequence[Frame], noted: _Set) -> bool:
    """Whether the project's source, where it asks for the file, names what was set."""
    frame = origins.caller(stack)
    if frame is None or frame.line is None or not origins.is_project(stack):
        return False
    source = lines_of(frame.file, frame.line, frame.line + _LINES_AFTER)
    if noted.mode is None:
        as_float = origins.passes_through(stack, *_TIMES_AS_FLOATS)
        is_exact = not as_float and _NEARLY.search(source) is None
        return is_exact and _LOOKS_AT_NANOSECONDS.search(source) is not None
    if _LOOKS_ON_THE_WAY.search(source) is not None or _changes_what_it_sees(source):
        return False
    return _LOOKS_AT_MODE.search(_KIND_ONLY.sub("", source)) is not None


def _sees_nothing(stack: Sequence[Frame]) -> bool:
    """Whether a place in Python, wherever it looks, names nothing of what can be set."""
    kinds = (_Set(0, 0, 0), _Set(0, None, 0))
    return any(map(origins.is_python, stack)) and not any(_source_sees(stack, kind) for kind in kinds)


def _changes_what_it_sees(source: str) -> bool:
    """Whether lines that look at a mode make another one of it, or keep it to put it back."""
    changes = _CHANGES_MODE.findall(source)
    kept = "|".join(("st_mode", "ST_MODE", "S_IMODE", *_ASSIGNED.findall(source)))
    uses_it = any(re.search(rf"\b(?:{kept})\b", arguments) for arguments in changes)
    return uses_it or (bool(changes) and _TELLS.search(source) is None)
