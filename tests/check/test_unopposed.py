"""What nobody has open is made, moved and removed without NT being asked; what somebody has is told still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .checked import check
from .test_unshown import shown

if TYPE_CHECKING:
    from pathlib import Path

# Changes of what nobody has open, before those that are looked at.
START = """
import mmap, os, subprocess, sys
for n in range(3):
    os.mkdir(f'd{n}')
    for name in ('x', 'y'):
        open(f'd{n}/{name}', 'w').write('text')
    os.rename(f'd{n}/x', f'd{n}/z')
    os.rename(f'd{n}/z', f'd{n}/y')
    os.unlink(f'd{n}/y')
    os.rmdir(f'd{n}')
os.mkdir('d')
os.mkdir('e')
for name in ('x', 'y', 'd/x', 'd/y'):
    open(name, 'w').write('text')
def opens(name, flags=os.O_RDONLY): return os.open(name, flags)
def empty():
    for name in ('x', 'y'): os.unlink(f'd/{name}')
CHILD = '''
import os, sys
os.chdir(sys.argv[1]) if sys.argv[2] == 'enters' else os.open(sys.argv[1], os.O_RDONLY)
print(flush=True)
sys.stdin.read()
'''
def child(name, does):
    made = subprocess.Popen([sys.executable, '-c', CHILD, name, does], stdin=-1, stdout=-1)
    made.stdout.readline()
    return made
"""


TOLD: dict[str, tuple[str, list[str]]] = {
    "a working directory is removed": ("os.chdir('e')\nos.rmdir('../e')", ["PB014"]),
    "another's working directory is removed": ("other = child('e', 'enters')\nos.rmdir('e')", ["PB014"]),
    "a directory of what was deleted is removed": ("fd = opens('d/x')\nempty()\nos.rmdir('d')", ["PB010", "PB014"]),
    "a directory with an open file moves": ("fd = opens('d/x')\nos.rename('d', 'f')", ["PB013"]),
    "another's working directory moves": ("other = child('e', 'enters')\nos.rename('e', 'f')", ["PB013"]),
    "a directory is replaced": ("os.mkdir('f')\nos.rename('e', 'f')", ["PB026"]),
    "an open file moves": ("fd = opens('x')\nos.rename('x', 'z')", ["PB011"]),
    "another's open file moves": ("other = child('x', 'opens')\nos.rename('x', 'z')", ["PB011"]),
    "an open file is replaced": ("fd = opens('y')\nos.rename('x', 'y')", ["PB012"]),
    "another's open file is replaced": ("other = child('y', 'opens')\nos.rename('x', 'y')", ["PB012"]),
    "a protected file is replaced": ("os.chmod('y', 0o444)\nos.rename('x', 'y')", ["PB017"]),
    "a file gets a device's name": ("os.rename('x', 'aux')", ["PB003"]),
    "a directory gets a twin": ("os.mkdir('D')", ["PB001"]),
    "a directory gets a device's name": ("os.mkdir('aux')", ["PB003"]),
    "a directory gets a stream's name": ("os.mkdir('a:b')", ["PB005"]),
    "a file gets a twin": ("os.rename('x', 'Y')", ["PB001"]),
    "what has moved is open": ("os.rename('y', 'x'); fd = opens('x'); os.unlink('x')", ["PB010"]),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_somebody_has_is_told(tmp_path: Path, case: str) -> None:
    program, rules = TOLD[case]
    script = tmp_path / "work" / "script.py"
    script.parent.mkdir()
    script.write_text(f"{START}{program}\n")
    checked = check(tmp_path, "import runpy; runpy.run_path('script.py')")
    assert "Error" not in checked.stderr, checked.stderr
    assert checked.rules == rules


@pytest.mark.parametrize("makes", ["os.mkdir('x')", "os.rename('y', 'x')", "os.symlink('y', 'x')"])
def test_a_name_whose_file_is_open_still_is_used_again(tmp_path: Path, makes: str) -> None:
    program = f"{START}fd = opens('x')\nos.unlink('x')\n{makes}\n"
    assert "PB015" in check(tmp_path, program, "--share", "RWD").rules


def test_the_ends_of_such_calls_are_not_shown(tmp_path: Path) -> None:
    program = """
import os
for n in range(200):
    os.mkdir(f'd{n}')
    open(f'd{n}/x', 'w').close()
    open(f'd{n}/y', 'w').close()
    os.rename(f'd{n}/x', f'd{n}/y')
    os.unlink(f'd{n}/y')
    os.rmdir(f'd{n}')
"""
    counted = shown(tmp_path, program)
    # Before the first change all is looked at that guests have inherited.
    assert max(counted.get(f"end of {name}", 0) for name in ("mkdir", "rename", "unlink", "rmdir")) <= 1


# The kernel notes the first time that a link is followed, and would be asked for more than what it knows already.
WAYS_BELOW = {"links": "work + '/here/d'", "dots": "work + '/d/../d'", "separators": "work + '//d'", "relative": "'d'"}


@pytest.mark.parametrize("way", WAYS_BELOW)
def test_a_directory_is_known_by_whatever_path(tmp_path: Path, way: str) -> None:
    program = (
        "import os\nwork = os.getcwd()\nos.mkdir('d')\nos.symlink('.', 'here')\nos.stat('here/d')\n"
        "fd = os.open(work + '/d/x', os.O_CREAT)\nos.unlink('d/x')\n"
        f"os.rmdir({WAYS_BELOW[way]})"
    )
    assert check(tmp_path, program).rules == ["PB019", "PB010", "PB014"]
