"""A tree that goes into an instance comes out as it was; an archive that is damaged or means harm is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import re
import stat
import subprocess
import sys
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from picobox.session.archives import images, reading
from picobox.session.archives.errors import ArchiveError
from picobox.session.archives.packing import pack
from picobox.session.archives.unpacking import Unpacker
from session.archives_made import Image, archive_of, everything, member, told

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def unpacked(content: bytes, root: Path, *, is_layer: bool = False) -> int:
    root.mkdir(exist_ok=True)
    with Unpacker(str(root), "test.tar") as unpacker:
        with reading.opened(reading.plain(io.BytesIO(content)), "test.tar") as archive:
            unpacker.unpack(archive, is_layer=is_layer)
        unpacker.finish()
    return unpacker.members


def packed(root: Path) -> bytes:
    output = io.BytesIO()
    pack(str(root), output)
    return output.getvalue()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    content = everything()
    unpacked(content, tmp_path / "root")
    assert told(packed(tmp_path / "root")) == told(content)
    # Nothing of it has a right on the host.
    for path in (tmp_path / "root").rglob("*"):
        found = path.lstat()
        assert found.st_uid == os.geteuid()
        assert stat.S_ISLNK(found.st_mode) or not found.st_mode & 0o7077, path


def test_only_a_layer_has_whiteouts(tmp_path: Path) -> None:
    unpacked(archive_of((member("x"), b"x"), member(".wh.x")), tmp_path / "root")
    assert sorted(os.listdir(tmp_path / "root")) == [".wh.x", "x"]


def test_hard_links_are_one_file(tmp_path: Path) -> None:
    unpacked(everything(), tmp_path / "root")
    assert (tmp_path / "root/usr/bin/su").samefile(tmp_path / "root/usr/bin/again")
    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path / "root"))) as archive:
        assert {each.name: each.linkname for each in archive if each.islnk()} == {"usr/bin/su": "usr/bin/again"}


def test_gnu_tar_reads_what_we_write_and_we_what_it_writes(tmp_path: Path) -> None:
    unpacked(everything(), tmp_path / "root")
    listing = subprocess.run(
        ["tar", "--numeric-owner", "-tvf", "-"], input=packed(tmp_path / "root"), capture_output=True, check=True
    )
    assert re.search(rb"^crw-rw-rw- 0/0 +1,3 2020-09-13 .* dev/null$", listing.stdout, re.MULTILINE)
    assert re.search(rb"^-rw-r----- 0/42 +8 .* etc/shadow$", listing.stdout, re.MULTILINE)
    made = tmp_path / "made"
    made.mkdir()
    (made / "file").write_bytes(b"content")
    with open(made / "sparse", "wb") as file:
        file.seek(1 << 20)
        file.write(b"end")
    for form in ("gnu -S", "pax -S", "ustar", "v7"):
        command = ["tar", *f"--format={form}".split(), "-C", str(made), "-cf", "-", "."]
        content = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        unpacked(content, tmp_path / form)
        for name in ("file", "sparse"):
            assert (tmp_path / form / name).read_bytes() == (made / name).read_bytes()


@pytest.mark.parametrize(
    "pieces",
    [[(0, 3)], [(1 << 20, 5)], [(0, 4096), (1 << 21, 4096)], [], [(number << 16, 100) for number in range(64)]],
)
def test_holes_stay_holes(tmp_path: Path, pieces: list[tuple[int, int]]) -> None:
    size, root = 1 << 23, tmp_path / "root"
    root.mkdir()
    with open(root / "file", "wb") as file:
        for offset, length in pieces:
            file.seek(offset)
            file.write(os.urandom(length))
        file.truncate(size)
    content = packed(root)
    assert len(content) < size // 4
    unpacked(content, tmp_path / "again")
    again = tmp_path / "again/file"
    assert again.read_bytes() == (root / "file").read_bytes()
    assert again.stat().st_blocks == (root / "file").stat().st_blocks
    native = subprocess.run(["tar", "-xOf", "-", "./file", "file"], input=content, capture_output=True, check=False)
    assert native.stdout == (root / "file").read_bytes()


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_each_compression(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    content = everything()
    assert unpacked(compress(content), tmp_path / "root") == len(told(content))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_a_damaged_archive_is_refused(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Cut off anywhere; and where there is a checksum, with any bit turned over."""
    content = compress(everything())
    chance = random.Random(1)
    end = len(content) if compress is not bytes else content.rstrip(b"\0").__len__() + 300
    for number in range(30):
        with pytest.raises(ArchiveError, match=r"test\.tar: it is no whole archive"):
            unpacked(content[: chance.randrange(end)], tmp_path / f"cut{number}")
    if compress in (bytes, zstd.compress):
        return
    for number in range(30):
        damaged = bytearray(content)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        try:
            unpacked(bytes(damaged), tmp_path / f"turned{number}")
        except ArchiveError:
            continue
        # A few bits say nothing.
        assert told(packed(tmp_path / f"turned{number}")) == told(everything())


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 100, b"\x1f\x8b", b"PK\3\4" + bytes(600)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveError, match="it is no whole archive"):
        unpacked(content, tmp_path / "root")


