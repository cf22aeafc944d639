"""Plans are kept from one run to the next, and made anew when the image or what was kept has changed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from native.sites import call_sites
from picobox.platform import cache_directory, site_cache, site_finder
from picobox.platform.site_cache import ImageFile, SiteCache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from picobox.platform.site_records import StoredPlan

LONG_AGO = 1_000_000_000


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image of its own, changed long ago as far as the cache can tell."""
    path = tmp_path / "image"
    shutil.copy(call_sites().path, path)
    monkeypatch.setattr(site_cache, "_SETTLED_NS", -1)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> SiteCache:
    return SiteCache(str(tmp_path / "cache" / "sites"))


@contextmanager
def opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def find(cache: SiteCache, path: Path) -> StoredPlan | None:
    with opened(path) as fd:
        return cache.find(fd)


def make(cache: SiteCache, path: Path) -> StoredPlan:
    with opened(path) as fd:
        return cache.make(fd)


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "sites").iterdir())


def no_finder(data: bytes) -> None:
    raise AssertionError("looked for again")


def test_plan_is_made_once(cache: SiteCache, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(cache, image) is None
    assert make(cache, image).plan() == call_sites().plan
    monkeypatch.setattr(site_finder, "plan_of", no_finder)
    found = find(cache, image)
    assert found is not None
    assert found.plan() == call_sites().plan
    # A copy is another file of the same contents.
    copy = image.with_name("copy")
    shutil.copy(image, copy)
    assert find(cache, copy) is None
    assert make(cache, copy).plan() == call_sites().plan
    assert find(cache, copy) is not None
    names = {path.name: path.stat() for path in kept(tmp_path)}
    assert len(names) == 3
    assert {(found.st_mode & 0o777, found.st_nlink) for found in names.values()} == {(0o600, 3)}
    assert call_sites().plan.digest.hex() in names
    assert os.stat(tmp_path / "cache" / "sites").st_mode & 0o777 == 0o700


def test_image_that_changes_is_another(cache: SiteCache, image: Path) -> None:
    make(cache, image)
    with image.open("r+b") as file:
        file.seek(call_sites().plan.sites[0].offset)
        file.write(b"\x90\x90")
    assert find(cache, image) is None
    assert len(make(cache, image)) == len(call_sites().plan.sites) - 1
    found = find(cache, image)
    assert found is not None
    assert len(found) == len(call_sites().plan.sites) - 1


def test_image_that_may_still_change_is_not_found_by_its_times(
    cache: SiteCache, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_cache, "_SETTLED_NS", 3600 * LONG_AGO)
    make(cache, image)
    assert find(cache, image) is None


@pytest.mark.parametrize("damage", ["emptied", "cut", "changed", "a link", "a directory", "a pipe"])
def test_damaged_plan_is_made_anew(damage: str, cache: SiteCache, image: Path, tmp_path: Path) -> None:
    make(cache, image)
    for path in kept(tmp_path):
        data = path.read_bytes()
        path.unlink()
        if damage == "emptied":
            path.touch()
        elif damage == "cut":
            path.write_bytes(data[:-1])
        elif damage == "changed":
            path.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
        elif damage == "a link":
            elsewhere = tmp_path / f"elsewhere-{path.name}"
            elsewhere.write_bytes(data)
            path.symlink_to(elsewhere)
        elif damage == "a directory":
            path.mkdir()
        else:
            os.mkfifo(path)
    assert find(cache, image) is None
    assert make(cache, image).plan() == call_sites().plan
    if damage != "a directory":
        assert find(cache, image) is not None


@pytest.mark.parametrize("place", ["file", "directory"])
def test_what_others_may_write_is_not_believed(place: str, cache: SiteCache, image: Path, tmp_path: Path) -> None:
    make(cache, image)
    for path in kept(tmp_path) if place == "file" else [tmp_path / "cache" / "sites"]:
        path.chmod(0o777)
    assert find(cache, image) is None
    assert make(cache, image).plan() == call_sites().plan


@pytest.mark.parametrize("place", ["file", "directory"])
def test_what_is_somebody_elses_is_not_believed(
    place: str, cache: SiteCache, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cache, image)
    if os.geteuid() == 0:
        for path in kept(tmp_path) if place == "file" else [tmp_path / "cache" / "sites"]:
            os.chown(path, 4321, 4321)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert find(cache, image) is None


def test_directory_that_cannot_be_made_keeps_nothing(image: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for cache in (SiteCache(str(tmp_path / "file" / "sites")), SiteCache(None)):
        assert make(cache, image).plan() == call_sites().plan
        assert find(cache, image) is None


def test_directory_that_is_held_stays_the_same(cache: SiteCache, image: Path, tmp_path: Path) -> None:
    cache.hold()
    fd = cache.lend()
    os.rename(tmp_path / "cache", tmp_path / "moved")
    make(cache, image)
    assert len(os.listdir(fd)) == 2
    assert find(cache, image) is not None
    cache.close()
    assert find(cache, image) is None
    os.close(fd)


def test_old_plans_make_room(cache: SiteCache, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(cache, image)
    monkeypatch.setattr(cache_directory, "_MOST_FILES", 10)
    for number in range(8):
        old = tmp_path / "cache" / "sites" / f"old-{number}"
        old.touch()
        os.utime(old, (number, number))
    with image.open("ab") as file:
        file.write(b"\0")
    make(cache, image)
    assert [path.name for path in kept(tmp_path) if path.name.startswith("old")] == ["old-5", "old-6", "old-7"]
    assert find(cache, image) is not None


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + bytes(100)])
def test_what_has_no_code_has_an_empty_plan(data: bytes, cache: SiteCache, image: Path) -> None:
    image.write_bytes(data)
    assert make(cache, image).plan()[1:] == ((), ())
    assert find(cache, image) is not None


def test_only_regular_files_are_images(cache: SiteCache) -> None:
    with open(os.devnull, "rb") as file:
        assert cache.find(file.fileno()) is None
        with pytest.raises(OSError, match="no regular file"):
            ImageFile.of(file.fileno())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/caches", "HOME": "/usr"}, "/caches/picobox/sites"),
        ({"XDG_CACHE_HOME": "caches", "HOME": "/usr"}, "/usr/.cache/picobox/sites"),
        ({"HOME": "/usr"}, "/usr/.cache/picobox/sites"),
        ({"HOME": "/nothing/there"}, None),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_directory_is_the_users(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert SiteCache.of_user()._directory == expected


def test_finding_reads_no_image_and_decodes_nothing(image: Path, tmp_path: Path) -> None:
    directory = str(tmp_path / "cache")
    make(SiteCache(directory), image)
    code = f"""
import os, sys
from picobox.platform.site_cache import SiteCache
fd = os.open({str(image)!r}, os.O_RDONLY)
assert len(SiteCache({directory!r}).find(fd)) > 20
print(sorted({{"iced_x86", "hashlib", "elftools", "picobox.platform.site_finder"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_who_is_met_again_is_planned(cache: SiteCache, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.meet(str(image))
    assert find(cache, image) is None
    cache.meet(str(image))
    found = find(cache, image)
    assert found is not None
    assert found.plan() == call_sites().plan
    monkeypatch.setattr(SiteCache, "make", lambda _cache, _fd: pytest.fail("made again"))
    for _ in range(3):
        cache.meet(str(image))


def test_nothing_is_left_of_a_first_meeting(cache: SiteCache, image: Path, tmp_path: Path) -> None:
    for _ in range(2):
        cache.meet(str(image))
    assert not [path for path in kept(tmp_path) if path.name.startswith("met-")]


def test_a_changed_image_is_met_anew(cache: SiteCache, image: Path) -> None:
    cache.meet(str(image))
    os.utime(image, (LONG_AGO, LONG_AGO))
    cache.meet(str(image))
    assert find(cache, image) is None


def test_a_mark_leads_nowhere(cache: SiteCache, image: Path, tmp_path: Path) -> None:
    """What somebody has put in its place is not followed."""
    cache.meet(str(image))
    (mark,) = kept(tmp_path)
    mark.unlink()
    mark.symlink_to(tmp_path / "made")
    cache.meet(str(image))
    assert not (tmp_path / "made").exists()
    assert not mark.is_symlink()


def test_who_is_not_there_or_has_no_caches_is_not_met(image: Path, tmp_path: Path, cache: SiteCache) -> None:
    cache.meet(str(tmp_path / "nobody"))
    cache.meet(str(tmp_path))
    SiteCache(None).meet(str(image))
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    SiteCache(str(open_to_all)).meet(str(image))
    assert list(open_to_all.iterdir()) == []


def test_where_memory_is_short_no_plan_is_made(
    cache: SiteCache, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, made in ((1 << 28, False), (1 << 33, True), (resource.RLIM_INFINITY, True)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, most=most: (most, most))
        with image.open("rb") as opened:
            if made:
                cache.make(opened.fileno())
            else:
                with pytest.raises(OSError, match="memory"):
                    cache.make(opened.fileno())
        assert bool([*tmp_path.rglob("sites/*")]) is made
