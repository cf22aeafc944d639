"""`picobox trace --format chrome`: what the Trace Event Format asks for, and that it tells what JSON Lines tell."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from picobox.trace.chrome import ChromeWriter
from picobox.trace.filters import FAILED, KEEPS_ALL, Filters

from .command import picobox, read_line, start

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = int | float
# The members of each phase that the format knows, with their types; all are needed.
MEMBERS: dict[str, dict[str, Any]] = {
    "X": {"name": str, "cat": str, "ph": str, "ts": NUMBER, "dur": NUMBER, "pid": int, "tid": int, "args": dict},
    "i": {"name": str, "cat": str, "ph": str, "s": str, "ts": NUMBER, "pid": int, "tid": int, "args": dict},
    "M": {"name": str, "ph": str, "pid": int, "tid": int, "args": dict},
}
THREADS = """import os, subprocess, threading
thread = threading.Thread(target=os.getsid, args=(0,)); thread.start(); thread.join()
subprocess.run(['/bin/true'])"""


def chrome(tmp_path: Path, *words: str | Path) -> list[dict[str, Any]]:
    """The events of a whole trace, checked."""
    done = picobox("trace", "--format", "chrome", "-o", tmp_path / "trace", *words)
    assert b"picobox" not in done.stderr
    events: list[dict[str, Any]] = json.loads((tmp_path / "trace").read_text(encoding="ascii"))
    check(events)
    return events


def check(events: list[dict[str, Any]]) -> None:
    """That the events are in the documented form, and that calls of a thread do not overlap."""
    over: dict[int, float] = {}
    named = set()
    for event in events:
        members = MEMBERS[event["ph"]]
        assert event.keys() == members.keys(), event
        assert all(isinstance(event[name], kind) for name, kind in members.items()), event
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name")
            assert isinstance(event["args"]["name"], str)
            named.add((event["pid"], event["tid"]))
            continue
        assert (event["pid"], event["tid"]) in named, "a track without a name"
        assert event.get("s", "t") in ("t", "p", "g")
        if event["ph"] == "X":
            assert event["dur"] >= 0
            assert event["ts"] >= over.get(event["tid"], 0)
            over[event["tid"]] = event["ts"] + event["dur"]


def calls_of(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["name"] == name and event["ph"] == "X"]


@pytest.mark.parametrize("mode", [(), ("--no-gate",), ("--platform", "reference")], ids=" ".join)
def test_processes_and_threads(tmp_path: Path, mode: tuple[str, ...]) -> None:
    events = chrome(tmp_path, *mode, "--", sys.executable, "-Ic", THREADS)
    (thread,) = calls_of(events, "getsid")
    main = events[0]["pid"]
    assert thread["pid"] == main != thread["tid"]
    names = [(event["pid"], event["args"]["name"]) for event in events if event["name"] == "process_name"]
    assert names[0] == (main, os.path.basename(sys.executable))
    assert "true" in {name for pid, name in names if pid != main}
    ends = [event for event in events if event["name"] == "exited with 0"]
    assert {event["tid"] for event in ends} >= {main, thread["tid"]}
    assert all(event["ph"] == "i" for event in ends)
    assert any(event["name"] == "SIGCHLD" and event["ph"] == "i" for event in events)


def test_it_tells_what_json_lines_tell(tmp_path: Path) -> None:
    words = ("-e", "%file,close", "--", "/bin/cat", "/etc/hostname", "/no/such/file")
    picobox("trace", "--format", "jsonl", "-o", tmp_path / "lines", *words)
    lines = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    theirs = [(event["call"], event["errno"], event["nt"]["name"]) for event in lines if event["kind"] == "call"]
    events = [event for event in chrome(tmp_path, *words) if event["ph"] == "X"]
    assert [(event["name"], event["args"]["errno"], event["args"]["object"]) for event in events] == theirs
    (failed,) = [event for event in events if "/no/such/file" in event["args"]["call"]]
    assert failed["args"]["nt"] == "NtCreateFile"
    assert failed["args"]["status"] == "STATUS_OBJECT_NAME_NOT_FOUND (0xc0000034)"
    assert failed["cat"] == "call,desc,file"


def test_what_was_not_asked_for_is_not_shown(tmp_path: Path) -> None:
    events = chrome(tmp_path, "-Z", "-e", "openat", "--", "sh", "-c", "/bin/cat /no/such/file; exit 0")
    calls = [event for event in events if event["ph"] == "X"]
    assert calls
    assert {(event["name"], event["args"]["errno"]) for event in calls} == {("openat", "ENOENT")}
    assert len({event["pid"] for event in calls}) == 1
    assert "cat" in {event["args"]["name"] for event in events if event["name"] == "process_name"}


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_trace_that_is_cut_short_is_read_to_its_last_line(tmp_path: Path, sent: signal.Signals) -> None:
    script = "import os, time\nfor _ in range(20000): os.stat('/')\nprint('ready', flush=True); time.sleep(100)"
    words = ("--format", "chrome", "-o", tmp_path / "trace", "-e", "newfstatat", "--", sys.executable, "-Ic", script)
    process = start("trace", *words)
    try:
        read_line(process)
    finally:
        process.send_signal(sent)
        process.communicate(timeout=60)
    text = (tmp_path / "trace").read_text(encoding="ascii")
    # Readers of the array form add the bracket that is missing.
    events = json.loads(text if text.endswith("]\n") else text + "]")
    check(events)
    assert len(calls_of(events, "newfstatat")) > 1000
    assert text.endswith("]\n") == (sent != signal.SIGKILL)


def line(call: str, tid: int, time: float, result: int | None, **more: object) -> str:
    """A call's line of JSON."""
    event = {
        "kind": "call", "time": time, "tid": tid, "channel": "trace", "call": call, "nr": 0, "args": [],
        "result": result, "errno": None, "duration": 0.000001, "disposition": "call", "nt": None,
    }  # fmt: skip
    return json.dumps({**event, **more}) + "\n"


