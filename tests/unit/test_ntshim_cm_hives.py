"""Hives in files: what a crash at any moment leaves, what two processes may do, what damage is told."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.cm import hive_file, journal
from ntshim.ob.attributes import ObjectAttributes
from ntshim.se.acl import Acl, allow
from ntshim.se.descriptor import SecurityDescriptor
from ntshim.se.identity import DEFAULT_USER
from ntshim.se.parts import DACL_SECURITY_INFORMATION
from ntshim.se.token import Token
from ntshim.status import NtError
from ntshim.system import System

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.cm.node import KeyNode

OWNER_ALONE = SecurityDescriptor(DEFAULT_USER, DEFAULT_USER, Acl((allow(DEFAULT_USER, 0xF003F),)), None)
PLACE = "\\Registry\\User\\S-1-5-21"
ALL = 0xF003F
REPOSITORY = Path(__file__).parents[2]
# Sets values and says after each NtFlushKey how many there are for certain.
WRITER = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_ntshim_cm_hives import Loaded
loaded = Loaded(sys.argv[1])
key = loaded.key("")
for number in range(int(sys.argv[2]), 100000):
    loaded.nt.NtSetValueKey(loaded.process, key, str(number), 3, bytes(number % 7000))
    if number % 5 == 0:
        loaded.nt.NtFlushKey(loaded.process, key)
        print(number, flush=True)
"""


class Loaded:
    """A system with a hive loaded."""

    def __init__(self, path: str | Path) -> None:
        self.system = System()
        self.nt = self.system.nt
        self.process = self.system.new_process()
        self.process.token = Token(["SeRestorePrivilege"])
        self.nt.NtLoadKey(self.process, ObjectAttributes(PLACE), hive_file.open_hive(str(path)))

    def key(self, path: str) -> int:
        name = f"{PLACE}\\{path}" if path else PLACE
        return self.nt.NtCreateKey(self.process, ALL, ObjectAttributes(name)).handle

    def unload(self) -> None:
        for handle, _ in list(self.process.handles.handles()):
            self.nt.NtClose(self.process, handle)
        self.nt.NtUnloadKey(self.process, ObjectAttributes(PLACE))


def shape(node: KeyNode) -> object:
    """All that lasts of a tree."""
    values = {value.name: (value.type, value.data) for value in node.values.values()}
    below = {subkey.name: shape(subkey) for subkey in node.subkeys() if not subkey.volatile}
    security = None if node.security is None else node.security.to_bytes()
    return values, node.class_name, node.is_link, security, below


def write_some(loaded: Loaded) -> list[object]:
    """Change a hive in every way; gives its shape after each change."""
    nt, process = loaded.nt, loaded.process
    shapes: list[object] = []

    def note() -> None:
        shapes.append(shape(_root(loaded)))

    note()
    a = loaded.key("A")
    note()
    loaded.key("A\\\u00e9t\u00e9")
    note()
    nt.NtSetValueKey(process, a, "name", 3, bytes(range(256)))
    note()
    nt.NtSetValueKey(process, a, "", 1, b"default")
    note()
    nt.NtSetValueKey(process, a, "NAME", 4, b"\n")
    note()
    nt.NtDeleteValueKey(process, a, "")
    note()
    b = loaded.key("B")
    note()
    nt.NtRenameKey(process, b, "C")
    note()
    nt.NtDeleteKey(process, b)
    note()
    nt.NtSetSecurityObject(process, a, DACL_SECURITY_INFORMATION, OWNER_ALONE)
    note()
    nt.NtCreateKey(process, ALL, ObjectAttributes(f"{PLACE}\\gone"), "", 1)
    nt.NtSetInformationKey(process, a, 0, 77)
    note()
    return shapes


