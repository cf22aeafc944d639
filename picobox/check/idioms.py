"""What runtimes and tools do on Linux alone: their Windows versions do it otherwise, so nothing of it is a finding."""

from __future__ import annotations

import os
import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.sources import begins_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.findings.finding import Finding

_IN_USE = frozenset(("PB010", "PB015", "PB016", "PB024"))


class Idiom(NamedTuple):
    """What is left out: findings of these rules with all that is given of a file's name, a frame and a call.

    `name` is matched with the file's name, and with it behind its directory's. `call` is matched with `PROGRAM:CALL`,
    and counts where nobody but the caller uses the file. `frame` is matched with `FILE:FUNCTION` of the innermost
    frames, of which a recursion, as that of a removal of a deep tree, counts as one. `action` is matched with the call,
    whoever else uses the file; `start` is how the file begins. `reason` tells what the Windows version does.
    """

    rules: frozenset[str]
    reason: str
    name: re.Pattern[str] | None = None
    frame: re.Pattern[str] | None = None
    call: re.Pattern[str] | None = None
    action: re.Pattern[str] | None = None
    start: bytes = b""


IDIOMS = (
    Idiom(
        _IN_USE,
        "tempfile.TemporaryFile is NamedTemporaryFile on Windows, which opens with O_TEMPORARY",
        frame=re.compile(r".*/tempfile\.py:(_?TemporaryFile|TemporaryFile\.opener)"),
    ),
    Idiom(
        frozenset(("PB017",)),
        "tempfile.TemporaryDirectory makes what it cannot remove writable, and removes it then",
        frame=re.compile(r".*/tempfile\.py:(TemporaryDirectory\.)?_rmtree"),
    ),
    Idiom(
        frozenset(("PB010", "PB014", "PB017", "PB024")),
        "pytest makes what it cannot remove writable, and leaves the rest for another day",
        frame=re.compile(r".*/_pytest/pathlib\.py:(rm_rf|cleanup_numbered_dir|try_cleanup|cleanup_dead_symlinks)"),
    ),
    Idiom(
        frozenset(("PB001", "PB019")),
        "pytest goes on without its links to the last directories when they cannot be made, and numbers without case",
        frame=re.compile(r".*/_pytest/pathlib\.py:_force_symlink"),
    ),
    Idiom(
        _IN_USE,
        "the shared memory of a write-ahead log: SQLite maps and deletes it otherwise on Windows",
        name=re.compile(r".*-shm"),
    ),
    Idiom(
        frozenset(("PB016",)),
        "SQLite goes on on Windows where it cannot cut a database that is mapped",
        action=re.compile(r"f?truncate"),
        start=b"SQLite format 3\0",
    ),
    Idiom(_IN_USE, "a here-document of a shell", name=re.compile(r"sh-thd[-.].*")),
    Idiom(_IN_USE, "perl opens an anonymous file with O_TEMPORARY on Windows", name=re.compile(r"PerlIO_\w{6}")),
    Idiom(
        frozenset(("PB016",)),
        "what a Java machine counts for its tools is a file of its own, which it deletes otherwise on Windows",
        name=re.compile(r"hsperfdata_[^/]+/\d+"),
    ),
    Idiom(
        frozenset(("PB017",)),
        "the tools that Git for Windows brings remove its objects, which are read-only",
        name=re.compile(
            r"[0-9a-f]{2}/[0-9a-f]{38,62}|(pack|graph)-[0-9a-f]{40,64}\.\w+|info/commit-graph|pack/multi-pack-index"
        ),
        call=re.compile(r"(rm|find|unlink):unlink(at)?"),
    ),
    Idiom(
        frozenset(("PB012",)),
        "perl -i closes the file before it replaces it on Windows; its function rename makes another call",
        call=re.compile(r"perl[\d.]*:renameat"),
    ),
    Idiom(_IN_USE, "what Tcl's exec passes on, in a file opened to be deleted", name=re.compile(r"tcl_\w{6}")),
    Idiom(_IN_USE, "tmpfile of the C library, which opens with O_TEMPORARY on Windows", name=re.compile(r"tmpf\w{6}")),
)
_FRAMES_LOOKED_AT = 8


def idiom_of(finding: Finding) -> Idiom | None:
    """The idiom that a finding is; None if it tells of the program."""
    directory, _, name = finding.path.rpartition("/")
    names = [name, f"{directory.rpartition('/')[2]}/{name}"]
    caller = finding.side.process
    is_alone = all(other.process.pid == caller.pid for other in finding.others)
    calls = [f"{caller.name}:{finding.side.call}"] if is_alone else []
    located = (f"{frame.file}:{frame.function}" for frame in finding.side.stack if frame.line is not None)
    frames = [frame for frame, _ in groupby(located)][:_FRAMES_LOOKED_AT]
    for idiom in IDIOMS:
        told = (idiom.name, names), (idiom.call, calls), (idiom.frame, frames), (idiom.action, [finding.side.call])
        if finding.rule in idiom.rules and _matches(told) and begins_with(os.fsencode(finding.path), idiom.start):
            return idiom
    return None


def _matches(told: Sequence[tuple[re.Pattern[str] | None, Sequence[str]]]) -> bool:
    """Whether each pattern that an idiom has is met by one of what was seen."""
    return all(pattern is None or any(map(pattern.fullmatch, seen)) for pattern, seen in told)
