"""Paths looked up in real directories, with either index, against a model that lists every directory on its way."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from host_index import KINDS, index
from hypothesis import given, settings
from hypothesis import strategies as st

from ntshim.fs.rules import CaseMode
from ntshim.fs.view import fold
from picobox.errors import Errno
from picobox.platform.base import HostTid
from picobox.platform.drives import Drives
from picobox.platform.lookup import Lookup, Place, Start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = ("a", "A", "b", "B", "É", "é")
MOST_LINKS = 40
DEPTHS = os.path.join(*"123456")
ONE_TREE = Drives({}, CaseMode.INSENSITIVE)

names = st.sampled_from(NAMES)
steps = st.one_of(names, st.sampled_from((".", "..", "")))
paths = st.lists(steps, min_size=1, max_size=5).map("/".join).filter(bool)
# What is made, in this order, as far as it can be: directory, file, or what a link contains.
entries = st.tuples(st.lists(names, min_size=1, max_size=3), st.one_of(st.none(), st.just(""), paths))
trees = st.lists(entries, max_size=12)


class Meant(NamedTuple):
    """Where a path leads: the directory and name of its last component, with the spelling there, None if missing.

    `slash`: whether a slash follows, in the path or in the link that ends it.
    """

    directory: str
    asked: str
    stored: str | None
    slash: bool


class Model:
    """Walks a path from a directory, link by link, by names that are listed anew each time. OSError as the kernel's."""

    def __init__(self) -> None:
        self.links = MOST_LINKS

    def walk(self, at: str, path: str, *, follow: bool, entry: bool) -> Meant:
        if not path:
            raise OSError(errno.ENOENT, path)
        directory = "/" if path.startswith("/") else at
        parts = [part for part in path.split("/") if part]
        ends_in_slash = path.endswith("/")
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            if not os.path.isdir(directory):
                raise OSError(errno.ENOTDIR, path)
            stored = part if part in (".", "..") else spelled(directory, part)
            if stored is None:
                if last:
                    return Meant(directory, part, None, ends_in_slash)
                raise OSError(errno.ENOENT, path)
            full = os.path.join(directory, stored)
            if os.path.islink(full) and (not last or follow or (ends_in_slash and not entry)):
                if not self.links:
                    raise OSError(errno.ELOOP, path)
                self.links -= 1
                text = os.readlink(full) + ("/" if ends_in_slash and last else "")
                meant = self.walk(directory, text, follow=True, entry=False)
                if last:
                    return meant
                if meant.stored is None:
                    raise OSError(errno.ENOENT, path)
                full = os.path.join(meant.directory, meant.stored)
            elif last:
                return Meant(directory, part, stored, ends_in_slash)
            directory = os.path.realpath(full)
        return Meant("/", ".", ".", ends_in_slash)


def spelled(directory: str, name: str) -> str | None:
    """The stored spelling of a name."""
    held = sorted(other for other in map(os.fsencode, os.listdir(directory)) if fold(other) == fold(os.fsencode(name)))
    return name if os.fsencode(name) in held else os.fsdecode(held[0]) if held else None


@contextmanager
def own_directory() -> Iterator[str]:
    """A directory so deep that no path leads out of what is ours."""
    with tempfile.TemporaryDirectory() as top:
        deep = os.path.join(os.path.realpath(top), DEPTHS)
        os.makedirs(deep)
        yield deep


