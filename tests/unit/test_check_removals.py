"""Which removals of trees mend what is read-only themselves (picobox/check/removals.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.removals import ignores_errors, mends_removal
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from pathlib import Path

SHUTIL = "/usr/lib/python3.12/shutil.py"
INNER = [Frame(SHUTIL, "_rmtree_safe_fd", 1), Frame(SHUTIL, "_rmtree_safe_fd", 1), Frame(SHUTIL, "rmtree", 1)]

MENDS = """
def mend(function, path, _):
    os.chmod(path, stat.S_IWRITE)
    function(path)

"""
IGNORES = """
def ignore(*_):
    pass

"""


@pytest.mark.parametrize(
    ("source", "mends"),
    [
        pytest.param("shutil.rmtree(path)", False, id="plain"),
        ("shutil.rmtree(path, onerror=None)", False),
        ("shutil.rmtree(path, True)", False),
        (MENDS + "shutil.rmtree(path, onerror=mend)", True),
        (MENDS + "rmtree(path, False, mend)", True),
        (MENDS + "shutil.rmtree(\n    path,\n    onexc=mend,\n)", True),
        (MENDS + "shutil.rmtree(path)", False),
        pytest.param(IGNORES + "shutil.rmtree(path, onerror=ignore)", False, id="ignores"),
        ("shutil.rmtree(path, onerror=lambda f, p, _: (os.chmod(p, 128), f(p)))", True),
        ("shutil.rmtree(path, onerror=lambda *_: None)", False),
        ("shutil.rmtree(path, onexc=helpers.mend)", True),
        ("shutil.rmtree(path, onexc=self.mend)", True),
        ("def call(f, p, i):\n    onexc(f, p, i[1])\n\nshutil.rmtree(path, onerror=call)", True),
        (
            "def mend(f, p, i):\n    if os.name != 'nt':\n        raise i\n    own(p)\n\nrmtree(p, onerror=mend)",
            True,
        ),
        ("shutil.rmtree(", False),
    ],
)
def test_a_handler(tmp_path: Path, source: str, mends: bool) -> None:
    file = tmp_path / "project.py"
    file.write_text(source)
    lines = source.split("\n")
    line = next(number for number, text in enumerate(lines, 1) if "rmtree(" in text)
    stack = [Frame("/usr/lib/libc.so.6", "unlinkat", None), *INNER, Frame(str(file), "clean", line)]
    assert mends_removal(stack) == mends


def test_another_call_of_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "project.py"
    file.write_text(MENDS + "shutil.rmtree(path, onerror=mend)\nos.unlink(path)\nshutil.move(path, other)")
    assert mends_removal([*INNER, Frame(str(file), "clean", 6)])
    assert not mends_removal([*INNER, Frame(str(file), "clean", 8)])
    assert not mends_removal([Frame(str(file), "clean", 6)])
    assert not mends_removal([Frame(SHUTIL, "move", 1), Frame(str(file), "clean", 6)])
    assert not mends_removal(INNER)
    assert not mends_removal([*INNER, Frame(str(tmp_path / "absent.py"), "clean", 6)])


@pytest.mark.parametrize(
    ("source", "module", "ignores"),
    [
        ("d = TemporaryDirectory(ignore_cleanup_errors=True)", "tempfile.py", True),
        ("d = TemporaryDirectory(ignore_cleanup_errors=False)", "tempfile.py", False),
        ("d = TemporaryDirectory()", "tempfile.py", False),
        ("d.cleanup()", "tempfile.py", False),
        ("with suppress(OSError):\n    d.cleanup()", "tempfile.py", True),
        ("d = TemporaryDirectory(ignore_cleanup_errors=True)", "", False),
        ("rmtree(d, ignore_errors=True)", "", True),
        ("shutil.rmtree(d, True)", "", True),
        ("shutil.rmtree(\n    d,\n    ignore_errors=1,\n)", "", True),
        ("shutil.rmtree(d, ignore_errors=False)", "", False),
        ("shutil.rmtree(d, ignore_errors=mild)", "", False),
        ("try:\n    shutil.rmtree(d)\nexcept OSError:\n    pass", "", True),
        ("try:\n    shutil.rmtree(d)\nexcept OSError:\n    raise", "", False),
        ("try:\n    shutil.rmtree(d)\nexcept FileNotFoundError:\n    pass", "", False),
        ("try:\n    shutil.rmtree(d)\n    a()\n    b()\nexcept OSError:\n    pass", "", False),
    ],
)
def test_a_tree_that_may_stay(tmp_path: Path, source: str, module: str, ignores: bool) -> None:
    file = tmp_path / "source.py"
    file.write_text(source)
    line = 2 if source.startswith(("with", "try")) else 1
    library = [Frame(f"/usr/lib/python3.12/{module}", "cleanup", 1)] if module else []
    stack = (*INNER, *library, Frame(str(file), "f", line))
    assert ignores_errors(stack) is ignores
    assert not ignores_errors(stack[-1:])
