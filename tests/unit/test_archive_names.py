"""The names in archives: as the standard library lists them, and of hostile ones a message."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from picobox.errors import PicoboxError
from picobox.findings.name_lists import NameList
from picobox.platform import archives, tar_names, zip_names
from picobox.platform.archives import archive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG = "long/" + "x" * 120 + "/" + "y" * 130 + ".txt"
FILES = ["a.txt", "dir/sub/b.txt", "é/日本.txt", LONG, "x:y", "back\\slash", "aux", "../out", "/abs"]
DIRECTORY, LINK = "dir", "dir/link"
TARGET = "../" + "t" * 90
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes, "tar.gz": gzip.compress, "tgz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress,
}  # fmt: skip


def zip_file(files: list[str] = FILES, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.comment = comment
        for name in [DIRECTORY + "/", *files]:
            made.writestr(zipfile.ZipInfo(name), b"some content" if not name.endswith("/") else b"")
        link = zipfile.ZipInfo(LINK)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, b"../target")
    return out.getvalue()


def tar_file(form: int = tarfile.PAX_FORMAT, files: list[str] = FILES) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8") as made:
        for name in [DIRECTORY, LINK, *files]:
            info = tarfile.TarInfo(name)
            info.type = {DIRECTORY: tarfile.DIRTYPE, LINK: tarfile.SYMTYPE}.get(name, tarfile.REGTYPE)
            info.linkname = TARGET if name == LINK else ""
            info.size = 700 if info.isreg() else 0
            made.addfile(info, io.BytesIO(b"c" * 700))
    return out.getvalue()


def listed(directory: Path, name: str, data: bytes) -> NameList | None:
    path = directory / name
    path.write_bytes(data)
    return archive(str(path))


def complaint(directory: Path, name: str, data: bytes) -> str:
    with pytest.raises(PicoboxError) as caught:
        listed(directory, name, data)
    text = str(caught.value)
    assert text.startswith(str(directory / name))
    assert "\n" not in text
    return text.removeprefix(f"{directory / name}: ").partition(". Name a whole archive")[0]


@pytest.mark.parametrize("name", ["project.whl", "a.zip", "no-suffix"])
@pytest.mark.parametrize("comment", [b"", b"PK\5\6 a comment that looks like an end"])
def test_a_zip_archive(tmp_path: Path, name: str, comment: bytes) -> None:
    found = listed(tmp_path, name, zip_file(comment=comment))
    assert found == NameList(str(tmp_path / name), [DIRECTORY, *FILES, LINK], frozenset([DIRECTORY]), {LINK: ""})


def test_a_zip_archive_behind_a_program(tmp_path: Path) -> None:
    found = listed(tmp_path, "app.pyz", b"#!/usr/bin/env python3\n" + zip_file())
    assert found is not None
    assert found.paths == [DIRECTORY, *FILES, LINK]


def test_a_zip_archive_of_more_entries_than_its_short_record_counts(tmp_path: Path) -> None:
    names = [f"{number:x}" for number in range(66_000)]
    entry = struct.Struct("<4sBB5H3L5H2L")
    head = (b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry.pack(*head, len(name), 0, 0, 0, 0, 0, 0) + name.encode() for name in names)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, len(names), len(names), len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    data = directory + end + locator + end_record(0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF)
    found = listed(tmp_path, "a.zip", data)
    assert found is not None
    assert found.paths == names
    with zipfile.ZipFile(tmp_path / "a.zip") as made:
        assert made.namelist() == names


def test_a_zip_archive_of_windows_may_separate_by_backslashes(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for system, name in ((0, "a\\b"), (3, "c\\d")):
            info = zipfile.ZipInfo(name)
            info.create_system = system
            made.writestr(info, b"")
    found = listed(tmp_path, "a.zip", out.getvalue())
    assert found is not None
    assert found.paths == ["a/b", "c\\d"]


def test_an_encrypted_zip_archive_tells_its_names(tmp_path: Path) -> None:
    data = bytearray(zip_file(["secret.txt"]))
    place = data.index(b"PK\1\2")
    while place >= 0:
        data[place + 8] |= 1
        place = data.find(b"PK\1\2", place + 1)
    found = listed(tmp_path, "a.zip", bytes(data))
    assert found is not None
    assert "secret.txt" in found.paths


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("suffix", PACKED)
def test_a_tar_archive(tmp_path: Path, suffix: str, form: int) -> None:
    data = tar_file(form)
    found = listed(tmp_path, f"a.{suffix}", PACKED[suffix](data))
    assert found == NameList(
        str(tmp_path / f"a.{suffix}"), [DIRECTORY, LINK, *FILES], frozenset([DIRECTORY]), {LINK: TARGET}
    )


def test_a_tar_archive_of_the_old_form_splits_long_names(tmp_path: Path) -> None:
    files = ["d" * 90 + "/" + "f" * 90, "plain"]
    found = listed(tmp_path, "a.tar", tar_file(tarfile.USTAR_FORMAT, files))
    assert found is not None
    assert found.paths == [DIRECTORY, LINK, *files]


def test_names_that_are_no_utf8_stay_what_they_are(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as made:
        made.addfile(tarfile.TarInfo("bad\udcff"))
    found = listed(tmp_path, "a.tar", out.getvalue())
    assert found is not None
    assert found.paths == ["bad\udcff"]


def test_a_sparse_file_of_gnu_tar_has_more_headers(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("sparse").tobuf(tarfile.GNU_FORMAT))
    header[156:157], header[482:483] = b"S", b"\1"
    header[148:156] = b"%06o\0 " % tar_names._sum(bytes(header))
    data = bytes(header) + bytes(504) + b"\1" + bytes(7) + bytes(512)
    rest = tarfile.TarInfo("next").tobuf() + bytes(1024)
    found = listed(tmp_path, "a.tar", data + rest)
    assert found is not None
    assert found.paths == ["sparse", "next"]


@pytest.mark.parametrize(
    "data", [b"", b"plain text", b"#!/bin/sh\n", bytes(2048), gzip.compress(b"no tar", mtime=0), b"BZ"]
)
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    assert listed(tmp_path, "file", data) is None
    if data != bytes(2048):
        assert complaint(tmp_path, "file.tar", data) == "it is no archive"


def test_an_empty_archive(tmp_path: Path) -> None:
    for name, data in (("a.tar", bytes(10240)), ("a.tgz", gzip.compress(bytes(1024)))):
        found = listed(tmp_path, name, data)
        assert found is not None
        assert found.paths == []


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_truncated_tar_archive(tmp_path: Path, suffix: str) -> None:
    whole = PACKED[suffix](tar_file())
    assert "it ends in the middle" in complaint(tmp_path, f"a.{suffix}", whole[: len(whole) * 2 // 3 - 100])


def test_a_truncated_zip_archive(tmp_path: Path) -> None:
    assert complaint(tmp_path, "a.zip", zip_file()[:-30]) == "it ends in the middle"
    assert complaint(tmp_path, "other", zip_file()[:-30]) == "it ends in the middle"


def end_record(entries: int, length: int, offset: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, entries, entries, length, offset, 0)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"PK\3\4" + bytes(100) + end_record(1, 5000, 0), "its directory is damaged"),
        (b"PK\3\4" + bytes(100) + end_record(1, 50, 0), "its directory is damaged"),
        (b"PK\3\4" + bytes(100) + end_record(1, 10, 0), "its directory is damaged"),
        (b"PK\3\4" + end_record(1, 0xFFFF_FFF0, 0), "its directory has over 1,073,741,824 bytes"),
        (b"PK\3\4" + end_record(0, 0, 0).replace(b"\0\0", b"\7\0", 1), "it is one part of several"),
    ],
)
def test_a_damaged_zip_archive(tmp_path: Path, data: bytes, cause: str) -> None:
    assert complaint(tmp_path, "a.zip", data) == cause


def test_masked_names_of_a_zip_archive(tmp_path: Path) -> None:
    data = bytearray(zip_file())
    data[data.index(b"PK\1\2") + 9] |= 0x20
    assert complaint(tmp_path, "a.zip", bytes(data)) == "its names are encrypted"


def header(name: str, kind: bytes = b"0", size: bytes = b"") -> bytes:
    info = tarfile.TarInfo(name)
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[156:157] = kind
    if size:
        block[124:136] = size
    return bytes(block)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (header("x", size=b"77777777777\0"), "it ends in the middle"),
        (header("x", size=b"\x80" + b"\xff" * 11), "it ends in the middle"),
        (header("x", size=b"\xff" * 12), "a header in it is damaged"),
        (header("x", size=b"no number  \0"), "a header in it is damaged"),
        (header("x", b"x", b"77777777777\0"), "a header in it has over 1,048,576 bytes"),
        (header("x", b"L", b"\x80" + b"\0" * 7 + b"\x7f\0\0\0"), "a header in it has over 1,048,576 bytes"),
        (header("x", b"x", b"00000000005\0") + b"9 a=b".ljust(512, b"\0"), "a header in it is damaged"),
        (header("x", b"x", b"00000000005\0") + b"0 a=b".ljust(512, b"\0"), "a header in it is damaged"),
        (header("x", b"x", b"00000000006\0") + b"-6 a=b".ljust(512, b"\0"), "a header in it is damaged"),
        (header("x", b"x", b"00000000005\0") + b"5 abc".ljust(512, b"\0"), "a header in it is damaged"),
        (header("x", b"x", b"00000000005\0") + b"5 a=", "it ends in the middle"),
        (header("x") + b"junk" * 128, "a header in it is damaged"),
        (header("x") + b"junk", "it ends in the middle"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_damaged_tar_archive(tmp_path: Path, data: bytes, cause: str, pack: Callable[[bytes], bytes]) -> None:
    assert complaint(tmp_path, "a.tar", pack(data)) == cause


def test_zstandard_is_named(tmp_path: Path) -> None:
    assert "zstd -d" in complaint(tmp_path, "a.tar.zst", b"\x28\xb5\x2f\xfd" + bytes(600))


def test_a_bomb_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_NAMES", 10)
    assert complaint(tmp_path, "a.zip", zip_file()) == "it has over 10 names, or 268,435,456 characters in them"
    assert complaint(tmp_path, "a.tar", tar_file()) == "it has over 10 names, or 268,435,456 characters in them"


def test_a_bomb_of_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_CHARACTERS", 200)
    assert "200 characters in them" in complaint(tmp_path, "a.tar", tar_file())


def test_a_hard_link_leads_to_a_name_from_the_root(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as made:
        info = tarfile.TarInfo("a/b/link")
        info.type, info.linkname = tarfile.LNKTYPE, "long/" + "t" * 150
        made.addfile(info)
    found = listed(tmp_path, "a.tar", out.getvalue())
    assert found is not None
    assert found.links == {"a/b/link": "../../long/" + "t" * 150}


def test_a_bomb_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1 << 20)
    bomb = gzip.compress(header("x", size=b"00100000000\0") + bytes(1 << 24))
    assert complaint(tmp_path, "a.tgz", bomb) == "it has over 1,048,576 bytes when it is unpacked"


def test_a_directory_and_what_is_absent(tmp_path: Path) -> None:
    for path, cause in ((tmp_path, "Is a directory"), (tmp_path / "no.zip", "No such file or directory")):
        with pytest.raises(PicoboxError, match=cause):
            archive(str(path))


def damaged(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(changed))
        if chance.random() < 0.8:
            changed[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        elif chance.random() < 0.5:
            del changed[place : place + chance.randint(1, 600)]
        else:
            changed[place:place] = chance.randbytes(chance.randint(1, 600))
        if not changed:
            break
    return bytes(changed)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_damage_ends_in_names_or_in_a_message(tmp_path: Path, name: str) -> None:
    chance = random.Random(name)
    whole = zip_file() if name == "a.zip" else PACKED[name.removeprefix("a.")](tar_file())
    messages = []
    for _ in range(150):
        try:
            listed(tmp_path, name, damaged(whole, chance))
        except PicoboxError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert [text for text in messages if "\n" in text] == []


def test_readers_share_the_size_of_a_block() -> None:
    assert tar_names.BLOCK == tarfile.BLOCKSIZE
    assert zip_names._CENTRAL_RECORD.size == 46
