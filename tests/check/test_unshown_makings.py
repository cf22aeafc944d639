"""What a call is to make is there already: it fails without a stop, as natively; what a rule is about is told still."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .checked import TIMEOUT, check

if TYPE_CHECKING:
    from pathlib import Path

START = """
import os, resource
os.mkdir('there')
directory = os.open('.', os.O_RDONLY)
def tries(*does):
    for _ in range(300): fails(*does)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for _ in range(1000): fails(*does)
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
def fails(call, *arguments, **where):
    try: call(*arguments, **where)
    except FileExistsError: pass
    else: raise AssertionError('it was made')
"""
WAYS = (
    "lambda: os.mkdir('there')",
    "lambda: os.mkdir('there', dir_fd=directory)",
    "lambda: os.open('there', os.O_WRONLY | os.O_CREAT | os.O_EXCL)",
    "lambda: os.open('there', os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=directory)",
)


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize("way", WAYS)
def test_what_is_there_needs_no_stop(tmp_path: Path, way: str) -> None:
    found = check(tmp_path, f"{START}stops = tries({way})\nassert stops < 500, stops\n")
    assert (found.status, found.rules) == (0, []), found.stderr


# Each spelling and each set of flags, often enough for the call's place to be the gate's.
RESULTS = """
import errno, os, stat
os.mkdir('there'); open('file', 'w').close(); os.symlink('there', 'link'); os.symlink('nothing', 'dangling')
paths = ['there', 'there/', 'there/.', 'there/..', '.', '/', 'file', 'file/', 'link', 'link/', 'dangling', 'dangling/',
    'missing/x', 'file/x', '', 'n' * 300, 'there//', 'link/../file', os.path.abspath('there')]
flags = [0, os.O_DIRECTORY, os.O_PATH, os.O_NOFOLLOW, os.O_TRUNC]
def result(call, *arguments):
    try: made = call(*arguments)
    except OSError as error: return errno.errorcode[error.errno]
    if made is not None: os.close(made)
    return 'made'
for path in paths:
    results = set()
    for _ in range(60):
        both = [result(os.mkdir, path)]
        both += [result(os.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL | more) for more in flags]
        both.append(result(os.open, path, os.O_WRONLY | os.O_TMPFILE | os.O_EXCL))
        results.add(tuple(both))
    print(path[:20], sorted(results), sorted(os.listdir('.')), os.listdir('there'))
"""


def test_results_are_the_kernel_s(tmp_path: Path) -> None:
    native = tmp_path / "native" / "work"
    native.mkdir(parents=True)
    command = [sys.executable, "-c", RESULTS]
    done = subprocess.run(command, cwd=native, check=True, timeout=TIMEOUT, capture_output=True, text=True)
    found = check(tmp_path / "check", RESULTS)
    assert found.stdout.replace("check", "native") == done.stdout


# Rules are about names that are made.
NAMES = (
    "aux",
    "AUX.txt",
    "nul",
    "com1",
    "lpt9.x",
    "prn",
    "con",
    "dot.",
    "space ",
    "a:b",
    "a\\\\b",
    "tab\\t",
    "constant",
    "lptx",
    "x",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_that_rules_are_about_are_told_as_without_a_gate(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = f"import os\nfor _ in range(200):\n    try: os.mkdir('{name}')\n    except FileExistsError: pass\n"
    found = []
    for mode in ("gate", "stops"):
        work = tmp_path / mode / "work"
        (work / name.encode().decode("unicode_escape")).mkdir(parents=True)
        monkeypatch.setenv("PICOBOX_GATE", "1" if mode == "gate" else "0")
        checked = check(tmp_path / mode, program)
        found.append([(finding.rule, finding.count) for finding in checked.findings])
    assert found[0] == found[1]
