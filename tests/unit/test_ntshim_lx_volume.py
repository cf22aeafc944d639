"""Linux operations on a WSL volume: what they answer, and what NT has then (facts/wsl1.md sections 4.5 to 4.8)."""

from __future__ import annotations

import errno
import stat
from functools import partial
from nt.drive import PREFIX, READ, READ_ATTRIBUTES, WRITE, WRITE_ATTRIBUTES, Drive
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs import reparse
from ntshim.fs.drvfs import DrvFs
from ntshim.fs.hostfs import HostFs
from ntshim.fs.rules import CaseMode
from ntshim.io import control, query
from ntshim.io import create as io
from ntshim.io.ea import FileFullEaInformation
from ntshim.lx.attributes import MountOptions
from ntshim.lx.errors import LxError
from ntshim.lx.links import readlink, symlink
from ntshim.lx.record import LxEntry
from ntshim.lx.volume import LxVolume, Owner
from ntshim.ob.attributes import ObjectAttributes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROOT = Owner(0, 0)
OPEN_LINK = io.FILE_OPEN_REPARSE_POINT


class Mounted(Drive):
    """The drive C: and what Linux makes of it."""

    def __init__(self, options: MountOptions, mode: CaseMode = CaseMode.FLAGGED, host: Path | None = None) -> None:
        rules = DrvFs(mode)
        super().__init__(None if host is None else HostFs(str(host), rules=rules), rules=rules)
        self.volume.developer_mode = True
        self.lx = LxVolume(self.nt, self.process, "\\??\\C:", rules, options)

    def reparse_tag(self, path: str) -> int:
        handle = self.open(path, READ_ATTRIBUTES, options=OPEN_LINK)
        tag = self.get(handle, query.FILE_ATTRIBUTE_TAG_INFORMATION).reparse_tag
        self.close(handle)
        return int(tag)

    def make_reparse_point(self, path: str, buffer: bytes, *, directory: bool = False) -> None:
        self.make(path, options=io.FILE_DIRECTORY_FILE if directory else 0)
        handle = self.open(path, WRITE_ATTRIBUTES | READ_ATTRIBUTES, options=OPEN_LINK)
        self.nt.NtFsControlFile(self.process, handle, control.FSCTL_SET_REPARSE_POINT, buffer)
        self.close(handle)

    def set_ea(self, path: str, name: str, value: bytes) -> None:
        handle = self.open(path, 0x10)
        self.nt.NtSetEaFile(self.process, handle, [FileFullEaInformation(0, name, value)])
        self.close(handle)


@pytest.fixture
def plain() -> Mounted:
    return Mounted(MountOptions(uid=1000, gid=1001))


@pytest.fixture
def kept() -> Mounted:
    return Mounted(MountOptions(metadata=True, uid=1000, gid=1001, umask=0o077))


def errno_of(call: Callable[[], object]) -> str:
    """The name of the errno that an operation fails with."""
    try:
        call()
    except LxError as error:
        return errno.errorcode[error.errno]
    return "OK"


def test_without_metadata_modes_are_computed_and_owners_the_mount_s(plain: Mounted) -> None:
    plain.lx.create("file", 0o640, ROOT)
    plain.lx.mkdir("dir", 0o700, ROOT)
    plain.lx.create("readonly", 0o444, ROOT)
    found = {name: plain.lx.stat(name) for name in ("file", "dir", "readonly")}
    assert [each.mode for each in found.values()] == [0o100777, 0o040777, 0o100555]
    assert {(each.uid, each.gid) for each in found.values()} == {(1000, 1001)}


@pytest.mark.parametrize(
    ("before", "mode", "after"),
    [(0o644, 0o444, 0o555), (0o644, 0, 0o555), (0o444, 0o200, 0o777), (0o444, 0o020, 0o777), (0o444, 0o111, 0o555)],
)
def test_chmod_without_metadata(plain: Mounted, before: int, mode: int, after: int) -> None:
    plain.lx.create("file", before, ROOT)
    plain.lx.chmod("file", mode)
    assert plain.lx.stat("file").mode == 0o100000 | after


def test_chmod_leaves_directories_alone(plain: Mounted) -> None:
    plain.lx.mkdir("dir", 0o755, ROOT)
    plain.lx.chmod("dir", 0)
    assert plain.lx.stat("dir").mode == 0o040777