SECRET = "outside"


@pytest.mark.parametrize(
    "members",
    [
        [(member("../outside"), b"evil")],
        [(member("a/../../outside"), b"evil")],
        [member("up", tarfile.SYMTYPE, linkname=".."), (member("up/outside"), b"evil")],
        [member("up", tarfile.SYMTYPE, linkname="../../.."), (member("up/outside"), b"evil")],
        [
            member("a", tarfile.DIRTYPE),
            member("a/b", tarfile.SYMTYPE, linkname="../.."),
            (member("a/b/outside"), b"evil"),
        ],
        [member("link", tarfile.LNKTYPE, linkname="../outside"), (member("link"), b"evil")],
        [member("outside", tarfile.SYMTYPE, linkname="../outside"), (member("outside"), b"evil")],
        [member("here", tarfile.SYMTYPE, linkname="../outside"), member("there", tarfile.LNKTYPE, linkname="here")],
        [member("up", tarfile.SYMTYPE, linkname=".."), member("there", tarfile.LNKTYPE, linkname="up/outside")],
    ],
)
def test_nothing_leaves_the_tree(tmp_path: Path, members: list[Any]) -> None:
    (tmp_path / SECRET).write_text("mine")
    before = (tmp_path / SECRET).stat()
    with suppress(ArchiveError):
        unpacked(archive_of(*members), tmp_path / "root")
    assert (tmp_path / SECRET).read_text() == "mine"
    assert (tmp_path / SECRET).stat().st_nlink == before.st_nlink == 1
    assert sorted(os.listdir(tmp_path)) == [SECRET, "root"]


def test_a_link_on_the_way_means_what_it_would_in_the_instance(tmp_path: Path) -> None:
    content = archive_of(
        member("usr", tarfile.DIRTYPE),
        member("usr/lib", tarfile.DIRTYPE),
        member("lib", tarfile.SYMTYPE, linkname="/usr/lib"),
        (member("lib/libc.so"), b"libc"),
        (member("/absolute"), b"absolute"),
    )
    unpacked(content, tmp_path / "root")
    assert (tmp_path / "root/usr/lib/libc.so").read_bytes() == b"libc"
    assert (tmp_path / "root/absolute").read_bytes() == b"absolute"


def test_links_that_lead_around(tmp_path: Path) -> None:
    content = archive_of(
        member("a", tarfile.SYMTYPE, linkname="b"), member("b", tarfile.SYMTYPE, linkname="a"), member("a/x")
    )
    with pytest.raises(OSError, match="Too many levels"):
        unpacked(content, tmp_path / "root")


def test_a_later_member_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    content = archive_of(
        (member("x"), b"1"),
        member("x", tarfile.DIRTYPE),
        (member("x/in"), b"2"),
        member("x", tarfile.SYMTYPE, linkname="y"),
        (member("x"), b"3"),
    )
    unpacked(content, tmp_path / "root")
    assert (tmp_path / "root/x").read_bytes() == b"3"
    assert os.listdir(tmp_path / "root") == ["x"]


