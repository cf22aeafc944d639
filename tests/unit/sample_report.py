"""Reports for the tests of what tells them: small, hostile, and large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from picobox.findings.finding import Finding, Frame, Occurrence, Process, Report, Side

if TYPE_CHECKING:
    from pathlib import Path

STARTED = 1_795_367_191.0
SOURCE = """\
import os


def rotate(path):
    log = open(path)
    os.rename(path, path + ".1")  # <- while it is open
    log.close()
"""

HOSTILE = (
    "<script>alert(1)</script>",
    "</script></style></title><img src=x onerror=alert(1)>",
    "'\" onmouseover=alert(1) x='",
    "&lt;b&gt; &amp; &#60;",
    "two\nlines\r\n::error file=a,line=1::owned",
    "escape\x1b[31m\x1b]0;title\x07\x9b1m",
    "nul\0 and \x08 and \ufffe",
    "no utf-8 \udcff\udc80",
    "half a pair \ud800",
    "\u202egpj.exe \u2066 \u2028 \ufeff",
    "]]> %0A %25 <!-- -->",
    "ünï 文件 🦊",
    "--flag",
    "",
)
"""What names may hold: each breaks some way of writing them down."""


def process(pid: int = 4242, name: str = "python3", *arguments: str) -> Process:
    """A process; its command line has its name first."""
    return Process(pid, name, (name, *arguments))


def conflict(directory: str) -> Finding:
    """A file renamed by one process while another one has it open: both sides, with stacks."""
    log = f"{directory}/logs/app.log"
    stack = (
        Frame("/usr/lib/x86_64-linux-gnu/libc.so.6", "rename", offset=0x7A1B0),
        Frame(f"{directory}/src/rotate.py", "rotate", 6),
        Frame("/usr/lib/python3.11/runpy.py", "_run_code", 88),
    )
    opener = Side(
        process(4243, "tail", "-f", log), "openat", log, STARTED + 0.25, handle=0x10, fd=3, access="R", share="RW",
        stack=(Frame("/usr/bin/tail", "", offset=0x2F10),),
    )  # fmt: skip
    reader = Side(
        process(4242, "python3", "src/rotate.py"), "openat", log, STARTED + 1.5, handle=0x14, fd=4, access="R",
        share="RW", stack=(Frame(f"{directory}/src/rotate.py", "rotate", 5),),
    )  # fmt: skip
    judged = Side(process(4242, "python3", "src/rotate.py"), "rename", log, STARTED + 1.75, access="D", stack=stack)
    return Finding(
        "PB011", "error", st.STATUS_SHARING_VIOLATION, log, "app.log is renamed while tail (4243) has it open.",
        judged, (opener, reader), stack[1], 3, "tests/test_rotate.py::test_rotate[daily]",
    )  # fmt: skip


def name_finding(directory: str, name: str = "aux.txt", rule: str = "PB003", suppressed: str = "") -> Finding:
    """A name that Windows does not take: one side, no site."""
    path = f"{directory}/{name}"
    side = Side(process(4250, "sh", "-c", f"> {name}"), "openat", path, STARTED + 2, access="W")
    message = f"{name} cannot be a file on Windows."
    return Finding(rule, "error", st.STATUS_OBJECT_NAME_INVALID, path, message, side, suppressed=suppressed)


def note(directory: str) -> Finding:
    """A finding that Windows answers with success."""
    path = f"{directory}/README.md"
    side = Side(process(4260, "node", "index.js"), "openat", path, STARTED + 3, handle=0x20, fd=7, access="R")
    return Finding("PB002", "note", st.STATUS_SUCCESS, path, "readme.md is stored as README.md.", side)


def report(directory: str, *findings: Finding) -> Report:
    """A run that took four seconds and ended well."""
    command = ("python3", "-m", "pytest", "-q", "a b")
    return Report("windows11", False, command, directory, "D:\\a\\app\\app", STARTED, STARTED + 4, 0, findings)


def small(directory: str) -> Report:
    """One finding of each severity and one that is suppressed."""
    warning = name_finding(directory, "long", "PB007")._replace(severity="warning", status=st.STATUS_NAME_TOO_LONG)
    hidden = name_finding(directory, "con", suppressed="baseline")
    return report(directory, conflict(directory), name_finding(directory), warning, note(directory), hidden)


def links(directory: str) -> Report:
    """A finding that stands for links of three tests; of one of them no site is known."""
    stacks = [
        Frame(f"{directory}/tests/test_links.py", f"test_{word}", line) for line, word in ((3, "one"), (9, "two"))
    ]
    path = "/tmp/pytest-of-user/pytest-0/test_{}0/link"
    side = Side(process(4270, "python3", "-m", "pytest"), "symlink", path.format("one"), STARTED + 1)
    finding = Finding(
        "PB019", "warning", st.STATUS_PRIVILEGE_NOT_HELD, side.path, f"{side.path} is made as a symbolic link", side,
        site=stacks[0], count=5, test="tests/test_links.py::test_one",
        also=(
            Occurrence(STARTED + 2, path.format("two"), stacks[1], "tests/test_links.py::test_two"),
            Occurrence(STARTED + 3, path.format("three")),
        ),
    )  # fmt: skip
    return report(directory, finding)


def hostile(directory: str) -> Report:
    """Each hostile text in every field that a name can get into."""
    findings = []
    for text in HOSTILE:
        frame = Frame(text, text, 1)
        side = Side(Process(1, text, (text, text)), text, text, STARTED, 4, 3, "R", "W", (frame,))
        finding = Finding(
            "PB010",
            "error",
            st.STATUS_SHARING_VIOLATION,
            text,
            text,
            side,
            (side,),
            frame,
            2,
            text,
            text,
            also=(Occurrence(STARTED, text, frame, text),),
        )
        findings += [finding, finding._replace(path=f"{directory}/{text}", suppressed="")]
    whole = report(directory, *findings)
    return whole._replace(command=HOSTILE, prefix=HOSTILE[1])


def large(directory: str, count: int) -> Report:
    """As many findings as wanted, with as much variety as a large project's test suite has."""
    rules = ("PB010", "PB011", "PB012", "PB024", "PB003", "PB002")
    severities = {"PB003": "warning", "PB002": "note"}
    model = conflict(directory)
    return report(
        directory,
        *(
            model._replace(
                rule=rules[number % len(rules)],
                severity=severities.get(rules[number % len(rules)], "error"),
                path=f"{directory}/package/module{number % 97}/data-{number:05}.bin",
                message=f"data-{number:05}.bin is open in another process.",
                test=f"tests/test_module{number % 211}.py::test_case[{number}]",
                count=1 + number % 5,
            )
            for number in range(count)
        ),
    )


def write_source(directory: Path) -> None:
    """Put the source into a project's directory that the sites of `conflict` point into."""
    (directory / "src").mkdir()
    (directory / "src" / "rotate.py").write_text(SOURCE)
