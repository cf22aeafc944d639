"""What the index in C keeps, how seldom it reads, and what it does when inotify fails."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import compile_source
from host_index import free_descriptors, index, opened, touch

from ntshim.fs.view import ABSENT, DIRECTORY_WEIGHT, NAMES_KEPT, Found
from picobox._native._core import lib
from picobox.platform.names import NativeIndex

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def directory(place: str) -> Iterator[int]:
    with opened(place) as fd:
        yield fd


def test_weight_is_that_of_the_reference() -> None:
    assert lib.PB_NAMES_DIRECTORY_WEIGHT == DIRECTORY_WEIGHT


def test_a_directory_is_read_until_it_is_watched(place: str, directory: int) -> None:
    names = NativeIndex()
    touch(place, *(b"Name%d" % number for number in range(100)))
    for number in range(100):
        assert names.look_up(directory, b"NAME%d" % number) == (Found.FOLDED, b"Name%d" % number)
        assert names.look_up(directory, b"other%d" % number) == ABSENT
        touch(place, b"Other%d" % number)
        os.unlink(f"{place}/Name{number}")
    counts = names.statistics()
    assert (counts.listings, counts.events, counts.names) == (2, 198, 100)


def test_removed_names_leave_nothing_behind(place: str, directory: int) -> None:
    names = NativeIndex()
    assert names.look_up(directory, b"x") == ABSENT
    for number in range(5000):
        touch(place, b"Name%d" % number)
        assert names.look_up(directory, b"name%d" % number).found is Found.FOLDED
        os.unlink(f"{place}/Name{number}")
    assert names.look_up(directory, b"x") == ABSENT
    counts = names.statistics()
    assert (counts.listings, counts.names) == (2, 0)
    assert counts.bytes == pytest.approx(NativeIndex().statistics().bytes, abs=2000)


def test_what_was_used_last_is_kept(place: str) -> None:
    names = NativeIndex(limit=3 * (DIRECTORY_WEIGHT + 10))
    with ExitStack() as stack:
        fds = []
        for number in range(4):
            os.mkdir(f"{place}/{number}")
            touch(f"{place}/{number}", *(b"A%d" % name for name in range(10)))
            fds.append(stack.enter_context(opened(f"{place}/{number}")))
        for number in (0, 1, 2, 0, 3):
            assert names.look_up(fds[number], b"a1") == (Found.FOLDED, b"A1")
            assert names.look_up(fds[number], b"none") == ABSENT
        # Each was read once without and once with a watch.
        assert names.statistics()[:5] == (3, 3, 30, names.statistics().bytes, 8)
        names.look_up(fds[0], b"a1")
        names.look_up(fds[2], b"a1")
        assert names.statistics().listings == 8
        names.look_up(fds[1], b"a1")
        assert names.statistics().listings == 9


def test_growth_by_events_is_bounded_too(place: str, directory: int) -> None:
    names = NativeIndex(limit=DIRECTORY_WEIGHT + 20)
    assert names.look_up(directory, b"a1") == ABSENT
    touch(place, *(b"A%d" % name for name in range(21)))
    assert names.look_up(directory, b"a1") == (Found.FOLDED, b"A1")
    assert names.statistics()[:3] == (0, 0, 0)


def test_lost_events_are_made_up_for_by_reading(place: str, directory: int) -> None:
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as limit:
        queued = int(limit.read())
    names = NativeIndex()
    touch(place, b"Old")
    assert names.look_up(directory, b"old") == (Found.FOLDED, b"Old")
    assert names.look_up(directory, b"new") == ABSENT
    for number in range(queued // 2 + 1):
        os.rename(f"{place}/{'Old' if number == 0 else number - 1}", f"{place}/{number}")
    touch(place, b"New")
    assert names.look_up(directory, b"old") == ABSENT
    assert names.look_up(directory, b"new") == (Found.FOLDED, b"New")
    assert names.statistics().listings == 3


def test_forgotten_directories_are_read_again(place: str, directory: int) -> None:
    names = NativeIndex()
    touch(place, b"A")
    assert names.look_up(directory, b"b") == names.look_up(directory, b"b") == ABSENT
    names.told_changed(directory)
    names.look_up(directory, b"a")
    assert names.statistics().listings == 2
    names.forget(directory)
    assert names.look_up(directory, b"a") == (Found.FOLDED, b"A")
    assert names.statistics().listings == 3


def test_without_watches_an_absence_is_not_believed(place: str, directory: int) -> None:
    with index("native unwatched") as names:
        assert isinstance(names, NativeIndex)
        for listings in range(1, 4):
            assert names.look_up(directory, b"a") == ABSENT
            assert names.statistics()[1::3] == (0, listings)


def test_timestamps_are_believed_once_they_are_old(place: str, directory: int) -> None:
    touch(place, b"A")
    doubted = []
    for _ in range(5):
        with index("native unwatched") as names:
            assert isinstance(names, NativeIndex)
            names.look_up(directory, b"a")
            names.look_up(directory, b"a")
            doubted.append(names.statistics().listings == 2)
            listings = -1
            while names.statistics().listings != listings:
                listings = names.statistics().listings
                assert names.look_up(directory, b"a") == (Found.FOLDED, b"A")
            assert names.look_up(directory, b"b") == ABSENT
            names.told_changed(directory)
            names.look_up(directory, b"a")
            os.utime(place)
            names.look_up(directory, b"a")
            assert names.statistics().listings == listings + 3
    # But for a machine that stands still at the wrong moment, all of them.
    assert any(doubted)


def inotify_descriptors() -> dict[int, bool]:
    """Which of our descriptors are inotify's, and whether programs inherit them."""
    found = {}
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            if os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:inotify":
                found[fd] = os.get_inheritable(fd)
        except OSError:  # that of the listing
            continue
    return found


