"""Which sources write the separator of lists of paths into a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.separators import writes_separator
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from pathlib import Path

FIXED = '''
def make(tmp_path):
    """Makes it: one directory."""
    directory = tmp_path / f"a{%s}b"
    directory.mkdir()
'''
CONCATENATED = FIXED.replace('f"a{%s}b"', '("a" + os.pathsep + "b")')
LINE = 5


@pytest.mark.parametrize(
    ("text", "line", "writes"),
    [
        (FIXED % "pathsep", LINE, True),
        (FIXED % "os.pathsep", LINE, True),
        (FIXED % "os.path.pathsep", LINE, True),
        (FIXED % "sep", LINE, False),
        # Another name, and it may be this colon.
        pytest.param(CONCATENATED + '    print("done:", directory)\n', LINE, False, id="its own"),
        (FIXED.replace('b"', 'c"') % "os.pathsep" + '    print(b"done:")\n', LINE, False),
        (FIXED % "os.pathsep" + '    print("done:", directory)\n', LINE, True),
        (CONCATENATED, LINE, True),
        (FIXED.replace("a{", "{start}{") % "os.pathsep" + '    print("done:")\n', LINE, True),
        # Another function's.
        (f"{FIXED % 'os.pathsep'}\ndef other():\n    os.mkdir(name)\n", LINE + 3, False),
        ("import os\nos.mkdir(f'a{os.pathsep}b')\n", 2, True),
        ("def f(:", 1, False),
    ],
)
def test_who_writes_it(tmp_path: Path, text: str, line: int, writes: bool) -> None:
    file = tmp_path / "names.py"
    file.write_text(text)
    library = Frame("/usr/lib/python3.11/pathlib.py", "mkdir", 1116)
    assert writes_separator((library, Frame(str(file), "make", line)), "a:b") is writes


def test_without_a_source_nobody_knows(tmp_path: Path) -> None:
    assert not writes_separator((), "a:b")
    assert not writes_separator((Frame("/usr/bin/mkdir", "main", offset=16),), "a:b")
    assert not writes_separator((Frame(str(tmp_path / "absent.py"), "make", LINE),), "a:b")
