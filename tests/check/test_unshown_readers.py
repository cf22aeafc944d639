"""Who reads a file again and again is not shown to a check any more, and is known as ever when that counts."""

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
for name in ('x', 'y'):
    open(name, 'w').write('text')
os.mkdir('d')
open('d/z', 'w').write('text')
def first(name='x'): return os.open(name, os.O_RDONLY)
def second(name='x'): return os.open(name, os.O_RDONLY)
def writes(name='x'): return os.open(name, os.O_WRONLY)
for function in (first, second):
    for name in ('y', 'y'):
        os.close(function(name))
"""
# What the programs here do besides: links and forks.
_OF_PROGRAMS = ("PB019", "PB022")


def _function_of(side: Side) -> str:
    return side.stack[0].function if side.stack else "unknown"


def found_in(directory: Path, program: str) -> list[tuple[str, list[str]]]:
    """Of each finding about files in use or names its rule, and the functions in which others have opened the file."""
    script = directory / "work" / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(START + program)
    checked = check(directory, "import runpy; runpy.run_path('script.py')")
    assert "Error" not in checked.stderr, checked.stderr
    return [
        (each.rule, sorted(_function_of(side) for side in each.others))
        for each in checked.findings
        if each.rule not in _OF_PROGRAMS
    ]


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("fd = first()", ["first"]),
        ("os.symlink('x', 'link')\nfd = first('link')", ["first"]),
        ("fd = first()\nother = second()", ["first", "second"]),
        ("fd = first()\nother = second()\nos.close(fd)", ["second"]),
        ("fd = first()\nother = second()\nos.close(other)", ["first"]),
        ("os.close(first())\nfd = second()", ["second"]),
        ("fd = first()\nfor _ in range(600): os.close(second('y'))", ["first"]),
        ("fd = writes()\nother = first()", ["first", "writes"]),
        ("os.close(writes())\nother = first()", ["first"]),
        ("copy = os.dup(first())", ["first"]),
        ("if not os.fork(): os.close(first()); os._exit(0)\nos.wait()\nfd = second()", ["second"]),
        ("thread = threading.Thread(target=first)\nthread.start()\nthread.join()", ["first"]),
    ],
)
def test_who_reads_is_told(tmp_path: Path, program: str, found: list[str]) -> None:
    assert found_in(tmp_path, f"{program}\nos.unlink('x')\n") == [("PB010", found)]


@pytest.mark.parametrize(
    "program",
    [
        "for _ in range(600): os.close(first())",
        "fd = first()\nos.dup2(second('y'), fd)",
        "if not os.fork(): first(); os._exit(0)\nos.wait()",
    ],
)
def test_who_reads_no_more_is_in_nobodys_way(tmp_path: Path, program: str) -> None:
    assert found_in(tmp_path, f"{program}\nos.unlink('x')\n") == []


def test_one_of_many_files_is_known(tmp_path: Path) -> None:
    program = (
        "for n in range(700): open(f'f{n}', 'w').close()\nfd = first('f0')\nother = second('f300')\n"
        "for n in range(700):\n    if n not in (0, 300): os.close(first(f'f{n}'))\n"
        "os.unlink('f0')\nos.unlink('f300')\n"
    )
    assert found_in(tmp_path, program) == [("PB010", ["first"]), ("PB010", ["second"])]


def test_a_directory_in_which_somebody_reads_is_in_use(tmp_path: Path) -> None:
    assert found_in(tmp_path, "fd = first('d/z')\nos.rename('d', 'e')\n") == [("PB013", ["first"])]


def test_a_file_that_is_in_use_is_refused_to_who_reads(tmp_path: Path) -> None:
    program = "with tempfile.NamedTemporaryFile(dir='.') as file:\n    os.close(first(file.name))\n"
    assert found_in(tmp_path, program) == [("PB009", ["_mkstemp_inner"])]


def test_a_file_that_is_in_use_for_long_is_refused_to_who_reads(tmp_path: Path) -> None:
    program = (
        "with tempfile.NamedTemporaryFile(dir='.') as file:\n"
        "    for n in range(300): open(f'f{n}', 'w').close()\n"
        "    os.close(first(file.name))\n"
    )
    assert found_in(tmp_path, program) == [("PB009", ["_mkstemp_inner"])]


def test_a_function_that_is_no_more_is_told(tmp_path: Path) -> None:
    """What others open is there before, so that nothing is looked for while their code takes the place of its code."""
    (tmp_path / "work").mkdir()
    for number in range(600):
        (tmp_path / "work" / f"f{number}").touch()
    program = (
        "def made(name):\n"
        "    scope = {}\n"
        "    exec(f'def {name}(name):\\n    import os\\n    return os.open(name, os.O_RDONLY)', scope)\n"
        "    return scope[name]\n"
        "def held():\n"
        "    gone = made('gone')\n"
        "    os.close(gone('f0'))\n"
        "    return gone('x')\n"
        "os.unlink('y')\n"
        "fd = held()\n"
        "for n in range(1, 600):\n"
        "    os.close(made(f'other{n}')(f'f{n}'))\n"
        "os.unlink('x')\n"
    )
    assert found_in(tmp_path, program) == [("PB010", ["gone"])]


@pytest.mark.parametrize("name", ["aux.txt", "con", "NUL .x", "lpt1"])
def test_a_device_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).touch()
    assert found_in(tmp_path, f"os.close(first({name!r}))\n") == [("PB003", [])]


@pytest.mark.parametrize(
    "names", [("Y",), ("none", "Y"), ("D/z",), ("d/Z",), ("d/none", "d/../D/z"), ("\u00c4", "\u00e4")]
)
def test_another_case_is_told(tmp_path: Path, names: tuple[str, ...]) -> None:
    program = (
        f"open('\u00c4', 'w').close()\nfor name in {names!r}:\n"
        "    try: os.close(first(name))\n    except OSError: pass\n"
    )
    assert found_in(tmp_path, program) == [("PB002", [])]


def test_another_case_that_comes_later_is_told(tmp_path: Path) -> None:
    program = (
        "for n in range(60):\n"
        "    try: os.close(first('d/late'))\n    except OSError: pass\n"
        "    if n == 50: os.rename('d/z', 'd/LATE')\n"
    )
    assert found_in(tmp_path, program) == [("PB002", [])]


@pytest.mark.parametrize(
    "before", ["", "os.mkdir('other')\nopen('other/x', 'w').close()\nos.close(first('other/x'))\n"]
)
def test_a_look_at_a_mode_is_told(tmp_path: Path, before: str) -> None:
    program = f"os.chmod('x', 0o600)\n{before}fd = first()\nassert os.fstat(fd).st_mode & 0o777 == 0o600\n"
    assert [rule for rule, _ in found_in(tmp_path, program)] == ["PB021"]


@pytest.mark.usefixtures("fast_modes")
def test_namesakes_of_what_was_set_are_not_shown(tmp_path: Path) -> None:
    program = (
        "import os\nos.mkdir('d')\nfor name in ('x', 'd/x'): open(name, 'w').close()\nos.chmod('x', 0o600)\n"
        "for n in range(300): open('d/x').close()\n"
    )
    counted = shown(tmp_path, program)
    assert counted["openat"] <= 50, counted
    assert counted["end of openat"] <= 5, counted


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize("name", ["none", "conftest.py", "d/auxiliary", "command"])
def test_names_that_nothing_has_are_not_shown(tmp_path: Path, name: str) -> None:
    program = (
        f"import os\nos.mkdir('d')\nfor n in range(300):\n    try: open('{name}')\n    except FileNotFoundError: pass\n"
    )
    assert shown(tmp_path, program).get("openat", 0) <= 20


@pytest.mark.usefixtures("fast_modes")
def test_directories_that_are_listed_are_not_shown(tmp_path: Path) -> None:
    assert shown(tmp_path, "import os\nfor n in range(100): os.listdir('.')\n")["openat"] <= 50


@pytest.mark.usefixtures("fast_modes")
def test_files_that_are_read_are_not_shown(tmp_path: Path) -> None:
    program = "open('x', 'w').close()\nfor n in range(100): open('x').close()\n"
    assert shown(tmp_path, program)["openat"] <= 50


def test_where_it_enforces_they_are(tmp_path: Path) -> None:
    program = "open('x', 'w').close()\nfor n in range(100): open('x').close()\n"
    assert shown(tmp_path, program, "--enforce")["openat"] >= 100
