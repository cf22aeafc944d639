"""What `picobox -- CMD` runs under when nobody names a policy."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PICOBOX = (sys.executable, "-m", "picobox")


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run picobox in a directory."""
    return subprocess.run(
        [*PICOBOX, *words], cwd=directory, capture_output=True, text=True, timeout=60, check=False, stdin=-3
    )


def test_a_run_is_behind_walls(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "inside"
    inside.mkdir()
    done = run(inside, "--", "sh", "-c", f"echo x > made; echo x > {outside}/made; echo $$")
    assert (inside / "made").exists(), done
    assert not (outside / "made").exists(), done
    assert int(done.stdout) < 10  # a process namespace of its own


@pytest.mark.parametrize("words", [("--unconfined",), ("--policy", "open")])
def test_without_walls_when_asked_by_name(tmp_path: Path, words: tuple[str, ...]) -> None:
    outside = tmp_path / "made"
    (tmp_path / "inside").mkdir()
    assert run(tmp_path / "inside", *words, "--", "touch", str(outside)).returncode == 0
    assert outside.exists()


@pytest.mark.parametrize("words", [("--platform", "reference"), ("--profile", "wsl1")])
def test_what_has_no_walls_is_asked_for_by_name(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, *words, "--", "true")
    assert done.returncode == 125
    assert "--unconfined" in done.stderr or "--policy open" in done.stderr, done


@pytest.mark.parametrize("verb", ["check", "trace"])
def test_what_looks_at_a_program_has_no_walls(tmp_path: Path, verb: str) -> None:
    outside = tmp_path / "made"
    (tmp_path / "inside").mkdir()
    assert run(tmp_path / "inside", verb, "--", "touch", str(outside)).returncode == 0
    assert outside.exists()


@pytest.mark.parametrize("verb", ["check", "trace"])
def test_that_is_said_once_on_a_terminal(tmp_path: Path, verb: str) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    assert "without walls" in on_terminal(environment, verb, "--", "true")
    assert "without walls" not in on_terminal(environment, verb, "--", "true")


def on_terminal(environment: dict[str, str], *words: str) -> str:
    """What picobox writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*PICOBOX, *words], env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        data = b""
        with suppress(OSError):  # EIO: the last program has closed it
            while piece := os.read(ours, 1 << 16):
                data += piece
        process.wait(timeout=60)
    os.close(ours)
    return data.decode()
