"""Opens, looks and closes that guests record: their lines are those of stops, where Python tells them."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from build import compile_source

from picobox._native._core import lib

from .command import COMMAND, environment

PROGRAM = Path(__file__).parent / "opened.c"
MODES = {"gate": ("--gate", "1"), "stops": ("--no-gate",), "no channel": ("--no-fast",)}
ROUNDS = 3


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


def trace_of(tmp_path: Path, mode: str, *options: str | Path, paths: tuple[str, ...] = ()) -> str:
    """The trace of a run of the program in a directory of its own, which has the same path each time."""
    directory, output = tmp_path / "run", tmp_path / "trace"
    subprocess.run(["rm", "-rf", directory], check=True)
    directory.mkdir()
    words = ["trace", "-o", output, *MODES[mode], *options, "--", str(compile_source(PROGRAM)), str(ROUNDS), *paths]
    done = subprocess.run(
        [*COMMAND, *words], cwd=directory, env=environment(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return output.read_text()


def comparable(text: str) -> list[str]:
    """The lines from the program's first own call on, without times, channels, addresses and its own numbers."""
    text = text[text.index("Deep") :]
    times = r'(?m)^\d+ +[\d.]+ |<[\d.]+>|"time":[^,]+,"tid":\d+,"channel":"\w+"|"duration":[^,]+,'
    text = re.sub(times, "N", text)
    return re.sub(r"0x[0-9a-f]{6,}|\b\d{9,}\b|/proc/\d+", "N", re.sub(r" +=", " =", text)).splitlines()


@pytest.mark.parametrize(
    ("profile", "form"),
    [
        ("nt", "jsonl"),
        ("linux", "text"),
        pytest.param("nt", "text", marks=pytest.mark.full),
        pytest.param("linux", "jsonl", marks=pytest.mark.full),
    ],
)
def test_lines_are_those_of_stops(tmp_path: Path, profile: str, form: str) -> None:
    options = ("--profile", profile, "--format", form)
    shown = {mode: comparable(trace_of(tmp_path, mode, *options)) for mode in MODES}
    assert shown["gate"] == shown["stops"]
    assert shown["stops"] == shown["no channel"]


@pytest.mark.parametrize("case", ["sensitive", "per-directory"])
def test_lines_where_case_counts(tmp_path: Path, case: str) -> None:
    shown = {mode: comparable(trace_of(tmp_path, mode, "--case", case)) for mode in ("gate", "stops")}
    assert shown["gate"] == shown["stops"]


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_names_of_drives(tmp_path: Path) -> None:
    """Of the deepest drive, each component as its volume has it."""
    (tmp_path / "run").mkdir()
    options = ("--format", "jsonl", "--drive", f"D={tmp_path}", "--drive", "E=/usr")
    shown = {mode: trace_of(tmp_path, mode, *options) for mode in ("gate", "stops")}
    assert comparable(shown["gate"]) == comparable(shown["stops"])
    opened = {event["nt"]["name"] for event in events_of(shown["gate"]) if event.get("call") == "openat"}
    assert {r"\??\E:\bin", r"\??\C:\plain", "\\??\\D:\\", "\\??\\C:\\caf\u00e9"} <= opened


@pytest.mark.parametrize(
    ("policy", "form"),
    [
        ("default", "text"),
        ("strict", "jsonl"),
        pytest.param("default", "jsonl", marks=pytest.mark.full),
        pytest.param("strict", "text", marks=pytest.mark.full),
    ],
)
def test_refusals_are_told_as_of_stops(tmp_path: Path, policy: str, form: str) -> None:
    """What a rule of the policy refuses says so, also of names that are hidden, and nothing else does."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "file").write_text("text")
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(hidden)
    home = str(Path.home() / ".ssh")
    paths = (
        str(hidden),
        f"{hidden}/file",
        f"{hidden}/none",
        f"{tmp_path}/link/file",
        f"{tmp_path}/none",
        home,
        f"{home}/id_rsa",
    )
    options = (
        "--policy",
        policy,
        "--read",
        str(tmp_path),
        "--read",
        str(compile_source(PROGRAM)),
        "--write",
        str(tmp_path / "run"),
        "--hide",
        str(hidden),
        "--format",
        form,
    )
    shown = {mode: comparable(trace_of(tmp_path, mode, *options, paths=paths)) for mode in MODES}
    assert shown["gate"] == shown["stops"]
    assert shown["stops"] == shown["no channel"]
    assert sum("refused" in line for line in shown["gate"]) >= 5 * ROUNDS


def test_what_succeeds_is_recorded_in_guests(tmp_path: Path) -> None:
    """Behind walls, too: only what fails is a stop."""
    for options in ((), ("--policy", "default")):
        text = trace_of(tmp_path, "gate", "--format", "jsonl", *options)
        calls = Counter[tuple[str, str, bool]]()
        for event in events_of(text[text.index("Deep") :].partition("\n")[2]):
            if event["kind"] == "call":
                calls[event["call"], event["channel"], event["result"] is None or event["result"] < 0] += 1
        assert calls["mkdir", "gate", True] > 0, options
        assert calls["ioctl", "gate", True] > 0, options
        made = ("mkdir", "mkdirat", "rename", "link", "symlink", "ioctl")
        for name in ("openat", "close", "readlink", "access", *made):
            assert calls[name, "gate", False] > 0, (name, options)
            assert calls[name, "trace", False] <= calls[name, "gate", False], (name, options)


def test_names_that_python_writes_among_many_lines(tmp_path: Path) -> None:
    """Most of the text is written without Python; what it has to write keeps its place."""
    script = (
        "import os\n"
        "for number in range(3000):\n"
        "    os.lseek(os.open('quote\"' if number % 500 == 499 else 'plain', os.O_RDONLY), number, 0)"
    )
    for name in ("plain", 'quote"'):
        (tmp_path / name).write_text("")
    words = ["trace", "-o", "trace", "-e", "openat,lseek", "--", "prlimit", "--nofile=4000", "/usr/bin/env", "python3"]
    subprocess.run(
        [*COMMAND, *words, "-c", script], cwd=tmp_path, env=environment(), capture_output=True, timeout=60, check=True
    )
    text = (tmp_path / "trace").read_bytes().decode()
    assert [int(number) for number in re.findall(r"lseek\(\d+, (\d+), SEEK_SET\)", text)][-3000:] == list(range(3000))
    names = re.findall(r"NtCreateFile \S+\\(plain|quote\S+) -> STATUS_SUCCESS", text)
    quoted = [number for number, name in enumerate(names) if name != "plain"]
    assert (len(names), quoted) == (3000, list(range(499, 3000, 500)))
    assert len({names[number] for number in quoted}) == 1
