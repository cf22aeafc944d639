"""Files that are only read are nobody's business until something changes: then who reads them is known as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.findings.finding import Side

START = """
import os, socket, subprocess, sys
for name in ('x', 'y'):
    open(name, 'w').write('text')
def first(): return os.open('x', os.O_RDONLY)
def second(): return os.open('x', os.O_RDONLY)
"""
REMOVES = "os.unlink('x')\n"
SENDS = """
a, b = socket.socketpair()
socket.send_fds(a, [b'x'], [first()])
os.closerange(b.fileno() + 1, 50)
kept = socket.recv_fds(b, 1, 1)
"""


def _function_of(side: Side) -> str:
    return side.stack[0].function if side.stack else "unknown"


def readers(directory: Path, program: str) -> list[tuple[str, list[str]]]:
    """Of each finding its rule, and the functions of the project in which those read the file who are in the way."""
    script = directory / "work" / "script.py"
    script.parent.mkdir()
    script.write_text(START + program)
    checked = check(directory, "import runpy; runpy.run_path('script.py')")
    assert "Error" not in checked.stderr, checked.stderr
    return [(each.rule, sorted(_function_of(side) for side in each.others)) for each in checked.findings]


@pytest.mark.parametrize(
    ("program", "found"),
    [
        (f"fd = first()\n{REMOVES}", ["first"]),
        (f"fd = first()\nother = second()\n{REMOVES}", ["first", "second"]),
        (f"fd = first()\nother = second()\nos.close(fd)\n{REMOVES}", ["second"]),
        (f"fd = first()\nother = second()\nos.close(other)\n{REMOVES}", ["first"]),
        (f"fd = first()\nfor _ in range(300): os.close(second())\n{REMOVES}", ["first"]),
        (f"fd = first()\nfor _ in range(300): os.close(os.open('y', os.O_RDONLY))\n{REMOVES}", ["first"]),
        (f"fd = os.dup(first())\n{REMOVES}", ["first"]),
        (f"fd = first()\ncopy = os.dup(fd)\nos.close(fd)\n{REMOVES}", ["first"]),
        (f"{SENDS}{REMOVES}", ["first"]),
    ],
)  # fmt: skip
def test_who_reads_is_told(tmp_path: Path, program: str, found: list[str]) -> None:
    assert readers(tmp_path, program) == [("PB010", found)]


def test_who_has_read_it_by_another_name_is_not_taken_for_who_reads_it(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    program = (
        f"os.link('x', {str(tmp_path / 'outside' / 'z')!r})\n"
        f"fd = os.open({str(tmp_path / 'outside' / 'z')!r}, os.O_RDONLY)\n"
        f"os.rename({str(tmp_path / 'outside' / 'z')!r}, 'w')\n"
        "a, b = socket.socketpair()\n"
        "socket.send_fds(a, [b'x'], [fd])\n"
        "os.close(fd)\n"
        "os.close(first())\n"
        "kept = socket.recv_fds(b, 1, 1)\n"
        "os.unlink('w')\n"
    )
    assert readers(tmp_path, program) == [("PB010", ["unknown"])]


@pytest.mark.parametrize(
    "program",
    [
        f"os.close(first())\n{REMOVES}",
        f"fd = first()\nos.dup2(os.open('/dev/null', os.O_RDONLY), fd)\n{REMOVES}",
        f"subprocess.run([sys.executable, '-c', 'import os; os.open(\"x\", os.O_RDONLY)'])\n{REMOVES}",
    ],
)
def test_who_reads_no_more_is_in_nobodys_way(tmp_path: Path, program: str) -> None:
    assert readers(tmp_path, program) == []


def test_a_program_that_has_inherited_it_reads_it(tmp_path: Path) -> None:
    program = (
        "fd = first()\n"
        "child = subprocess.Popen([sys.executable, '-c', 'print(flush=True); input()'], pass_fds=[fd],\n"
        "                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        f"child.stdout.readline()\nos.close(fd)\n{REMOVES}child.communicate(b'\\n')\n"
    )
    assert [rule for rule, _ in readers(tmp_path, program)] == ["PB010"]


def test_where_a_lock_or_a_writer_is_in_the_way_it_is_seen(tmp_path: Path) -> None:
    program = (
        "import tempfile\nwith tempfile.NamedTemporaryFile() as file:\n    os.close(os.open(file.name, os.O_RDONLY))\n"
    )
    assert [rule for rule, _ in readers(tmp_path, program)] == ["PB009"]


def test_a_directory_that_is_listed_may_go(tmp_path: Path) -> None:
    program = "os.mkdir('d')\nlisted = os.open('d', os.O_RDONLY | os.O_DIRECTORY)\nos.rmdir('d')\n"
    assert readers(tmp_path, program) == []