def test_random_trees(tmp_path: Path) -> None:
    for seed in range(20):
        chance = random.Random(seed)
        members: list[Any] = []
        directories = [""]
        for number in range(40):
            name = chance.choice(directories) + f"{number}"
            fields: dict[str, Any] = {
                "uid": chance.choice((0, 1000)),
                "gid": chance.choice((0, 50)),
                "mode": chance.randrange(0o10000),
            }
            kind = chance.choice((tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE))
            if kind == tarfile.DIRTYPE:
                directories.append(f"{name}/")
            if kind == tarfile.SYMTYPE:
                # Links have no mode of their own.
                fields |= {"linkname": chance.choice(("..", "/etc", "x")), "mode": 0o777}
            if kind == tarfile.CHRTYPE:
                fields |= {"devmajor": chance.randrange(256), "devminor": chance.randrange(256)}
            made = member(name, kind, **fields)
            members.append((made, os.urandom(chance.randrange(2000))) if kind == tarfile.REGTYPE else made)
        content = archive_of(member(".", tarfile.DIRTYPE), *members)
        unpacked(content, tmp_path / f"{seed}")
        assert told(packed(tmp_path / f"{seed}")) == told(content), seed


def unpacked_image(image: Image, root: Path) -> images.Configuration:
    root.mkdir()
    with (
        Unpacker(str(root), "image.tar") as unpacker,
        images.in_file(io.BytesIO(image.archive()), "image.tar") as opened,
    ):
        found = images.unpack(opened, "image.tar", unpacker)
        unpacker.finish()
    return found


LOWER = (
    member("etc", tarfile.DIRTYPE),
    (member("etc/kept"), b"kept"),
    (member("etc/gone"), b"gone"),
    (member("etc/changed"), b"old"),
    member("opt", tarfile.DIRTYPE),
    (member("opt/a"), b"a"),
    member("lib", tarfile.SYMTYPE, linkname="usr/lib"),
    member("usr", tarfile.DIRTYPE),
    member("usr/lib", tarfile.DIRTYPE),
)
UPPER = (
    member("etc", tarfile.DIRTYPE),
    member("etc/.wh.gone"),
    (member("etc/changed"), b"new"),
    member("opt", tarfile.DIRTYPE),
    (member("opt/b"), b"b"),
    member("opt/.wh..wh..opq"),
    (member("lib/added"), b"added"),
)


@pytest.mark.parametrize("docker", [False, True])
def test_an_image(tmp_path: Path, docker: bool) -> None:
    image = Image(archive_of(*LOWER), archive_of(*UPPER))
    if docker:
        image.saved_by_docker()
    assert all(images.is_part(name) for name in image.files)
    assert unpacked_image(image, tmp_path / "root") == images.Configuration(("PATH=/bin", "A=b"), "1000")
    found = {
        str(path.relative_to(tmp_path / "root")): path.read_bytes()
        for path in (tmp_path / "root").rglob("*")
        if path.is_file()
    }
    assert found == {"etc/kept": b"kept", "etc/changed": b"new", "opt/b": b"b", "usr/lib/added": b"added"}


def test_an_image_in_a_directory(tmp_path: Path) -> None:
    image = Image(archive_of(*LOWER))
    for name, content in image.files.items():
        (tmp_path / "image" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "image" / name).write_bytes(content)
    (tmp_path / "root").mkdir()
    with Unpacker(str(tmp_path / "root"), "image") as unpacker:
        images.unpack(images.Directory(str(tmp_path / "image")), "image", unpacker)
    assert (tmp_path / "root/etc/kept").read_bytes() == b"kept"


def test_an_image_whose_parts_are_not_what_they_should_be(tmp_path: Path) -> None:
    """Each of its files in turn: gone, or another one."""
    count = 0
    for name in Image(archive_of(*LOWER)).files:
        for content in (None, b"{}", archive_of((member("etc/evil"), b"evil"))):
            if name == "oci-layout":
                continue
            image = Image(archive_of(*LOWER))
            if content is None:
                del image.files[name]
            else:
                image.files[name] = content
            count += 1
            with pytest.raises(ArchiveError, match=r"image\.tar"):
                unpacked_image(image, tmp_path / f"{count}")
    assert count == 15


def test_an_image_for_another_machine(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="for other machines only"):
        unpacked_image(Image(archive_of(*LOWER), architecture="riscv64"), tmp_path / "root")


@pytest.mark.parametrize("name", ["etc/passwd", "./bin", "usr", "manifest", "0" * 63, "rootfs.tar"])
def test_a_tree_is_no_image(name: str) -> None:
    assert not images.is_part(name)