def test_chown_without_metadata_is_nothing_and_a_success(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    plain.lx.chown("file", 5, 6)
    assert plain.lx.stat("file")[3:5] == (1000, 1001)
    assert errno_of(lambda: plain.lx.chown("missing", 5, 6)) == "ENOENT"


def test_metadata_from_the_start(kept: Mounted) -> None:
    kept.lx.create("file", 0o4640, Owner(7, 8))
    kept.lx.mkdir("dir", 0o2711, Owner(7, 9))
    kept.lx.create("dir/file", 0o600, Owner(7, 8))
    kept.lx.mkdir("dir/dir", 0o700, Owner(7, 8))
    shown = {name: kept.lx.stat(name)[1:5] for name in ("file", "dir", "dir/file", "dir/dir")}
    assert {name: (oct(mode), uid, gid) for name, (mode, _, uid, gid) in shown.items()} == {
        "file": ("0o104640", 7, 8),
        "dir": ("0o42711", 7, 9),
        "dir/file": ("0o100600", 7, 9),
        "dir/dir": ("0o42700", 7, 9),
    }


def test_chmod_with_metadata(kept: Mounted) -> None:
    kept.lx.create("file", 0o640, ROOT)
    kept.lx.chmod("file", stat.S_IFREG | 0o400)
    assert kept.lx.stat("file").mode == 0o100400
    name = ObjectAttributes(PREFIX + "file", 0, 0x40)
    assert kept.nt.NtQueryAttributesFile(kept.process, name).file_attributes & io.FILE_ATTRIBUTE_READONLY
    for wrong in (0o644, stat.S_IFDIR | 0o755, -1, 1 << 40):
        assert errno_of(partial(kept.lx.chmod, "file", wrong)) == "EINVAL"


def test_chown_with_metadata(kept: Mounted) -> None:
    kept.lx.create("file", 0o6755, ROOT)
    kept.lx.chown("file", 5, -1)
    assert kept.lx.stat("file")[1:5] == (0o100755, 1, 5, 0)
    kept.lx.chown("file", -1, 6)
    assert kept.lx.stat("file")[3:5] == (5, 6)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("$LXUID", b"\5\0\0\0", (0o100700, 5, 1001)),
        ("$LXUID", b"\xff\xff\xff\xff", (0o100700, 1000, 1001)),
        ("$LXUID", b"\5\0\0", (0o100700, 1000, 1001)),
        ("$LXGID", b"\6\0\0\0", (0o100700, 1000, 6)),
        ("$LXMOD", (0o100644).to_bytes(4, "little"), (0o100644, 1000, 1001)),
        ("$LXMOD", (0o040755).to_bytes(4, "little"), (0o100700, 1000, 1001)),
        ("$LXMOD", (0o300644).to_bytes(4, "little"), (0o100700, 1000, 1001)),
        ("$LXMOD", b"\xff\xff\xff\xff", (0o100700, 1000, 1001)),
    ],
)
def test_each_field_that_is_damaged_does_not_count(
    kept: Mounted, name: str, value: bytes, shown: tuple[int, int, int]
) -> None:
    kept.make("file")
    kept.set_ea("file", name, value)
    found = kept.lx.stat("file")
    assert (found.mode, found.uid, found.gid) == shown


@pytest.mark.parametrize(
    ("mode", "tag"),
    [
        (stat.S_IFIFO, reparse.IO_REPARSE_TAG_LX_FIFO),
        (stat.S_IFCHR, reparse.IO_REPARSE_TAG_LX_CHR),
        (stat.S_IFBLK, reparse.IO_REPARSE_TAG_LX_BLK),
        (stat.S_IFSOCK, reparse.IO_REPARSE_TAG_AF_UNIX),
        (stat.S_IFREG, 0),
    ],
)
def test_special_files(plain: Mounted, kept: Mounted, mode: int, tag: int) -> None:
    kept.lx.mknod("node", mode | 0o640, (5, 70000), ROOT)
    assert kept.reparse_tag("node") == tag
    found = kept.lx.stat("node")
    assert found.mode == mode | 0o640
    assert found.device == ((5, 70000) if mode in (stat.S_IFCHR, stat.S_IFBLK) else (0, 0))
    assert next(entry.type for entry in kept.lx.readdir("") if entry.name == "node") == mode >> 12
    kept.lx.unlink("node")
    assert errno_of(lambda: plain.lx.mknod("node", mode | 0o640, (5, 1), ROOT)) == ("OK" if not tag else "EPERM")


