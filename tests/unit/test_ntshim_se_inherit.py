"""What a new object's descriptor is made of: given, inherited, and default parts."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ob import BASE, status_of
from ntshim_se import ALICE, BOB, STAFF, People, descriptor, token

from ntshim import status as st
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, GENERIC_READ
from ntshim.ob.types import make_type
from ntshim.se.acl import (
    SYSTEM_AUDIT_ACE_TYPE,
    Ace,
    Acl,
    allow,
    deny,
    label,
)
from ntshim.se.assign import assign_security
from ntshim.se.descriptor import (
    SE_DACL_AUTO_INHERITED,
    SE_DACL_DEFAULTED,
    SE_DACL_PRESENT,
    SE_DACL_PROTECTED,
    SecurityDescriptor,
)
from ntshim.se.sid import CREATOR_GROUP, CREATOR_OWNER, EVERYONE, HIGH_INTEGRITY, LOW_INTEGRITY

FILE = make_type("File").generic_mapping
READ, ALL = FILE.read, FILE.all
OI, CI, NP, IO, INHERITED = 1, 2, 4, 8, 16


def child(
    *aces: Ace, is_container: bool, auto_inherit: bool = False, explicit: Any = None, who: Any = None
) -> SecurityDescriptor:
    parent = descriptor(*aces) if aces else None
    return assign_security(
        explicit, parent, who or token(ALICE), FILE, is_container=is_container, auto_inherit=auto_inherit
    )


def aces(made: SecurityDescriptor) -> list[tuple[int, Any, int]] | None:
    return None if made.dacl is None else [(ace.flags, ace.sid, ace.mask) for ace in made.dacl.aces]


@pytest.mark.parametrize(
    ("flags", "file", "directory"),
    [
        (0, None, None),
        (OI, 0, OI | IO),
        (CI, None, CI),
        (OI | CI, 0, OI | CI),
        (OI | NP, 0, None),
        (CI | NP, None, 0),
        (OI | CI | NP, 0, 0),
        (OI | IO, 0, OI | IO),
        (CI | IO, None, CI),
        (OI | CI | IO, 0, OI | CI),
        (IO, None, None),
        (OI | CI | INHERITED, 0, OI | CI),
    ],
)
def test_which_entries_are_inherited(flags: int, file: int | None, directory: int | None) -> None:
    for is_container, expected in ((False, file), (True, directory)):
        found = aces(child(allow(BOB, 1, flags), is_container=is_container))
        assert found == (None if expected is None else [(expected, BOB, 1)])
        marked = child(allow(BOB, 1, flags), is_container=is_container, auto_inherit=True)
        assert aces(marked) == (None if expected is None else [(expected | INHERITED, BOB, 1)])
        assert bool(marked.control & SE_DACL_AUTO_INHERITED) == (expected is not None)


def test_creator_and_generic_entries_are_split_for_containers() -> None:
    given = allow(CREATOR_OWNER, GENERIC_ALL, OI | CI), allow(CREATOR_GROUP, 1, OI | CI)
    who = token(ALICE, primary_group=STAFF)
    assert aces(child(*given, is_container=False, who=who)) == [(0, ALICE, ALL), (0, STAFF, 1)]
    assert aces(child(*given, is_container=True, who=who)) == [
        (0, ALICE, ALL),
        (OI | CI | IO, CREATOR_OWNER, GENERIC_ALL),
        (0, STAFF, 1),
        (OI | CI | IO, CREATOR_GROUP, 1),
    ]
    last = child(allow(CREATOR_OWNER, GENERIC_ALL, CI | NP), is_container=True)
    assert aces(last) == [(0, ALICE, ALL)]


def test_what_is_given_comes_first_and_is_mapped() -> None:
    above = allow(BOB, 1, OI | CI)
    mine = SecurityDescriptor(None, None, Acl((deny(BOB, GENERIC_READ), allow(CREATOR_OWNER, GENERIC_READ, OI))))
    alone = child(above, is_container=False, explicit=mine)
    assert aces(alone) == [(0, BOB, READ), (OI, ALICE, READ)]
    # A directory's own entry goes on in its general form to the files in it.
    assert aces(child(is_container=True, explicit=mine)) == [
        (0, BOB, READ),
        (0, ALICE, READ),
        (OI | IO, CREATOR_OWNER, GENERIC_READ),
    ]
    both = child(above, is_container=False, explicit=mine, auto_inherit=True)
    assert aces(both) == [(0, BOB, READ), (OI, ALICE, READ), (INHERITED, BOB, 1)]
    protected = mine._replace(control=SE_DACL_PROTECTED)
    closed = child(above, is_container=False, explicit=protected, auto_inherit=True)
    assert aces(closed) == aces(alone)
    assert closed.control & SE_DACL_PROTECTED


def test_a_null_dacl_that_is_given_stays() -> None:
    null = SecurityDescriptor(control=SE_DACL_PRESENT)
    made = child(allow(BOB, 1, OI), is_container=False, explicit=null)
    assert made.dacl is None
    assert made.dacl_present


def test_defaults_come_last() -> None:
    who = token(ALICE, default_dacl=Acl((allow(ALICE, GENERIC_ALL),)))
    default = SecurityDescriptor(None, None, Acl((allow(STAFF, 1),)), None, SE_DACL_DEFAULTED)
    assert aces(child(is_container=False, who=who)) == [(0, ALICE, ALL)]
    assert aces(child(is_container=False, who=who, explicit=default)) == [(0, STAFF, 1)]
    assert aces(child(allow(BOB, 1, OI), is_container=False, who=who, explicit=default)) == [(0, BOB, 1)]
    assert aces(child(allow(BOB, 1, CI), is_container=False, who=who)) == [(0, ALICE, ALL)]
    assert aces(child(is_container=False)) is None


def test_auditing_and_labels() -> None:
    audit = Ace(SYSTEM_AUDIT_ACE_TYPE, 0xC0 | OI, 1, EVERYONE)
    with_audit = SecurityDescriptor(sacl=Acl((audit,)))
    refused = status_of(child, is_container=False, explicit=with_audit)
    assert refused == st.STATUS_PRIVILEGE_NOT_HELD
    made = child(is_container=False, explicit=with_audit, who=token(ALICE, privileges=("SeSecurityPrivilege",)))
    assert made.sacl == Acl((audit,))
    parent = descriptor(sacl=(audit, label(LOW_INTEGRITY, 1, OI)))
    below = assign_security(None, parent, token(ALICE), FILE, is_container=False)
    assert below.sacl == Acl((audit._replace(flags=0xC0), label(LOW_INTEGRITY)))
    high = SecurityDescriptor(sacl=Acl((label(HIGH_INTEGRITY),)))
    assert status_of(child, is_container=False, explicit=high) == st.STATUS_PRIVILEGE_NOT_HELD
    child(is_container=False, explicit=high, who=token(ALICE, privileges=("SeRelabelPrivilege",)))
    # What somebody below the usual level makes bears that level.
    low = child(is_container=False, who=token(ALICE, integrity=LOW_INTEGRITY))
    assert low.sacl == Acl((label(LOW_INTEGRITY),))


def test_objects_inherit_from_their_directory() -> None:
    world = People()
    made = descriptor(allow(EVERYONE, 0xF), allow(BOB, 1, OI), allow(BOB, 2, CI))
    given = ObjectAttributes(BASE + r"\dir", security_descriptor=made)
    world.nt.NtCreateDirectoryObject(world.alice, GENERIC_ALL, given)
    world.create("Event", BASE + r"\dir\e")
    world.create("Directory", BASE + r"\dir\d")
    security = {name: world.object(world.open(kind, BASE + rf"\dir\{name}", access=access)).security
                for kind, name, access in (("Event", "e", 0x20000), ("Directory", "d", 0x20000))}  # fmt: skip
    assert aces(security["e"]) == [(0, BOB, 1)]
    assert aces(security["d"]) == [(OI | IO, BOB, 1), (CI, BOB, 2)]
    assert (security["e"].owner, security["e"].group) == (ALICE, world.process.token.identity.primary_group)
