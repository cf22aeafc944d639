r"""The registry: keys, values, links, notification, hives as services (WDK, Zw routines of the registry)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ntshim_se import ALICE, BOB, People, descriptor

from ntshim import status as st
from ntshim.cm import key as cm
from ntshim.cm import notify, records, walk
from ntshim.cm.node import REG_DWORD, REG_LINK, REG_SZ
from ntshim.ke.event import NOTIFICATION_EVENT
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import DELETE, MAXIMUM_ALLOWED
from ntshim.se.acl import CONTAINER_INHERIT_ACE, Acl, allow
from ntshim.se.parts import DACL_SECURITY_INFORMATION
from ntshim.se.sid import EVERYONE
from ntshim.service import TooSmall
from ntshim.system import System

if TYPE_CHECKING:
    from collections.abc import Callable

SOFTWARE = "\\Registry\\Machine\\SOFTWARE"
ALL = 0xF003F


def status_of(call: Callable[[], object]) -> int:
    try:
        call()
    except st.NtError as error:
        return error.status
    return st.STATUS_SUCCESS


class Registry:
    r"""A system and a process, with the names of keys relative to `\Registry\Machine\SOFTWARE`."""

    def __init__(self) -> None:
        self.system = System()
        self.nt = self.system.nt
        self.process = self.system.new_process()

    def create(self, path: str, options: int = 0, access: int = ALL, class_name: str = "") -> int:
        name = ObjectAttributes(path if path.startswith("\\") else f"{SOFTWARE}\\{path}")
        return self.nt.NtCreateKey(self.process, access, name, class_name, options).handle

    def open(self, path: str, access: int = ALL, options: int = 0) -> int:
        name = ObjectAttributes(path if path.startswith("\\") else f"{SOFTWARE}\\{path}")
        return self.nt.NtOpenKeyEx(self.process, access, name, options)

    def set(self, handle: int, name: str, data: bytes, type_: int = REG_SZ) -> None:
        self.nt.NtSetValueKey(self.process, handle, name, type_, data)

    def get(self, handle: int, name: str) -> bytes:
        told = self.nt.NtQueryValueKey(self.process, handle, name, records.KEY_VALUE_PARTIAL_INFORMATION)
        data: bytes = told.data
        return data

    def names(self, handle: int) -> list[str]:
        """The subkeys in the order in which they are enumerated."""
        found: list[str] = []
        while True:
            try:
                told = self.nt.NtEnumerateKey(self.process, handle, len(found), records.KEY_BASIC_INFORMATION)
            except st.NtError as error:
                if error.status != st.STATUS_NO_MORE_ENTRIES:
                    raise
                return found
            found.append(told.name)

    def close(self, handle: int) -> None:
        self.nt.NtClose(self.process, handle)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_key_is_made_once_and_found_in_any_case(registry: Registry) -> None:
    name = ObjectAttributes(f"{SOFTWARE}\\Made")
    first = registry.nt.NtCreateKey(registry.process, ALL, name)
    second = registry.nt.NtCreateKey(registry.process, ALL, ObjectAttributes(f"{SOFTWARE.upper()}\\MADE"))
    assert (first.disposition, second.disposition) == (walk.REG_CREATED_NEW_KEY, walk.REG_OPENED_EXISTING_KEY)
    told = registry.nt.NtQueryKey(registry.process, second.handle, records.KEY_NAME_INFORMATION)
    assert told.name == "\\REGISTRY\\MACHINE\\SOFTWARE\\Made"
    assert registry.nt.NtQueryObject(registry.process, first.handle, 1) == told.name


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("missing", st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("missing\\below", st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("\\Registry\\Nowhere", st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("x" * 255, st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("x" * 256, st.STATUS_INVALID_PARAMETER),
        ("\\Registry\\Machine\\SOFTWARE\\", st.STATUS_SUCCESS),
        ("\\Registry\\\\Machine\\SOFTWARE", st.STATUS_SUCCESS),
        ("\\Registry", st.STATUS_SUCCESS),
        ("Registry\\Machine", st.STATUS_OBJECT_NAME_NOT_FOUND),
    ],
)
def test_opening(registry: Registry, path: str, status: int) -> None:
    assert status_of(lambda: registry.open(path)) == status


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("\\Registry\\Another", walk.REG_OPTION_VOLATILE, st.STATUS_ACCESS_DENIED),
        ("\\Registry\\Machine\\Another", 0, st.STATUS_CHILD_MUST_BE_VOLATILE),
        ("\\Registry\\Machine\\Another", walk.REG_OPTION_VOLATILE, st.STATUS_SUCCESS),
        ("a\\b", 0, st.STATUS_OBJECT_NAME_NOT_FOUND),
        ("a", 0x10, st.STATUS_INVALID_PARAMETER),
        ("a/b .c", 0, st.STATUS_SUCCESS),
    ],
)
def test_making(registry: Registry, path: str, options: int, status: int) -> None:
    assert status_of(lambda: registry.create(path, options)) == status


def test_a_volatile_key_has_volatile_keys_below(registry: Registry) -> None:
    registry.create("volatile", walk.REG_OPTION_VOLATILE)
    assert status_of(lambda: registry.create("volatile\\lasting")) == st.STATUS_CHILD_MUST_BE_VOLATILE
    registry.create("volatile\\too", walk.REG_OPTION_VOLATILE)


def test_a_tree_has_a_depth_limit(registry: Registry) -> None:
    above = registry.open("\\Registry\\Machine\\SOFTWARE")
    for _ in range(512 - 3):
        above = registry.nt.NtCreateKey(registry.process, ALL, ObjectAttributes("d", above)).handle
    deeper = ObjectAttributes("d", above)
    assert status_of(lambda: registry.nt.NtCreateKey(registry.process, ALL, deeper)) == st.STATUS_INVALID_PARAMETER


def test_rights(registry: Registry) -> None:
    key = registry.create("rights")
    registry.set(key, "v", b"1")
    read_only = registry.open("rights", cm.KEY_QUERY_VALUE)
    assert registry.get(read_only, "V") == b"1"
    for call in (
        lambda: registry.set(read_only, "v", b"2"),
        lambda: registry.nt.NtDeleteKey(registry.process, read_only),
        lambda: registry.nt.NtEnumerateKey(registry.process, read_only, 0, 0),
        lambda: registry.nt.NtNotifyChangeKey(registry.process, read_only, 1),
    ):
        assert status_of(call) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: registry.open("rights", 0)) == st.STATUS_ACCESS_DENIED
    wide = registry.open("rights", MAXIMUM_ALLOWED | cm.KEY_WOW64_64KEY)
    registry.set(wide, "v", b"3")
    assert status_of(lambda: registry.get(registry.nt.NtCreateEvent(registry.process, 1, None, 0).handle, "v")) == (
        st.STATUS_OBJECT_TYPE_MISMATCH
    )


def test_values(registry: Registry) -> None:
    key = registry.create("values")
    registry.set(key, "", b"default")
    registry.set(key, "Name", b"1234", REG_DWORD)
    registry.set(key, "NAME", b"56", 0xFFFFFFFF)
    value = registry.nt.NtEnumerateValueKey(registry.process, key, 1, records.KEY_VALUE_FULL_INFORMATION)
    assert value == (0xFFFFFFFF, "Name", b"56")
    assert registry.get(key, "") == b"default"
    assert registry.nt.NtQueryMultipleValueKey(registry.process, key, ["name", ""]) == [
        ("Name", 0xFFFFFFFF, b"56"),
        ("", REG_SZ, b"default"),
    ]
    registry.nt.NtDeleteValueKey(registry.process, key, "")
    assert status_of(lambda: registry.get(key, "")) == st.STATUS_OBJECT_NAME_NOT_FOUND
    assert status_of(lambda: registry.nt.NtDeleteValueKey(registry.process, key, "")) == st.STATUS_OBJECT_NAME_NOT_FOUND
    assert status_of(lambda: registry.nt.NtEnumerateValueKey(registry.process, key, 1, 0)) == st.STATUS_NO_MORE_ENTRIES
    assert status_of(lambda: registry.set(key, "n" * 16384, b"")) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: registry.set(key, "n", b"", 1 << 32)) == st.STATUS_INVALID_PARAMETER
    registry.set(key, "n" * 16383, b"")


@pytest.mark.parametrize(
    ("information_class", "fixed", "size"),
    [
        (records.KEY_VALUE_BASIC_INFORMATION, 12, 12 + 6),
        (records.KEY_VALUE_FULL_INFORMATION, 20, 28 + 5),
        (records.KEY_VALUE_PARTIAL_INFORMATION, 12, 12 + 5),
    ],
)
def test_buffers_of_values(registry: Registry, information_class: int, fixed: int, size: int) -> None:
    key = registry.create("buffers")
    registry.set(key, "abc", b"12345")

    def ask(length: int) -> object:
        return registry.nt.NtQueryValueKey(registry.process, key, "abc", information_class, length)

    for length, status in (
        (0, st.STATUS_BUFFER_TOO_SMALL),
        (fixed - 1, st.STATUS_BUFFER_TOO_SMALL),
        (fixed, st.STATUS_BUFFER_OVERFLOW),
        (size - 1, st.STATUS_BUFFER_OVERFLOW),
    ):
        with pytest.raises(TooSmall) as refused:
            ask(length)
        assert (refused.value.status, refused.value.needed) == (status, size)
    assert ask(size) == registry.nt.NtQueryValueKey(registry.process, key, "ABC", information_class)


def test_enumeration_is_by_upcased_name(registry: Registry) -> None:
    above = registry.create("order")
    for name in ("b", "A", "_", "Z", "a1", "\u00e9", "1"):
        registry.create(f"order\\{name}", class_name="class")
    assert registry.names(above) == ["1", "A", "a1", "b", "Z", "_", "\u00e9"]
    full = registry.nt.NtQueryKey(registry.process, above, records.KEY_FULL_INFORMATION)
    assert (full.sub_keys, full.max_name_length, full.max_class_length, full.values) == (7, 4, 10, 0)
    node = registry.nt.NtEnumerateKey(registry.process, above, 1, records.KEY_NODE_INFORMATION)
    assert node[1:] == ("class", "A")
    for wrong in (-1, 7, 1 << 40):
        assert status_of(lambda at=wrong: registry.nt.NtEnumerateKey(registry.process, above, at, 0)) == (  # type: ignore[misc]
            st.STATUS_NO_MORE_ENTRIES
        )
    assert status_of(lambda: registry.nt.NtQueryKey(registry.process, above, 9)) == st.STATUS_INVALID_PARAMETER


def test_deleting(registry: Registry) -> None:
    above, below = registry.create("above"), registry.create("above\\below")
    assert status_of(lambda: registry.nt.NtDeleteKey(registry.process, above)) == st.STATUS_CANNOT_DELETE
    assert (
        status_of(lambda: registry.nt.NtDeleteKey(registry.process, registry.open(SOFTWARE))) == st.STATUS_CANNOT_DELETE
    )
    other = registry.open("above\\below")
    registry.nt.NtDeleteKey(registry.process, below)
    assert status_of(lambda: registry.open("above\\below")) == st.STATUS_OBJECT_NAME_NOT_FOUND
    for call in (
        lambda: registry.set(other, "v", b""),
        lambda: registry.names(other),
        lambda: registry.nt.NtDeleteKey(registry.process, below),
        lambda: registry.nt.NtFlushKey(registry.process, other),
        lambda: registry.nt.NtCreateKey(registry.process, ALL, ObjectAttributes("x", other)),
        lambda: registry.nt.NtNotifyChangeKey(registry.process, other, 1),
    ):
        assert status_of(call) == st.STATUS_KEY_DELETED
    again = registry.create("above\\below")
    registry.set(again, "v", b"new")
    registry.close(other)


def test_renaming(registry: Registry) -> None:
    key = registry.create("old")
    registry.create("taken")
    for name, status in (
        ("TAKEN", st.STATUS_CANNOT_DELETE),
        ("old", st.STATUS_CANNOT_DELETE),
        ("a\\b", st.STATUS_INVALID_PARAMETER),
        ("", st.STATUS_INVALID_PARAMETER),
        ("n" * 256, st.STATUS_INVALID_PARAMETER),
        ("New", st.STATUS_SUCCESS),
    ):
        assert status_of(lambda to=name: registry.nt.NtRenameKey(registry.process, key, to)) == status  # type: ignore[misc]
    assert status_of(lambda: registry.open("old")) == st.STATUS_OBJECT_NAME_NOT_FOUND
    registry.open("NEW")


def test_write_times(registry: Registry) -> None:
    key = registry.create("times")
    registry.nt.NtSetInformationKey(registry.process, key, 0, 1234)

    def time() -> int:
        told: int = registry.nt.NtQueryKey(registry.process, key, records.KEY_BASIC_INFORMATION).last_write_time
        return told

    assert time() == 1234
    registry.set(key, "v", b"")
    assert time() > 1234
    assert (
        status_of(lambda: registry.nt.NtSetInformationKey(registry.process, key, 0, -5)) == st.STATUS_INVALID_PARAMETER
    )
    assert (
        status_of(lambda: registry.nt.NtSetInformationKey(registry.process, key, 7, 5)) == st.STATUS_INVALID_INFO_CLASS
    )


def link_to(registry: Registry, path: str, target: str) -> int:
    """Make a link."""
    link = registry.create(path, walk.REG_OPTION_CREATE_LINK | walk.REG_OPTION_VOLATILE)
    registry.set(link, "SymbolicLinkValue", target.encode("utf-16-le"), REG_LINK)
    return link


def test_links(registry: Registry) -> None:
    target = registry.create("target")
    registry.create("target\\below")
    link = link_to(registry, "link", f"{SOFTWARE}\\target")
    registry.set(registry.open("link"), "v", b"through")
    assert registry.get(target, "v") == b"through"
    registry.open("link\\below")
    itself = registry.open("link", options=walk.REG_OPTION_OPEN_LINK)
    assert registry.get(itself, "symboliclinkvalue") == f"{SOFTWARE}\\target".encode("utf-16-le")
    assert status_of(lambda: registry.set(link, "other", b"")) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: registry.set(link, "SymbolicLinkValue", b"\\\0", REG_SZ)) == st.STATUS_ACCESS_DENIED
    assert status_of(lambda: registry.set(link, "SymbolicLinkValue", b"x\0", REG_LINK)) == st.STATUS_INVALID_PARAMETER
    assert status_of(lambda: registry.create("denied", walk.REG_OPTION_CREATE_LINK, ALL & ~0x20)) == (
        st.STATUS_ACCESS_DENIED
    )


def test_links_that_lead_nowhere(registry: Registry) -> None:
    link_to(registry, "dangling", f"{SOFTWARE}\\nothing")
    link_to(registry, "loop", f"{SOFTWARE}\\loop")
    registry.create("empty", walk.REG_OPTION_CREATE_LINK | walk.REG_OPTION_VOLATILE)
    for name in ("dangling", "loop", "empty", "loop\\x"):
        assert status_of(lambda path=name: registry.open(path)) == st.STATUS_OBJECT_NAME_NOT_FOUND  # type: ignore[misc]


def test_notification(registry: Registry) -> None:
    key = registry.create("watched")
    event = registry.nt.NtCreateEvent(registry.process, 0x1F0003, None, NOTIFICATION_EVENT, True).handle
    first = registry.nt.NtNotifyChangeKey(registry.process, key, notify.REG_NOTIFY_CHANGE_NAME, False, event)
    registry.set(key, "v", b"")
    registry.create("watched\\below")
    assert first.status == st.STATUS_NOTIFY_ENUM_DIR
    assert registry.nt.NtQueryEvent(registry.process, event).event_state
    registry.create("watched\\below\\deep")
    second = registry.nt.NtNotifyChangeKey(registry.process, key, 0xF, True)
    registry.set(key, "v", b"")
    registry.create("watched\\below\\deeper")
    assert second.status == st.STATUS_PENDING, "the first request has fixed filter and depth"
    registry.nt.NtDeleteKey(registry.process, registry.open("watched\\below\\deep", DELETE))
    assert second.status == st.STATUS_PENDING
    registry.create("watched\\again")
    assert second.status == st.STATUS_NOTIFY_ENUM_DIR
    registry.create("watched\\meanwhile")
    third = registry.nt.NtNotifyChangeKey(registry.process, key, 0xF)
    assert third.status == st.STATUS_NOTIFY_ENUM_DIR
    fourth = registry.nt.NtNotifyChangeKey(registry.process, key, 0xF)
    registry.close(key)
    assert fourth.status == st.STATUS_NOTIFY_CLEANUP


def test_notification_of_a_tree_and_of_the_end(registry: Registry) -> None:
    key = registry.create("tree")
    below = registry.create("tree\\below")
    whole = registry.nt.NtNotifyChangeKey(registry.process, key, notify.REG_NOTIFY_CHANGE_LAST_SET, True)
    own = registry.nt.NtNotifyChangeKey(registry.process, below, notify.REG_NOTIFY_CHANGE_NAME)
    registry.set(below, "v", b"")
    assert (whole.status, own.status) == (st.STATUS_NOTIFY_ENUM_DIR, st.STATUS_PENDING)
    registry.nt.NtDeleteKey(registry.process, registry.open("tree\\below", DELETE))
    assert own.status == st.STATUS_NOTIFY_ENUM_DIR
    for bits in (0, 0x40):
        assert status_of(lambda wrong=bits: registry.nt.NtNotifyChangeKey(registry.process, key, wrong)) == (  # type: ignore[misc]
            st.STATUS_INVALID_PARAMETER
        )


class Guarded(People):
    """People, and the key `Alice` of SOFTWARE that lets others only read it."""

    def __init__(self) -> None:
        super().__init__()
        made = descriptor(allow(ALICE, ALL, CONTAINER_INHERIT_ACE), allow(EVERYONE, 0x20019))
        given = ObjectAttributes(f"{SOFTWARE}\\Alice", security_descriptor=made)
        self.key = self.nt.NtCreateKey(self.alice, ALL, given).handle


def test_a_descriptor_decides_who_may_open_and_make_keys() -> None:
    people = Guarded()
    name = ObjectAttributes(f"{SOFTWARE}\\Alice")
    below = ObjectAttributes(f"{SOFTWARE}\\Alice\\below")
    people.nt.NtOpenKey(people.bob, cm.KEY_QUERY_VALUE, name)
    for call in (
        lambda: people.nt.NtOpenKey(people.bob, cm.KEY_SET_VALUE, name),
        lambda: people.nt.NtCreateKey(people.bob, ALL, name),
        lambda: people.nt.NtCreateKey(people.bob, 0x20019, below),
    ):
        assert status_of(call) == st.STATUS_ACCESS_DENIED
    people.nt.NtCreateKey(people.alice, ALL, below)
    assert status_of(lambda: people.nt.NtOpenKey(people.bob, 0x20019, below)) == st.STATUS_ACCESS_DENIED


def test_a_descriptor_is_the_keys_whoever_has_it_open() -> None:
    people = Guarded()
    name = ObjectAttributes(f"{SOFTWARE}\\Alice")
    other = people.nt.NtOpenKey(people.alice, 0xF003F, name)
    watched = people.nt.NtNotifyChangeKey(people.alice, other, notify.REG_NOTIFY_CHANGE_SECURITY)
    people.nt.NtSetSecurityObject(people.alice, people.key, DACL_SECURITY_INFORMATION, descriptor(allow(BOB, ALL)))
    assert watched.status == st.STATUS_NOTIFY_ENUM_DIR
    assert status_of(lambda: people.nt.NtOpenKey(people.alice, cm.KEY_SET_VALUE, name)) == st.STATUS_ACCESS_DENIED
    people.nt.NtSetValueKey(people.bob, people.nt.NtOpenKey(people.bob, ALL, name), "v", REG_SZ, b"")
    told = people.nt.NtQuerySecurityObject(people.alice, other, DACL_SECURITY_INFORMATION)
    assert told.dacl == Acl((allow(BOB, ALL),))
