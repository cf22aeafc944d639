"""Rows of facts/nt.md section 3 on files, asked of both backends, by other names and ways than the recorded ones."""

from __future__ import annotations

from nt.drive import (
    APPEND,
    DELETE,
    EXECUTE,
    MAXIMUM_ALLOWED,
    READ,
    READ_ATTRIBUTES,
    WRITE,
    WRITE_ATTRIBUTES,
    Drive,
    status_of,
)
from typing import TYPE_CHECKING

import pytest

from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Row = Callable[[Drive], object]

SUPERSEDE, OPEN, CREATE, OPEN_IF, OVERWRITE, OVERWRITE_IF = range(6)
DIRECTORY, NON_DIRECTORY, ON_CLOSE = io.FILE_DIRECTORY_FILE, io.FILE_NON_DIRECTORY_FILE, io.FILE_DELETE_ON_CLOSE
DISPOSITION, DISPOSITION_EX = query.FILE_DISPOSITION_INFORMATION, query.FILE_DISPOSITION_INFORMATION_EX
STANDARD, BASIC = query.FILE_STANDARD_INFORMATION, query.FILE_BASIC_INFORMATION
READ_ONLY, HIDDEN, SYSTEM, ARCHIVE = 0x1, 0x2, 0x4, 0x20
REPLACE, POSIX, IGNORE_READONLY = 1, 2, 0x40
MARK, MARK_POSIX, MARK_ON_CLOSE, MARK_READ_ONLY = 1, 3, 9, 0x11
DENIED, INVALID, MISSING, COLLISION, NO_PATH = 0xC0000022, 0xC000000D, 0xC0000034, 0xC0000035, 0xC000003A
SHARING, PENDING, CANNOT, NAME_INVALID, NOT_EMPTY = 0xC0000043, 0xC0000056, 0xC0000121, 0xC0000033, 0xC0000101
IS_DIRECTORY, NO_DIRECTORY, DELETED, NOT_SUPPORTED = 0xC00000BA, 0xC0000103, 0xC0000123, 0xC00000BB


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make_directory("Base")
    yield drive
    drive.process.handles.release()


def nothing(_: Drive) -> None:
    """A target that is absent."""


def file(attributes: int = 0) -> Callable[[Drive], None]:
    return lambda drive: drive.make("base\\Target", attributes)


def directory(drive: Drive) -> None:
    drive.make_directory("base\\Target")


def opened(access: int, share: int) -> Callable[[Drive], None]:
    def prepare(drive: Drive) -> None:
        drive.make("base\\Target")
        drive.open("base\\Target", access, share)

    return prepare


# What is there, options, what is behind the name, and for each disposition from SUPERSEDE to OVERWRITE_IF the status,
# or below 6 the information of a success.
DISPOSITIONS = {
    "absent": (nothing, 0, "", (2, MISSING, 2, 2, MISSING, 2)),
    "absent, DIRECTORY": (nothing, DIRECTORY, "", (INVALID, MISSING, 2, 2, INVALID, INVALID)),
    "file": (file(), 0, "", (0, 1, COLLISION, 1, 3, 3)),
    "file, DIRECTORY": (file(), DIRECTORY, "", (INVALID, NO_DIRECTORY, COLLISION, NO_DIRECTORY, INVALID, INVALID)),
    "file READONLY": (file(READ_ONLY), 0, "", (0, 1, COLLISION, 1, DENIED, DENIED)),
    "file HIDDEN": (file(HIDDEN), 0, "", (DENIED, 1, COLLISION, 1, DENIED, DENIED)),
    "file SYSTEM": (file(SYSTEM), 0, "", (DENIED, 1, COLLISION, 1, DENIED, DENIED)),
    "directory": (directory, 0, "", (COLLISION, 1, COLLISION, 1, COLLISION, COLLISION)),
    "directory, DIRECTORY": (directory, DIRECTORY, "", (INVALID, 1, COLLISION, 1, INVALID, INVALID)),
    "directory, NON_DIRECTORY": (directory, NON_DIRECTORY, "", (IS_DIRECTORY,) * 6),
    "parent is a file": (file(), 0, "\\x", (NO_PATH,) * 6),
    "parent is missing": (nothing, 0, "\\x", (NO_PATH,) * 6),
    "absent, trailing": (nothing, 0, "\\", (NAME_INVALID, MISSING, NAME_INVALID, NAME_INVALID, MISSING, NAME_INVALID)),
    "absent, trailing, DIRECTORY": (nothing, DIRECTORY, "\\", (INVALID, MISSING, 2, 2, INVALID, INVALID)),
    "file, trailing": (file(), 0, "\\", (NAME_INVALID,) * 6),
    "open, share 0": (opened(READ, 0), 0, "", (SHARING, SHARING, COLLISION, SHARING, SHARING, SHARING)),
    "open for R, share R": (opened(READ, 1), 0, "", (SHARING, 1, COLLISION, 1, SHARING, SHARING)),
}


