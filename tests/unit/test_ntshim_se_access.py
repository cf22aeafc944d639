"""What a descriptor and a token together allow when objects are opened, duplicated and made."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ob import BASE, status_of
from ntshim_se import (
    ALICE,
    BOB,
    EVENT_ALL,
    EVENT_EXECUTE,
    EVENT_READ,
    EVENT_WRITE,
    FRIENDS,
    ON,
    STAFF,
    People,
    as_owner,
    descriptor,
    impersonation,
    null_dacl,
    token,
)

from ntshim import status as st
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.handles import CURRENT_PROCESS
from ntshim.ob.object import (
    ACCESS_SYSTEM_SECURITY,
    DELETE,
    GENERIC_ALL,
    GENERIC_READ,
    MAXIMUM_ALLOWED,
    READ_CONTROL,
    SYNCHRONIZE,
    WRITE_DAC,
    WRITE_OWNER,
)
from ntshim.se.acl import Acl, allow, deny, label
from ntshim.se.derive import LUA_TOKEN, filter_token
from ntshim.se.identity import (
    SE_GROUP_USE_FOR_DENY_ONLY,
    SECURITY_IDENTIFICATION,
    SidAndAttributes,
)
from ntshim.se.sid import (
    ADMINISTRATORS,
    EVERYONE,
    HIGH_INTEGRITY,
    LOW_INTEGRITY,
    MEDIUM_INTEGRITY,
    OWNER_RIGHTS,
)

NAME = BASE + r"\it"
DENIED = st.STATUS_ACCESS_DENIED
OWNER = READ_CONTROL | WRITE_DAC
LABELLED = descriptor(allow(EVERYONE, GENERIC_ALL), owner=ALICE, sacl=(label(HIGH_INTEGRITY),))


def restricted(user: Any, *to: Any, flags: int = 0, groups: tuple[Any, ...] = ()) -> Any:
    return filter_token(token(user, *groups), flags, (), (), to)


@pytest.mark.parametrize(
    ("made", "who", "access", "granted"),
    [
        # The order of entries decides, right by right.
        (descriptor(allow(BOB, EVENT_READ)), token(BOB), EVENT_READ, EVENT_READ),
        (descriptor(allow(BOB, EVENT_READ)), token(BOB), EVENT_WRITE, None),
        (descriptor(allow(BOB, EVENT_READ)), token(BOB), EVENT_READ | 2, None),
        (descriptor(deny(BOB, 1), allow(BOB, 3)), token(BOB), MAXIMUM_ALLOWED, 2),
        (descriptor(allow(BOB, 3), deny(BOB, 1)), token(BOB), MAXIMUM_ALLOWED, 3),
        (descriptor(allow(BOB, 1), deny(BOB, 2), allow(EVERYONE, 2)), token(BOB), MAXIMUM_ALLOWED, 1),
        (descriptor(allow(BOB, 1), allow(EVERYONE, 2)), token(BOB), 3, 3),
        (descriptor(allow(BOB, 1), deny(BOB, 2)), token(BOB), MAXIMUM_ALLOWED | 2, None),
        # No DACL, an empty one, entries for others, entries that are for children only.
        (null_dacl(), token(BOB), MAXIMUM_ALLOWED, EVENT_ALL),
        (descriptor(), token(BOB), MAXIMUM_ALLOWED, None),
        (descriptor(), token(BOB), READ_CONTROL, None),
        (descriptor(allow(STAFF, 3)), token(BOB), 1, None),
        (descriptor(allow(BOB, 3, 0x8 | 0x1)), token(BOB), 1, None),
        (descriptor(allow(EVERYONE, 3), deny(BOB, 3, 0x8 | 0x2)), token(BOB), 3, 3),
        # Generic rights stand for those of the type, on either side.
        (descriptor(allow(BOB, GENERIC_READ)), token(BOB), GENERIC_READ, EVENT_READ),
        (descriptor(allow(BOB, GENERIC_ALL)), token(BOB), MAXIMUM_ALLOWED, EVENT_ALL),
        (descriptor(allow(BOB, EVENT_READ)), token(BOB), GENERIC_ALL, None),
        # The owner reads and changes the DACL, whatever that says, unless it speaks of owners.
        (descriptor(), token(ALICE), MAXIMUM_ALLOWED, OWNER),
        (descriptor(deny(ALICE, OWNER)), token(ALICE), OWNER, OWNER),
        (descriptor(deny(EVERYONE, GENERIC_ALL)), token(ALICE), SYNCHRONIZE, None),
        (descriptor(allow(OWNER_RIGHTS, 1)), token(ALICE), MAXIMUM_ALLOWED, 1),
        (descriptor(allow(OWNER_RIGHTS, 1)), token(BOB), MAXIMUM_ALLOWED, None),
        (descriptor(owner=STAFF), token(BOB, STAFF), MAXIMUM_ALLOWED, OWNER),
        (descriptor(owner=STAFF), token(BOB, SidAndAttributes(STAFF, 0)), MAXIMUM_ALLOWED, None),
        # Groups count if they are enabled; those for denials only deny.
        (descriptor(allow(STAFF, 1)), token(BOB, STAFF), 1, 1),
        (descriptor(allow(STAFF, 1)), token(BOB, SidAndAttributes(STAFF, 0)), 1, None),
        (descriptor(allow(STAFF, 1)), token(BOB, SidAndAttributes(STAFF, SE_GROUP_USE_FOR_DENY_ONLY)), 1, None),
        (
            descriptor(deny(STAFF, 1), allow(BOB, 3)),
            token(BOB, SidAndAttributes(STAFF, SE_GROUP_USE_FOR_DENY_ONLY)),
            MAXIMUM_ALLOWED,
            2,
        ),
        (descriptor(deny(STAFF, 1), allow(BOB, 3)), token(BOB, SidAndAttributes(STAFF, 0)), MAXIMUM_ALLOWED, 3),
        # Privileges.
        (descriptor(), token(BOB, privileges=("SeTakeOwnershipPrivilege",)), MAXIMUM_ALLOWED, WRITE_OWNER),
        (descriptor(), token(BOB, privileges=("SeTakeOwnershipPrivilege",)), WRITE_OWNER | DELETE, None),
        (
            descriptor(allow(BOB, 1)),
            token(BOB, privileges=("SeSecurityPrivilege",)),
            ACCESS_SYSTEM_SECURITY | 1,
            ACCESS_SYSTEM_SECURITY | 1,
        ),
        (
            descriptor(allow(BOB, 1)),
            token(BOB, privileges=("SeSecurityPrivilege",)),
            ACCESS_SYSTEM_SECURITY | 2,
            None,
        ),
        # A restricted token is checked twice, and gets what both give.
        (descriptor(allow(BOB, 3)), restricted(BOB, FRIENDS), MAXIMUM_ALLOWED, None),
        (descriptor(allow(BOB, 3), allow(FRIENDS, 1)), restricted(BOB, FRIENDS), MAXIMUM_ALLOWED, 1),
        (descriptor(allow(FRIENDS, 1)), restricted(BOB, FRIENDS), MAXIMUM_ALLOWED, None),
        (descriptor(allow(BOB, 3), allow(FRIENDS, 1)), restricted(BOB, FRIENDS, flags=8), MAXIMUM_ALLOWED, 1),
        (descriptor(allow(BOB, 3), allow(FRIENDS, 2)), restricted(BOB, FRIENDS, flags=8), MAXIMUM_ALLOWED, 3),
        (descriptor(), restricted(ALICE, FRIENDS), MAXIMUM_ALLOWED, None),
        (descriptor(), restricted(ALICE, ALICE), MAXIMUM_ALLOWED, OWNER),
        (null_dacl(), restricted(BOB, FRIENDS), EVENT_ALL, EVENT_ALL),
        # A mandatory label keeps those below from writing, and the owner too.
        (LABELLED, token(BOB), EVENT_READ, EVENT_READ),
        (LABELLED, token(BOB), EVENT_WRITE, None),
        (LABELLED, token(BOB), MAXIMUM_ALLOWED, EVENT_READ | EVENT_EXECUTE),
        (LABELLED, token(ALICE), WRITE_DAC, None),
        (LABELLED, token(BOB, integrity=HIGH_INTEGRITY), MAXIMUM_ALLOWED, EVENT_ALL),
        (LABELLED, token(BOB, privileges=("SeRelabelPrivilege",)), WRITE_OWNER, WRITE_OWNER),
        (null_dacl(), token(BOB, integrity=LOW_INTEGRITY), EVENT_WRITE, None),
        (null_dacl(), token(BOB, integrity=LOW_INTEGRITY), EVENT_READ, EVENT_READ),
        (descriptor(allow(EVERYONE, GENERIC_ALL), sacl=(label(LOW_INTEGRITY),)),
         token(BOB, integrity=LOW_INTEGRITY), EVENT_WRITE, EVENT_WRITE),
        (descriptor(allow(EVERYONE, GENERIC_ALL), sacl=(label(MEDIUM_INTEGRITY, 2),)),
         token(BOB, integrity=LOW_INTEGRITY), MAXIMUM_ALLOWED, (EVENT_ALL & ~1)),
        (descriptor(allow(EVERYONE, GENERIC_ALL), sacl=(label(HIGH_INTEGRITY, 1, 0x8),)),
         token(BOB), EVENT_WRITE, EVENT_WRITE),
    ],
)  # fmt: skip
def test_access_at_open(made: Any, who: Any, access: int, granted: int | None) -> None:
    world = People()
    # Who makes it may do anything, and set any owner and label.
    world.event(NAME, made, caller=world.system)
    world.bob.process.token = who
    if granted is None:
        assert status_of(world.granted, world.bob, NAME, access) == DENIED
    else:
        assert world.granted(world.bob, NAME, access) == granted


def test_system_security_is_a_privilege() -> None:
    world = People()
    world.event(NAME, descriptor(allow(EVERYONE, GENERIC_ALL)))
    assert status_of(world.granted, world.bob, NAME, ACCESS_SYSTEM_SECURITY) == st.STATUS_PRIVILEGE_NOT_HELD
    world.process.token = token(ALICE, privileges=("SeSecurityPrivilege",))
    # Of an object without a descriptor too, and of one that is being made.
    world.event(BASE + r"\plain", None, access=ACCESS_SYSTEM_SECURITY | 1)
    assert world.granted(world.alice, BASE + r"\plain", ACCESS_SYSTEM_SECURITY | 2) == ACCESS_SYSTEM_SECURITY | 2
    assert status_of(world.granted, world.alice, BASE + r"\plain", ACCESS_SYSTEM_SECURITY | 4) == DENIED


def test_access_0_and_unknown_bits_are_refused_with_a_descriptor_too() -> None:
    world = People()
    world.event(NAME, descriptor(allow(BOB, 0xFFFFFFFF)))
    assert status_of(world.granted, world.bob, NAME, 0) == DENIED
    assert status_of(world.granted, world.bob, NAME, 4) == DENIED
    assert world.granted(world.bob, NAME, MAXIMUM_ALLOWED) == EVENT_ALL


def test_the_maker_gets_what_it_asks_for() -> None:
    world = People()
    handle = world.event(NAME, descriptor())
    assert world.process.handles.look_up(handle).access == EVENT_ALL
    assert status_of(world.granted, world.alice, NAME, 1) == DENIED


def test_whoever_opens_instead_of_making_is_checked() -> None:
    world = People()
    world.event(NAME, descriptor(allow(BOB, 1)))
    given = ObjectAttributes(NAME, 0, 0x80)
    assert status_of(world.nt.NtCreateEvent, world.bob, 3, given, 0) == DENIED
    assert world.nt.NtCreateEvent(world.bob, 1, given, 0).status == st.STATUS_OBJECT_NAME_EXISTS


def test_a_duplicate_is_widened_as_far_as_the_descriptor_lets() -> None:
    world = People()
    handle = world.event(NAME, descriptor(allow(ALICE, 3)), access=1)
    plain = world.event(None, None, access=1)

    def widen(source: int, access: int) -> int:
        made = world.nt.NtDuplicateObject(world.alice, CURRENT_PROCESS, source, CURRENT_PROCESS, access)
        assert made is not None
        granted: int = world.process.handles.look_up(made).access
        return granted

    assert widen(plain, SYNCHRONIZE) == SYNCHRONIZE
    assert widen(handle, 2) == 2
    assert widen(handle, 1) == 1
    assert widen(handle, MAXIMUM_ALLOWED) == 3 | OWNER
    assert status_of(widen, handle, SYNCHRONIZE) == DENIED


@pytest.mark.parametrize(
    ("rights", "kind", "status"),
    [
        (0x2 | 0x4, "Event", st.STATUS_SUCCESS),
        (0x2 | 0x4, "Directory", DENIED),
        (0x2 | 0x8, "Event", DENIED),
        (0x2 | 0x8, "Directory", st.STATUS_SUCCESS),
        (0x2, "Event", DENIED),
        (0x4, "Event", st.STATUS_SUCCESS),
    ],
)
def test_making_something_in_a_directory(rights: int, kind: str, status: int) -> None:
    world = People()
    made = ObjectAttributes(BASE + r"\dir", security_descriptor=descriptor(allow(BOB, rights)))
    world.nt.NtCreateDirectoryObject(world.alice, GENERIC_ALL, made)
    world.thread = world.bob
    assert status_of(world.services(kind)[0], GENERIC_ALL, ObjectAttributes(BASE + r"\dir\x")) == status
    # The handle that serves as RootDirectory grants nothing: the directory's descriptor decides.
    assert status_of(world.create, kind, BASE + r"\y") == st.STATUS_SUCCESS


def test_traversal_is_asked_of_whoever_lacks_the_privilege() -> None:
    world = People()
    made = ObjectAttributes(BASE + r"\dir", security_descriptor=descriptor(allow(EVERYONE, 4)))
    world.nt.NtCreateDirectoryObject(world.alice, GENERIC_ALL, made)
    world.event(BASE + r"\dir\e", null_dacl(), caller=world.system)
    assert world.granted(world.bob, BASE + r"\dir\e", 1) == 1
    world.bob.process.token.privileges.clear()
    assert status_of(world.granted, world.bob, BASE + r"\dir\e", 1) == DENIED


def test_a_name_that_cannot_be_secured_is_free_again() -> None:
    world = People()
    assert status_of(world.event, NAME, b"nonsense") == st.STATUS_INVALID_SECURITY_DESCR
    assert status_of(world.event, NAME, descriptor(owner=BOB)) == st.STATUS_INVALID_OWNER
    assert status_of(world.granted, world.alice, NAME, 1) == st.STATUS_OBJECT_NAME_NOT_FOUND
    world.event(NAME, descriptor())


def test_who_may_be_made_the_owner() -> None:
    world = People()
    world.process.token = token(ALICE, as_owner(STAFF), FRIENDS)
    world.event(BASE + r"\a", descriptor(owner=STAFF))
    assert status_of(world.event, BASE + r"\b", descriptor(owner=FRIENDS)) == st.STATUS_INVALID_OWNER
    world.process.token = token(ALICE, privileges=("SeRestorePrivilege",))
    world.event(BASE + r"\b", descriptor(owner=FRIENDS))


def test_impersonation_decides_and_identification_opens_nothing() -> None:
    world = People()
    world.event(NAME, descriptor(allow(BOB, 1)))
    assert status_of(world.granted, world.alice, NAME, 1) == DENIED
    world.alice.impersonate(impersonation(token(BOB)))
    assert world.granted(world.alice, NAME, 1) == 1
    world.alice.impersonate(impersonation(token(BOB), SECURITY_IDENTIFICATION))
    assert status_of(world.granted, world.alice, NAME, 1) == st.STATUS_BAD_IMPERSONATION_LEVEL
    world.alice.impersonate(None)
    assert status_of(world.granted, world.alice, NAME, 1) == DENIED


def test_a_process_with_a_descriptor_and_who_debugs() -> None:
    from ntshim.ps.services import ClientId

    world = People()
    world.process.security = descriptor(allow(EVERYONE, 0x1000))
    client = ClientId(world.process.pid)
    assert status_of(world.nt.NtOpenProcess, world.bob, 1, ObjectAttributes(), client) == DENIED
    world.nt.NtOpenProcess(world.bob, 0x1000, ObjectAttributes(), client)
    world.bob.process.token = token(BOB, privileges=("SeDebugPrivilege",))
    world.nt.NtOpenProcess(world.bob, 1, ObjectAttributes(), client)


def test_administrators_of_a_filtered_token_deny_only() -> None:
    whole = token(BOB, SidAndAttributes(ADMINISTRATORS, ON))
    low = filter_token(whole, LUA_TOKEN, (), (), ())
    world = People()
    world.event(NAME, descriptor(deny(ADMINISTRATORS, 2), allow(ADMINISTRATORS, 1), allow(BOB, 2)))
    world.bob.process.token = whole
    assert world.granted(world.bob, NAME, MAXIMUM_ALLOWED) == 1
    world.bob.process.token = low
    assert status_of(world.granted, world.bob, NAME, MAXIMUM_ALLOWED) == DENIED


def test_objects_of_a_token_with_a_default_dacl() -> None:
    world = People()
    world.process.token = token(ALICE, default_dacl=Acl((allow(ALICE, GENERIC_ALL),)))
    world.event(NAME, None)
    assert status_of(world.granted, world.bob, NAME, 1) == DENIED
    assert world.granted(world.alice, NAME, MAXIMUM_ALLOWED) == EVENT_ALL
