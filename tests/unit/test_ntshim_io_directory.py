"""Directory queries: patterns, order, restarts, buffers, records, and what a scan sees change (facts/nt.md 3.10)."""

from __future__ import annotations

import re
from nt.drive import DELETE, READ, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from ntshim import status as st
from ntshim.fs.expression import FsRtlIsNameInExpression
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import directory, query
from ntshim.service import TooSmall

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = query.FILE_NAMES_INFORMATION
NO_MORE, NO_SUCH = st.STATUS_NO_MORE_FILES, st.STATUS_NO_SUCH_FILE


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make_directory("dir")
    yield drive
    drive.process.handles.release()


def fill(drive: Drive, *names: str) -> int:
    """Make files in `dir`; gives a handle to it."""
    for name in names:
        drive.make(f"dir\\{name}")
    return drive.open("dir")


def ask(drive: Drive, handle: int, pattern: str | None = None, **more: Any) -> list[str]:
    entries = drive.nt.NtQueryDirectoryFile(drive.process, handle, NAMES, pattern, **more)
    return [entry.file_name for entry in entries]


def one(drive: Drive, handle: int) -> str:
    return ask(drive, handle, return_single_entry=True)[0]


@pytest.mark.parametrize(
    ("expression", "yes", "no"),
    [
        ("*", ["a", "a.b", ".", ""], []),
        ("", [""], ["a"]),
        ("a", ["a", "A"], ["ab", ""]),
        ("?", ["a", "."], ["", "ab"]),
        ("??", ["ab", "\U0001f600"], ["a", "abc"]),
        ("?", [], ["\U0001f600"]),
        ("*.*", ["a.b", ".", "..", ".a", "a.b.c"], ["a", ""]),
        ("*a*a*", ["aa", "xaya"], ["a", "xay"]),
        ("<", ["a", "", "abc"], ["a.b", "a."]),
        ("<.b", ["a.b", ".b", "a.a.b"], ["b", "a.bc", "a.b.c"]),
        ("<x", ["x", "ax", "axx"], ["a.x", "xa"]),
        ("<.", ["a.", "a.b."], ["a", "a.b"]),
        ("a>", ["a", "ab"], ["abc", "b", "a."]),
        ("a>>>", ["a", "ab", "abcd"], ["abcde"]),
        ("a>.c", ["a.c", "ab.c"], ["abc.c", "a"]),
        (">>>.>>>", ["a.b", "abc.def", "."], ["abcd.e", "a"]),
        ('a"', ["a", "a."], ["ab", "a.."]),
        ('a"b', ["a.b"], ["ab", "axb"]),
        ('>>>">>>', ["a", "a.b", "abc.def", "abc"], ["abcd", "abc.defg"]),
        ('<"*', ["a", "a.b", "a.b.c", ""], []),
        ("é?", ["Éx"], ["e\u0301"]),
    ],
)
def test_expressions(expression: str, yes: list[str], no: list[str]) -> None:
    assert [name for name in yes if not FsRtlIsNameInExpression(expression, name, True)] == []
    assert [name for name in no if FsRtlIsNameInExpression(expression, name, True)] == []


def test_case_counts_if_it_is_not_ignored() -> None:
    assert not FsRtlIsNameInExpression("A*", "ab", False)
    assert FsRtlIsNameInExpression("A*", "ab", True)


def naive(expression: str, name: str, rest: str | None = None) -> bool:
    """Match by trying everything; `rest` is what is left of `name`."""
    left = name if rest is None else rest
    if not expression:
        return not left
    head, tail = expression[0], expression[1:]
    takes = bool(left) and {
        "*": True,
        "?": True,
        "<": left[:1] != "." or "." in left[1:],
        ">": left[:1] != ".",
        '"': left[:1] == ".",
    }.get(head, head == left[:1])
    skips = {"*": True, "<": True, ">": left[:1] in ("", "."), '"': not left}.get(head, False)
    stays = head in "*<"
    return bool((skips and naive(tail, name, left)) or (takes and naive(expression if stays else tail, name, left[1:])))


@given(some.text('ab.*?<>"', max_size=6), some.text("ab.", max_size=6))
@example("<", "a.b")
def test_an_expression_is_what_trying_everything_finds(expression: str, name: str) -> None:
    assert FsRtlIsNameInExpression(expression, name, False) == naive(expression, name)


def test_many_wildcards_take_no_time() -> None:
    assert not FsRtlIsNameInExpression("*a" * 127, "a" * 126 + "b" * 129, True)
    assert FsRtlIsNameInExpression("*" * 255, "a" * 255, True)