@pytest.mark.parametrize("spelling", ["base\\target", "BASE\\TARGET", "relative"])
@pytest.mark.parametrize("row", DISPOSITIONS)
@pytest.mark.parametrize("disposition", range(6))
def test_section_3_3_dispositions(drive: Drive, row: str, disposition: int, spelling: str) -> None:
    prepare, options, behind, expected = DISPOSITIONS[row]
    prepare(drive)
    root = drive.open("base") if spelling == "relative" else 0
    path = ("tARGET" if root else spelling) + behind
    got: list[int] = []
    status = status_of(
        lambda: got.append(drive.create(path, READ, disposition=disposition, options=options, root=root).information)
    )
    assert (got[0] if got else status) == expected[disposition]


def marked(drive: Drive, access: int = DELETE, *, others: int = READ | DELETE) -> tuple[int, int]:
    """A file that is to be deleted: the handle that said so, and another one."""
    drive.make("base\\x")
    first, second = drive.open("base\\x", access), drive.open("base\\x", others)
    drive.set(first, True, DISPOSITION)
    return first, second


def posix_deleted(drive: Drive) -> int:
    """A handle of a file whose name is gone."""
    drive.make("base\\x")
    first, second = drive.open("base\\x", DELETE), drive.open("base\\x", READ | WRITE | DELETE)
    drive.set(first, MARK_POSIX, DISPOSITION_EX)
    drive.close(first)
    return second


def dispose(path: str, value: int, information_class: int = DISPOSITION, access: int = DELETE, **more: int) -> Row:
    def row(drive: Drive) -> None:
        drive.make("base\\file")
        drive.make("base\\readonly", READ_ONLY)
        drive.make_directory("base\\empty")
        drive.make("base\\empty ro", READ_ONLY, DIRECTORY)
        drive.set(drive.open(path, access, **more), value, information_class)

    return row


def with_pending_child(drive: Drive) -> None:
    marked(drive)
    drive.set(drive.open("base", DELETE), True, DISPOSITION)


def after_mark(act: Callable[[Drive], object]) -> Row:
    def row(drive: Drive) -> None:
        marked(drive)
        act(drive)

    return row


def after_posix(act: Callable[[Drive, int], object]) -> Row:
    return lambda drive: act(drive, posix_deleted(drive))


def on_close_of_read_only(drive: Drive) -> None:
    drive.make("base\\x", READ_ONLY)
    drive.open("base\\x", DELETE, options=ON_CLOSE)