def _root(loaded: Loaded) -> KeyNode:
    name = ObjectAttributes(PLACE)
    handle = loaded.nt.NtOpenKey(loaded.process, 1, name)
    node: KeyNode = loaded.process.handles.look_up(handle).object.node  # type: ignore[attr-defined]
    loaded.nt.NtClose(loaded.process, handle)
    return node


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    last = write_some(loaded)[-1]
    loaded.unload()
    again = Loaded(path)
    assert shape(_root(again)) == last
    assert _root(again).find("a").last_write_time == 77  # type: ignore[union-attr]


def test_a_file_cut_anywhere_holds_a_prefix(tmp_path: Path) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    begun = path.stat().st_size
    shapes = write_some(loaded)
    loaded.unload()
    content = path.read_bytes()
    seen = set()
    for length in range(len(content) + 1):
        hive, end, _ = journal.read(content[:length])
        assert end <= length
        found = shape(hive.root)
        assert found in shapes
        seen.add(shapes.index(found))
        if length < begun:
            assert found == shapes[0]
    assert seen == {shapes.index(entry) for entry in shapes}


def test_a_torn_end_is_cut_off_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    loaded.key("kept")
    loaded.unload()
    with path.open("ab") as file:
        file.write(b'12345678 [3,"create",["torn"')
    again = Loaded(path)
    again.key("after")
    again.unload()
    assert [key.name for key in _root(Loaded(path)).subkeys()] == ["after", "kept"]


@pytest.mark.parametrize(("written", "damaged"), [(b'"create"', b'"creete"'), (b"QUFB", b"QUFC")])
def test_damage_before_what_was_flushed_is_told(tmp_path: Path, written: bytes, damaged: bytes) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    key = loaded.key("key")
    loaded.nt.NtSetValueKey(loaded.process, key, "value", 3, b"AAA")
    loaded.nt.NtFlushKey(loaded.process, key)
    loaded.unload()
    content = path.read_bytes().replace(written, damaged)
    path.write_bytes(content)
    with pytest.raises(NtError) as refused:
        hive_file.open_hive(str(path))
    assert refused.value.status == st.STATUS_REGISTRY_CORRUPT
    assert path.read_bytes() == content


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("nothing of ours")
    with pytest.raises(NtError) as refused:
        hive_file.open_hive(str(path))
    assert refused.value.status == st.STATUS_NOT_REGISTRY_FILE
    assert path.read_text() == "nothing of ours"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "hive")
    first = hive_file.open_hive(path)
    with pytest.raises(NtError) as refused:
        hive_file.open_hive(path)
    assert refused.value.status == st.STATUS_SHARING_VIOLATION
    first.close()
    hive_file.open_hive(path).close()


def test_a_long_journal_becomes_short(tmp_path: Path) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    key = loaded.key("key")
    for number in range(100):
        loaded.nt.NtSetValueKey(loaded.process, key, "value", 3, bytes([number]) * 5000)
    assert path.stat().st_size > 500_000
    loaded.nt.NtFlushKey(loaded.process, key)
    assert path.stat().st_size < 10_000
    loaded.nt.NtSetValueKey(loaded.process, key, "more", 3, b"x")
    before = shape(_root(loaded))
    loaded.unload()
    assert shape(_root(Loaded(path))) == before


def test_a_journal_that_many_have_lengthened_becomes_short(tmp_path: Path) -> None:
    """Each of them has written less than what one would shorten it for."""
    path = tmp_path / "hive"
    for number in range(300):
        loaded = Loaded(path)
        key = loaded.key("key")
        loaded.nt.NtSetValueKey(loaded.process, key, "value", 3, bytes([number % 256]) * 200)
        loaded.nt.NtFlushKey(loaded.process, key)
        loaded.unload()
        assert path.stat().st_size < 20_000
    assert next(iter(_root(Loaded(path)).find("key").values.values())).data == bytes([299 % 256]) * 200  # type: ignore[union-attr]


def test_who_only_reads_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    loaded.key("key")
    loaded.unload()
    sizes = [path.stat().st_size]
    for _ in range(3):
        loaded = Loaded(path)
        loaded.nt.NtFlushKey(loaded.process, loaded.key("key"))
        loaded.unload()
        sizes.append(path.stat().st_size)
    # What the first has not brought to the medium, the second does.
    assert sizes[0] < sizes[1] == sizes[2] == sizes[3]