def test_mknod_makes_no_directories(kept: Mounted) -> None:
    assert errno_of(lambda: kept.lx.mknod("d", stat.S_IFDIR | 0o755, (0, 0), ROOT)) == "EINVAL"
    assert errno_of(lambda: kept.lx.mknod("d", 0o050000, (0, 0), ROOT)) == "EPERM"
    kept.lx.mknod("regular", 0o644, (0, 0), ROOT)
    assert kept.lx.stat("regular").mode == 0o100644


@pytest.mark.parametrize("name", ['a:b*?"<>|', "\x01\x1f", "back\\slash", "space ", "dot.", "con", "\x7fé"])
def test_names_are_escaped_there_and_back(plain: Mounted, name: str) -> None:
    plain.lx.create(name, 0o644, ROOT)
    assert name in [entry.name for entry in plain.lx.readdir("")]
    assert plain.lx.stat(name).links == 1
    plain.lx.unlink(name)
    assert errno_of(lambda: plain.lx.stat(name)) == "ENOENT"


def test_what_is_no_text_is_no_name(plain: Mounted) -> None:
    assert errno_of(lambda: plain.lx.create("a\udcff", 0o644, ROOT)) == "EINVAL"


def test_case_of_names(plain: Mounted) -> None:
    plain.lx.create("File", 0o644, ROOT)
    assert plain.lx.stat("fILE").inode == plain.lx.stat("File").inode
    for make in (plain.lx.create, plain.lx.mkdir):
        assert errno_of(partial(make, "FILE", 0o644, ROOT)) == "EEXIST"
    assert errno_of(lambda: symlink(plain.lx, b"x", "FILE")) == "EEXIST"
    plain.lx.create("other", 0o644, ROOT)
    assert errno_of(lambda: plain.lx.link("other", "FILE")) == "EEXIST"
    inode = plain.lx.stat("File").inode
    plain.lx.rename("file", "FILE")
    assert [entry for entry in plain.lx.readdir("") if entry.name == "FILE"] == [LxEntry("FILE", inode, 8)]


def test_new_directories_have_the_flag_as_the_mode_says() -> None:
    for mode, exact in ((CaseMode.FLAGGED, False), (CaseMode.PER_DIRECTORY, True), (CaseMode.SENSITIVE, True)):
        mounted = Mounted(MountOptions(), mode)
        mounted.lx.mkdir("dir", 0o755, ROOT)
        mounted.lx.create("dir/a", 0o644, ROOT)
        assert (errno_of(partial(mounted.lx.create, "dir/A", 0o644, ROOT)) == "OK") is exact


def test_unlink(plain: Mounted) -> None:
    plain.lx.create("file", 0o444, ROOT)
    held = plain.open("file", READ)
    plain.lx.unlink("file")
    assert errno_of(lambda: plain.lx.stat("file")) == "ENOENT"
    plain.lx.create("file", 0o644, ROOT)
    plain.close(held)
    plain.lx.mkdir("dir", 0o755, ROOT)
    assert errno_of(lambda: plain.lx.unlink("dir")) == "EISDIR"
    assert errno_of(lambda: plain.lx.unlink("missing")) == "ENOENT"


