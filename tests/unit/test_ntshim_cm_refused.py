"""The registry when something is refused or forged: nothing is left behind, and nothing but a status comes of it."""

from __future__ import annotations

import json
import random
import zlib
from nt.drive import Drive
from typing import TYPE_CHECKING, Any

import pytest
from ntshim_ob import status_of
from ntshim_se import ALICE, BOB, descriptor, token

from ntshim import status as st
from ntshim.cm import hive_file, journal
from ntshim.fs.hostfs import HostFs
from ntshim.io import create as io
from ntshim.ob.attributes import ObjectAttributes
from ntshim.se.acl import Acl, allow
from ntshim.se.descriptor import SecurityDescriptor
from ntshim.se.sid import EVERYONE

if TYPE_CHECKING:
    from pathlib import Path

ALL = 0xF003F
SOFTWARE = "\\Registry\\Machine\\SOFTWARE"
PLACE = "\\Registry\\User\\S-1-5-21"


class Scene(Drive):
    """A drive and a registry, and Alice, who may load and save hives."""

    def __init__(self, backend: Any = None) -> None:
        super().__init__(backend)
        self.process.token = token(ALICE, privileges=("SeRestorePrivilege", "SeBackupPrivilege"))

    def key(self, path: str, security: Any = None, access: int = ALL, options: int = 0) -> int:
        name = ObjectAttributes(path, 0, 0, security)
        return self.nt.NtCreateKey(self.process, access, name, "", options).handle

    def load(self, path: Path, place: str = PLACE) -> None:
        self.nt.NtLoadKey(self.process, ObjectAttributes(place), hive_file.open_hive(str(path)))

    def unload(self, place: str = PLACE) -> None:
        self.nt.NtUnloadKey(self.process, ObjectAttributes(place))

    def opens(self, path: str) -> int:
        return status_of(self.nt.NtOpenKey, self.process, 1, ObjectAttributes(path))


@pytest.mark.parametrize(
    ("security", "access", "status"),
    [
        (b"nonsense", ALL, st.STATUS_INVALID_SECURITY_DESCR),
        (descriptor(owner=EVERYONE, sacl=()), 0x40, st.STATUS_ACCESS_DENIED),
        (None, 0x40, st.STATUS_ACCESS_DENIED),
        (None, 0x1000001, st.STATUS_PRIVILEGE_NOT_HELD),
    ],
)
def test_a_key_that_cannot_be_opened_or_secured_is_not_made(security: Any, access: int, status: int) -> None:
    scene = Scene()
    assert status_of(scene.key, SOFTWARE + "\\new", security, access) == status
    assert scene.opens(SOFTWARE + "\\new") == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_an_owner_that_may_not_be_set_makes_no_key() -> None:
    scene = Scene()
    scene.process.token = token(ALICE)
    assert status_of(scene.key, SOFTWARE + "\\new", descriptor(owner=BOB)) == st.STATUS_INVALID_OWNER
    assert scene.opens(SOFTWARE + "\\new") == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_a_refusal_does_not_keep_a_hive_loaded(tmp_path: Path) -> None:
    scene = Scene()
    scene.load(tmp_path / "hive")
    scene.nt.NtClose(scene.process, scene.key(PLACE + "\\closed", SecurityDescriptor(dacl=Acl())))
    assert status_of(scene.key, PLACE + "\\closed\\x") == st.STATUS_ACCESS_DENIED
    scene.unload()


def test_a_new_key_never_is_without_its_descriptor(tmp_path: Path) -> None:
    scene = Scene()
    scene.load(tmp_path / "hive")
    scene.key(PLACE + "\\mine", descriptor(allow(ALICE, ALL)))
    content = (tmp_path / "hive").read_bytes()
    for end in range(len(journal.HEADER), len(content) + 1):
        made = journal.read(content[:end])[0].root.find("mine")
        assert made is None or made.security is not None


def test_a_hive_is_loaded_once(tmp_path: Path) -> None:
    scene = Scene()
    store = hive_file.open_hive(str(tmp_path / "hive"))
    load = scene.nt.NtLoadKey
    load(scene.process, ObjectAttributes(PLACE), store)
    again = ObjectAttributes(PLACE + "-again")
    assert status_of(load, scene.process, again, store) == st.STATUS_SHARING_VIOLATION
    scene.unload()
    assert status_of(load, scene.process, again, store) == st.STATUS_SHARING_VIOLATION
    scene.load(tmp_path / "hive")


def test_the_deepest_tree_can_be_unloaded(tmp_path: Path) -> None:
    scene = Scene()
    scene.load(tmp_path / "hive")
    path = PLACE
    while status_of(scene.key, path + "\\x") == st.STATUS_SUCCESS:
        path += "\\x"
    assert path.count("\\") == 512
    assert status_of(scene.unload) == st.STATUS_CANNOT_DELETE
    for handle in [index * 4 for index in range(1, 600)]:
        status_of(scene.nt.NtClose, scene.process, handle)
    scene.unload()
    scene.load(tmp_path / "hive")
    assert scene.opens(path) == st.STATUS_SUCCESS


def test_a_deleted_key_has_no_security() -> None:
    scene = Scene()
    handle = scene.key(SOFTWARE + "\\gone", descriptor(allow(ALICE, ALL)), ALL | 0x10000)
    scene.nt.NtDeleteKey(scene.process, handle)
    assert status_of(scene.nt.NtQuerySecurityObject, scene.process, handle, 4) == st.STATUS_KEY_DELETED
    assert status_of(scene.nt.NtSetSecurityObject, scene.process, handle, 4, descriptor()) == st.STATUS_KEY_DELETED


