"""What guests record in the gate: the events that are recorded of stops, none lost, and no guest spoils another's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from build import compile_source

from picobox._native._core import lib

from .command import environment, finish, picobox, start

PROGRAM = Path(__file__).parent / "recorded.c"
MODES = {"gate": ("--gate", "1"), "stops": ("--no-gate",), "no channel": ("--no-fast",)}
Event = dict[str, Any]


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


def recorded(output: Path, *words: str, mode: str = "gate") -> list[Event]:
    """The events of a run of the program, which may end as it likes."""
    program = str(compile_source(PROGRAM))
    picobox("trace", "--format", "jsonl", "-o", output, *MODES[mode], "--", program, *words)
    return [json.loads(line) for line in output.read_text().splitlines()]


def seeks(events: list[Event]) -> list[int]:
    return [event["args"][1]["value"] for event in events if event.get("call") == "lseek" and event["result"] == 0]


def of_threads(events: list[Event]) -> dict[int, list[str]]:
    """Each thread's events in their order, without what differs from run to run."""
    found: dict[int, list[str]] = {}
    numbers = {tid: f"tid {index}" for index, tid in enumerate(dict.fromkeys(event["tid"] for event in events))}
    for event in events:
        kept = {name: value for name, value in event.items() if name not in ("time", "channel", "duration", "tid")}
        text = re.sub(r"0x[0-9a-f]{6,}|\b\d{9,}\b", "N", json.dumps(kept))
        text = re.sub(r"\b\d+\b", lambda number: numbers.get(int(number[0]), number[0]), text)
        found.setdefault(int(numbers[event["tid"]][4:]), []).append(text)
    return found


def from_begin(events: list[str], name: str) -> list[str]:
    """What a program did after the first call of a name: before, the libraries it starts with do as they like."""
    first = next(place for place, event in enumerate(events) if f'"call": "{name}"' in event)
    return events[first:]


@pytest.mark.parametrize("form", ["text", "jsonl"])
@pytest.mark.parametrize("profile", ["nt", "linux"])
def test_forms_are_shown_as_of_stops(tmp_path: Path, profile: str, form: str) -> None:
    """Line by line, but for times, addresses and the process's own number."""
    shown = {}
    for mode, options in MODES.items():
        words = ("--profile", profile, "--format", form, *options, "--", str(compile_source(PROGRAM)), "forms", "9")
        assert picobox("trace", "-o", tmp_path / mode, *words).returncode == 0
        text = (tmp_path / mode).read_text()
        text = re.sub(r"(?m)^\d+ +[\d.]+ |<[\d.]+>|0x[0-9a-f]{6,}|\b\d{9,}\b", "N", text)
        text = re.sub(r'"time":[^,]+,"tid":\d+,"channel":"\w+"|"duration":[^,]+,', "N", text)
        text = re.sub(r"(?m)getppid\(\) +.*$|.*getppid.*$", "getppid", re.sub(r" +=", " =", text))
        shown[mode] = text[text.index("pipe2") :].replace(str(tmp_path), "").splitlines()
    assert shown["gate"] == shown["stops"] == shown["no channel"]
    assert len(shown["gate"]) > 9 * 18


def test_most_of_it_was_recorded_in_the_gate(tmp_path: Path) -> None:
    channels = Counter(event["channel"] for event in recorded(tmp_path / "trace", "forms", "100"))
    assert channels["gate"] > 100 * 12
    assert channels["gate"] > channels["trace"]


def test_a_full_ring_waits(tmp_path: Path) -> None:
    """Several times what a ring has room for: each call once and in its order, and times go on."""
    events = recorded(tmp_path / "trace", "seek", "5000")
    assert seeks(events) == list(range(5000))
    times = [event["time"] for event in events]
    assert times == sorted(times)
    # What fills it is read at a stop that is no call.
    assert sum(event["channel"] == "trace" for event in events if event.get("call") == "lseek") < 20


def test_threads_are_in_order_and_complete(tmp_path: Path) -> None:
    events = recorded(tmp_path / "trace", "threads", "700")
    by_thread: dict[int, list[int]] = {}
    for event in events:
        by_thread.setdefault(event["tid"], []).extend(seeks([event]))
    found = sorted((numbers for numbers in by_thread.values() if numbers), key=lambda numbers: numbers[0])
    assert found == [list(range(first * 700, first * 700 + 700)) for first in range(8)]
    # Both are rounded to microseconds. How threads lie to one another is told as exactly as they are let run.
    ends: dict[int, list[float]] = {}
    for event in events:
        if event.get("duration") is not None:
            ends.setdefault(event["tid"], []).append(event["time"] + event["duration"])
    assert all(later >= earlier - 4e-6 for each in ends.values() for earlier, later in pairwise(each))


@pytest.mark.parametrize("how", ["waits", "kills"])
def test_what_was_recorded_before_a_kill_is_there(tmp_path: Path, how: str) -> None:
    events = recorded(tmp_path / "trace", how, "300")
    assert seeks(events) == list(range(300))
    main = events[0]["tid"]
    own = [event for event in events if event["tid"] == main]
    failed = [event["args"][1]["value"] for event in own if event.get("call") == "lseek" and event["errno"] == "ESPIPE"]
    assert failed == list(range(1000, 1010))
    assert (own[-1]["kind"], own[-1]["signal"]) == ("exit", "SIGKILL")
    last = own[-2]
    assert (last["call"], last["result"]) == ("read" if how == "waits" else "kill", None)


