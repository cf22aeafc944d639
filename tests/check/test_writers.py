"""Who writes a file that nobody has open is not followed; who still writes it when something changes is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.repeats import ENOUGH

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

START = """
import fcntl, mmap, os, socket, subprocess, sys
open('old', 'w').write('text')
NEW, CUT = os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_TRUNC
def writes(name, flags): return os.open(name, flags)
def reads(name): return os.open(name, os.O_RDONLY)
"""
SENDS = """
a, b = socket.socketpair()
socket.send_fds(a, [b'x'], [writes('new', NEW)])
os.closerange(b.fileno() + 1, 50)
kept = socket.recv_fds(b, 1, 1)
"""


def found_in(directory: Path, program: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each finding its rule, and of those in the way the function and the access."""
    script = directory / "work" / "script.py"
    script.parent.mkdir()
    script.write_text(START + program)
    checked = check(directory, "import runpy; runpy.run_path('script.py')")
    assert "Error" not in checked.stderr, checked.stderr
    return [
        (each.rule, sorted((frame.function, side.access) for side in each.others for frame in side.stack[:1]))
        for each in checked.findings
    ]


@pytest.mark.parametrize(
    ("program", "rule", "functions"),
    [
        ("fd = writes('new', NEW)\nos.unlink('new')\n", "PB010", ["writes"]),
        ("fd = writes('new', NEW | os.O_EXCL)\nos.unlink('new')\n", "PB010", ["writes"]),
        ("fd = writes('old', CUT)\nos.unlink('old')\n", "PB010", ["writes"]),
        ("fd = writes('old', os.O_RDWR)\nos.unlink('old')\n", "PB010", ["writes"]),
        ("fd = writes('new', NEW)\nos.rename('new', 'other')\n", "PB011", ["writes"]),
        ("fd = writes('new', NEW)\nother = reads('new')\nos.unlink('new')\n", "PB010", ["reads", "writes"]),
        ("fd = reads('old')\nother = writes('old', CUT)\nos.unlink('old')\n", "PB010", ["reads", "writes"]),
        ("fd = writes('new', NEW)\nother = reads('new')\nos.close(fd)\nos.unlink('new')\n", "PB010", ["reads"]),
        ("fd = writes('new', NEW)\nother = reads('new')\nos.close(other)\nos.unlink('new')\n", "PB010", ["writes"]),
        ("fd = writes('new', NEW)\nfor _ in range(300): os.close(writes('old', CUT))\nos.unlink('new')\n",
         "PB010", ["writes"]),
        ("fd = os.dup(writes('new', NEW))\nos.unlink('new')\n", "PB010", ["writes"]),
        (f"{SENDS}os.unlink('new')\n", "PB010", ["writes"]),
    ],
)  # fmt: skip
def test_who_writes_is_told(tmp_path: Path, program: str, rule: str, functions: list[str]) -> None:
    ((told, others),) = found_in(tmp_path, program)
    assert told == rule
    assert [function for function, _ in others] == functions
    assert all(access == ("W" if function == "writes" else "R") or "RDWR" in program for function, access in others)


@pytest.mark.parametrize(
    "program",
    [
        "os.close(writes('new', NEW))\nos.unlink('new')\n",
        "os.close(writes('old', CUT))\nos.rename('old', 'other')\n",
        "fd = writes('new', NEW)\nos.dup2(os.open('/dev/null', os.O_RDONLY), fd)\nos.unlink('new')\n",
        "subprocess.run([sys.executable, '-c', 'import os; os.open(\"new\", os.O_CREAT)'])\nos.unlink('new')\n",
    ],
)
def test_who_writes_no_more_is_in_nobodys_way(tmp_path: Path, program: str) -> None:
    assert found_in(tmp_path, program) == []


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        ("os.chmod('old', 0o444)\nos.close(writes('old', CUT))\n", "PB017"),
        ("fd = os.open('old', os.O_RDWR)\nview = mmap.mmap(fd, 1)\nos.close(fd)\nos.close(writes('old', CUT))\n",
         "PB016"),
        ("fd = writes('new', NEW)\nos.unlink('new')\nos.close(writes('new', NEW))\n", "PB010"),
        ("os.close(writes('con', NEW))\n", "PB003"),
        ("import tempfile\nwith tempfile.NamedTemporaryFile() as file: os.close(writes(file.name, CUT))\n", "PB009"),
    ],
    ids=["protected", "mapped", "deleted", "device", "temporary"],
)  # fmt: skip
def test_what_windows_refuses_a_writer_is_told(tmp_path: Path, program: str, rule: str) -> None:
    assert rule in [told for told, _ in found_in(tmp_path, program)]


@pytest.mark.parametrize(
    "locks",
    [
        "held = [writes(name, NEW) for name in names]\nfor fd in held: fcntl.flock(fd, fcntl.LOCK_EX)\n",
        "held = []\nfor name in names:\n    held.append(writes(name, NEW))\n    fcntl.flock(held[-1], fcntl.LOCK_EX)\n",
    ],
    ids=["opened before", "opened in between"],
)
def test_a_file_locked_by_the_last_of_many_descriptors_is_locked(tmp_path: Path, locks: str) -> None:
    """Locks on descriptors without a handle are not shown in the end: those of writers have one by then."""
    program = f"""
names = [f'f{{each}}' for each in range({2 * ENOUGH})]
{locks}
os.write(os.open(names[-1], os.O_WRONLY), b'x')
"""
    assert [rule for rule, _ in found_in(tmp_path, program)] == ["PB018"]
