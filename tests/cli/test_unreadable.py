"""Shows that a program which its user may execute but not read runs: its memory is closed to the supervisor as well."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from picobox.cli.options import PLATFORMS

if TYPE_CHECKING:
    from pathlib import Path

# An ordinary user's rights, also for root: without them the kernel lets nobody read such a program (ptrace(2)).
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")
THREADS = "import threading; t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()"


def run(program: Path, platform: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program.chmod(0o111)
    command = [*UNPRIVILEGED, sys.executable, "-m", "picobox", "-q", "--platform", platform, "--"]
    command += [str(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("source", "arguments", "output"),
    [
        ("/bin/dash", ("-c", "/bin/echo one; /bin/echo two | cat"), "one\ntwo\n"),
        ("/usr/bin/python3", ("-Ic", THREADS), "thread\n"),
    ],
)
def test_an_execute_only_program(
    tmp_path: Path, platform: str, source: str, arguments: tuple[str, ...], output: str
) -> None:
    copy = tmp_path / "program"
    shutil.copy(source, copy)
    done = run(copy, platform, *arguments)
    assert (done.stdout, done.stderr, done.returncode) == (output, "", 0)