def written(number: int, text: bytes) -> bytes:
    """A line whose checksum is right, whatever it says."""
    return b"%08x %s\n" % (zlib.crc32(text), text)


FORGED = [
    ["create", [5], "", 0, False, ""],
    ["create", ["a"], 5, 0, False, ""],
    ["create", [], "", 0, False, ""],
    ["create", [""], "", 0, False, ""],
    ["create", ["a\\b"], "", 0, False, ""],
    ["create", ["a"], "", 0, False, "xyz"],
    ["create", ["a"], "", 0, False, "00"],
    ["create", ["a", "b"], "", 0, False, ""],
    ["create", ["a"], "", 0, 1, ""],
    ["create", "abc", "", 0, False, ""],
    ["set", [], 7, 1, "", 0],
    ["set", [], "n", 1, "\u00e9", 0],
    ["set", ["missing"], "n", 1, "", 0],
    ["unset", [], "missing", 0],
    ["time", [], "late"],
    ["time", []],
    ["rename", [], "x"],
    ["delete", []],
    ["security", [], "ffff"],
    ["unknown", []],
    [["create"], []],
    [{}],
    [],
]


@pytest.mark.parametrize("fields", FORGED, ids=range(len(FORGED)))
def test_forged_lines(tmp_path: Path, fields: list[Any]) -> None:
    path = tmp_path / "hive"
    forged = written(1, json.dumps([1, *fields]).encode())
    path.write_bytes(journal.HEADER + forged)
    hive_file.open_hive(str(path)).close()
    # What had reached the medium behind it says that the file was damaged.
    path.write_bytes(journal.HEADER + forged + written(2, b'[2,"flushed"]'))
    assert status_of(hive_file.open_hive, str(path)) == st.STATUS_REGISTRY_CORRUPT
    # Nothing keeps the file locked.
    path.unlink()
    hive_file.open_hive(str(path)).close()


@pytest.mark.parametrize("text", [b"[" * 100000, b"7", b"{}", b'"x"', b"", b"[1", b"\xff", b"null"])
def test_lines_that_are_no_lists(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "hive"
    path.write_bytes(journal.HEADER + written(1, text))
    store = hive_file.open_hive(str(path))
    assert len(store.hive.root) == 0
    store.close()


def test_any_line_is_a_hive_or_a_status(tmp_path: Path) -> None:
    source = random.Random(3)
    pieces: list[Any] = [
        0,
        -1,
        1 << 70,
        1.5,
        True,
        None,
        "",
        "a",
        "x" * 300,
        [],
        ["a"],
        ["a", "b"],
        {},
        "create",
        "set",
    ]
    names = ["create", "set", "unset", "time", "rename", "delete", "security", "flushed"]
    read = 0
    for _ in range(2000):
        content = journal.HEADER + journal.line(1, "create", ["a"], "", 0, False, "")
        for number in range(2, 5):
            fields = [source.choice(names), *source.choices(pieces, k=source.randint(0, 5))]
            content += journal.line(number, *fields)
        try:
            read += journal.read(content)[2] > 1
        except st.NtError:
            continue
    assert read > 50


@pytest.mark.parametrize("on_host", [False, True])
def test_a_saved_key_can_be_loaded(tmp_path: Path, on_host: bool) -> None:
    scene = Scene(HostFs(str(tmp_path)) if on_host else None)
    top = scene.key(SOFTWARE + "\\tree", descriptor(allow(ALICE, ALL)))
    scene.nt.NtSetValueKey(scene.process, top, "v", 3, bytes(range(256)))
    scene.key(SOFTWARE + "\\tree\\a")
    scene.key(SOFTWARE + "\\tree\\a\\b")
    scene.key(SOFTWARE + "\\tree\\passing", options=1)
    file = scene.create("saved", 0x3, disposition=io.FILE_CREATE).handle
    scene.nt.NtWriteFile(scene.process, file, b"longer than what is saved" * 1000, 0)
    scene.nt.NtSaveKey(scene.process, top, file)
    content = scene.nt.NtReadFile(scene.process, file, 1 << 20, 0)
    hive, end, _ = journal.read(content)
    assert end == len(content)
    assert hive.root.security == descriptor(allow(ALICE, ALL))._replace(control=4)
    scene.close(file)
    if on_host:
        scene.load(tmp_path / "saved")
        assert scene.opens(PLACE + "\\a\\b") == st.STATUS_SUCCESS
        assert scene.opens(PLACE + "\\passing") == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_saving_is_refused() -> None:
    scene = Scene()
    key = scene.key(SOFTWARE + "\\k")
    volatile = scene.key(SOFTWARE + "\\v", options=1)
    master = scene.key("\\Registry\\Machine")
    weak = scene.create("f", 0x1, disposition=io.FILE_CREATE).handle
    file = scene.open("f", 0x2)
    save = scene.nt.NtSaveKey
    assert status_of(save, scene.process, key, weak) == st.STATUS_ACCESS_DENIED
    assert status_of(save, scene.process, volatile, file) == st.STATUS_ACCESS_DENIED
    assert status_of(save, scene.process, master, file) == st.STATUS_ACCESS_DENIED
    assert status_of(save, scene.process, file, file) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert status_of(save, scene.process, key, key) == st.STATUS_OBJECT_TYPE_MISMATCH
    scene.process.token = token(ALICE)
    assert status_of(save, scene.process, key, file) == st.STATUS_PRIVILEGE_NOT_HELD
    assert scene.exists("f") == st.STATUS_SUCCESS
