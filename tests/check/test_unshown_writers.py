"""Who makes files again and again is not shown to a check any more, and is known as ever when that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .checked import check
from .test_unshown import shown

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.findings.finding import Side

# Each of these is known from its first call on, and from then on its opens are in the core.
START = """
import os, subprocess, sys, tempfile, threading
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
os.mkdir('d')
def makes(name='n', mode=0o666): return os.open(name, NEW, mode)
def other(name='n'): return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
def touches(name='n'): return os.open(name, os.O_RDONLY | os.O_CREAT, 0o666)
def reads(name='n'): return os.open(name, os.O_RDONLY)
def writes(name='n'): return os.open(name, os.O_WRONLY)
for name in ('a', 'b'):
    os.close(makes(name))
    os.close(reads(name))
for name in ('c', 'e'):
    os.close(other(name))
    os.close(writes(name))
for name in ('g', 'h'):
    os.close(touches(name))
"""
# What the programs here do besides: links and forks.
_OF_PROGRAMS = ("PB019", "PB022")
# Windows takes this much of a path.
_LONGEST = 259


def _function_of(side: Side) -> str:
    return side.stack[0].function if side.stack else "unknown"


def found_in(directory: Path, program: str, *options: str) -> list[tuple[str, list[str]]]:
    """Of each finding about files in use or names its rule, and the functions in which others have opened the file."""
    script = directory / "work" / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(START + program)
    checked = check(directory, "import runpy; runpy.run_path('script.py')", *options)
    assert "Error" not in checked.stderr, checked.stderr
    return [
        (each.rule, sorted(_function_of(side) for side in each.others))
        for each in checked.findings
        if each.rule not in _OF_PROGRAMS
    ]


HELD = [
    ("fd = makes()", ["makes"]),
    ("fd = other()", ["other"]),
    ("fd = makes(os.path.abspath('n'))", ["makes"]),
    ("fd = makes('d/../n')", ["makes"]),
    ("fd = makes('/proc/self/cwd/n')", ["makes"]),
    ("fd = makes()\nsecond = reads()", ["makes", "reads"]),
    ("fd = makes()\nsecond = writes()", ["makes", "writes"]),
    ("fd = makes()\nsecond = reads()\nos.close(fd)", ["reads"]),
    ("fd = makes()\nos.close(reads())", ["makes"]),
    ("fd = makes()\nos.close(writes())", ["makes"]),
    ("fd = touches()\nos.close(reads())", ["touches"]),
    ("os.close(makes())\nfd = reads()", ["reads"]),
    ("os.close(makes())\nfd = writes()", ["writes"]),
    ("os.close(makes())\nos.unlink('n')\nfd = other()", ["other"]),
    ("os.close(other())\nos.unlink('n')\nfd = makes()", ["makes"]),
    ("os.close(makes())\nos.rename('n', 'm')\nfd = other()", ["other"]),
    ("fd = makes()\nfor n in range(600): os.close(other(f'f{n}'))", ["makes"]),
    ("copy = os.dup(makes())", ["makes"]),
    ("if not os.fork(): os.close(makes()); os._exit(0)\nos.wait()\nos.unlink('n')\nfd = other()", ["other"]),
    ("thread = threading.Thread(target=makes)\nthread.start()\nthread.join()", ["makes"]),
    ("def fresh(): return os.open('n', NEW)\nos.close(fresh())\nos.unlink('n')\nfd = makes()", ["makes"]),
]


@pytest.mark.parametrize(("program", "found"), HELD)
def test_who_makes_a_file_is_told(tmp_path: Path, program: str, found: list[str]) -> None:
    assert found_in(tmp_path, f"{program}\nos.unlink('n')\n") == [("PB010", found)]


@pytest.mark.parametrize("program", ["fd = makes()", "fd = makes()\nfor n in range(40): os.close(other(f'f{n}'))"])
def test_where_it_enforces_it_is_refused(tmp_path: Path, program: str) -> None:
    refused = "try: os.unlink('n')\nexcept PermissionError: pass\nelse: raise Exception('not refused')\n"
    assert found_in(tmp_path, f"{program}\n{refused}", "--enforce") == [("PB010", ["makes"])]


@pytest.mark.parametrize(
    "program",
    [
        "for _ in range(600):\n    os.close(makes())\n    os.unlink('n')\nos.close(makes())",
        "fd = makes()\nos.dup2(other('m'), fd)",
        "if not os.fork(): makes(); os._exit(0)\nos.wait()",
        "os.close(makes('m'))\nos.rename('m', 'n')",
    ],
)
def test_who_has_closed_it_is_in_nobodys_way(tmp_path: Path, program: str) -> None:
    assert found_in(tmp_path, f"{program}\nos.unlink('n')\n") == []


def test_each_of_many_files_is_known(tmp_path: Path) -> None:
    program = (
        "fd = makes('f0')\nsecond = other('f300')\n"
        "for n in range(700):\n    if n not in (0, 300): os.close(makes(f'f{n}'))\n"
        "os.unlink('f0')\nos.unlink('f300')\n"
    )
    assert found_in(tmp_path, program) == [("PB010", ["makes"]), ("PB010", ["other"])]


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        ("fd = makes()\nos.rename('n', 'm')", "PB011"),
        ("fd = makes()\nos.close(other('m'))\nos.rename('m', 'n')", "PB012"),
        ("fd = makes('d/n')\nos.rename('d', 'f')", "PB013"),
    ],
)
def test_other_changes_meet_who_makes_it(tmp_path: Path, program: str, rule: str) -> None:
    assert found_in(tmp_path, program) == [(rule, ["makes"])]


def test_a_function_that_is_no_more_is_told(tmp_path: Path) -> None:
    program = (
        "def made(name):\n"
        "    scope = {}\n"
        "    exec(f'def {name}(name):\\n    import os\\n    return os.open(name, os.O_WRONLY | os.O_CREAT)', scope)\n"
        "    return scope[name]\n"
        "def held():\n"
        "    gone = made('gone')\n"
        "    os.close(gone('f0'))\n"
        "    return gone('n')\n"
        "fd = held()\n"
        "for n in range(1, 200):\n"
        "    os.close(made(f'other{n}')(f'f{n}'))\n"
        "os.unlink('n')\n"
    )
    assert found_in(tmp_path, program) == [("PB010", ["gone"])]


@pytest.mark.parametrize(
    ("program", "rules"),
    [
        ("os.close(makes('aux.txt'))", ["PB003"]),
        ("os.close(makes('n?'))", ["PB004"]),
        ("os.close(makes('n:m'))", ["PB005"]),
        ("os.close(makes('n.'))", ["PB006"]),
        ("os.close(makes('B'))", ["PB001"]),
        ("os.close(makes('d/B'))\nos.close(makes('d/b'))", ["PB001"]),
        ("fd = makes()\nos.unlink('n')\nos.close(other())", ["PB010"]),
        ("os.close(makes('n', 0o640))\nassert os.stat('n').st_mode & 0o777 == 0o640", ["PB021"]),
        ("os.umask(0o77)\nos.close(makes())\nassert os.stat('n').st_mode & 0o777 == 0o600", ["PB021"]),
        ("os.umask(0o77)\nos.umask(0o22)\nos.close(makes())\nassert os.stat('n').st_mode & 0o777 == 0o644", []),
    ],
)
def test_names_and_modes_are_judged(tmp_path: Path, program: str, rules: list[str]) -> None:
    assert [rule for rule, _ in found_in(tmp_path, program)] == rules


def test_a_long_path_is_judged(tmp_path: Path) -> None:
    program = (
        "place = 'd'\nwhile len(os.path.abspath(place)) < 400:\n    place += '/' + 'n' * 40\n    os.mkdir(place)\n"
        f"place = place[: {_LONGEST} - len(os.getcwd())].rpartition('/')[0]\n"
        "for n in range(4): os.close(makes(f'{place}/n{n}'))\n"
        "rest = 300 - len(os.path.abspath(place))\n"
        "os.close(makes(place + '/' + 'm' * rest))\n"
    )
    assert "PB007" in [rule for rule, _ in found_in(tmp_path, program)]


def test_a_twin_of_what_is_opened_unseen_is_shown(tmp_path: Path) -> None:
    """Whoever opens a lock file over and over is not seen; a name that is its twin makes that count again."""
    program = (
        "lock = os.path.abspath('lock')\n"
        "for _ in range(100): os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o666))\n"
        "os.unlink('lock')\nos.close(makes('LOCK'))\n"
        "os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o666))\n"
    )
    assert found_in(tmp_path, program) == [("PB001", ["unknown"])]


def test_what_is_made_anew_where_a_look_is_waited_for_is_shown(tmp_path: Path) -> None:
    program = (
        "os.chmod('a', 0o640)\nos.unlink('a')\nfd = makes('a')\nos.fchmod(fd, 0o600)\n"
        "assert os.fstat(fd).st_mode & 0o777 == 0o600\n"
    )
    assert [rule for rule, _ in found_in(tmp_path, program)] == ["PB021"]


NOT_SHOWN = {
    "by a name": "for n in range(200): open(f'f{n}', 'w').close()",
    "exclusively": "for n in range(200): open(f'f{n}', 'x').close()",
    "to be read as well": "for n in range(200): open(f'f{n}', 'w+').close()",
    "to be added to": "for n in range(200): open(f'f{n}', 'a').close()",
    "in new directories": "for n in range(200):\n    os.mkdir(f'd{n}')\n    open(f'd{n}/x', 'w').close()",
    "by a path": "for n in range(200): open(os.path.abspath(f'f{n}'), 'w').close()",
    "again": "for n in range(200):\n    open('x', 'w').close()\n    os.unlink('x')",
    "where a namesake is waited for": (
        "open('x', 'w').close()\nos.chmod('x', 0o640)\n"
        "for n in range(200):\n    os.mkdir(f'd{n}')\n    open(f'd{n}/x', 'w').close()"
    ),
}


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize("how", NOT_SHOWN)
def test_files_that_are_made_are_not_shown(tmp_path: Path, how: str) -> None:
    assert shown(tmp_path, f"import os\n{NOT_SHOWN[how]}\n")["openat"] <= 50


def test_where_it_enforces_they_are(tmp_path: Path) -> None:
    assert shown(tmp_path, f"import os\n{NOT_SHOWN['by a name']}\n", "--enforce")["openat"] >= 200
