"""Owns what is settled before a program starts: its command line, settings, layer and hooks."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypedDict

from picobox.api.changes import Layered
from picobox.api.errors import NotRecordedError
from picobox.api.settings import Settings
from picobox.api.supervision import Supervision

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from picobox.api.changes import Change
    from picobox.api.hooks import ProgramHooks
    from picobox.api.sandbox import Sandbox
    from picobox.api.settings import Path, Policy, Profile

    Word: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    Arguments: TypeAlias = Word | Sequence[Word]
    Stream: TypeAlias = int | IO[Any] | None
    Environment: TypeAlias = Mapping[str, str] | Mapping[bytes, bytes]

_SHELL = "/bin/sh"
_LAST_STANDARD = 2
# Those of asyncio and of subprocess that say how output is read, and not how the program starts.
_OF_READERS = frozenset(("text", "encoding", "errors"))


class Start(TypedDict, total=False):
    """What `subprocess` lets one say of a program's start, with its meaning there."""

    bufsize: int
    stdin: Stream
    stdout: Stream
    stderr: Stream
    shell: bool
    cwd: Path | bytes | None
    env: Environment | None
    executable: Word | None
    pass_fds: Collection[int]
    start_new_session: bool
    process_group: int | None
    umask: int
    pipesize: int


class Run(TypedDict, total=False):
    """How the program is run: the members of `Settings`."""

    profile: Profile | None
    policy: Path | Policy
    drives: Mapping[str, Path]
    overlay: bool | str
    trace: bool | str | Iterable[str]
    findings: bool
    enforce: bool


class Options(Start, Run, total=False):
    """Both; or a sandbox, which says how the program is run."""

    sandbox: Sandbox | Bound | None


START_NAMES = frozenset(Start.__annotations__)
RUN_NAMES = frozenset(Run.__annotations__)


class Bound(NamedTuple):
    """What a sandbox is to one program: its settings, layer and hooks, and who is to know of the program."""

    settings: Settings
    layered: Layered | None
    hooks: ProgramHooks | None
    add: Callable[[Supervision], None]


class Preparation:
    """A program about to start: `start` is for who starts the supervisor's process, `supervision` talks to it."""

    def __init__(self, args: Arguments, options: Mapping[str, Any]) -> None:
        """TypeError for unknown options, ValueError for no program, PicoboxError for what cannot be run so."""
        start, self._bound = _split(options)
        is_line = bool(start.pop("shell", False))
        words = words_of(args, shell=is_line)
        executable: Word | None = start.pop("executable", None)
        program = None if executable is None else words_of(executable, shell=False)[0]
        if is_line and program is not None:
            words[0] = program
        kept = kept_of(start.pop("pass_fds", ()))
        layered = self._bound.layered
        self.supervision = Supervision(
            words,
            start.pop("env", None),
            self._bound.settings,
            None if layered is None else layered.name,
            self._bound.hooks,
            program,
            kept,
        )
        self.start = start

    def begin(self) -> None:
        """Has the program run, whose supervisor's process is there: as Supervision.begin."""
        self.supervision.begin()
        self._bound.add(self.supervision)

    @property
    def has_layer(self) -> bool:
        """Whether a layer takes what it writes."""
        return self._bound.layered is not None

    def changes(self) -> tuple[Change, ...]:
        """What the layer holds; NotRecordedError if there is none."""
        if self._bound.layered is None:
            raise NotRecordedError("what it wrote was not kept apart: give overlay=True, or the name of a layer.")
        return self._bound.layered.changes()


def _split(options: Mapping[str, Any]) -> tuple[dict[str, Any], Bound]:
    """The options of a program by whom they are for; TypeError, as for any function, for those that are nobody's."""
    start = {name: value for name, value in options.items() if name in START_NAMES}
    run = {name: value for name, value in options.items() if name in RUN_NAMES}
    unknown = options.keys() - start.keys() - run.keys() - {"sandbox"}
    if unknown:
        known = ", ".join(sorted(START_NAMES | RUN_NAMES | _OF_READERS))
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}; there are sandbox, {known}")
    sandbox: Sandbox | Bound | None = options.get("sandbox")
    if sandbox is None:
        settings = Settings(**run)
        return start, Bound(settings, Layered.of(settings), None, lambda _supervision: None)
    if run:
        raise TypeError(f"{min(run)} is the sandbox's to say: give it to picobox.Sandbox")
    return start, sandbox if isinstance(sandbox, Bound) else sandbox.bound()


def words_of(args: Arguments, *, shell: bool) -> list[str | bytes]:
    """The command line that `args` stands for, as in `subprocess`."""
    words = [args] if isinstance(args, str | bytes | os.PathLike) else list(args)
    if not words:
        raise ValueError("args: a program is needed")
    texts = [os.fspath(word) for word in words]
    if any("\0" in os.fsdecode(text) for text in texts):
        raise ValueError("embedded null byte")
    return [_SHELL, "-c", *texts] if shell else texts


def kept_of(given: Collection[int]) -> tuple[int, ...]:
    """The descriptors that `pass_fds` names; 0 to 2 are said otherwise. OSError(EBADF) for one that is not open."""
    kept = tuple(sorted(set(map(int, given))))
    for fd in kept:
        os.fstat(fd)
    return tuple(fd for fd in kept if fd > _LAST_STANDARD)
