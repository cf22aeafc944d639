"""picobox top: calls per second by service and process, what is denied, and what is slow."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from nt_files.test_tree import needs_fuse

from inspection.runs import SECONDS, Place
from picobox.inspection import wire
from picobox.inspection.serving import Serving

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.inspection.rates import Rates
    from picobox.supervisor import Supervisor

_BUSY = """
import os, threading, time
def work():
    while True:
        os.getppid()
        open("/proc/self/stat").close()
        try:
            os.open("x", os.O_RDONLY, dir_fd=-1000)
        except OSError:
            pass
        CALLS
        time.sleep(0.001)
threading.Thread(target=work, daemon=True).start()
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _looks(place: Place, *words: str) -> list[dict[str, Any]]:
    text, _ = place.asks("top", "--json", "--interval", "0.5", *words)
    return [json.loads(line) for line in text.splitlines()]


def test_what_runs_are_busy_with(place: Place) -> None:
    with place.running(_BUSY.replace("CALLS", ""), "--profile", "windows10") as process, place.running(""):
        looks = _looks(place, "--count", "2")
        assert len(looks) == 2
        for look in looks:
            assert look["runs"] == 2
            assert look["by_service"]["NtCreateFile"] > 1
            busiest, *others = sorted(look["processes"], key=lambda each: -each["calls"])
            assert busiest["run"] == process.pid
            assert busiest["calls"] > 1
            assert all(each["calls"] == 0 for each in others)
            (slow,) = [each for each in look["slowest"] if each["call"] == "openat"]
            assert 0 < slow["mean"] <= slow["longest"]
        text, _ = place.asks("top")
        assert "NtCreateFile" in text
        assert "PROGRAM" in text


def test_what_is_denied(place: Place) -> None:
    program = _BUSY.replace("CALLS", "libc.syscall(169, 0, 0, 0, 0)")
    with place.running("import ctypes\nlibc = ctypes.CDLL(None)\n" + program, "--policy", "default"):
        (look,) = _looks(place)
        assert [each for each in look["denied"] if each["call"] == "reboot" and each["calls"] > 1]


@pytest.mark.parametrize("options", [(), pytest.param(("--policy", "default", "--nt-files"), marks=needs_fuse)])
def test_times_are_taken_only_while_somebody_looks(place: Place, options: tuple[str, ...]) -> None:
    """Who comes as the last one leaves may still find his times; the run hears of both at once."""

    def first_and_later(pid: int) -> tuple[list[Any], list[Any]]:
        with place.connected(pid) as connection:
            first = wire.ask(connection, {"ask": "top"})["times"]
            while not (later := wire.ask(connection, {"ask": "top"})["times"]):
                assert time.monotonic() < deadline
            return first, later

    deadline = time.monotonic() + SECONDS
    with place.running(_BUSY.replace("CALLS", ""), "--profile", "windows10", *options) as process:
        assert first_and_later(process.pid)[0] == []
        while first_and_later(process.pid)[0]:
            assert time.monotonic() < deadline


def test_the_runs_own_connection_is_nobody_who_looks() -> None:
    serving = Serving(cast("Supervisor", SimpleNamespace(platform=SimpleNamespace(is_task=lambda _pid: False))))
    rests: list[None] = []
    serving._rates = cast("Rates", SimpleNamespace(rest=lambda: rests.append(None)))
    ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
    for number, (ours, _) in enumerate(ends):
        ours.setblocking(False)
        serving.welcome(ours.detach(), is_own=number == 0)
    for (_, others), most in zip(ends[:0:-1], (0, 1), strict=True):
        others.close()
        serving.hear()
        assert len(rests) == most
    serving.close()
    ends[0][1].close()


def test_it_is_drawn_on_a_terminal_until_the_last_run_ends(place: Place) -> None:
    master, slave = pty.openpty()
    with place.running(_BUSY.replace("CALLS", "")):
        top = subprocess.Popen(
            place.command("top", "--interval", "0.2"), stdin=slave, stdout=slave, stderr=slave,
            env=place.environment | {"TERM": "xterm"}, cwd=place.directory,
        )  # fmt: skip
        os.close(slave)
        seen = b""
        while b"calls/s" not in seen:
            seen += os.read(master, 4096)
    try:
        while True:
            seen += os.read(master, 4096)
    except OSError:  # the terminal's last user has gone
        pass
    assert top.wait(SECONDS) == 0
    os.close(master)


def test_nothing_runs(place: Place) -> None:
    _, complaint = place.asks("top", status=1)
    assert "nothing of yours runs under it" in complaint


@pytest.mark.parametrize("words", [("--interval", "0"), ("--interval", "nan"), ("--count", "0")])
def test_what_cannot_be_meant(place: Place, words: tuple[str, str]) -> None:
    _, complaint = place.asks("top", *words, status=125)
    assert words[0] in complaint


def test_who_counts_already_counts_on(place: Place) -> None:
    """`trace -c` measures the calls that come after somebody has looked, and has gone."""
    program = "print('ready', flush=True)\nimport os, sys\nsys.stdin.readline()\nos.mkdir('new')\n"
    costs = place.directory / "costs"
    with place.running(program, "-c", "-o", str(costs), "--profile", "windows10", verb="trace"):
        _looks(place, "--count", "1")
    (made,) = [line.split() for line in costs.read_text().splitlines() if " mkdir " in f"{line} "]
    assert float(made[2]) > 0, made