def test_descriptors_are_made_at_need_not_inherited_and_closed(directory: int) -> None:
    before = inotify_descriptors()
    names = NativeIndex(NAMES_KEPT)
    names.look_up(directory, b"a")
    assert inotify_descriptors() == before
    names.look_up(directory, b"a")
    assert [inherited for fd, inherited in inotify_descriptors().items() if fd not in before] == [False]
    del names
    assert inotify_descriptors() == before


@pytest.fixture
def below(place: str) -> Iterator[int]:
    """A directory in the other one, with a name in it."""
    os.mkdir(f"{place}/below")
    touch(f"{place}/below", b"Deep")
    with opened(f"{place}/below") as fd:
        yield fd


def changed_unlisted(names: NativeIndex, place: str, directory: int, below: int) -> None:
    """Names are found, made and removed in directories that a guest watches, and the directories are not read."""
    listings = names.statistics().listings
    assert names.look_up(directory, b"old") == (Found.FOLDED, b"Old")
    assert names.look_up(below, b"deep") == (Found.FOLDED, b"Deep")
    assert names.look_up(directory, b"Made") == names.look_up(below, b"Made") == ABSENT
    touch(place, b"Made")
    touch(f"{place}/below", b"Made")
    for fd in (directory, below):
        assert names.look_up(fd, b"Made") == (Found.EXACT, b"Made")
        assert names.look_up(fd, b"MADE") == (Found.FOLDED, b"Made")
    os.unlink(f"{place}/Made")
    os.rename(f"{place}/below/Made", f"{place}/below/MADE")
    assert names.look_up(directory, b"made") == ABSENT
    assert names.look_up(below, b"made") == (Found.FOLDED, b"MADE")
    assert names.statistics().listings == listings


def test_an_observed_directory_is_not_read_again(place: str, directory: int, below: int) -> None:
    names = NativeIndex()
    touch(place, b"Old")
    names.expect_observer(os.fsencode(place), follow=True)
    assert names.statistics().listings == 2
    changed_unlisted(names, place, directory, below)
    touch(place, b"Unasked")
    assert names.look_up(directory, b"unasked") == (Found.FOLDED, b"Unasked"), "inotify tells of it"


def test_an_observed_directory_that_must_be_forgotten_is_not_read_again(place: str, directory: int, below: int) -> None:
    names = NativeIndex()
    touch(place, b"Old")
    names.expect_observer(os.fsencode(place), follow=True)
    for fd in (directory, below):
        names.forget(fd)
    changed_unlisted(names, place, directory, below)
    touch(place, b"Unasked")
    assert names.look_up(directory, b"unasked") == (Found.FOLDED, b"Unasked"), "inotify tells of it"


def test_an_observed_directory_is_not_read_again_without_watches(place: str, directory: int, below: int) -> None:
    names = NativeIndex()
    touch(place, b"Old")
    with free_descriptors(2):  # for the directory and its listing: none is left for inotify
        names.expect_observer(os.fsencode(place), follow=True)
    for name in (b"Made", b"made", b"Old"):
        with free_descriptors(0):
            assert names.look_up(directory, name).found is (Found.EXACT if name == b"Old" else Found.ABSENT)
            assert names.look_up(below, name) == ABSENT
    touch(place, b"Made")
    touch(f"{place}/below", b"Made")
    with free_descriptors(0):
        assert names.look_up(directory, b"made") == names.look_up(below, b"made") == (Found.FOLDED, b"Made")
        assert names.look_up(directory, b"old") == (Found.FOLDED, b"Old")
    assert (names.statistics().watches, names.statistics().listings) == (0, 1)


def test_what_is_no_directory_and_links_that_do_not_count_are_no_observed_directories(place: str) -> None:
    names = NativeIndex()
    touch(place, b"file")
    os.symlink(".", f"{place}/link")
    for path, follow in ((b"file", True), (b"nothing", True), (b"link", False)):
        names.expect_observer(os.fsencode(place) + b"/" + path, follow=follow)
    assert names.statistics().listings == 0
    names.expect_observer(os.fsencode(place) + b"/link", follow=True)
    assert names.statistics().listings == 1


def test_a_removed_directory_is_observed_no_more(place: str, directory: int) -> None:
    """Another one may get its inode; a name that was never looked for is found in it, since it is read."""
    names = NativeIndex()
    os.mkdir(f"{place}/gone")
    names.expect_observer(os.fsencode(place) + b"/gone", follow=True)
    inode = os.stat(f"{place}/gone").st_ino
    os.rmdir(f"{place}/gone")
    names.look_up(directory, b"x")
    for number in range(100):
        os.mkdir(f"{place}/{number}")
        if os.stat(f"{place}/{number}").st_ino == inode:
            break
        touch(f"{place}/{number}", b"Name")
    with opened(f"{place}/{number}") as fd:
        touch(f"{place}/{number}", b"Name")
        assert names.look_up(fd, b"name") == (Found.FOLDED, b"Name")


def exchange(one: str, other: str) -> None:
    subprocess.run([compile_source(Path(__file__).parent / "exchange.c"), one, other], check=True)


@pytest.mark.parametrize("is_observed", [False, True])
def test_names_that_were_exchanged_are_both_there(place: str, directory: int, is_observed: bool) -> None:
    names = NativeIndex()
    touch(place, b"One", b"Two")
    for _ in range(2):
        assert names.look_up(directory, b"none") == ABSENT
    if is_observed:
        names.expect_observer(os.fsencode(place), follow=True)
    for _ in range(3):
        exchange(f"{place}/One", f"{place}/Two")
        assert names.look_up(directory, b"ONE") == (Found.FOLDED, b"One")
        assert names.look_up(directory, b"TWO") == (Found.FOLDED, b"Two")
