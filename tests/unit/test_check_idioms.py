"""What runtimes and tools do on Linux alone is no finding (picobox/check/idioms.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.idioms import idiom_of
from picobox.findings.finding import ERROR, Finding, Frame, Process, Side

if TYPE_CHECKING:
    from pathlib import Path

PYTEST = "/lib/python3/site-packages/_pytest/pathlib.py"
REMOVAL = [("/usr/lib/python3.12/shutil.py", "_rmtree_safe_fd")] * 20
TEMPORARY = "/usr/lib/python3.12/tempfile.py"
OTHERS = [(f"/work/{name}.py", "remove") for name in "abcdefgh"]


def finding(rule: str, path: str, frames: list[tuple[str, str]]) -> Finding:
    stack = tuple(Frame(file, function, 1) for file, function in frames)
    return Finding(rule, ERROR, 0, path, "", Side(Process(1, "python3"), "unlink", path, 0.0, stack=stack))


@pytest.mark.parametrize(
    ("rule", "path", "frames", "is_one"),
    [
        ("PB017", "/tmp/x", [*REMOVAL, (PYTEST, "rm_rf")], True),
        ("PB017", "/tmp/x", [*REMOVAL, (PYTEST, "other")], False),
        ("PB017", "/tmp/x", [*OTHERS, (PYTEST, "rm_rf")], False),
        ("PB011", "/tmp/x", [*REMOVAL, (PYTEST, "rm_rf")], False),
        ("PB010", "/tmp/x", [(TEMPORARY, "TemporaryFile")], True),
        ("PB010", "/tmp/x", [(TEMPORARY, "NamedTemporaryFile")], False),
        ("PB016", "/tmp/hsperfdata_root/5299", [], True),
        ("PB016", "/tmp/hsperfdata_root/x", [], False),
        ("PB016", "/tmp/scores/5299", [], False),
        ("PB017", "/tmp/x", [*REMOVAL, (TEMPORARY, "TemporaryDirectory._rmtree")], True),
        ("PB017", "/tmp/x", [*REMOVAL, (TEMPORARY, "_rmtree")], True),
        ("PB010", "/tmp/x", [*REMOVAL, (TEMPORARY, "TemporaryDirectory._rmtree")], False),
        ("PB010", "/tmp/tcl_KJrTn8", [], True),
        ("PB010", "/tmp/tcl_notes", [], False),
    ],
)
def test_what_is_left_out(rule: str, path: str, frames: list[tuple[str, str]], *, is_one: bool) -> None:
    assert (idiom_of(finding(rule, path, frames)) is not None) == is_one


@pytest.mark.parametrize(
    ("program", "call", "others", "is_one"),
    [
        ("perl", "renameat", (1,), True),
        ("perl5.36", "renameat", (1, 1), True),
        ("perl", "renameat", (1, 2), False),
        ("perl", "rename", (1,), False),
        ("superl", "renameat", (1,), False),
    ],
)
def test_a_call_that_only_a_runtime_makes(program: str, call: str, others: tuple[int, ...], *, is_one: bool) -> None:
    side = Side(Process(1, program), call, "/work/x", 0.0)
    replaced = finding("PB012", "/work/x", [])._replace(
        side=side, others=tuple(Side(Process(pid, "perl"), "openat", "/work/x", 0.0) for pid in others)
    )
    assert (idiom_of(replaced) is not None) == is_one


@pytest.mark.parametrize(
    ("program", "path", "is_one"),
    [
        ("rm", f"/work/x/.git/objects/ab/{'0' * 38}", True),
        ("find", f"/work/x/.git/objects/pack/pack-{'0' * 40}.idx", True),
        ("perl", f"/work/x/.git/objects/ab/{'0' * 38}", False),
        ("rm", "/work/cache/module.go", False),
    ],
)
def test_who_removes_what_git_keeps(program: str, path: str, *, is_one: bool) -> None:
    side = Side(Process(1, program), "unlinkat", path, 0.0)
    assert (idiom_of(finding("PB017", path, [])._replace(side=side)) is not None) == is_one


@pytest.mark.parametrize(
    ("call", "content", "is_one"),
    [
        ("ftruncate", b"SQLite format 3\0\x10", True),
        ("unlink", b"SQLite format 3\0\x10", False),
        ("ftruncate", b"SQLite format 2\0\x10", False),
        ("ftruncate", b"", False),
    ],
)
def test_a_database_that_is_cut(tmp_path: Path, call: str, content: bytes, *, is_one: bool) -> None:
    file = tmp_path / "cache.db"
    file.write_bytes(content)
    found = finding("PB016", str(file), [])
    assert (idiom_of(found._replace(side=found.side._replace(call=call))) is not None) == is_one