def test_signals_are_where_they_were(tmp_path: Path) -> None:
    """Interrupted calls, those that begin anew, signals that are ignored: as of stops, and before their signals."""
    shown = {}
    for mode in ("gate", "stops"):
        threads = of_threads(recorded(tmp_path / mode, "signals", "8", mode=mode))
        events = from_begin(threads[0], "rt_sigaction")
        shown[mode] = {event for event in events if '"read"' in event or '"signal"' in event}
        before = {earlier for earlier, later in pairwise(events) if '"signal": "SIGUSR' in later}
        assert any('"read"' in event and '"result": -512' in event for event in before)
        for size in (6, 7, 8):
            assert any('"read"' in event and f'"result": {size}' in event for event in events)
    # Which calls a signal meets is a matter of time, but not which forms there are.
    assert shown["gate"] == shown["stops"]


def test_guests_wait_for_a_slow_reader(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = start("trace", "-o", fifo, "--gate", "1", "--", str(compile_source(PROGRAM)), "seek", "6000")
    text = b""
    with fifo.open("rb", buffering=0) as reader:
        while block := reader.read(4096):
            text += block
            threading.Event().wait(0.001)
    assert finish(process)[0] == 0
    assert [int(number) for number in re.findall(rb"lseek\(\d+, (\d+), SEEK_SET\) ", text)] == list(range(6000))


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.full)])
def test_noise_in_a_ring_spoils_nothing_else(tmp_path: Path, rounds: int) -> None:
    """Rings that change while they are read: the run ends, and what others record is whole."""
    program = compile_source(PROGRAM)
    for _ in range(rounds):
        script = f"{program} noise 4000 & {program} seek 3000; wait"
        output = tmp_path / "trace"
        words = ("trace", "--format", "jsonl", "-o", output, "--gate", "1", "--", "sh", "-c", script)
        done = picobox(*words)
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in output.read_text().splitlines()]
        by_thread: dict[int, list[int]] = {}
        for event in events:
            by_thread.setdefault(event["tid"], []).extend(seeks([event]))
        assert list(range(3000)) in by_thread.values()
        assert output.stat().st_size < 50_000_000


def await_line(output: Path, text: bytes) -> None:
    deadline = time.monotonic() + 30
    while not output.exists() or text not in output.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_no_record_hides_what_is_behind_it(tmp_path: Path) -> None:
    """Also once it has become one: what is shown of a ring has been looked at once."""
    output, told = tmp_path / "trace", tmp_path / "told"
    told.write_bytes(bytes(4))
    words = ("trace", "-w", tmp_path, "-o", output, "--gate", "1")
    process = start(*words, "--", str(compile_source(PROGRAM)), "hidden", "0")
    # The second of them is seen by a look that began when the first had been seen, after the ring was spoilt.
    for step, mark in ((1, b", 1000, SEEK_SET"), (2, b", 2000, SEEK_SET")):
        await_line(output, mark)
        with told.open("r+b") as file:
            file.write(bytes([step]))
    finish(process)
    found = map(re.compile(r".*lseek\(\d+, (\d+), ").match, output.read_text().splitlines())
    numbers = [int(each[1]) for each in found if each]
    assert [number for number in numbers if number < 900] == [*range(30), *range(40, 60)]


@pytest.mark.parametrize("mode", MODES)
def test_a_trace_that_is_killed_has_what_was_recorded(tmp_path: Path, mode: str) -> None:
    """Nothing was waiting to be written for longer than a moment, also in a program that waits."""
    output = tmp_path / "trace"
    process = start("trace", "-o", output, *MODES[mode], "--", str(compile_source(PROGRAM)), "rests", "40")
    await_line(output, b", 39, SEEK_SET")
    process.kill()
    finish(process)
    lines = output.read_text().splitlines()
    assert [int(found[1]) for found in map(re.compile(r".*lseek\(\d+, (\d+), ").match, lines) if found] == list(
        range(40)
    )


def test_a_terminal_gets_each_line_at_once(tmp_path: Path) -> None:
    """Nothing waits in a ring for whom looks at standard error."""
    words = ("trace", "--gate", "1", "--", str(compile_source(PROGRAM)), "waits", "50")
    process = subprocess.Popen(
        [sys.executable, "-m", "picobox", *words], env=environment(), stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stderr is not None
    for line in process.stderr:
        if b"lseek" in line and b", 1009, " in line:
            break
    else:
        pytest.fail("the line did not come")
    assert process.poll() is None, "it came before the end"
    process.communicate(timeout=60)
    assert process.returncode == 137


def test_a_trace_that_cannot_be_written_on(tmp_path: Path) -> None:
    """What the file could hold is there, from the beginning on, and why there is no more is said."""
    program, limit = str(compile_source(PROGRAM)), 300_000
    words = ("trace", "-o", tmp_path / "trace", "--gate", "1", "--", program, "seek", "9000")
    done = picobox(*words, prefix=("prlimit", f"--fsize={limit}", "--"))
    assert done.returncode == 125
    assert b"cannot write the trace to %s: File too large" % bytes(tmp_path / "trace") in done.stderr
    text = (tmp_path / "trace").read_text()
    numbers = [int(found) for found in re.findall(r"lseek\(\d+, (\d+), SEEK_SET\) += 0", text)]
    assert len(text) == limit
    assert len(numbers) > 1000
    assert numbers == list(range(len(numbers)))
