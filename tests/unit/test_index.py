"""The folded directory index: the same tests for the reference and for C, watched by inotify and not."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from typing import TYPE_CHECKING

import pytest
from host_index import KINDS, index, mode_counts, opened, touch
from hypothesis import given, settings
from hypothesis import strategies as st

from ntshim.fs.view import ABSENT, DIRECTORY_WEIGHT, Answer, Found, fold
from ntshim.upcase import upcase_table
from picobox._native._core import lib

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ntshim.fs.view import DirectoryIndex

SPELLINGS = [
    *(b"a", b"A", b"ab", b"Ab", b"aB", b"AB", b"a.b", b"A.B"),
    *(
        name.encode()
        for name in ("é", "É", "e\u0301", "ß", "ss", "SS", "ÿ", "Ÿ", "\u2c65", "\u023a", "𐐨", "𐐀", "ς", "Σ")
    ),
    *(b"\xff", b"a\xff", b"A\xff", b"\xed\xa0\x80a", b"\xed\xa0\x80A", b"\xc3", b"\xc1\x81", b"\xf4\x90\x80\x80"),
]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which implementation, and whether it has inotify."""
    return str(request.param)


@pytest.fixture
def names(kind: str) -> Iterator[DirectoryIndex]:
    """An index."""
    with index(kind) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A directory to look into."""
    place = tmp_path / "place"
    place.mkdir()
    return str(place)


@pytest.fixture
def directory(place: str) -> Iterator[int]:
    """The same, open."""
    with opened(place) as fd:
        yield fd


def expected(held: list[bytes], name: bytes) -> Answer:
    """What an index must answer that reads the directory each time."""
    same = [spelling for spelling in held if fold(spelling) == fold(name)]
    if name in same:
        return Answer(Found.EXACT, name)
    return Answer(Found(Found.FOLDED + (len(same) > 1)), min(same)) if same else ABSENT


def test_exact_spelling_wins(names: DirectoryIndex, directory: int, place: str) -> None:
    touch(place, b"Makefile", b"readme", b"README")
    assert names.look_up(directory, b"MAKEFILE") == (Found.FOLDED, b"Makefile")
    assert names.look_up(directory, b"Makefile") == (Found.EXACT, b"Makefile")
    assert names.look_up(directory, b"readme") == (Found.EXACT, b"readme")
    assert names.look_up(directory, b"README") == (Found.EXACT, b"README")
    assert names.look_up(directory, b"ReadMe") == (Found.AMBIGUOUS, b"README")
    assert names.look_up(directory, b"makefile2") == ABSENT


def test_no_utf8_is_exact_only(names: DirectoryIndex, directory: int, place: str) -> None:
    touch(place, b"caf\xe9", b"\xed\xa0\x80a", b"\xc1\x81")
    assert names.look_up(directory, b"caf\xe9") == (Found.EXACT, b"caf\xe9")
    assert names.look_up(directory, b"CAF\xe9") == ABSENT
    assert names.look_up(directory, b"caf\xc9") == ABSENT
    assert names.look_up(directory, b"\xed\xa0\x80A") == ABSENT
    assert names.look_up(directory, b"a") == ABSENT, "an overlong A is none"


def test_changes_from_outside_are_seen(names: DirectoryIndex, directory: int, place: str) -> None:
    assert names.look_up(directory, b"one") == ABSENT
    touch(place, b"One")
    assert names.look_up(directory, b"one") == (Found.FOLDED, b"One")
    os.rename(f"{place}/One", f"{place}/ONE")
    assert names.look_up(directory, b"one") == (Found.FOLDED, b"ONE")
    os.mkdir(f"{place}/one")
    assert names.look_up(directory, b"one") == (Found.EXACT, b"one")
    os.unlink(f"{place}/ONE")
    os.rmdir(f"{place}/one")
    os.symlink("nowhere", f"{place}/oNE")
    os.link(f"{place}/oNE", f"{place}/onE", follow_symlinks=False)
    assert names.look_up(directory, b"one") == (Found.AMBIGUOUS, b"oNE")
    os.rename(f"{place}/oNE", f"{place}/../gone")
    assert names.look_up(directory, b"one") == (Found.FOLDED, b"onE")


def test_moves_between_directories(names: DirectoryIndex, directory: int, place: str) -> None:
    os.mkdir(f"{place}/Sub")
    with opened(f"{place}/Sub") as sub:
        assert names.look_up(sub, b"x") == names.look_up(directory, b"x") == ABSENT
        touch(f"{place}/Sub", b"X")
        assert names.look_up(sub, b"x") == (Found.FOLDED, b"X")
        os.rename(f"{place}/Sub/X", f"{place}/X")
        assert (names.look_up(sub, b"x"), names.look_up(directory, b"x")) == (ABSENT, (Found.FOLDED, b"X"))
        os.rename(f"{place}/Sub", f"{place}/sub")
        touch(f"{place}/sub", b"Y")
        assert names.look_up(sub, b"y") == (Found.FOLDED, b"Y")


def test_removed_directory(names: DirectoryIndex, place: str) -> None:
    os.mkdir(f"{place}/sub")
    touch(f"{place}/sub", b"A")
    with opened(f"{place}/sub") as old:
        assert names.look_up(old, b"a") == (Found.FOLDED, b"A")
        os.unlink(f"{place}/sub/A")
        os.rmdir(f"{place}/sub")
        os.mkdir(f"{place}/sub")
        touch(f"{place}/sub", b"B")
        assert names.look_up(old, b"a") == ABSENT
        with opened(f"{place}/sub") as new:
            assert names.look_up(new, b"b") == (Found.FOLDED, b"B")
    with opened(f"{place}/sub") as new:
        assert names.look_up(new, b"a") == ABSENT


def test_one_directory_by_two_descriptors(names: DirectoryIndex, directory: int, place: str) -> None:
    touch(place, b"A")
    with opened(place, os.O_PATH) as other:
        assert names.look_up(directory, b"a") == names.look_up(other, b"a") == (Found.FOLDED, b"A")


def test_told_and_forgotten(names: DirectoryIndex, directory: int, place: str) -> None:
    touch(place, b"A")
    for settle in (names.told_changed, names.forget):
        assert names.look_up(directory, b"a") == (Found.FOLDED, b"A")
        settle(directory)
        assert names.look_up(directory, b"a") == (Found.FOLDED, b"A")


def test_what_may_not_be_listed_has_exact_names_only(names: DirectoryIndex, place: str) -> None:
    touch(place, b"File")
    with opened(place, os.O_PATH) as fd, mode_counts():
        assert names.look_up(fd, b"file") == (Found.FOLDED, b"File")
        os.chmod(place, 0o300)
        assert names.look_up(fd, b"file") == ABSENT
        assert names.look_up(fd, b"File") == (Found.EXACT, b"File")
        assert names.look_up(fd, b"x" * 256) == ABSENT
        os.chmod(place, 0o400)
        with pytest.raises(PermissionError):
            names.look_up(fd, b"File")
        os.chmod(place, 0o700)
        assert names.look_up(fd, b"file") == (Found.FOLDED, b"File")


def test_directory_that_is_too_large_is_searched(kind: str, directory: int, place: str) -> None:
    touch(place, *(b"Name%d" % number for number in range(60)))
    with index(kind, limit=DIRECTORY_WEIGHT + 50) as names:
        for number in range(60):
            assert names.look_up(directory, b"name%d" % number) == (Found.FOLDED, b"Name%d" % number)
        touch(place, b"NAME7")
        assert names.look_up(directory, b"name7") == (Found.AMBIGUOUS, b"NAME7")
        assert names.look_up(directory, b"name60") == ABSENT


def test_pseudo_files_come_and_go_unseen(names: DirectoryIndex) -> None:
    with opened("/proc/self/fd") as directory:
        number = fcntl.fcntl(directory, fcntl.F_DUPFD, 300)
        assert names.look_up(directory, b"%d" % number).found is Found.EXACT
        os.close(number)
        assert names.look_up(directory, b"%d" % number) == ABSENT


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/", b"a\0"])
def test_only_components_are_looked_up(names: DirectoryIndex, directory: int, name: bytes) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 # told by its errno
        names.look_up(directory, name)
    assert caught.value.errno == errno.EINVAL


def test_no_directory(names: DirectoryIndex, place: str) -> None:
    touch(place, b"file")
    fd = os.open(f"{place}/file", os.O_RDONLY)
    try:
        with pytest.raises(NotADirectoryError):
            names.look_up(fd, b"a")
    finally:
        os.close(fd)
    for call in (names.told_changed, names.forget):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call(fd)


STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "remove", "rename", "look"]), *[st.sampled_from(SPELLINGS)] * 2),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS)
@pytest.mark.parametrize("kind", KINDS)
def test_against_a_naive_model(kind: str, steps: list[tuple[str, bytes, bytes]]) -> None:
    with (
        tempfile.TemporaryDirectory() as place,
        opened(place) as directory,
        index(kind, limit=DIRECTORY_WEIGHT + 12) as names,
    ):
        for step, name, other in steps:
            held = os.listdir(os.fsencode(place))
            if step == "create":
                touch(place, name)
            elif step == "remove" and name in held:
                os.unlink(name, dir_fd=directory)
            elif step == "rename" and name in held:
                os.rename(name, other, src_dir_fd=directory, dst_dir_fd=directory)
            else:
                assert names.look_up(directory, name) == expected(held, name)
        held = os.listdir(os.fsencode(place))
        assert [names.look_up(directory, name) for name in SPELLINGS] == [expected(held, name) for name in SPELLINGS]


def test_upcase_table_in_c() -> None:
    table = memoryview(upcase_table()).cast("H")
    assert [lib.pb_upcase(unit) for unit in range(0x10000)] == table.tolist()
    assert [lib.pb_upcase(point) for point in (0x10000, 0x10428, 0x10FFFF)] == [0x10000, 0x10428, 0x10FFFF]
