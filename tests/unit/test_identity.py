"""What a path of a task leads to: file, directory, and the name there without links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from host_index import index

from picobox.names import Names
from picobox.platform.host import AT_FDCWD, PseudoDevices, own_tid
from picobox.platform.identity import Identities, Identity


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a file, directories and links."""
    (tmp_path / "dir" / "inner").mkdir(parents=True)
    (tmp_path / "dir" / "file").touch()
    (tmp_path / "link").symlink_to("dir/file")
    (tmp_path / "way").symlink_to("dir")
    (tmp_path / "nowhere").symlink_to("dir/missing")
    (tmp_path / "dir" / "same").symlink_to("../same")
    (tmp_path / "same").touch()
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(identities: Identities, path: str, *, follow: bool = True) -> Identity | None:
    return identities.of_path(own_tid(), AT_FDCWD, os.fsencode(path), follow=follow)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("dir/file", "dir/file"),
        ("way/file", "dir/file"),
        ("link", "dir/file"),
        ("dir/same", "same"),
        ("dir", "dir"),
        ("dir/", "dir"),
        ("way/", "dir"),
        ("dir/.", "dir"),
        ("dir/inner/..", "dir"),
        ("way/inner/../file", "dir/file"),
    ],
)
def test_a_file_is_known_by_where_it_is(tree: Path, path: str, real: str, absolute: bool) -> None:
    identities = Identities(PseudoDevices())
    for _ in range(2):
        identity = found(identities, f"{tree}/{path}" if absolute else path)
        assert identity is not None
        assert identity.path == os.fsencode(tree / real)
        where, parent = (tree / real).stat(), (tree / real).parent.stat()
        assert identity.file == (where.st_dev, where.st_ino)
        assert identity.directory == (parent.st_dev, parent.st_ino)
        assert identity.is_directory == (tree / real).is_dir()


@pytest.mark.parametrize(("path", "real"), [("way/new", "dir/new"), ("nowhere", "nowhere"), ("new", "new")])
def test_a_missing_file_has_a_place(tree: Path, path: str, real: str) -> None:
    identity = found(Identities(PseudoDevices()), path)
    assert identity is not None
    assert (identity.path, identity.file) == (os.fsencode(tree / real), None)


@pytest.mark.parametrize(
    ("path", "follow"),
    [("fifo", True), ("link", False), ("no/file", True), ("/proc/self/status", True), ("/proc/self/fd/0", True)],
)
def test_what_is_no_file_of_a_volume(tree: Path, path: str, follow: bool) -> None:
    assert found(Identities(PseudoDevices()), path, follow=follow) is None


def test_a_directory_that_moves(tree: Path) -> None:
    identities = Identities(PseudoDevices())
    directory = os.open(tree / "dir", os.O_PATH)
    try:
        for name in ("dir", "moved", "dir"):
            identity = identities.of_path(own_tid(), directory, b"file", follow=True)
            assert identity is not None
            assert identity.path == os.fsencode(tree / name / "file")
            os.rename(tree / name, tree / ("dir" if name == "moved" else "moved"))
            (tree / name).mkdir()
            (tree / name).rmdir()
    finally:
        os.close(directory)


def test_a_link_that_is_turned(tree: Path) -> None:
    (tree / "other").mkdir()
    (tree / "other" / "file").touch()
    identities = Identities(PseudoDevices())
    for target in ("dir", "other"):
        (tree / "way").unlink()
        (tree / "way").symlink_to(target)
        identity = found(identities, "way/file")
        assert identity is not None
        assert identity.path == os.fsencode(tree / target / "file")


def test_a_directory_that_is_gone(tree: Path) -> None:
    directory = os.open(tree / "dir" / "inner", os.O_PATH)
    try:
        (tree / "dir" / "inner").rmdir()
        assert Identities(PseudoDevices()).of_path(own_tid(), directory, b"file", follow=True) is None
    finally:
        os.close(directory)


def test_the_file_behind_a_descriptor(tree: Path) -> None:
    identities = Identities(PseudoDevices())
    fd = os.open(tree / "dir" / "file", os.O_RDONLY)
    try:
        by_name = found(identities, "dir/file")
        for path in (f"/dev/fd/{fd}", f"/proc/self/fd/{fd}", f"/proc/{os.getpid()}/fd/{fd}"):
            assert identities.behind(own_tid(), AT_FDCWD, path.encode()) == by_name
        assert identities.of_held(own_tid(), fd) == by_name
        os.rename(tree / "dir" / "file", tree / "moved")
        assert identities.of_held(own_tid(), fd) == found(identities, "moved")
        os.unlink(tree / "moved")
        identity = identities.of_held(own_tid(), fd)
        assert identity is not None
        assert (identity.name, identity.links) == (b"moved", 0)
    finally:
        os.close(fd)


def test_a_name_of_several_that_is_gone(tree: Path) -> None:
    """The kernel still tells the name by which it was opened."""
    os.link(tree / "same", tree / "second")
    fd = os.open(tree / "second", os.O_RDONLY)
    try:
        os.unlink(tree / "second")
        identity = Identities(PseudoDevices()).of_held(own_tid(), fd)
        assert identity is not None
        assert (identity.name, identity.links) == (b"second", 0)
    finally:
        os.close(fd)


@pytest.mark.parametrize("path", ["fifo", "/proc/self/status", "/dev/null", "/dev/fd/1048576"])
def test_nothing_of_a_volume_behind_a_link(tree: Path, path: str) -> None:
    assert Identities(PseudoDevices()).behind(own_tid(), AT_FDCWD, path.encode()) is None


def test_nothing_is_looked_up_where_this_process_answers(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pseudo = PseudoDevices()
    identities = Identities(pseudo)
    fd = os.open("dir/file", os.O_RDONLY)
    os.chdir("dir/inner")
    assert identities.of_open(own_tid(), fd) is not None
    assert identities.of_working_directory(own_tid()) is not None
    pseudo.served = os.fsencode(tree / "dir")
    look = os.stat

    def guarded(path: str | bytes, *, follow_symlinks: bool = True) -> os.stat_result:
        assert not os.fsencode(path).startswith(os.fsencode(tree)), path
        return look(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", guarded)
    assert identities.of_open(own_tid(), fd) is None
    assert identities.of_working_directory(own_tid()) is None
    monkeypatch.undo()
    os.close(fd)


@pytest.mark.parametrize(("path", "is_told"), [("dir/file", False), ("dir", False), ("same", True)])
def test_no_path_is_told_where_this_process_answers(tree: Path, path: str, is_told: bool) -> None:
    with index("reference") as kept:
        names = Names(kept)
        names.pseudo.served = os.fsencode(tree / "dir")
        for each in (tree / path, Path(path)):
            ours = names.on_host(own_tid(), AT_FDCWD, os.fsencode(each))
            assert os.path.exists(ours) is bool(ours) is is_told


def test_what_is_asked_about_one_call_is_about_one_moment(tmp_path: Path) -> None:
    identities, own = Identities(PseudoDevices()), own_tid()
    path = os.fsencode(tmp_path / "file")
    identities.hold()
    entries = [identities.of_entry(own, AT_FDCWD, path)]
    (tmp_path / "file").touch()
    entries.append(identities.of_entry(own, AT_FDCWD, path))
    identities.release()
    entries.append(identities.of_entry(own, AT_FDCWD, path))
    assert [None if each is None else each.file is not None for each in entries] == [False, False, True]