DELETION: dict[str, tuple[Row, int]] = {
    "3.5 without DELETE": (dispose("base\\file", 1, access=READ), DENIED),
    "3.5 Ex without DELETE": (dispose("base\\file", MARK, DISPOSITION_EX, READ), DENIED),
    "3.5 READONLY": (dispose("base\\readonly", 1), CANNOT),
    "3.5 READONLY directory": (dispose("base\\empty ro", 1), CANNOT),
    "3.5 READONLY, Ex": (dispose("base\\readonly", MARK_POSIX, DISPOSITION_EX), CANNOT),
    "3.5 READONLY, Ex IGNORE_READONLY": (dispose("base\\readonly", MARK_READ_ONLY, DISPOSITION_EX), 0),
    "3.5 directory with entries": (dispose("base", 1), NOT_EMPTY),
    "3.5 directory with entries, POSIX": (dispose("base", MARK_POSIX, DISPOSITION_EX), NOT_EMPTY),
    "3.5 root": (dispose("", 1), CANNOT),
    "3.5 empty directory": (dispose("base\\empty", 1), 0),
    "3.5 Ex DELETE|ON_CLOSE on another handle": (dispose("base\\file", MARK_ON_CLOSE, DISPOSITION_EX), NOT_SUPPORTED),
    "3.5 pending, open for attributes": (after_mark(lambda drive: drive.open("base\\X", READ_ATTRIBUTES)), PENDING),
    "3.5 pending, CREATE": (after_mark(lambda drive: drive.create("base\\X", READ, disposition=CREATE)), PENDING),
    "3.5 pending, OVERWRITE_IF": (
        after_mark(lambda drive: drive.create("base\\X", READ, disposition=OVERWRITE_IF)),
        PENDING,
    ),
    "3.5 pending, as a directory": (after_mark(lambda drive: drive.open("base\\X", options=DIRECTORY)), PENDING),
    "3.5 directory with a pending child": (with_pending_child, NOT_EMPTY),
    "3.5 DELETE_ON_CLOSE on READONLY": (on_close_of_read_only, CANNOT),
    "3.5 POSIX-deleted: disposition": (
        after_posix(lambda drive, handle: drive.set(handle, False, DISPOSITION)),
        DELETED,
    ),
    "3.5 POSIX-deleted: disposition Ex": (
        after_posix(lambda drive, handle: drive.set(handle, MARK, DISPOSITION_EX)),
        DELETED,
    ),
    "3.5 POSIX-deleted: rename": (after_posix(lambda drive, handle: drive.rename(handle, "base\\y")), DENIED),
    "3.5 POSIX-deleted: name reused": (after_posix(lambda drive, _: drive.make_directory("base\\X")), 0),
    "3.5 POSIX-deleted: written": (
        after_posix(lambda drive, handle: drive.nt.NtWriteFile(drive.process, handle, b"x", 0)),
        0,
    ),
}


@pytest.mark.parametrize("row", DELETION)
def test_section_3_5_deletion(drive: Drive, row: str) -> None:
    act, expected = DELETION[row]
    assert status_of(lambda: act(drive)) == expected


def test_section_3_5_a_mark_is_seen_by_every_handle_and_cleared_by_any(drive: Drive) -> None:
    first, second = marked(drive)
    seen = [drive.get(handle, STANDARD)[2:4] for handle in (first, second)]
    assert seen == [(0, True)] * 2
    assert drive.names("base") == ["x"]
    drive.set(second, False, DISPOSITION)
    drive.close(first)
    drive.close(second)
    assert drive.exists("base\\x") == 0


def test_section_3_5_on_close_belongs_to_its_open(drive: Drive) -> None:
    drive.make("base\\x")
    first, second = drive.open("base\\x", DELETE, options=ON_CLOSE), drive.open("base\\x", READ | DELETE)
    assert not drive.get(second, STANDARD).delete_pending
    drive.set(first, False, DISPOSITION)
    drive.close(first)
    assert drive.get(second, STANDARD).delete_pending
    drive.close(second)
    assert drive.exists("base\\x") == MISSING


def test_section_3_5_on_close_can_be_taken_back_by_ex_alone(drive: Drive) -> None:
    drive.make("base\\x")
    handle = drive.open("base\\x", DELETE, options=ON_CLOSE)
    drive.set(handle, 8, DISPOSITION_EX)
    drive.close(handle)
    assert drive.exists("base\\x") == 0


def held(access: int, share: int) -> Callable[[Drive], None]:
    def prepare(drive: Drive) -> None:
        drive.make("base\\Target")
        drive.open("base\\Target", access, share)

    return prepare


def full(drive: Drive) -> None:
    drive.make_directory("base\\Target")
    drive.make("base\\Target\\child")


def pending(drive: Drive) -> None:
    drive.make("base\\Target")
    drive.set(drive.open("base\\Target", DELETE), True, DISPOSITION)


