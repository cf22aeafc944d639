"""The records of a check: what a run would have met on Windows, where, and between whom."""

from __future__ import annotations

from typing import NamedTuple

NOTE = "note"
WARNING = "warning"
ERROR = "error"
SEVERITIES = (NOTE, WARNING, ERROR)
"""From the lightest to the gravest; SARIF's words."""

NEVER = "never"
"""The threshold that no finding reaches."""


class Frame(NamedTuple):
    """One place on a user stack, the innermost first.

    `file` is a source file, with the `line` in it, or a module (program, library) with the `offset` in it when no line
    is known. `function` is "" if nobody knows it.
    """

    file: str
    function: str = ""
    line: int | None = None
    offset: int | None = None


class Process(NamedTuple):
    """A process as a user knows it: `name` is the last part of its program's path."""

    pid: int
    name: str
    arguments: tuple[str, ...] = ()


class Side(NamedTuple):
    """One side of a conflict: who did what to which file, when, and through which handle.

    `call` is the Linux call ("openat"); `path` absolute, on the host. `handle` is NT's, `fd` the descriptor, None where
    there is none (any more). `access` and `share` are letters of RWD for what was asked and what others may do. `time`
    in seconds since the Epoch, 0 if
    nobody knows it. What `picobox names` reads where it is stored is nobody's doing: pid 0, an empty call,
    and the time of the scan.
    """

    process: Process
    call: str
    path: str
    time: float
    handle: int | None = None
    fd: int | None = None
    access: str = ""
    share: str = ""
    stack: tuple[Frame, ...] = ()


class Occurrence(NamedTuple):
    """One of those that are told as one finding: which file, where in the project, in which test; as in Finding."""

    time: float
    path: str
    site: Frame | None = None
    test: str = ""


class Finding(NamedTuple):
    """What Windows would have answered to a call, judged by a rule.

    `rule` is its id ("PB010"); `status` what NT would have answered; `path` the file concerned, absolute; `message` one
    sentence for this case. `side` is the call that was judged, `others` those whose doing it conflicts with. `site` is
    the place in the project that is to be changed, None if unknown. `count`: how often it was seen at this site with
    this file. `also`: the first of those that it stands for besides, where more than a site and a file are told as one.
    `test`: the id of the test that ran. `suppressed` says what keeps it from counting ("baseline", "config",
    "comment"), "" if nothing does; `reason` why, in the words of whoever suppressed it.
    """

    rule: str
    severity: str
    status: int
    path: str
    message: str
    side: Side
    others: tuple[Side, ...] = ()
    site: Frame | None = None
    count: int = 1  # type: ignore[assignment]  # a field, not the method of tuples
    test: str = ""
    suppressed: str = ""
    reason: str = ""
    also: tuple[Occurrence, ...] = ()


class Report(NamedTuple):
    """All that a check has found. `directory` is the project's, absolute; `started` and `ended` as Side.time.

    `status` is the exit status of the program; `prefix` the Windows path for which `directory` stands. `temporary`: the
    directories for temporary files, absolute.
    """

    profile: str
    enforced: bool
    command: tuple[str, ...]
    directory: str
    prefix: str
    started: float
    ended: float
    status: int
    findings: tuple[Finding, ...] = ()
    temporary: tuple[str, ...] = ()
