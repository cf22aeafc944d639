"""picobox ps: what runs, whatever started it, whether NT knows it yet, and what has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from inspection.runs import Place, said_of

if TYPE_CHECKING:
    from pathlib import Path

_TREE = """
import os, threading
child = os.fork()
if not child:
    os.execvp("sleep", ["sleep", "1000"])
dead = os.fork()
if not dead:
    os._exit(7)
os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
threading.Thread(target=threading.Event().wait, daemon=True).start()
said = (os.getpid(), child, dead)
import atexit, signal
atexit.register(os.kill, child, signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("run", ()),
        ("run", ("--policy", "default")),
        ("check", ("--profile", "windows10")),
        ("trace", ("-o", "/dev/null")),
    ],
)
def test_a_tree_of_processes(place: Place, verb: str, options: tuple[str, ...]) -> None:
    with place.running(_TREE, *options, verb=verb) as process:
        leader, child, dead = map(int, said_of(process).split())
        while True:
            (run,) = place.told("ps")
            assert run["run"]["pid"] == process.pid
            found = {each["guest_pid"]: each for each in run["processes"]}
            assert set(found) == {leader, child, dead}
            # Its program begins while its parent goes on; one that never does has the test time out.
            if (found[child]["command"], found[child]["state"]) == (["sleep", "1000"], "S"):
                break
        assert len(found[leader]["threads"]) == 2
        assert (found[dead]["state"], found[dead]["threads"]) == ("Z", [])
        assert {found[each]["parent"] for each in (child, dead)} == {found[leader]["pid"]}
        text, _ = place.asks("ps")
        assert "sleep 1000" in text
        assert str(found[child]["pid"]) in text


def test_many_runs(place: Place) -> None:
    with place.running("") as first, place.running("") as second:
        assert sorted(run["run"]["pid"] for run in place.told("ps")) == sorted((first.pid, second.pid))
        (run,) = place.told("ps", "--run", str(second.pid))
        assert run["run"]["pid"] == second.pid
        _, complaint = place.asks("ps", "--run", "1", status=125)
        assert "no run of yours has the pid 1" in complaint


def test_nothing_runs(place: Place) -> None:
    output, complaint = place.asks("ps", status=1)
    assert output == ""
    assert "nothing of yours runs under it" in complaint
    assert place.told("ps", status=1) == []


def test_nothing_is_written_to_the_terminal_but_text(place: Place) -> None:
    """A guest chooses the words of its command."""
    program = """
import os, subprocess, atexit
child = subprocess.Popen([b"\\x1b]0;owned\\x07\\xff", "1000"], executable="/bin/sleep")
atexit.register(child.kill)
"""
    with place.running(program):
        text, _ = place.asks("ps")
        assert "\x1b" not in text
        assert "\\x1b]0;owned\\x07\\xff" in text
        (run,) = place.told("ps")
        words = [process["command"][0] for process in run["processes"]]
        assert {"b64": "G10wO293bmVkB/8="} in words


def test_asking_makes_nobody_known(place: Place) -> None:
    """A task that NT has not met stays so: it costs what it did."""
    program = "import os, atexit\nchild = os.fork()\nif not child:\n    import time\n    time.sleep(1000)\n"
    with place.running(program + "atexit.register(os.kill, child, 9)", "--profile", "linux"):
        for _ in range(2):
            (run,) = place.told("ps")
            child = run["processes"][1]
            assert child["nt_pid"] is None, run


def test_an_api_run(place: Place) -> None:
    program = """
import picobox, subprocess, sys
with picobox.Popen(["/bin/cat"], stdin=subprocess.PIPE) as guest:
    print("ready", flush=True)
    sys.stdin.read()
    guest.communicate()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=place.environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        (run,) = place.told("ps")
        assert ["/bin/cat"] in [each["command"] for each in run["processes"]], json.dumps(run)
        process.communicate(timeout=60)
    assert process.returncode == 0