# Whether a directory moves, what has the name, then the status plain, with REPLACE, with REPLACE and POSIX;
# None: the facts name none.
RENAMES: dict[str, tuple[bool, Callable[[Drive], None], tuple[int | None, int | None, int | None]]] = {
    "absent": (False, nothing, (0, 0, 0)),
    "closed file": (False, file(), (COLLISION, 0, 0)),
    "READONLY": (False, file(READ_ONLY), (COLLISION, DENIED, DENIED)),
    "HIDDEN": (False, file(HIDDEN), (COLLISION, 0, 0)),
    "SYSTEM": (False, file(SYSTEM), (COLLISION, 0, 0)),
    "open, share all": (False, held(READ, 7), (COLLISION, DENIED, 0)),
    "open for attributes, share 0": (False, held(READ_ATTRIBUTES, 0), (COLLISION, DENIED, 0)),
    "open, not for DELETE": (False, held(READ, 3), (COLLISION, DENIED, SHARING)),
    "pending": (False, pending, (None, PENDING, None)),
    "file over directory": (False, directory, (COLLISION, DENIED, None)),
    "directory over closed file": (True, file(), (COLLISION, 0, None)),
    "directory over empty directory": (True, directory, (COLLISION, DENIED, 0)),
    "directory over full directory": (True, full, (COLLISION, DENIED, NOT_EMPTY)),
}


@pytest.mark.parametrize("row", RENAMES)
@pytest.mark.parametrize(("column", "flags"), [(0, 0), (1, REPLACE), (2, REPLACE | POSIX)])
def test_section_3_6_renames(drive: Drive, row: str, column: int, flags: int) -> None:
    moves_directory, prepare, statuses = RENAMES[row]
    prepare(drive)
    drive.make("mover", 0, DIRECTORY if moves_directory else 0)
    handle = drive.open("mover", DELETE)
    status = status_of(lambda: drive.rename(handle, "BASE\\target", flags, extended=bool(flags & POSIX)))
    expected = statuses[column]
    assert (status == expected) if expected is not None else (status >> 30 == 3)
    assert drive.exists("mover") == (MISSING if status == 0 else 0)


def rename(target: str, access: int = DELETE, flags: int = 0, prepare: Callable[[Drive], object] = nothing) -> Row:
    def row(drive: Drive) -> None:
        drive.make("mover")
        drive.make("base\\file")
        prepare(drive)
        drive.rename(drive.open("mover", access), target, flags)

    return row


def busy_directory(depth: str, access: int = READ, share: int = 7) -> Row:
    def row(drive: Drive) -> None:
        drive.make_directory("base\\sub")
        drive.make("base\\sub\\file")
        drive.open(depth, access, share)
        drive.rename(drive.open("base", DELETE), "moved")

    return row


MOVES: dict[str, tuple[Row, int]] = {
    "3.6 no DELETE": (rename("x", READ), DENIED),
    "3.6 invalid character": (rename("base\\a|b"), NAME_INVALID),
    "3.6 missing parent": (rename("none\\x"), NO_PATH),
    "3.6 parent is a file": (rename("base\\file\\x"), INVALID),
    "3.6 own name": (rename("mover"), 0),
    "3.6 own name in other case": (rename("MOVER"), 0),
    "3.6 closed file, REPLACE": (rename("base\\file", flags=REPLACE), 0),
    "3.6 target directory without SHARE_WRITE": (
        rename("base\\x", prepare=lambda drive: drive.open("base", READ, 5)),
        SHARING,
    ),
    "3.6 target directory for attributes": (
        rename("base\\x", prepare=lambda drive: drive.open("base", READ_ATTRIBUTES, 0)),
        0,
    ),
    "3.6 descendant open, share all": (busy_directory("base\\sub\\file"), DENIED),
    "3.6 descendant open for attributes": (busy_directory("base\\sub", READ_ATTRIBUTES, 0), DENIED),
}


@pytest.mark.parametrize("row", MOVES)
def test_section_3_6_moves(drive: Drive, row: str) -> None:
    act, expected = MOVES[row]
    assert status_of(lambda: act(drive)) == expected