def test_order_is_that_of_upcased_units() -> None:
    drive = Drive()
    drive.make_directory("dir")
    # facts/nt.md section 4.1
    ordered = [
        "-",
        "1",
        "10",
        "2",
        "A",
        "a b",
        "a.b",
        "a1",
        "b",
        "Z",
        "z2",
        "_x",
        "~",
        "È",
        "é",
        "\U0001f600",
        "\uff21",
    ]
    handle = fill(drive, *reversed(ordered))
    assert ask(drive, handle) == [".", "..", *ordered]


def test_names_that_differ_in_case_only_are_all_given_singly() -> None:
    drive = Drive()
    drive.make_directory("dir")
    drive.set(drive.open("dir", WRITE_ATTRIBUTES), 1, query.FILE_CASE_SENSITIVE_INFORMATION)
    handle = fill(drive, "b", "a", "B", "A")
    assert [one(drive, handle) for _ in range(6)] == [".", "..", "A", "a", "B", "b"]
    assert ask(drive, handle, "a*", restart_scan=True) == ["a"]


def test_dots_are_given_if_the_pattern_is_theirs_and_never_at_the_root(drive: Drive) -> None:
    fill(drive, "a", "a.b")
    for pattern, expected in (
        (None, [".", "..", "a", "a.b"]),
        ("", [".", "..", "a", "a.b"]),
        ("*", [".", "..", "a", "a.b"]),
        ("*.*", [".", "..", "a.b"]),
        (".", ["."]),
        ("..", [".."]),
        ("a", ["a"]),
    ):
        assert ask(drive, drive.open("dir"), pattern) == expected
    root = drive.open("")
    assert ask(drive, root) == ["dir"]
    assert status_of(lambda: ask(drive, drive.open(""), ".")) == NO_SUCH


def test_the_pattern_stays_until_another_comes_with_a_restart(drive: Drive) -> None:
    handle = fill(drive, "a1", "a2", "b1")
    assert ask(drive, handle, "a*") == ["a1", "a2"]
    assert status_of(lambda: ask(drive, handle, "b*")) == NO_MORE
    assert ask(drive, handle, restart_scan=True) == ["a1", "a2"]
    assert ask(drive, handle, "B*", restart_scan=True) == ["b1"]
    assert ask(drive, handle, "", restart_scan=True) == ["b1"]
    assert status_of(lambda: ask(drive, handle, "c*", restart_scan=True)) == NO_MORE
    assert status_of(lambda: ask(drive, handle, restart_scan=True)) == NO_MORE
    other = drive.open("dir")
    assert status_of(lambda: ask(drive, other, "c*", restart_scan=True)) == NO_SUCH
    assert status_of(lambda: ask(drive, other)) == NO_MORE


@pytest.mark.parametrize("pattern", ["a/b", "a:b", "a|b", "a\\b", "\x01", "a\0", "x" * 256, "*" * 256])
def test_patterns_that_no_name_can_match(drive: Drive, pattern: str) -> None:
    handle = fill(drive, "a")
    assert status_of(lambda: ask(drive, handle, pattern)) == st.STATUS_OBJECT_NAME_INVALID
    assert ask(drive, handle, "a") == ["a"]


def test_who_is_asked(drive: Drive) -> None:
    fill(drive, "a")
    assert status_of(lambda: ask(drive, drive.open("dir\\a"))) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: ask(drive, drive.open("dir", WRITE))) == st.STATUS_ACCESS_DENIED
    for number in (-1, 0, 4, 999):
        found = status_of(
            lambda number=number: drive.nt.NtQueryDirectoryFile(drive.process, drive.open("dir"), number)  # type: ignore[misc]
        )
        assert found == st.STATUS_INVALID_INFO_CLASS


def test_a_scan_sees_what_it_has_not_reached_as_it_then_is(drive: Drive) -> None:
    handle = fill(drive, "b", "d", "f")
    assert [one(drive, handle) for _ in range(3)] == [".", "..", "b"]
    for name in ("a", "c", "e"):
        drive.make(f"dir\\{name}")
    drive.delete("dir\\d")
    renamed = drive.open("dir\\b", DELETE)
    drive.rename(renamed, "dir\\G")
    assert one(drive, handle) == "c"
    drive.delete("dir\\c")
    assert ask(drive, handle) == ["e", "f", "G"]
    assert status_of(lambda: ask(drive, handle)) == NO_MORE
    drive.make("dir\\z")
    assert ask(drive, handle) == ["z"]


def test_a_directory_without_a_name_has_no_entries(drive: Drive) -> None:
    handle, deleter = drive.open("dir"), drive.open("dir", DELETE)
    drive.set(deleter, 3, query.FILE_DISPOSITION_INFORMATION_EX)
    assert ask(drive, handle) == [".", ".."]
    drive.close(deleter)
    assert status_of(lambda: ask(drive, handle, restart_scan=True)) == st.STATUS_DELETE_PENDING