def test_rmdir(plain: Mounted) -> None:
    plain.lx.mkdir("dir", 0o755, ROOT)
    plain.lx.create("dir/file", 0o644, ROOT)
    symlink(plain.lx, b"dir", "link")
    assert errno_of(lambda: plain.lx.rmdir("dir")) == "ENOTEMPTY"
    assert errno_of(lambda: plain.lx.rmdir("dir/file")) == "ENOTDIR"
    assert errno_of(lambda: plain.lx.rmdir("link")) == "ENOTDIR"
    assert errno_of(lambda: plain.lx.rmdir("dir/.")) == "EINVAL"
    plain.lx.unlink("link")
    plain.lx.unlink("dir/file")
    plain.lx.rmdir("dir")
    assert plain.exists("dir") == st.STATUS_OBJECT_NAME_NOT_FOUND


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("file", "new", "OK"), ("file", "other", "OK"), ("file", "readonly", "OK"), ("dir", "new", "OK"),
        ("dir", "empty", "OK"), ("dir", "full", "ENOTEMPTY"), ("file", "empty", "EISDIR"), ("dir", "file", "ENOTDIR"),
        ("dir", "dir/below", "EINVAL"), ("missing", "new", "ENOENT"), ("file", "no/new", "ENOENT"),
    ],
)  # fmt: skip
def test_rename(plain: Mounted, old: str, new: str, said: str) -> None:
    for name, mode in (("file", 0o644), ("other", 0o644), ("readonly", 0o444)):
        plain.lx.create(name, mode, ROOT)
    for name in ("dir", "empty", "full", "full/sub"):
        plain.lx.mkdir(name, 0o755, ROOT)
    held = plain.open("other", READ | WRITE)
    inode = None if said != "OK" else plain.lx.stat(old).inode
    assert errno_of(lambda: plain.lx.rename(old, new)) == said
    if inode is not None:
        assert plain.lx.stat(new).inode == inode
        assert errno_of(lambda: plain.lx.stat(old)) == "ENOENT"
    plain.close(held)


def test_a_directory_with_an_open_file_below_cannot_be_renamed(plain: Mounted) -> None:
    plain.lx.mkdir("dir", 0o755, ROOT)
    plain.lx.create("dir/file", 0o644, ROOT)
    held = plain.open("dir\\file", READ)
    assert errno_of(lambda: plain.lx.rename("dir", "new")) == "EACCES"
    plain.close(held)
    plain.lx.rename("dir", "new")


