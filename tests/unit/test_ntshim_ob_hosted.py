"""Names that a host keeps in a directory of the namespace, and the device of pipes that are the host's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.io import create as io
from ntshim.ke.event import NOTIFICATION_EVENT, Event
from ntshim.ke.semaphore import Semaphore
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, OBJ_OPENIF, ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, MAXIMUM_ALLOWED, Object
from ntshim.se.token import SE_CREATE_PERMANENT_PRIVILEGE, Token

if TYPE_CHECKING:
    from collections.abc import Hashable

NOT_FOUND = st.STATUS_OBJECT_NAME_NOT_FOUND


class Host:
    """Names in a dict, each with the identity of an event."""

    def __init__(self) -> None:
        self.present: dict[str, int] = {}
        self.made: list[Object] = []

    def names(self) -> list[str]:
        return sorted(self.present)

    def identify(self, name: str) -> int | None:
        return self.present.get(name)

    def make(self, name: str, identity: Hashable) -> Object:
        assert self.present[name] == identity
        self.made.append(Event(NOTIFICATION_EVENT))
        return self.made[-1]


class HostedWorld(World):
    r"""A world in whose `\BaseNamedObjects` the host has `Alpha` and `beta`."""

    def __init__(self) -> None:
        super().__init__()
        self.host = Host()
        self.host.present = {"Alpha": 1, "beta": 2}
        self.executive.namespace.named_objects.connect = lambda: self.host

    def listed(self) -> list[str]:
        handle = self.open("Directory", BASE)
        listing = self.nt.NtQueryDirectoryObject(self.thread, handle, 1 << 16)
        self.close(handle)
        return [entry.name for entry in listing.entries]

    def opened(self, name: str, flags: int = 0) -> Any:
        return self.object(self.open("Event", rf"{BASE}\{name}", flags=flags))

    def name(self, handle: int) -> str:
        name = self.nt.NtQueryObject(self.thread, handle, 1)
        assert isinstance(name, str)
        return name


def status_of_opening(world: World, name: str, flags: int = 0) -> int:
    return status_of(world.nt.NtOpenEvent, world.thread, 1, ObjectAttributes(rf"{BASE}\{name}", 0, flags))


def test_nobody_asks_before_somebody_looks() -> None:
    world = World()

    def connect() -> Host:
        raise AssertionError

    world.executive.namespace.named_objects.connect = connect
    world.create("Event", r"\KernelObjects\event")
    with pytest.raises(AssertionError):
        world.create("Event", rf"{BASE}\event")


def test_names_of_the_host_are_listed_and_opened() -> None:
    world = HostedWorld()
    world.create("Event", rf"{BASE}\ours")
    assert world.listed() == ["Global", "Local", "Session", "ours", "Alpha", "beta"]
    assert world.opened("Alpha") is world.opened("Alpha")
    assert world.opened("Alpha") is not world.opened("beta")
    assert world.object(world.open("Event", r"\Sessions\0\BaseNamedObjects\Global\beta")) is world.opened("beta")
    assert status_of_opening(world, "gamma") == NOT_FOUND
    assert status_of_opening(world, r"Alpha\x") == st.STATUS_OBJECT_TYPE_MISMATCH
    assert status_of(world.nt.NtOpenMutant, world.thread, 1, ObjectAttributes(rf"{BASE}\Alpha")) == (
        st.STATUS_OBJECT_TYPE_MISMATCH
    )


def test_case_counts_unless_the_caller_says_otherwise() -> None:
    world = HostedWorld()
    assert status_of_opening(world, "ALPHA") == NOT_FOUND
    assert world.opened("ALPHA", OBJ_CASE_INSENSITIVE) is world.opened("Alpha")
    world.host.present["ALPHA"] = 3
    assert world.opened("ALPHA", OBJ_CASE_INSENSITIVE) is not world.opened("Alpha")
    del world.host.present["Alpha"], world.host.present["ALPHA"]
    assert status_of_opening(world, "alpha", OBJ_CASE_INSENSITIVE) == NOT_FOUND


def test_a_name_that_the_host_has_given_up_leads_nowhere() -> None:
    world = HostedWorld()
    handle = world.open("Event", rf"{BASE}\Alpha")
    assert world.name(handle) == rf"{BASE}\Alpha"
    del world.host.present["Alpha"]
    assert world.name(handle) == ""
    assert status_of_opening(world, "Alpha") == NOT_FOUND
    assert "Alpha" not in world.listed()
    assert (world.object(handle).handle_count, world.object(handle).pointer_count) == (1, 1)
    target = world.object(handle)
    world.close(handle)
    assert target.pointer_count == 0


def test_another_thing_of_the_same_name_is_another_object() -> None:
    world = HostedWorld()
    first = world.opened("Alpha")
    world.host.present["Alpha"] = 9
    second = world.opened("Alpha")
    assert second is not first
    assert (first.name, second.name.text) == (None, "Alpha")


def test_the_name_goes_with_the_last_handle_and_comes_back() -> None:
    world = HostedWorld()
    directory = world.executive.namespace.named_objects
    references = directory.pointer_count
    handle = world.open("Event", rf"{BASE}\Alpha")
    first = world.object(handle)
    assert (first.handle_count, first.pointer_count, directory.pointer_count) == (1, 2, references + 1)
    world.close(handle)
    assert (first.pointer_count, directory.pointer_count) == (0, references)
    assert world.opened("Alpha") is not first


def test_what_is_found_and_not_opened_does_not_remain() -> None:
    world = HostedWorld()
    directory = world.executive.namespace.named_objects
    references = directory.pointer_count
    given = ObjectAttributes(rf"{BASE}\Alpha")
    for _ in range(3):
        assert status_of(world.nt.NtOpenEvent, world.thread, 0, given) == st.STATUS_ACCESS_DENIED
        assert status_of(world.nt.NtCreateEvent, world.thread, 1, given, 0) == st.STATUS_OBJECT_NAME_COLLISION
        world.listed()
    assert status_of_opening(world, "gamma") == NOT_FOUND
    assert directory.pointer_count == references
    assert [one.pointer_count for one in world.host.made] == [0] * len(world.host.made)


def test_a_name_that_is_taken_on_either_side() -> None:
    world = HostedWorld()
    given = ObjectAttributes(rf"{BASE}\Alpha", 0, OBJ_OPENIF)
    opened = world.nt.NtCreateEvent(world.thread, GENERIC_ALL, given, 0)
    assert (opened.status, world.object(opened.handle)) == (st.STATUS_OBJECT_NAME_EXISTS, world.host.made[-1])
    ours = world.object(world.create("Event", rf"{BASE}\ours"))
    world.host.present["ours"] = 7
    assert world.opened("ours") is ours
    assert world.listed().count("ours") == 1


def test_permanence_is_the_hosts() -> None:
    world = HostedWorld()
    world.process.token = Token([SE_CREATE_PERMANENT_PRIVILEGE])
    handle = world.open("Event", rf"{BASE}\Alpha")
    world.nt.NtMakeTemporaryObject(world.thread, handle)
    assert world.opened("Alpha") is world.object(handle)
    world.nt.NtMakePermanentObject(world.thread, handle)
    del world.host.present["Alpha"]
    assert status_of_opening(world, "Alpha") == NOT_FOUND


class Shown(Semaphore):
    """A semaphore that may only be looked at."""

    __slots__ = ()

    maximum_access: ClassVar[int] = 0x20001


def test_a_semaphore_may_keep_rights_from_everybody() -> None:
    world = World()
    name = rf"{BASE}\shown"
    world.executive.namespace.add(name, Shown(1, 2))
    opening = world.nt.NtOpenSemaphore
    for access in (GENERIC_ALL, 2, 0x100000):
        assert status_of(opening, world.thread, access, ObjectAttributes(name)) == st.STATUS_ACCESS_DENIED
    handle = opening(world.thread, MAXIMUM_ALLOWED, ObjectAttributes(name))
    assert world.process.handles.look_up(handle).access == 0x20001
    assert world.nt.NtQuerySemaphore(world.thread, handle) == (1, 2)


@pytest.mark.parametrize("disposition", [io.FILE_OPEN, io.FILE_CREATE, io.FILE_OPEN_IF])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (r"\Device\NamedPipe\pipe", NOT_FOUND),
        (r"\??\PIPE\a\b", NOT_FOUND),
        (r"\DosDevices\pipe\X", NOT_FOUND),
        (r"\Device\NamedPipe", st.STATUS_INVALID_DEVICE_REQUEST),
        ("\\Device\\NamedPipe\\", st.STATUS_INVALID_DEVICE_REQUEST),
    ],
)
def test_no_pipe_is_there(name: str, expected: int, disposition: int) -> None:
    world = World()
    given = ObjectAttributes(name, 0, OBJ_CASE_INSENSITIVE)
    assert status_of(world.nt.NtCreateFile, world.thread, 1, given, 0x80, 7, disposition, 0) == expected
    assert status_of(world.nt.NtOpenEvent, world.thread, 1, given) == st.STATUS_OBJECT_TYPE_MISMATCH
