"""Which calls are counted as alike, from when on they are ignored, and what begins it anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from picobox.abi.table import BY_NAME
from picobox.check.repeats import ENOUGH, Repeats

if TYPE_CHECKING:
    from picobox.platform.base import Repeated


class Platform:
    """Keeps what it is told to ignore."""

    def __init__(self) -> None:
        self.ignored: list[Repeated] = []

    def ignore(self, call: Repeated) -> None:
        self.ignored.append(call)

    def forget_ignored(self) -> None:
        self.ignored.clear()


def call(name: str, *args: int, table: int = 7) -> Any:
    row = BY_NAME[name]
    stop = SimpleNamespace(nr=row.nr, args=(*args, *[99] * (6 - len(args))))
    return SimpleNamespace(row=row, stop=stop, task=SimpleNamespace(files=SimpleNamespace(number=table)))


def meet(repeats: Repeats, name: str, args: tuple[int, ...], arguments: list[object], table: int = 7) -> None:
    repeats.look(BY_NAME[name], arguments)
    repeats.end(call(name, *args, table=table), arguments)


OPEN = ("openat", (0, 1, 0o102, 0o666), [-100, b"/d/x", 0o102, 0o666])


@pytest.mark.parametrize(
    ("name", "args", "arguments", "compared"),
    [
        pytest.param(*OPEN, {2, 3}, id="an open that may create"),
        pytest.param("openat", (0, 1, 2, 5), [-100, b"/d/x", 2, 5], {2}, id="the mode of others counts not"),
        pytest.param("open", (1, 0o102, 5), [b"/d/x", 0o102, 5], {1, 2}, id="the old call"),
        pytest.param("mkdir", (1, 0o777), [b"/d", 0o777], {1}, id="mkdir"),
        pytest.param("mkdirat", (5, 1, 0o777), [5, b"/d", 0o777], {2}, id="mkdirat"),
        pytest.param("flock", (5, 2), [5, 2], set(), id="flock"),
        pytest.param("fchmod", (5, 0o644), [5, 0o644], {1}, id="fchmod"),
        pytest.param("openat", (3, 1, 2, 5), [3, b"x", 2, 5], None, id="a relative path"),
        pytest.param("openat", (0, 1, 0o20200002, 5), [-100, b"/d", 0o20200002, 5], None, id="no name"),
        pytest.param("fchmod", (5, 0o444), [5, 0o444], None, id="read-only"),
        pytest.param("unlink", (1,), [b"/d/x"], None, id="a deletion"),
    ],
)
def test_what_is_ignored(name: str, args: tuple[int, ...], arguments: list[object], compared: set[int] | None) -> None:
    platform = Platform()
    repeats = Repeats(platform, lambda: None)  # type: ignore[arg-type]  # all that is used of it
    for _ in range(ENOUGH - 1):
        meet(repeats, name, args, arguments)
    assert not platform.ignored
    meet(repeats, name, args, arguments)
    meet(repeats, name, args, arguments)
    assert [set(each.compared) for each in platform.ignored] == ([] if compared is None else [compared])


@pytest.mark.parametrize(
    ("name", "arguments", "anew"),
    [
        pytest.param("unlink", [b"/d/x"], False, id="the name goes"),
        pytest.param("unlinkat", [-100, b"/d/x", 0], False, id="the name goes"),
        pytest.param("unlinkat", [-100, b"/d", 0x200], True, id="a directory goes"),
        pytest.param("rmdir", [b"/d"], True, id="a directory goes"),
        pytest.param("rename", [b"/a", b"/b"], True, id="names move"),
        pytest.param("chmod", [b"/d/x", 0o444], True, id="rights change"),
        pytest.param("fchmod", [3, 0o444], True, id="rights change"),
        pytest.param("fchmod", [3, 0o644], False, id="it stays writable"),
        pytest.param("execve", [b"/bin/sh", [], []], False, id="another program has another table"),
        pytest.param("unshare", [0], True, id="other names"),
        pytest.param("chdir", [b"/"], False, id="absolute paths stay"),
        pytest.param("openat", [-100, b"/d/X", 0o102, 0], True, id="a twin"),
        pytest.param("openat", [-100, b"/e/y", 0o102, 0], False, id="another file"),
    ],
)
def test_what_begins_it_anew(name: str, arguments: list[object], *, anew: bool) -> None:
    platform = Platform()
    repeats = Repeats(platform, lambda: None)  # type: ignore[arg-type]  # all that is used of it
    for _ in range(ENOUGH):
        meet(repeats, *OPEN)
    repeats.look(BY_NAME[name], arguments)
    assert (not platform.ignored) == anew


def test_tables_are_told_apart() -> None:
    platform = Platform()
    repeats = Repeats(platform, lambda: None)  # type: ignore[arg-type]  # all that is used of it
    for _ in range(ENOUGH):
        meet(repeats, *OPEN, table=7)
        meet(repeats, *OPEN, table=8)
        meet(repeats, *OPEN, table=0)
    assert sorted(each.table for each in platform.ignored) == [7, 8]