@pytest.mark.parametrize("attributes", [READ_ONLY, READ_ONLY | HIDDEN])
@pytest.mark.parametrize("flags", [REPLACE | IGNORE_READONLY, REPLACE | POSIX | IGNORE_READONLY])
def test_section_3_6_read_only_targets_can_be_ignored(drive: Drive, attributes: int, flags: int) -> None:
    drive.make("mover")
    drive.make("base\\target", attributes)
    assert status_of(lambda: drive.rename(drive.open("mover", DELETE), "base\\target", flags, extended=True)) == 0


def test_section_3_6_what_was_replaced_the_posix_way_lives_on(drive: Drive) -> None:
    drive.make("mover")
    drive.make("base\\target")
    kept = drive.open("base\\target", READ | WRITE | DELETE)
    drive.rename(drive.open("mover", DELETE), "base\\target", REPLACE | POSIX, extended=True)
    drive.nt.NtWriteFile(drive.process, kept, b"kept", 0)
    assert drive.get(kept, STANDARD)[2:4] == (0, True)
    assert status_of(lambda: drive.set(kept, True, DISPOSITION)) == DELETED


@pytest.mark.parametrize(
    ("access", "status"),
    [
        (READ, 0),
        (EXECUTE, 0),
        (DELETE, 0),
        (WRITE_ATTRIBUTES, 0),
        (0x10, 0),
        (WRITE, DENIED),
        (APPEND, DENIED),
        (0x40000000, DENIED),
        (0x10000000, DENIED),
        (MAXIMUM_ALLOWED, 0),
    ],
)
def test_section_3_7_read_only(drive: Drive, access: int, status: int) -> None:
    drive.make("base\\x", READ_ONLY)
    drive.link(drive.open("base\\x"), "base\\linked")
    for path in ("base\\x", "base\\linked"):
        assert status_of(lambda path=path: drive.open(path, access)) == status  # type: ignore[misc]
    if access == MAXIMUM_ALLOWED:
        granted = drive.process.handles.look_up(drive.open("base\\x", access)).access
        assert not granted & (WRITE | APPEND)
        assert granted & DELETE


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0, ARCHIVE), (0x80, 0x80), (HIDDEN, HIDDEN), (HIDDEN | 0x80, HIDDEN), (0x600 | HIDDEN, HIDDEN)],
)
def test_section_3_10_attributes(drive: Drive, given: int, shown: int) -> None:
    drive.make("base\\x")
    handle = drive.open("base\\x", WRITE_ATTRIBUTES | READ_ATTRIBUTES)
    drive.set(handle, query.FileBasicInformation(file_attributes=given), BASIC)
    assert drive.get(handle, BASIC).file_attributes == shown


@pytest.mark.parametrize("field", ["creation_time", "last_access_time", "last_write_time", "change_time"])
@pytest.mark.parametrize(("value", "status"), [(-3, INVALID), (-(1 << 63), INVALID), (0, 0)])
def test_section_3_10_times(drive: Drive, field: str, value: int, status: int) -> None:
    handle = drive.open("base", WRITE_ATTRIBUTES)
    assert status_of(lambda: drive.set(handle, query.FileBasicInformation(**{field: value}), BASIC)) == status


def test_section_3_10_directories_have_dots_below_the_root_and_upcased_order(drive: Drive) -> None:
    for name in ("b", "_x", "Z", "a.b", "A", "1", "10", "2", "~", "\u00e9", "\u00c8"):
        drive.make(f"base\\{name}")
    handle = drive.open("base", options=DIRECTORY)
    entries = drive.nt.NtQueryDirectoryFile(drive.process, handle, query.FILE_NAMES_INFORMATION)
    names = [entry.file_name for entry in entries]
    assert names == [".", "..", "1", "10", "2", "A", "a.b", "b", "Z", "_x", "~", "\u00c8", "\u00e9"]
    root = drive.nt.NtQueryDirectoryFile(drive.process, drive.open(""), query.FILE_NAMES_INFORMATION)
    assert [entry.file_name for entry in root] == ["Base"]
    assert status_of(lambda: drive.nt.NtQueryDirectoryFile(drive.process, handle, 12)) == 0x80000006
