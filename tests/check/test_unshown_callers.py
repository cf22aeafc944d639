"""Who sets, makes or looks at files so that it tells nothing is not shown to a check any more; the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .checked import check
from .test_unshown import shown

if TYPE_CHECKING:
    from pathlib import Path

# Each of these has told nothing so often that it is known.
START = """
import os, shutil, tempfile
for name in ('x', 'y', 'copied'):
    open(name, 'w').write('text')
def sets(name, mode=0o600): os.chmod(name, mode)
def dates(name, time=1): os.utime(name, ns=(time, time))
def makes(name): os.mkdir(name, 0o700)
def looks(name): return os.stat(name)
def reads(name): return os.stat(name).st_mtime_ns
def copies(name): shutil.copy2('copied', name)
for n in range(40):
    open(f'f{n}', 'w').close()
    with open(f'f{n}') as file: pass
    sets(f'f{n}')
    dates(f'f{n}')
    makes(f'd{n}')
    copies(f'c{n}')
    os.rmdir(tempfile.mkdtemp(dir='.'))
"""
SEES_MODE = "os.chmod('y', 0o640)\nassert os.stat('y').st_mode & 0o777 == 0o640\n"
TOLD: dict[str, tuple[str, list[str]]] = {
    "a mode that another place sets": (SEES_MODE, ["PB021"]),
    "a mode that a place sets after another was told of": (
        f"{SEES_MODE}sets('x')\nassert os.stat('x').st_mode & 0o777 == 0o600",
        ["PB021", "PB021"],
    ),
    "times that another place sets": ("os.utime('x', ns=(1, 1))\nassert os.stat('x').st_mtime_ns == 1", ["PB025"]),
    "times that a place sets after another was told of": (
        f"{SEES_MODE}dates('x')\nassert os.stat('x').st_mtime_ns == 1",
        ["PB021", "PB025"],
    ),
    "a directory that another place makes": (
        "os.mkdir('e', 0o700)\nassert os.stat('e').st_mode & 0o777 == 0o700",
        ["PB021"],
    ),
    "a directory that a place makes after another was told of": (
        f"{SEES_MODE}makes('e')\nassert os.stat('e').st_mode & 0o777 == 0o700",
        ["PB021", "PB021"],
    ),
    "a bit that no file has": ("sets('x', 0o4600)", ["PB021"]),
    "a file in another case": ("try: sets('X')\nexcept OSError: pass", ["PB002"]),
    "a look at a mode among others": (
        "os.chmod('x', 0o640)\nfor _ in range(9): looks('x')\nassert os.stat('x').st_mode & 0o777 == 0o640",
        ["PB021"],
    ),
    "a mode that a library sets for another place": (
        "os.chmod('copied', 0o640)\nshutil.copystat('copied', 'x')\nassert os.stat('x').st_mode & 0o777 == 0o640",
        ["PB021"],
    ),
    "a look at times where a mode was set before": (
        "os.chmod('x', 0o640)\nreads('x')\nos.utime('x', ns=(1, 1))\nreads('x')",
        ["PB025"],
    ),
    "nothing, where times that are kept come after a mode": (
        "os.chmod('x', 0o640)\ndates('x', 100)\nassert os.stat('x').st_mode & 0o777 == 0o640",
        [],
    ),
    "nothing, where a library copies": (
        "copies('z')\nassert os.stat('z').st_mtime_ns == os.stat('copied').st_mtime_ns",
        [],
    ),
    "nothing, where nobody has looked for long": ("sets('x')\nassert os.stat('x').st_mode & 0o777 == 0o600", []),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_set_is_told(tmp_path: Path, case: str) -> None:
    program, rules = TOLD[case]
    work = tmp_path / "work"
    work.mkdir()
    (work / "script.py").write_text(f"{START}{program}\n")
    checked = check(tmp_path, "import runpy; runpy.run_path('script.py')")
    assert "Error" not in checked.stderr, checked.stderr
    assert checked.rules == rules


CALLS = """
import os, shutil, tempfile
open('x', 'w').close()
os.chmod('x', 0o640)
for n in range(300):
    shutil.copy2('x', f'{n}')
    os.chmod(f'{n}', 0o600)
    os.utime(f'{n}', ns=(1, 1))
    os.utime(f'{n}', None)
    os.chown(f'{n}', os.getuid(), -1)
    os.stat('x')
    os.rmdir(tempfile.mkdtemp(dir='.'))
"""
_NAMES = ("chmod", "utimensat", "chown", "mkdir", "newfstatat", "stat")


@pytest.mark.usefixtures("fast_modes")
def test_who_tells_nothing_is_not_shown(tmp_path: Path) -> None:
    counted = shown(tmp_path, CALLS)
    # What a start of Python looks at, and each place until it was seen often enough.
    assert sum(counted.get(name, 0) for name in _NAMES) <= 200, counted


def test_all_is_shown_that_is_enforced(tmp_path: Path) -> None:
    counted = shown(tmp_path, CALLS, "--enforce")
    assert min(counted.get(name, 0) for name in ("chmod", "utimensat", "chown", "mkdir")) >= 300, counted