def test_a_change_that_cannot_be_written_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hive"
    loaded = Loaded(path)
    key = loaded.key("key")
    size = path.stat().st_size
    written = os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) > 10:
            return written(fd, bytes(data)[:10])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        changes: tuple[Callable[[], object], ...] = (
            lambda: loaded.nt.NtSetValueKey(loaded.process, key, "v", 3, b"x"),
            lambda: loaded.key("key\\below"),
            lambda: loaded.nt.NtRenameKey(loaded.process, key, "new"),
            lambda: loaded.nt.NtDeleteKey(loaded.process, key),
        )
        for change in changes:
            with pytest.raises(NtError) as refused:
                change()
            assert refused.value.status == st.STATUS_DISK_FULL
    assert path.stat().st_size == size
    before = shape(_root(loaded))
    assert before == ({}, "", False, None, {"key": ({}, "", False, None, {})})
    loaded.unload()
    assert shape(_root(Loaded(path))) == before


def kill_writers(path: Path, times: int, seed: int) -> None:
    """Kill a process that writes at random moments; nothing that it has flushed may be lost."""
    chance = random.Random(seed)
    certain = next_number = 0
    for _ in range(times):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(path), str(next_number)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 12)):
                certain = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            certain = max([certain, *map(int, writer.stdout.read().split())])
        loaded = Loaded(path)
        names = [int(value.name) for value in _root(loaded).values.values()]
        assert names == list(range(len(names)))
        assert len(names) > certain
        next_number = len(names)
        loaded.unload()


@pytest.mark.timeout(110)
def test_killed_writers(tmp_path: Path) -> None:
    kill_writers(tmp_path / "hive", 20, 1)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_many_killed_writers(tmp_path: Path) -> None:
    kill_writers(tmp_path / "hive", 200, random.randrange(1 << 30))


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("\\Registry\\User\\.DEFAULT", st.STATUS_OBJECT_NAME_COLLISION),
        ("\\Registry\\Elsewhere", st.STATUS_INVALID_PARAMETER),
        ("\\Registry\\Machine\\SOFTWARE\\x", st.STATUS_INVALID_PARAMETER),
        ("\\Registry\\User\\a", st.STATUS_SUCCESS),
    ],
)
def test_where_hives_go(tmp_path: Path, place: str, status: int) -> None:
    loaded = Loaded(tmp_path / "first")
    store = hive_file.open_hive(str(tmp_path / "second"))
    try:
        loaded.nt.NtLoadKey(loaded.process, ObjectAttributes(place), store)
        found = st.STATUS_SUCCESS
    except NtError as error:
        found = error.status
    assert found == status


def test_an_open_key_keeps_its_hive(tmp_path: Path) -> None:
    loaded = Loaded(tmp_path / "hive")
    handle = loaded.key("a")
    with pytest.raises(NtError) as refused:
        loaded.nt.NtUnloadKey(loaded.process, ObjectAttributes(PLACE))
    assert refused.value.status == st.STATUS_CANNOT_DELETE
    loaded.nt.NtClose(loaded.process, handle)
    loaded.unload()
    hive_file.open_hive(str(tmp_path / "hive")).close()


def test_hives_need_a_privilege(tmp_path: Path) -> None:
    system = System()
    process = system.new_process()
    store = hive_file.open_hive(str(tmp_path / "hive"))
    calls: tuple[Callable[[], object], ...] = (
        lambda: system.nt.NtLoadKey(process, ObjectAttributes(PLACE), store),
        lambda: system.nt.NtUnloadKey(process, ObjectAttributes(PLACE)),
    )
    for call in calls:
        with pytest.raises(NtError) as refused:
            call()
        assert refused.value.status == st.STATUS_PRIVILEGE_NOT_HELD