def written(lines: list[str], filters: Filters = KEEPS_ALL) -> list[dict[str, Any]]:
    text: list[str] = []
    writer = ChromeWriter(text.append, "program", lambda name: name != "clone", filters)
    for each in lines:
        writer.write(each)
    writer.close()
    events: list[dict[str, Any]] = json.loads("".join(text))
    check(events)
    return events


def test_a_child_that_is_faster_than_its_maker() -> None:
    flags = [{"name": "flags", "value": 0, "text": "CLONE_VM|CLONE_THREAD"}]
    events = written([line("getpid", 1, 1, 1), line("getpid", 3, 2, 1), line("clone", 1, 1.5, 3, args=flags)])
    assert [(event["pid"], event["tid"]) for event in events if event["name"] == "getpid"] == [(1, 1), (1, 3)]


def test_a_thread_whose_maker_never_tells() -> None:
    events = written([line("getpid", 1, 1, 1), line("getpid", 9, 2, 9)])
    assert [(event["pid"], event["tid"]) for event in events if event["name"] == "getpid"] == [(1, 1), (9, 9)]


def test_calls_that_rounding_makes_overlap_do_not() -> None:
    events = written([line("read", 1, 1.000001, 0, duration=0.0000026), line("read", 1, 1.000003, 0)])
    first, second = [event for event in events if event["ph"] == "X"]
    assert second["ts"] == first["ts"] + first["dur"]


def test_a_call_without_an_end_is_an_instant() -> None:
    (event,) = [event for event in written([line("exit", 1, 1, None, duration=None)]) if event["name"] == "exit"]
    assert event["ph"] == "i"


def test_filters_count_here_alone() -> None:
    events = written([line("read", 1, 1, 5), line("read", 1, 2, -9, errno="EBADF")], Filters(results=FAILED))
    assert [event["args"]["errno"] for event in events if event["ph"] == "X"] == ["EBADF"]


def test_nothing_at_all_is_an_empty_array() -> None:
    assert written([]) == []


def test_no_string_ends_in_a_backslash_of_json() -> None:
    text: list[str] = []
    writer = ChromeWriter(text.append, "back\\", lambda _: True, KEEPS_ALL)
    name = 'C:\\\\"\\'
    writer.write(line(name, 1, 1, 0))
    writer.close()
    assert "\\\\" not in "".join(text)
    events = json.loads("".join(text))
    assert [event["name"] for event in events if event["ph"] == "X"] == [name]
    assert {event["args"]["name"] for event in events if event["ph"] == "M"} == {"back\\"}
