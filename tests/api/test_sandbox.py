"""A sandbox: settings for several programs, one layer for what they write, and all their results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import picobox

from .marks import gone, marker

TIMEOUT = 60


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs write to the working directory; layers are kept beside it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def layers() -> list[str]:
    store = Path(os.environ["XDG_STATE_HOME"]) / "picobox" / "layers"
    return os.listdir(store) if store.exists() else []


def told(box: picobox.Sandbox) -> list[tuple[str, str]]:
    return [(change.kind, Path(change.path).name) for change in box.changes]


def test_programs_share_the_layer() -> None:
    with picobox.Sandbox(overlay=True) as box:
        box.run("echo one > file", shell=True, check=True)
        assert box.run(["cat", "file"], capture_output=True).stdout == b"one\n"
        box.run("echo two > other", shell=True, check=True)
        assert [Path(change.path).name for change in box.changes] == ["file", "other"]
        assert os.listdir() == []
        assert len(layers()) == 1
    assert layers() == []
    assert os.listdir() == []


def test_changes_can_be_committed_or_thrown_away() -> None:
    with picobox.Sandbox(overlay=True) as box:
        box.run("echo one > first; echo two > second", shell=True, check=True)
        (done,) = box.commit(["first"])
        assert Path(done.path).name == "first"
        assert os.listdir() == ["first"]
        assert told(box) == [("added", "second")]
        box.discard()
        assert len(box.changes) == 0
        box.run("cat first > third", shell=True, check=True)
        assert told(box) == [("added", "third")]
    assert os.listdir() == ["first"]


def test_a_conflict_commits_nothing_unless_it_is_forced() -> None:
    Path("file").write_text("old")
    with picobox.Sandbox(overlay=True) as box:
        box.run("echo theirs > file", shell=True, check=True)
        Path("file").write_text("mine")
        with pytest.raises(picobox.PicoboxError):
            box.commit()
        assert Path("file").read_text() == "mine"
        box.commit(force=True)
        assert Path("file").read_text() == "theirs\n"


def test_a_named_layer_stays() -> None:
    with picobox.Sandbox(overlay="kept") as box:
        box.run("echo one > file", shell=True, check=True)
    assert layers() == ["kept"]
    with picobox.Sandbox(overlay="kept") as box:
        assert [change.kind for change in box.changes] == ["added"]
        box.discard()
    assert layers() == []


def test_one_program_at_a_time_writes_in_a_layer() -> None:
    with picobox.Sandbox(overlay=True) as box, box.Popen(["cat"], stdin=subprocess.PIPE) as process:
        with pytest.raises(picobox.PicoboxError, match="in use"):
            box.run(["true"])
        with pytest.raises(picobox.PicoboxError, match="in use"):
            _ = box.changes
        process.kill()


def test_its_results_are_those_of_all_programs() -> None:
    box = picobox.Sandbox(trace="execve,exit_group", findings=True)
    script = "held = open('{0}', 'w'); import os; os.remove('{0}')"
    for name in ("a", "b"):
        box.run([sys.executable, "-c", script.format(name)], check=True)
    assert [Path(finding.path).name for finding in box.findings] == ["a", "b"]
    assert len([event for event in box.events if type(event).__name__ == "ExitEvent"]) == 2


@pytest.mark.parametrize("name", ["events", "findings", "changes"])
def test_a_result_that_was_not_asked_for_says_how_to_ask(name: str) -> None:
    with pytest.raises(picobox.NotRecordedError, match="make the sandbox"):
        getattr(picobox.Sandbox(), name)


def test_its_end_is_that_of_its_programs() -> None:
    setting, environment = marker()
    with picobox.Sandbox() as box:
        process: Any = box.Popen("sleep 61 & sleep 62", shell=True, env=environment)
    assert process.wait(TIMEOUT) == -9
    assert gone(setting)


def test_the_sandbox_says_how_programs_are_run() -> None:
    with pytest.raises(TypeError, match="Sandbox"):
        picobox.run(["true"], sandbox=picobox.Sandbox(), trace=True)
    with pytest.raises(picobox.PicoboxError, match="windows11"):
        picobox.Sandbox(profile="windows12")  # type: ignore[arg-type]


def test_a_closed_one_starts_nothing() -> None:
    with picobox.Sandbox(overlay=True) as box:
        box.run("echo text > made", shell=True, check=True)
    for _ in range(2):
        with pytest.raises(picobox.PicoboxError, match="closed"):
            box.run(["true"])
        box.close()
    assert box.changes == ()


LOOKS_OFTEN = """
import os
open('x', 'w').close()
fd = os.open('x', os.O_RDWR | os.O_CREAT)
for _ in range(2):
    for _ in range(100): os.stat('/'); os.fstat(0); os.close(os.open('/', os.O_RDONLY)); os.close(os.dup(fd))
    os.chmod('x', 0o640)
"""


def test_what_a_judge_need_not_see_is_recorded_all_the_same() -> None:
    counts = []
    for findings in (False, True):
        box = picobox.Sandbox(trace="%desc,%file", findings=findings)
        box.run([sys.executable, "-c", LOOKS_OFTEN], check=True)
        names = [event.name for event in box.events if isinstance(event, picobox.CallEvent)]
        counts.append(Counter(names))
    assert counts[0] == counts[1]