def make(root: str, tree: list[tuple[list[str], str | None]]) -> None:
    for parts, content in tree:
        path = os.path.join(root, *parts)
        # A link may lead to the machine's root.
        is_ours = os.path.realpath(os.path.dirname(path)).startswith(root.removesuffix(DEPTHS))
        if os.path.lexists(path) or not os.path.isdir(os.path.dirname(path)) or not is_ours:
            continue
        if content is None:
            os.mkdir(path)
        elif content:
            os.symlink(content, path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def native(path: str, *, follow: bool) -> tuple[int, int] | int:
    """The file that the host finds, or its error."""
    try:
        found = os.stat(path, follow_symlinks=follow)
    except OSError as error:
        return error.errno or 0
    return found.st_dev, found.st_ino


def modelled(root: str, path: str, *, follow: bool) -> tuple[int, int] | int:
    try:
        meant = Model().walk(root, path, follow=follow, entry=False)
    except OSError as error:
        return error.errno or 0
    if meant.stored is None:
        return errno.ENOENT
    full = os.path.join(meant.directory, meant.stored)
    return native(full + ("/" if meant.slash else ""), follow=follow)


def descriptors() -> list[str]:
    """What our descriptors are, but for the one by which an index watches."""
    paths = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    return [
        f"{path} {os.readlink(path)}" for path in paths if os.path.lexists(path) and "inotify" not in os.readlink(path)
    ]


def find(lookup: Lookup, root: str, path: str, *, follow: bool, creates: bool = False, entry: bool = False) -> Place:
    start = Start(HostTid(os.getpid()), os.fsencode(root) + b"/", b"/", moved=False)
    return lookup.find(start, os.fsencode(path), follow=follow, creates=creates, entry=entry)


def search(request: pytest.FixtureRequest, check: Callable[..., None], **drawn: st.SearchStrategy[Any]) -> None:
    """Checks a property with some examples in the fast tier, with four times as many in the full one."""
    examples = 400 if request.config.getoption("--full") else 100
    settings(deadline=None, max_examples=examples)(given(**drawn)(check))()


def lead_where_the_model_goes(
    kind: str, tree: list[tuple[list[str], str | None]], asked: list[tuple[str, bool, bool]]
) -> None:
    with index(kind) as made, own_directory() as root:
        lookup = Lookup(made, ONE_TREE)
        before = descriptors()
        make(root, tree)
        for path, absolute, follow in asked:
            full = f"{root}/{path}" if absolute else path
            try:
                found = find(lookup, root, full, follow=follow).path
            except Errno as error:
                got: tuple[int, int] | int = error.errno
            else:
                got = native(os.path.join(root, full if found is None else os.fsdecode(found)), follow=follow)
            wanted = modelled(root, full, follow=follow)
            # Which of two things is wrong first, the kernel alone knows.
            assert got == wanted or {got, wanted} <= {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}, (full, follow)
        assert descriptors() == before


@pytest.mark.parametrize("kind", KINDS[:3])
def test_paths_lead_where_the_model_goes(kind: str, request: pytest.FixtureRequest) -> None:
    asked = st.lists(st.tuples(paths, st.booleans(), st.booleans()), min_size=1, max_size=8)
    search(request, lead_where_the_model_goes, kind=st.just(kind), tree=trees, asked=asked)


def place_of_a_new_name_is_the_model_s(
    kind: str, tree: list[tuple[list[str], str | None]], path: str, entry: bool
) -> None:
    with index(kind) as made, own_directory() as root:
        make(root, tree)
        try:
            meant = Model().walk(root, path, follow=not entry, entry=entry)
        except OSError:
            return
        place = find(Lookup(made, ONE_TREE), root, path, follow=not entry, creates=True, entry=entry)
        # What follows no link makes the name also if that is there, and is gone when the call comes to it.
        other = None if meant.stored == meant.asked else meant.stored
        is_made = meant.asked not in (".", "..") and (entry or meant.stored != meant.asked)
        assert (place.parent >= 0) == is_made, place
        if is_made:
            assert os.path.samestat(os.fstat(place.parent), os.stat(meant.directory))
            assert place.asked == os.fsencode(meant.asked)
            assert place.stored == (None if other is None else os.fsencode(other))
            place.close()


@pytest.mark.parametrize("kind", KINDS[:3])
def test_places_of_new_names_are_the_model_s(kind: str, request: pytest.FixtureRequest) -> None:
    drawn = {"kind": st.just(kind), "tree": trees, "path": paths, "entry": st.booleans()}
    search(request, place_of_a_new_name_is_the_model_s, **drawn)


@pytest.fixture(params=KINDS)
def lookup(request: pytest.FixtureRequest) -> Iterator[Lookup]:
    with index(str(request.param)) as made:
        yield Lookup(made, ONE_TREE)


def test_nothing_is_made_outside(tmp_path: Path) -> None:
    with own_directory() as root:
        make(root, [(["a"], str(tmp_path)), (["a", "b"], "x"), (["b"], ".."), (["b", "a"], None)])
        assert os.listdir(tmp_path) == []
        assert os.path.isdir(os.path.join(os.path.dirname(root), "a"))


def test_an_exact_path_is_left_alone(lookup: Lookup, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "A").touch()
    for path in ("a", "A", "./a", ".//A", ".", "..", "/"):
        assert find(lookup, str(tmp_path), path, follow=True) == Place()


def test_what_changes_is_seen_at_once(lookup: Lookup, tmp_path: Path) -> None:
    for _ in range(20):
        (tmp_path / "Name").touch()
        assert find(lookup, str(tmp_path), "nAME", follow=True).path == b"Name"
        (tmp_path / "Name").rename(tmp_path / "NAME")
        assert find(lookup, str(tmp_path), "nAME", follow=True).path == b"NAME"
        (tmp_path / "NAME").unlink()
        assert find(lookup, str(tmp_path), "nAME", follow=True).path is None


def test_paths_of_every_length(lookup: Lookup, tmp_path: Path) -> None:
    (tmp_path / "File").touch()
    for length in (4000, 4090, 4091, 4092, 4093, 4094, 4095):
        filler = "./" * (length // 2)
        path = filler[: length - 4 - length % 2] + "/" * (length % 2) + "fILE"
        assert len(path) == length
        assert find(lookup, str(tmp_path), path, follow=True).path == b"./File"
    assert find(lookup, str(tmp_path), "./" * 2046 + "fILE", follow=True) == Place()


def test_a_directory_that_goes_while_its_path_is_known(lookup: Lookup, tmp_path: Path) -> None:
    (tmp_path / "Dir" / "Sub").mkdir(parents=True)
    assert find(lookup, str(tmp_path), "dIR/sUB", follow=True).path == b"Dir/Sub"
    shutil.rmtree(tmp_path / "Dir")
    assert find(lookup, str(tmp_path), "dIR/sUB", follow=True) == Place()
    (tmp_path / "DIR").touch()
    assert find(lookup, str(tmp_path), "dIR/sUB", follow=True).path == b"DIR/sUB"


def test_links_that_lead_to_each_other(lookup: Lookup, tmp_path: Path) -> None:
    (tmp_path / "One").symlink_to("tWO")
    (tmp_path / "Two").symlink_to("oNE")
    for path in ("One", "oNE", "two/x"):
        with pytest.raises(Errno) as caught:
            find(lookup, str(tmp_path), path, follow=True)
        assert caught.value.errno == errno.ELOOP
    assert find(lookup, str(tmp_path), "oNE", follow=False).path == b"One"


def test_links_are_shown_to_the_kernel_if_it_is_to_refuse_them(lookup: Lookup, tmp_path: Path) -> None:
    (tmp_path / "Dir").mkdir()
    (tmp_path / "Dir" / "File").touch()
    (tmp_path / "Link").symlink_to("dIR")
    start = Start(HostTid(os.getpid()), os.fsencode(tmp_path) + b"/", b"/", moved=False)
    found = lookup.find(start, b"lINK/fILE", follow=True, creates=False, expand=False)
    assert found.path == b"Link/fILE"