@pytest.mark.parametrize("number", directory.RECORDS)
def test_records(drive: Drive, number: int) -> None:
    fill(drive, "name")
    file = drive.open("dir\\name", READ | WRITE | 0x90)
    drive.nt.NtWriteFile(drive.process, file, b"text", 0)
    record_type, base = directory.RECORDS[number]
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", record_type.__name__).upper()
    assert getattr(query, name) == number
    dot, dot_dot, entry = drive.nt.NtQueryDirectoryFile(drive.process, drive.open("dir"), number)
    assert {type(record) for record in (dot, dot_dot, entry)} == {record_type}
    told = drive.get(file, query.FILE_STAT_INFORMATION)
    for field in entry._fields:
        expected = {"file_name": "name", "short_name": "", "ea_size": 0, "reparse_point_tag": 0, "tx_info_flags": 0}
        assert getattr(entry, field) == expected.get(field, getattr(told, field, None))
    if "file_id" in entry._fields:
        ids = [drive.get(drive.open(path), query.FILE_INTERNAL_INFORMATION) for path in ("dir", "")]
        assert [dot.file_id, dot_dot.file_id] == ids
    if "file_attributes" in entry._fields:
        assert dot.file_attributes == dot_dot.file_attributes == io.FILE_ATTRIBUTE_DIRECTORY
    handle = drive.open("dir")
    too_short = status_of(lambda: drive.nt.NtQueryDirectoryFile(drive.process, handle, number, "name", length=base - 1))
    assert too_short == st.STATUS_INFO_LENGTH_MISMATCH
    with pytest.raises(TooSmall) as caught:
        drive.nt.NtQueryDirectoryFile(drive.process, handle, number, "name", length=base + 7)
    assert (caught.value.status, caught.value.needed) == (st.STATUS_BUFFER_OVERFLOW, base + 8)
    assert len(drive.nt.NtQueryDirectoryFile(drive.process, handle, number, length=base + 8)) == 1


def test_a_buffer_holds_what_fits_with_its_padding(drive: Drive) -> None:
    handle = fill(drive, "a", "bb", "ccc")
    # 12 bytes and the name, each entry from a multiple of 8: "." to 14, ".." from 16 to 32, "a" from 32 to 46.
    assert ask(drive, handle, length=45) == [".", ".."]
    assert ask(drive, handle, length=1 << 40) == ["a", "bb", "ccc"]
    assert ask(drive, handle, restart_scan=True, length=46) == [".", "..", "a"]
    assert status_of(lambda: ask(drive, handle, length=-1)) == st.STATUS_INFO_LENGTH_MISMATCH


def test_flags_of_the_extended_service(drive: Drive) -> None:
    handle = fill(drive, "a", "b")

    def ask_with(flags: int, pattern: str | None = None) -> list[str]:
        entries = drive.nt.NtQueryDirectoryFileEx(drive.process, handle, NAMES, flags, pattern)
        return [entry.file_name for entry in entries]

    peek = directory.SL_NO_CURSOR_UPDATE
    assert ask_with(directory.SL_RETURN_SINGLE_ENTRY) == ["."]
    assert ask_with(peek) == ["..", "a", "b"]
    assert ask_with(0) == ["..", "a", "b"]
    assert ask_with(directory.SL_RESTART_SCAN, "b") == ["b"]
    assert status_of(lambda: ask_with(4)) == st.STATUS_INVALID_PARAMETER


def test_reparse_points_show_their_tag(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    drive = Drive(HostFs(str(tmp_path)))
    for number in (query.FILE_FULL_DIRECTORY_INFORMATION, query.FILE_ID_EXTD_DIRECTORY_INFORMATION):
        entry = drive.nt.NtQueryDirectoryFile(drive.process, drive.open(""), number)[0]
        assert entry.file_attributes & io.FILE_ATTRIBUTE_REPARSE_POINT
        tag = entry.reparse_point_tag if "reparse_point_tag" in entry._fields else entry.ea_size
        assert tag == 0xA000001D
    drive.process.handles.release()


def test_a_large_directory_is_read_once_for_single_entries() -> None:
    class Counting(MemFs):
        listings = 0

        def names(self, directory: Any) -> Any:
            Counting.listings += 1
            return super().names(directory)

    drive = Drive(Counting())
    drive.make_directory("dir")
    handle = fill(drive, *map(str, range(100)))
    for _ in range(102):
        one(drive, handle)
    assert Counting.listings == 1
