"""`picobox trace -c`: that the table counts what the trace shows, and whose time is whose."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from picobox.trace.costs import HEADINGS, Cost, Costs, rows

from .command import picobox
from .test_trace import trace_events

if TYPE_CHECKING:
    from pathlib import Path

# Steady calls: many that the gate makes, a few that fail, a sleep, children.
SCRIPT = """import os, subprocess, time
for _ in range(3000): os.stat('/etc/hostname')
for _ in range(5): os.access('/no/such/file', 0)
time.sleep(0.2)
for _ in range(3): subprocess.run(['/bin/true'])
os.close(os.dup(0))"""
COMMAND = ("--", sys.executable, "-Ic", SCRIPT)


class Line(NamedTuple):
    """A line of the table."""

    native: float
    translated: float
    calls: int
    errors: int
    service: str


def table(tmp_path: Path, *words: str) -> dict[str, Line]:
    """The lines by the calls' names, in their order."""
    done = picobox("trace", "-c", "-o", tmp_path / "costs", *words)
    assert b"picobox" not in done.stderr
    first, *lines = (tmp_path / "costs").read_text().splitlines()
    assert first.split("  ")[0] == HEADINGS[0]
    # Columns end where their headings do, but for the last two, which begin there.
    ends = [first.index(heading) + len(heading) for heading in HEADINGS[:6]]
    cells = [[line[start:end].strip() for start, end in zip((0, *ends), (*ends, None), strict=True)] for line in lines]
    found = {}
    for _, native, translated, _, calls, errors, names in cells:
        name, _, service = names.partition(" ")
        found[name] = Line(float(native), float(translated), int(calls), int(errors or 0), service.strip())
    return found


@pytest.mark.parametrize("mode", [(), ("--no-gate",), ("--no-fast",), ("--profile", "nt")], ids=" ".join)
def test_it_counts_what_the_trace_shows(tmp_path: Path, mode: tuple[str, ...]) -> None:
    words = (*mode, "-e", "newfstatat,access,dup,close,execve,clock_nanosleep", *COMMAND)
    counted = table(tmp_path, *words)
    events = [event for event in trace_events(tmp_path, *words) if event["kind"] == "call"]
    calls = Counter(event["call"] for event in events)
    errors = Counter(event["call"] for event in events if event["errno"])
    total = counted.pop("total")
    assert {name: line.calls for name, line in counted.items()} == calls
    assert {name: line.errors for name, line in counted.items() if line.errors} == errors
    assert total.calls == sum(calls.values())
    assert total.errors == sum(errors.values())
    assert counted["newfstatat"].service == "NtQueryFullAttributesFile"


def test_a_sleep_is_the_kernels_and_a_decision_ours(tmp_path: Path) -> None:
    counted = table(tmp_path, "--profile", "nt", *COMMAND)
    assert counted["clock_nanosleep"].native >= 0.2
    assert counted["clock_nanosleep"].translated == 0
    assert counted["execve"].translated > 0
    times = [line.native + line.translated for name, line in counted.items() if name != "total"]
    assert times == sorted(times, reverse=True)
    assert abs(sum(times) - counted["total"].native - counted["total"].translated) < 0.001


def test_filters_choose_what_is_counted(tmp_path: Path) -> None:
    failed = table(tmp_path, "-Z", "-e", "%file", *COMMAND)
    assert failed["access"].calls == failed["access"].errors >= 5
    assert all(line.calls == line.errors for line in failed.values())
    assert set(table(tmp_path, "-P", "/no/such/file", *COMMAND)) == {"access", "total"}


def test_standard_output_is_the_programs() -> None:
    done = picobox("trace", "-c", "--", "echo", "x")
    assert done.stdout == b"x\n"
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("% time")
    assert " total" in lines[-1]
    assert not any("exited with" in line for line in lines)


@pytest.mark.parametrize("words", [("--format", "jsonl"), ("--platform", "reference")])
def test_what_it_cannot_is_told(words: tuple[str, ...]) -> None:
    done = picobox("trace", "-c", *words, "--", "true")
    assert done.returncode == 125
    assert b"-c writes a table" in done.stderr


def test_rows_are_shares_of_all_time() -> None:
    costs = [Cost(0, 10, 2, 3_000_000, 0), Cost(257, 1, 0, 0, 1_000_000)]
    first, second, total = rows(costs)
    assert first == ("75.00", "0.003000", "0.000000", "300.0", "10", "2", "read", "NtReadFile")
    assert second[0] == "25.00"
    assert total == ("100.00", "0.003000", "0.001000", "363.6", "11", "2", "total", "")


def test_times_add_up() -> None:
    class Count(NamedTuple):
        calls: int
        errors: int
        elapsed: int

    costs = Costs()
    costs.took(1, 5)
    costs.took(1, 6)
    assert costs.found([Count(0, 0, 0), Count(2, 0, 7)]) == [Cost(1, 2, 0, 7, 11)]
