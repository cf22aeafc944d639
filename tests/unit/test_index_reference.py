"""The reference index over an imagined host: what it believes, and what it keeps."""

from __future__ import annotations

from ntshim.fs.view import ABSENT, DIRECTORIES_SEEN, DIRECTORY_WEIGHT, FoldedIndex, Found, Stamp, Timestamps


class Imagined:
    """A host whose directories are numbers; counts listings."""

    def __init__(self, *, watched: bool) -> None:
        self.held: dict[int, list[bytes]] = {}
        self.change: object = 1
        self.watched = watched
        self.listings = 0

    def stamp(self, directory: int, /) -> Stamp:
        return Stamp(directory, self.change, self.watched)

    def names(self, directory: int, /) -> list[bytes]:
        self.listings += 1
        if directory < 0:
            raise PermissionError
        return self.held.get(directory, [])

    def exists(self, directory: int, name: bytes, /) -> bool:
        return name in self.held.get(directory, [])


def test_equal_stamps_are_believed() -> None:
    host = Imagined(watched=True)
    names = FoldedIndex(host)
    host.held[1] = [b"A"]
    assert [names.look_up(1, name).found for name in (b"a", b"A", b"b")] == [Found.FOLDED, Found.EXACT, Found.ABSENT]
    assert host.listings == 1
    host.held[1] = [b"B"]
    host.change = 2
    assert (names.look_up(1, b"a"), names.look_up(1, b"b")) == (ABSENT, (Found.FOLDED, b"B"))
    assert host.listings == 2


def test_doubt_is_settled_by_reading() -> None:
    host = Imagined(watched=True)
    names = FoldedIndex(host)
    host.change = None
    for listings in (1, 2, 3):
        names.look_up(1, b"a")
        assert host.listings == listings


def test_unwatched_absence_is_doubted() -> None:
    host = Imagined(watched=False)
    names = FoldedIndex(host)
    host.held[1] = [b"A"]
    names.look_up(1, b"a")
    names.look_up(1, b"a")
    assert host.listings == 1
    names.look_up(1, b"b")
    assert host.listings == 2
    names.told_changed(1)
    names.look_up(1, b"a")
    assert host.listings == 3


def test_watched_directories_need_not_be_told() -> None:
    host = Imagined(watched=True)
    names = FoldedIndex(host)
    names.look_up(1, b"a")
    names.told_changed(1)
    names.look_up(1, b"a")
    assert host.listings == 1
    names.forget(1)
    names.look_up(1, b"a")
    assert host.listings == 2


def test_unlistable_directories_are_not_kept() -> None:
    host = Imagined(watched=True)
    names = FoldedIndex(host)
    host.held[-1] = [b"A"]
    assert names.look_up(-1, b"A") == (Found.EXACT, b"A")
    assert names.look_up(-1, b"a") == ABSENT
    assert host.listings == 2


def test_least_recently_used_goes_first() -> None:
    host = Imagined(watched=True)
    names = FoldedIndex(host, limit=2 * (DIRECTORY_WEIGHT + 1))
    host.held = {number: [b"A"] for number in range(3)}
    for number in (0, 1, 0, 2, 0, 2):
        names.look_up(number, b"a")
    assert host.listings == 3
    names.look_up(1, b"a")
    assert host.listings == 4


def test_too_large_a_directory_drops_no_other() -> None:
    host = Imagined(watched=True)
    names = FoldedIndex(host, limit=DIRECTORY_WEIGHT + 1)
    host.held = {0: [b"A"], 1: [b"A", b"B"]}
    for number in (0, 1, 0, 1, 0):
        names.look_up(number, b"a")
    assert host.listings == 3


def test_timestamps_are_believed_once_they_are_old() -> None:
    seen = Timestamps(granularity=10)
    assert [seen.change("d", 1, now) for now in (100, 109, 110, 200)] == [None, None, 1, 1]
    assert [seen.change("d", 2, now) for now in (201, 210, 211)] == [None, None, 2]
    assert [seen.change("d", 1, now) for now in (212, 222)] == [None, 1]
    assert seen.change("e", 1, 300) is None


def test_timestamps_seen_are_bounded() -> None:
    seen = Timestamps(granularity=1)
    for number in range(DIRECTORIES_SEEN + 1):
        seen.change(number, 1, 0)
    assert seen.change(DIRECTORIES_SEEN, 1, 5) == 1
    assert seen.change(0, 1, 5) is None
