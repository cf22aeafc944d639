"""Where a container covers parts of /proc guests get none of their own: the walls are those without namespaces."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .guests import USERS, command_line

# What is covered in one user namespace cannot be uncovered in the next.
COVERED = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'mount --bind /dev/null /proc/cpuinfo && exec unshare --user --map-root-user --mount "$@"',
    "sh",
)

pytestmark = pytest.mark.parametrize("user", USERS[:1], indirect=True)


@pytest.fixture
def work(place: Path) -> Path:
    """A directory below the home."""
    (place / "work").mkdir()
    return place / "work"


def covered(user: str, work: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run picobox in a namespace of users with parts of /proc covered."""
    return subprocess.run(
        [*COVERED, *command_line(user, *words)],
        cwd=work,
        env={**os.environ, "HOME": str(work.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_run_has_the_walls_that_are_left(user: str, work: Path) -> None:
    script = "echo inside; echo x > /usr/new; cat /proc/self/status > /dev/null && echo seen"
    done = covered(user, work, "--report", "--", "/bin/sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "inside\nseen\n"
    assert "no namespaces here (parts of /proc are covered" in done.stderr
    assert "--write /usr" in done.stderr
    assert not Path("/usr/new").exists()


def test_what_needs_namespaces_says_why(user: str, work: Path) -> None:
    done = covered(user, work, "--overlay=layer", "--", "/bin/true")
    assert done.returncode == 125
    assert "parts of /proc are covered" in done.stderr
    assert "run it without --overlay" in done.stderr


def test_doctor_tells_it(user: str, work: Path) -> None:
    assert "parts of /proc are covered" in covered(user, work, "doctor").stdout