def test_link(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    plain.lx.link("file", "second")
    assert plain.lx.stat("file")[:3:2] == plain.lx.stat("second")[:3:2] == (plain.lx.stat("file").inode, 2)


@pytest.mark.parametrize(
    ("target", "tag"),
    [
        (b"file", reparse.IO_REPARSE_TAG_SYMLINK),
        (b"../sub/a:b", reparse.IO_REPARSE_TAG_SYMLINK),
        (b"dir", reparse.IO_REPARSE_TAG_SYMLINK),
        (b"..", reparse.IO_REPARSE_TAG_SYMLINK),
        (b"../..", reparse.IO_REPARSE_TAG_LX_SYMLINK),
        (b"../../sub/file", reparse.IO_REPARSE_TAG_LX_SYMLINK),
        (b"missing", reparse.IO_REPARSE_TAG_LX_SYMLINK),
        (b"/mnt/c/sub/file", reparse.IO_REPARSE_TAG_LX_SYMLINK),
        (b"lxlink", reparse.IO_REPARSE_TAG_LX_SYMLINK),
        (b"\xff", reparse.IO_REPARSE_TAG_LX_SYMLINK),
        (b"dir/", reparse.IO_REPARSE_TAG_LX_SYMLINK),
    ],
)
def test_which_kind_of_link_is_made(plain: Mounted, target: bytes, tag: int) -> None:
    plain.lx.mkdir("sub", 0o755, ROOT)
    plain.lx.mkdir("sub/dir", 0o755, ROOT)
    for name in ("sub/file", "sub/a:b"):
        plain.lx.create(name, 0o644, ROOT)
    symlink(plain.lx, b"/elsewhere", "sub/lxlink")
    symlink(plain.lx, target, "sub/link")
    assert plain.reparse_tag("sub\\link") == tag
    assert readlink(plain.lx, "sub/link") == target
    found = plain.lx.stat("sub/link")
    assert (found.mode, found.size) == (0o120777, len(target))
    handle = plain.open("sub\\link", READ_ATTRIBUTES, options=OPEN_LINK)
    directory = plain.get(handle, query.FILE_BASIC_INFORMATION).file_attributes & io.FILE_ATTRIBUTE_DIRECTORY
    assert bool(directory) == (tag == reparse.IO_REPARSE_TAG_SYMLINK and target in (b"dir", b".."))


def test_a_process_without_the_privilege_gets_a_linux_link(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    plain.volume.developer_mode = False
    symlink(plain.lx, b"file", "link")
    assert plain.reparse_tag("link") == reparse.IO_REPARSE_TAG_LX_SYMLINK
    assert readlink(plain.lx, "link") == b"file"


@pytest.mark.parametrize(
    ("buffer", "said"),
    [
        (reparse.build_symlink(r"\??\D:\Some\Where"), b"/mnt/d/Some/Where"),
        (reparse.build_symlink("\\??\\d:\\"), b"/mnt/d"),
        (reparse.build_symlink(r"sub\a" + "\uf03a", relative=True), b"sub/a:"),
        (reparse.build_symlink(r"\??\UNC\server\share"), "EIO"),
        (reparse.build_symlink("\ud800", relative=True), "EIO"),
        (reparse.build_lx_symlink(b"any/thing"), b"any/thing"),
    ],
    ids=range(6),
)
def test_links_that_others_made(plain: Mounted, buffer: bytes, said: bytes | str) -> None:
    plain.make_reparse_point("link", buffer)
    if isinstance(said, bytes):
        assert readlink(plain.lx, "link") == said
        assert plain.lx.stat("link").size == len(said)
    else:
        assert errno_of(lambda: readlink(plain.lx, "link")) == said


def test_a_junction_is_a_link(plain: Mounted) -> None:
    buffer = reparse.build_mount_point(r"\??\E:\Target")
    plain.make_reparse_point("junction", buffer, directory=True)
    assert readlink(plain.lx, "junction") == b"/mnt/e/Target"
    assert plain.lx.stat("junction").mode == 0o120777
    assert errno_of(lambda: plain.lx.rmdir("junction")) == "ENOTDIR"
    plain.lx.unlink("junction")


def test_what_is_no_link(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    assert errno_of(lambda: readlink(plain.lx, "file")) == "EINVAL"


def test_readdir(plain: Mounted) -> None:
    plain.lx.mkdir("dir", 0o755, ROOT)
    plain.lx.create("dir/file", 0o644, ROOT)
    plain.lx.mkdir("dir/sub", 0o755, ROOT)
    symlink(plain.lx, b"nowhere", "dir/link")
    found = plain.lx.readdir("dir")
    assert found[:2] == [LxEntry(".", 0, 4), LxEntry("..", 0, 4)]
    assert {entry.name: entry.type for entry in found[2:]} == {"file": 8, "sub": 4, "link": 10}
    assert all(entry.inode == plain.lx.stat(f"dir/{entry.name}").inode for entry in found[2:])
    assert errno_of(lambda: plain.lx.readdir("dir/file")) == "ENOTDIR"


def test_numbers_of_stat(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    handle = plain.open("file", WRITE)
    plain.nt.NtWriteFile(plain.process, handle, b"x" * 5000, 0)
    plain.close(handle)
    plain.lx.mkdir("dir", 0o755, ROOT)
    file, directory = plain.lx.stat("file"), plain.lx.stat("dir")
    assert (file.size, file.blocks * 512 >= 5000) == (5000, True)
    assert (directory.size, directory.blocks, directory.links) == (directory.block_size, 0, 0)
    assert file.write_time % 100 == 0


def test_statfs_makes_counts_up(plain: Mounted) -> None:
    found = plain.lx.statfs()
    assert (found.type, found.files, found.free_files) == (0x53464846, 999, 1_000_000)
    assert found.available_blocks <= found.free_blocks <= found.blocks


def test_read_ends_without_an_error(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    handle = plain.open("file", WRITE)
    plain.nt.NtWriteFile(plain.process, handle, b"text", 0)
    plain.close(handle)
    assert [plain.lx.read("file", at, 9) for at in (0, 2, 4, 99)] == [b"text", b"xt", b"", b""]


def test_a_file_that_windows_holds_alone(plain: Mounted) -> None:
    plain.lx.create("file", 0o644, ROOT)
    held = plain.open("file", READ, share=0)
    assert errno_of(lambda: plain.lx.read("file", 0, 1)) == "EACCES"
    plain.close(held)


def test_on_a_host_directory(tmp_path: Path) -> None:
    mounted = Mounted(MountOptions(metadata=True), host=tmp_path)
    mounted.lx.create("a:b", 0o640, Owner(7, 8))
    assert (tmp_path / "a:b").exists()
    assert mounted.lx.stat("a:b")[1:5] == (0o100640, 1, 7, 8)
    mounted.lx.rename("a:b", "c")
    mounted.lx.unlink("c")
    assert list(tmp_path.iterdir()) == []
