"""Which calls `picobox trace` writes down when it is asked for some: by path, result, NT service and status."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from picobox.abi.table import BY_NAME, ROWS
from picobox.cli.selection import UnknownCallError, names_of, names_with_service, parse_selection
from picobox.cli.statuses import UnknownStatusError, statuses_of

from .command import environment, picobox
from .test_trace import CALL, calls_of, comparable, trace_events, trace_lines

if TYPE_CHECKING:
    from pathlib import Path

# Stops whose text is the core's, records that guests make, and the recorder in Python.
MODES = [(), ("--no-gate",), ("--platform", "reference")]
# Opens, reads and closes two files, asks for one that is not there, in processes of their own.
READS = ("sh", "-c", "/bin/cat /etc/hostname /etc/passwd /no/such/file; /bin/cat < /etc/hostname; exit 0")
# Polls and selects a descriptor of the file, and another.
WAITS = (
    sys.executable,
    "-Ic",
    """import os, select
f = os.open('/etc/hostname', os.O_RDONLY); r, w = os.pipe()
p = select.poll(); p.register(f); p.poll(0); select.select([f], [], [], 0); select.select([r], [], [], 0)
os.dup2(w, f); os.fstat(f)""",
)


def straced(tmp_path: Path, *words: str) -> list[str]:
    """What strace writes, from the first line on."""
    output = tmp_path / "strace"
    subprocess.run(
        ["strace", "-f", "-ttt", "-T", "-o", output, *words], env=environment(), capture_output=True, check=True
    )
    return output.read_text().splitlines()


CALLS = "trace=openat,read,close,newfstatat,poll,select,pselect6,dup2,lseek,access,ioctl"


@pytest.mark.parametrize(
    "options", [("-P", "/etc/hostname"), ("-P", "/etc/passwd", "-P", "/no/such/file"), ("-z",), ("-Z",)], ids=" ".join
)
def test_calls_are_those_that_strace_chooses(tmp_path: Path, options: tuple[str, ...]) -> None:
    words = (*options, "-e", CALLS)
    theirs = sorted(str(comparable(line)) for line in straced(tmp_path, *words, *READS) if CALL.match(line))
    ours = sorted(str(comparable(call[0])) for call in calls_of(trace_lines(tmp_path, *words, "--", *READS)))
    assert len(ours) > 2
    assert ours == theirs


@pytest.mark.parametrize("options", [("-P", "/etc/hostname"), ("-z",), ("-Z",)], ids=" ".join)
def test_descriptors_in_sets_are_looked_at(tmp_path: Path, options: tuple[str, ...]) -> None:
    words = (*options, "-e", CALLS)
    theirs = sorted(call["name"] for call in calls_of(straced(tmp_path, *words, *WAITS)))
    ours = sorted(call["name"] for call in calls_of(trace_lines(tmp_path, *words, "--", *WAITS)))
    assert ours == theirs
    if "-P" in options:
        assert [name for name in ours if "poll" in name] == ["poll"]
        assert sum("select" in name for name in ours) == 1
        assert "dup2" in ours


def outline(event: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """What is the same whoever records a call."""
    status = event["nt"] and event["nt"]["status"]
    return event["call"], event["errno"], status and status["name"]


@pytest.mark.parametrize(
    "options",
    [
        ("-P", "/etc/hostname"),
        ("-z",),
        ("-Z",),
        ("--nt", "ntcreate*"),
        ("--status", "OBJECT_NAME_*"),
        ("--status", "0"),
    ],
    ids=" ".join,
)
def test_whoever_records_chooses_the_same(tmp_path: Path, options: tuple[str, ...]) -> None:
    command = (
        "--",
        sys.executable,
        "-Ic",
        "import os\nfor _ in range(200): os.stat('/etc/hostname'); os.access('/no', 0)",
    )
    words = (*options, "-e", "%file,close,read")
    found = [
        [outline(event) for event in trace_events(tmp_path, *mode, *words, *command) if event["kind"] == "call"]
        for mode in MODES
    ]
    assert len(found[0]) > 1
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_by_service_and_status(tmp_path: Path, mode: tuple[str, ...]) -> None:
    events = trace_events(tmp_path, *mode, "--nt", "NTCREATEFILE", "--status", "0xC0000034", "--", *READS)
    calls = [event for event in events if event["kind"] == "call"]
    assert calls
    assert {event["nt"]["service"] for event in calls} == {"NtCreateFile"}
    assert {event["nt"]["status"]["name"] for event in calls} == {"STATUS_OBJECT_NAME_NOT_FOUND"}
    assert {event["kind"] for event in events} == {"call", "exec", "signal", "exit"}


def test_filters_hold_together(tmp_path: Path) -> None:
    words = ("-Z", "-P", "/no/such/file", "-e", "%file", "--", *READS)
    (line,) = [call[0] for call in calls_of(trace_lines(tmp_path, *words))]
    assert '"/no/such/file"' in line
    assert not calls_of(trace_lines(tmp_path, "-z", *words[1:]))


def test_a_name_is_taken_from_the_calls_directory(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").write_text("text")
    (tmp_path / "link").symlink_to("here/file")
    script = (
        "import os; os.close(os.open('file', 0)); d = os.open('..', 0); os.stat('here/file', dir_fd=d); os.stat('..')"
    )
    words = ("-w", tmp_path / "here", "-e", "openat,close,newfstatat", "--", sys.executable, "-Ic", script)
    names = [call["name"] for call in calls_of(trace_lines(tmp_path, "-P", tmp_path / "here" / "file", *words))]
    assert names == ["openat", "close", "newfstatat"]
    # What a link leads to counts, as the link does.
    assert names == [call["name"] for call in calls_of(trace_lines(tmp_path, "-P", tmp_path / "link", *words))]


def test_the_whole_trace_ends_with_the_ends_of_its_tasks(tmp_path: Path) -> None:
    lines = trace_lines(tmp_path, "--status", "PIPE_BROKEN", "--", *READS)
    assert not calls_of(lines)
    assert lines[-1].endswith("+++ exited with 0 +++")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--nt", "NtCreateFiel"),
            b"--nt NtCreateFiel: no system call corresponds to NtCreateFiel; the nearest is NtCreateFile",
        ),
        (("--status", "ACCES_DENIED"), b"--status: no NTSTATUS ACCES_DENIED; the nearest is STATUS_ACCESS_DENIED"),
        (("--status", "0x1c0000034"), b"they have 32 bits"),
        (("-z", "-Z"), b"-z and -Z together"),
        (("-e", "/op(en"), b"/op(en is no regular expression"),
        (("-e", "/zzz"), b"no system call has a name like /zzz"),
        (("-e", "status=failed"), b"status= is none of its words"),
        (("-e", "%fiel"), b"the nearest is %file"),
    ],
)
def test_bad_values_are_told(words: tuple[str, ...], said: bytes) -> None:
    done = picobox("trace", *words, "--", "true")
    assert done.returncode == 125
    assert said in done.stderr
    assert done.stderr.count(b"\n") <= 2


def test_items_of_strace() -> None:
    assert names_of("/^openat") == {"openat", "openat2"}
    assert names_of("?no_such_call") == frozenset()
    assert names_of("?close") == {"close"}
    assert names_of("%net") == names_of("%network") > {"socket", "connect"}
    assert not parse_selection("!/.").names
    with pytest.raises(UnknownCallError, match="the nearest is close"):
        names_of("clsoe")


def test_file_is_whatever_takes_a_path() -> None:
    assert names_of("%file") >= {row.name for row in ROWS if row.paths()}
    assert "read" not in names_of("%file")


def test_services() -> None:
    assert names_with_service("ntCLOSE") == {row.name for row in ROWS if row.nt == "NtClose"}
    assert names_with_service("*") == {row.name for row in ROWS if row.nt is not None}
    assert BY_NAME["openat"].nt == "NtCreateFile"


def test_statuses() -> None:
    assert (
        statuses_of("STATUS_ACCESS_DENIED") == statuses_of("access_denied") == statuses_of("0xc0000022") == {0xC0000022}
    )
    assert statuses_of("-1073741790") == {0xC0000022}
    assert statuses_of("OBJECT_NAME_*") >= {0xC0000034, 0xC0000035}
    with pytest.raises(UnknownStatusError, match="STATUS_SUCCESS"):
        statuses_of("SUCESS")
