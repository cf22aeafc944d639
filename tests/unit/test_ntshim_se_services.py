"""The services on tokens and on the security of objects."""

from __future__ import annotations

from typing import Any

import pytest
from ntshim_ob import BASE, status_of
from ntshim_se import ALICE, BOB, EVENT_ALL, FRIENDS, ON, STAFF, People, as_owner, descriptor, impersonation, token

from ntshim import status as st
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.handles import (
    CURRENT_EFFECTIVE_TOKEN,
    CURRENT_PROCESS,
    CURRENT_PROCESS_TOKEN,
    CURRENT_THREAD,
    CURRENT_THREAD_TOKEN,
)
from ntshim.ob.object import (
    ACCESS_SYSTEM_SECURITY,
    GENERIC_ALL,
    MAXIMUM_ALLOWED,
    READ_CONTROL,
    WRITE_DAC,
    WRITE_OWNER,
    GenericMapping,
)
from ntshim.ob.types import make_type
from ntshim.ps.services import THREAD_IMPERSONATION_TOKEN
from ntshim.se import parts
from ntshim.se import token_information as info
from ntshim.se.acl import SYSTEM_AUDIT_ACE_TYPE, Ace, Acl, allow, label
from ntshim.se.descriptor import SE_DACL_PRESENT, SE_DACL_PROTECTED, SE_SACL_PRESENT, SecurityDescriptor
from ntshim.se.identity import (
    SE_GROUP_ENABLED,
    SE_GROUP_MANDATORY,
    SE_GROUP_USE_FOR_DENY_ONLY,
    SECURITY_ANONYMOUS,
    SECURITY_DELEGATION,
    SECURITY_IDENTIFICATION,
    SECURITY_IMPERSONATION,
    TOKEN_IMPERSONATION,
    TOKEN_PRIMARY,
    SidAndAttributes,
)
from ntshim.se.privileges import LUIDS, LuidAndAttributes
from ntshim.se.sid import (
    ADMINISTRATORS,
    ANONYMOUS,
    EVERYONE,
    HIGH_INTEGRITY,
    LOW_INTEGRITY,
    MEDIUM_INTEGRITY,
    NULL_SID,
    Sid,
)
from ntshim.se.token import TOKEN
from ntshim.service import TooSmall

DENIED = st.STATUS_ACCESS_DENIED
MINE = CURRENT_PROCESS_TOKEN
EVENT = make_type("Event").generic_mapping
OWNER, GROUP, DACL, SACL, LABEL = 1, 2, 4, 8, 0x10
AUDIT = Ace(SYSTEM_AUDIT_ACE_TYPE, 0xC0, 1, EVERYONE)


def luid(name: str, attributes: int = 0) -> LuidAndAttributes:
    return LuidAndAttributes(LUIDS[name], attributes)


def object_of(world: People, handle: int) -> Any:
    return world.process.handles.look_up(handle, TOKEN).object


def test_what_a_token_tells() -> None:
    world = People()
    who = world.process.token = token(
        ALICE, as_owner(STAFF), owner=STAFF, primary_group=STAFF, privileges=("SeBackupPrivilege",)
    )
    told = {number: world.nt.NtQueryInformationToken(world.alice, MINE, number) for number in
            (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15, 18, 20, 21, 25, 27, 40)}  # fmt: skip
    assert told[info.TOKEN_USER] == (ALICE, 0)
    assert told[info.TOKEN_GROUPS] == [(EVERYONE, ON), as_owner(STAFF)]
    assert told[info.TOKEN_PRIVILEGES] == [luid("SeBackupPrivilege", 3), luid("SeChangeNotifyPrivilege", 3)]
    assert (told[4], told[5], told[6], told[7][0]) == (STAFF, STAFF, None, "ntshim")
    assert told[info.TOKEN_TYPE] == TOKEN_PRIMARY
    statistics = told[info.TOKEN_STATISTICS]
    assert statistics[0] == who.identity.token_id
    assert statistics[3:7] == (TOKEN_PRIMARY, 0, 2, 2)
    assert told[info.TOKEN_INTEGRITY_LEVEL] == (MEDIUM_INTEGRITY, 0x60)
    assert (told[11], told[12], told[15], told[18], told[20], told[21], told[27], told[40]) == (
        [], 0, False, 1, False, False, 3, False,
    )  # fmt: skip
    assert status_of(world.nt.NtQueryInformationToken, world.alice, MINE, 9) == st.STATUS_INVALID_PARAMETER
    assert status_of(world.nt.NtQueryInformationToken, world.alice, MINE, 28) == st.STATUS_NOT_FOUND
    for number in (0, -1, 999, 13):
        assert status_of(world.nt.NtQueryInformationToken, world.alice, MINE, number) == st.STATUS_INVALID_INFO_CLASS


def test_rights_that_questions_need() -> None:
    world = People()
    handle = world.nt.NtOpenProcessToken(world.alice, CURRENT_PROCESS, 0x8)
    world.nt.NtQueryInformationToken(world.alice, handle, info.TOKEN_USER)
    assert status_of(world.nt.NtQueryInformationToken, world.alice, handle, info.TOKEN_SOURCE) == DENIED
    assert status_of(world.nt.NtSetInformationToken, world.alice, handle, info.TOKEN_OWNER, ALICE) == DENIED
    assert status_of(world.nt.NtAdjustPrivilegesToken, world.alice, handle, True) == DENIED
    assert status_of(world.nt.NtAdjustGroupsToken, world.alice, handle, True) == DENIED
    assert status_of(world.nt.NtDuplicateToken, world.alice, handle, 0, None, False, 1) == DENIED
    assert status_of(world.nt.NtFilterToken, world.alice, handle, 0) == DENIED
    weak = world.nt.NtOpenProcessTokenEx(world.alice, CURRENT_PROCESS, 0x20, 2)
    assert world.process.handles.look_up(weak).attributes == 2
    assert status_of(world.nt.NtAdjustPrivilegesToken, world.alice, weak, True, (), return_previous=True) == DENIED
    assert status_of(world.nt.NtQueryInformationToken, world.alice, weak, info.TOKEN_USER) == DENIED
    event = world.event(None, None)
    assert status_of(world.nt.NtQueryInformationToken, world.alice, event, 1) == st.STATUS_OBJECT_TYPE_MISMATCH


@pytest.mark.parametrize(
    ("number", "information", "status"),
    [
        (info.TOKEN_OWNER, STAFF, st.STATUS_SUCCESS),
        (info.TOKEN_OWNER, FRIENDS, st.STATUS_INVALID_OWNER),
        (info.TOKEN_OWNER, BOB, st.STATUS_INVALID_OWNER),
        (info.TOKEN_OWNER, Sid(-1, ()), st.STATUS_INVALID_SID),
        (info.TOKEN_PRIMARY_GROUP, FRIENDS, st.STATUS_SUCCESS),
        (info.TOKEN_PRIMARY_GROUP, BOB, st.STATUS_INVALID_PRIMARY_GROUP),
        (info.TOKEN_DEFAULT_DACL, Acl((allow(ALICE, 1),)), st.STATUS_SUCCESS),
        (info.TOKEN_DEFAULT_DACL, None, st.STATUS_SUCCESS),
        (info.TOKEN_DEFAULT_DACL, Acl((), 7), st.STATUS_INVALID_ACL),
        (info.TOKEN_SESSION_ID, 1, st.STATUS_PRIVILEGE_NOT_HELD),
        (info.TOKEN_INTEGRITY_LEVEL, SidAndAttributes(LOW_INTEGRITY), st.STATUS_SUCCESS),
        (info.TOKEN_INTEGRITY_LEVEL, SidAndAttributes(HIGH_INTEGRITY), st.STATUS_PRIVILEGE_NOT_HELD),
        (info.TOKEN_INTEGRITY_LEVEL, SidAndAttributes(EVERYONE), st.STATUS_INVALID_SID),
        (info.TOKEN_MANDATORY_POLICY, 0, st.STATUS_PRIVILEGE_NOT_HELD),
        (info.TOKEN_USER, ALICE, st.STATUS_INVALID_INFO_CLASS),
        (-5, ALICE, st.STATUS_INVALID_INFO_CLASS),
    ],
)
def test_changing_a_token(number: int, information: Any, status: int) -> None:
    world = People()
    who = world.process.token = token(ALICE, as_owner(STAFF), FRIENDS)
    before = who.identity.modified_id
    assert status_of(world.nt.NtSetInformationToken, world.alice, MINE, number, information) == status
    assert (who.identity.modified_id != before) == (status == st.STATUS_SUCCESS)
    if status == st.STATUS_SUCCESS:
        told = world.nt.NtQueryInformationToken(world.alice, MINE, number)
        assert (told[0] if number == info.TOKEN_INTEGRITY_LEVEL else told) == (
            information[0] if number == info.TOKEN_INTEGRITY_LEVEL else information
        )


def test_the_trusted_change_session_and_policy() -> None:
    world = People()
    who = world.process.token = token(ALICE, privileges=("SeTcbPrivilege", "SeRelabelPrivilege"))
    world.nt.NtSetInformationToken(world.alice, MINE, info.TOKEN_SESSION_ID, 3)
    world.nt.NtSetInformationToken(world.alice, MINE, info.TOKEN_MANDATORY_POLICY, 0)
    world.nt.NtSetInformationToken(world.alice, MINE, info.TOKEN_INTEGRITY_LEVEL, SidAndAttributes(HIGH_INTEGRITY))
    assert (who.identity.session_id, who.identity.mandatory_policy, who.identity.integrity) == (3, 0, HIGH_INTEGRITY)
    for number, wrong in ((info.TOKEN_SESSION_ID, -1), (info.TOKEN_MANDATORY_POLICY, 8)):
        refused = status_of(world.nt.NtSetInformationToken, world.alice, MINE, number, wrong)
        assert refused == st.STATUS_INVALID_PARAMETER


def test_privileges_are_enabled_disabled_and_given_up() -> None:
    world = People()
    who = world.process.token = token(ALICE, privileges=("SeBackupPrivilege", "SeSecurityPrivilege"))
    adjust = world.nt.NtAdjustPrivilegesToken
    off = [
        luid("SeBackupPrivilege"),
        luid("SeSecurityPrivilege", 2),
        luid("SeDebugPrivilege", 2),
        LuidAndAttributes(999, 2),
    ]
    assert adjust(world.alice, MINE, False, off, return_previous=True) == (
        [luid("SeBackupPrivilege", 3)],
        st.STATUS_NOT_ALL_ASSIGNED,
    )
    check = world.nt.NtPrivilegeCheck
    both = [luid("SeBackupPrivilege"), luid("SeSecurityPrivilege")]
    assert check(world.alice, MINE, both) == (False, [both[0], luid("SeSecurityPrivilege", 0x80000000)])
    assert check(world.alice, MINE, both, False).result
    assert not check(world.alice, MINE, [LuidAndAttributes(999), LuidAndAttributes(-1)], False).result
    assert adjust(world.alice, MINE, False, [luid("SeBackupPrivilege", 2)]) == ([], st.STATUS_SUCCESS)
    assert check(world.alice, MINE, both).result
    assert adjust(world.alice, MINE, False, [luid("SeBackupPrivilege", 6)]).status == st.STATUS_SUCCESS
    assert "SeBackupPrivilege" not in who.privileges
    assert len(adjust(world.alice, MINE, True, return_previous=True).previous) == 2
    assert not any(who.holds(name) for name in who.privileges)


def test_groups_are_enabled_and_disabled_all_or_none() -> None:
    world = People()
    must = SidAndAttributes(STAFF, ON | SE_GROUP_MANDATORY)
    deny_only = SidAndAttributes(ADMINISTRATORS, SE_GROUP_USE_FOR_DENY_ONLY)
    who = world.process.token = token(ALICE, FRIENDS, must, deny_only)
    adjust = world.nt.NtAdjustGroupsToken
    off = SidAndAttributes(FRIENDS, 0)
    refusals = [
        (SidAndAttributes(STAFF, 0), st.STATUS_CANT_DISABLE_MANDATORY),
        (SidAndAttributes(ADMINISTRATORS, SE_GROUP_ENABLED), st.STATUS_CANT_ENABLE_DENY_ONLY),
    ]
    for wrong, status in refusals:
        assert status_of(adjust, world.alice, MINE, False, [off, wrong]) == status
        assert who.identity.grants(FRIENDS)
    assert adjust(world.alice, MINE, False, [off, SidAndAttributes(BOB, 0)], return_previous=True) == (
        [SidAndAttributes(FRIENDS, ON)],
        st.STATUS_NOT_ALL_ASSIGNED,
    )
    assert not who.identity.grants(FRIENDS)
    assert adjust(world.alice, MINE, True) == ([], st.STATUS_SUCCESS)
    assert who.identity.grants(FRIENDS)


@pytest.mark.parametrize(
    ("source", "kind", "level", "status"),
    [
        (None, TOKEN_IMPERSONATION, SECURITY_DELEGATION, st.STATUS_SUCCESS),
        (None, TOKEN_PRIMARY, 0, st.STATUS_SUCCESS),
        (None, 0, 0, st.STATUS_INVALID_PARAMETER),
        (None, 3, 2, st.STATUS_INVALID_PARAMETER),
        (None, TOKEN_IMPERSONATION, 4, st.STATUS_BAD_IMPERSONATION_LEVEL),
        (None, TOKEN_IMPERSONATION, -1, st.STATUS_BAD_IMPERSONATION_LEVEL),
        (SECURITY_IDENTIFICATION, TOKEN_IMPERSONATION, SECURITY_IDENTIFICATION, st.STATUS_SUCCESS),
        (SECURITY_IDENTIFICATION, TOKEN_IMPERSONATION, SECURITY_IMPERSONATION, st.STATUS_BAD_IMPERSONATION_LEVEL),
        (SECURITY_IDENTIFICATION, TOKEN_PRIMARY, 0, st.STATUS_BAD_IMPERSONATION_LEVEL),
        (SECURITY_IMPERSONATION, TOKEN_PRIMARY, 0, st.STATUS_SUCCESS),
    ],
)
def test_duplicating_a_token(source: int | None, kind: int, level: int, status: int) -> None:
    world = People()
    who = world.process.token
    if source is not None:
        impersonation(who, source)
    before = len(world.process.handles)
    duplicated = status_of(world.nt.NtDuplicateToken, world.alice, MINE, 0xE, None, False, kind, level)
    assert duplicated == status
    assert len(world.process.handles) == before + (status == st.STATUS_SUCCESS)


def test_a_duplicate_is_another_token() -> None:
    world = People()
    who = world.process.token = token(ALICE, SidAndAttributes(STAFF, 0), privileges=("SeBackupPrivilege",))
    who.privileges["SeBackupPrivilege"] = 0
    duplicate = world.nt.NtDuplicateToken
    whole = object_of(world, duplicate(world.alice, MINE, 0, None, False, 2, 2))
    part = object_of(world, duplicate(world.alice, MINE, 0x8, ObjectAttributes(), True, 2, 2))
    assert set(whole.privileges) == {"SeBackupPrivilege", "SeChangeNotifyPrivilege"}
    assert set(part.privileges) == {"SeChangeNotifyPrivilege"}
    assert [group.sid for group in part.identity.groups] == [EVERYONE]
    assert len(whole.identity.groups) == 2
    whole.privileges.clear()
    whole.identity.groups.clear()
    assert len(who.privileges) == len(who.identity.groups) == 2
    assert len({each.identity.token_id for each in (who, whole, part)}) == 3
    given = ObjectAttributes(security_descriptor=descriptor(allow(BOB, 8)))
    own = object_of(world, duplicate(world.alice, MINE, 0x8, given, False, 1))
    assert own.security.dacl.aces[0].sid == BOB


def test_a_filtered_token_can_do_less() -> None:
    world = People()
    world.process.token = token(ALICE, as_owner(STAFF), FRIENDS, owner=STAFF, privileges=("SeBackupPrivilege",))
    made = object_of(
        world,
        world.nt.NtFilterToken(
            world.alice,
            MINE,
            0,
            [SidAndAttributes(STAFF, 0), SidAndAttributes(ALICE, 0)],
            [luid("SeBackupPrivilege")],
            [SidAndAttributes(FRIENDS, 0), SidAndAttributes(EVERYONE, 0)],
        ),
    )
    identity = made.identity
    assert set(made.privileges) == {"SeChangeNotifyPrivilege"}
    assert [identity.grants(sid) for sid in (ALICE, STAFF, FRIENDS)] == [False, False, True]
    assert [identity.denies(sid) for sid in (ALICE, STAFF)] == [True, True]
    assert identity.restricted_sids == (FRIENDS, EVERYONE)
    assert identity.owner == ALICE
    world.process.token = made
    assert world.nt.NtQueryInformationToken(world.alice, MINE, info.TOKEN_IS_RESTRICTED)
    again = world.nt.NtFilterToken(world.alice, MINE, 1, (), (), [SidAndAttributes(EVERYONE, 0)])
    assert object_of(world, again).identity.restricted_sids == (EVERYONE,)
    none_left = world.nt.NtFilterToken(world.alice, MINE, 1, (), (), [SidAndAttributes(BOB, 0)])
    assert object_of(world, none_left).identity.restricted_sids == (NULL_SID,)
    for flags, restricting in ((0x10, []), (-1, []), (0, [SidAndAttributes(BOB, 4)])):
        refused = status_of(world.nt.NtFilterToken, world.alice, MINE, flags, (), (), restricting)
        assert refused == st.STATUS_INVALID_PARAMETER


def test_a_thread_acts_with_another_token_and_as_itself_again() -> None:
    world = People()
    world.process.token = token(ALICE, privileges=("SeImpersonatePrivilege",))
    table = world.process.handles
    bob = impersonation(token(BOB))
    handle = table.insert(bob, 0xC)
    opening = world.nt.NtOpenThreadToken
    assert status_of(opening, world.alice, CURRENT_THREAD, 8) == st.STATUS_NO_TOKEN
    assert status_of(world.nt.NtQueryInformationToken, world.alice, CURRENT_THREAD_TOKEN, 1) == st.STATUS_NO_TOKEN
    set_thread = world.nt.NtSetInformationThread
    set_thread(world.alice, CURRENT_THREAD, THREAD_IMPERSONATION_TOKEN, handle)
    assert world.nt.NtQueryInformationToken(world.alice, CURRENT_THREAD_TOKEN, 1).sid == BOB
    assert world.nt.NtQueryInformationToken(world.alice, CURRENT_EFFECTIVE_TOKEN, 1).sid == BOB
    assert world.nt.NtQueryInformationToken(world.alice, MINE, 1).sid == ALICE
    assert table.look_up(opening(world.alice, CURRENT_THREAD, 8)).object is bob
    set_thread(world.alice, CURRENT_THREAD, THREAD_IMPERSONATION_TOKEN, 0)
    assert world.nt.NtQueryInformationToken(world.alice, CURRENT_EFFECTIVE_TOKEN, 1).sid == ALICE
    weak = table.insert(bob, 8)
    refused = status_of(set_thread, world.alice, CURRENT_THREAD, THREAD_IMPERSONATION_TOKEN, weak)
    assert refused == DENIED
    primary = table.insert(token(BOB), 0xC)
    refused = status_of(set_thread, world.alice, CURRENT_THREAD, THREAD_IMPERSONATION_TOKEN, primary)
    assert refused == st.STATUS_BAD_TOKEN_TYPE


@pytest.mark.parametrize(
    ("mine", "theirs", "level"),
    [
        (token(ALICE), token(ALICE), SECURITY_IMPERSONATION),
        (token(ALICE), token(BOB), SECURITY_IDENTIFICATION),
        (token(ALICE), token(ALICE, integrity=HIGH_INTEGRITY), SECURITY_IDENTIFICATION),
        (token(ALICE, privileges=("SeImpersonatePrivilege",)), token(BOB), SECURITY_IMPERSONATION),
    ],
)
def test_how_far_a_process_may_act_as_somebody(mine: Any, theirs: Any, level: int) -> None:
    world = People()
    world.process.token = mine
    handle = world.process.handles.insert(impersonation(theirs), 0xC)
    world.nt.NtSetInformationThread(world.alice, CURRENT_THREAD, THREAD_IMPERSONATION_TOKEN, handle)
    assert world.alice.impersonation.identity.impersonation_level == level
    assert (world.alice.impersonation is theirs) == (level == SECURITY_IMPERSONATION)


def test_threads_act_as_each_other_and_as_nobody() -> None:
    world = People()
    world.process.token = token(ALICE, privileges=("SeImpersonatePrivilege",))
    table = world.process.handles
    client = table.insert(world.bob, 0x100)
    world.nt.NtImpersonateThread(world.alice, CURRENT_THREAD, client)
    assert world.alice.impersonation.identity.user == BOB
    assert world.alice.impersonation.pointer_count == 1
    world.nt.NtImpersonateThread(world.alice, CURRENT_THREAD, client, SECURITY_ANONYMOUS)
    assert world.alice.impersonation.identity.user == ANONYMOUS
    assert status_of(world.nt.NtImpersonateThread, world.alice, client, CURRENT_THREAD) == DENIED
    wrong = status_of(world.nt.NtImpersonateThread, world.alice, CURRENT_THREAD, client, 9)
    assert wrong == st.STATUS_BAD_IMPERSONATION_LEVEL
    world.nt.NtImpersonateAnonymousToken(world.alice, CURRENT_THREAD)
    assert world.alice.impersonation.identity.user == ANONYMOUS
    world.alice.impersonation.identity.impersonation_level = SECURITY_ANONYMOUS
    refused = status_of(world.nt.NtOpenThreadTokenEx, world.alice, CURRENT_THREAD, 8, True)
    assert refused == st.STATUS_CANT_OPEN_ANONYMOUS
    world.alice.impersonate(None)
    world.process.token.identity.restricted_sids = (BOB,)
    assert status_of(world.nt.NtImpersonateAnonymousToken, world.alice, CURRENT_THREAD) == DENIED


def test_a_thread_that_ends_gives_its_token_back() -> None:
    world = People()
    borrowed = impersonation(token(BOB))
    world.alice.impersonate(borrowed)
    assert borrowed.pointer_count == 2
    world.executive.thread_exited(world.alice, 0)
    assert borrowed.pointer_count == 1


def test_descriptor_of_what_has_none() -> None:
    world = People()
    handle = world.event(None, None)
    found = world.nt.NtQuerySecurityObject(world.alice, handle, OWNER | GROUP | DACL)
    identity = world.process.token.identity
    assert found == (ALICE, identity.primary_group, None, None, SE_DACL_PRESENT)
    world.nt.NtSetSecurityObject(world.alice, handle, DACL, descriptor(allow(BOB, 1), owner=BOB))
    found = world.nt.NtQuerySecurityObject(world.alice, handle, OWNER | GROUP | DACL)
    assert (found.owner, found.dacl) == (ALICE, Acl((allow(BOB, 1),)))


@pytest.mark.parametrize(
    ("information", "query", "change"),
    [
        (OWNER, READ_CONTROL, WRITE_OWNER),
        (GROUP, READ_CONTROL, WRITE_OWNER),
        (DACL, READ_CONTROL, WRITE_DAC),
        (LABEL, READ_CONTROL, WRITE_OWNER),
        (SACL, ACCESS_SYSTEM_SECURITY, ACCESS_SYSTEM_SECURITY),
        (0x80000000 | DACL, READ_CONTROL, WRITE_DAC),
    ],
)
def test_rights_that_parts_need(information: int, query: int, change: int) -> None:
    world = People()
    world.process.token = token(ALICE, privileges=("SeSecurityPrivilege", "SeRestorePrivilege"))
    full = SecurityDescriptor(BOB, STAFF, Acl(), Acl((label(LOW_INTEGRITY),)))
    every = (READ_CONTROL, WRITE_OWNER, WRITE_DAC, ACCESS_SYSTEM_SECURITY)
    for right in every:
        weak = world.event(None, None, access=right)
        strong = world.event(None, None, access=sum(each for each in every if each != right))
        for service, arguments, needed in (
            (world.nt.NtQuerySecurityObject, (information,), query),
            (world.nt.NtSetSecurityObject, (information, full), change),
        ):
            assert status_of(service, world.alice, weak, *arguments) == (0 if right == needed else DENIED)
            assert status_of(service, world.alice, strong, *arguments) == (DENIED if right == needed else 0)


def test_parts_are_replaced_one_by_one() -> None:
    world = People()
    world.process.token = token(ALICE, as_owner(STAFF), privileges=("SeSecurityPrivilege",))
    handle = world.event(None, descriptor(allow(BOB, 1), sacl=(label(LOW_INTEGRITY), AUDIT)), EVENT_ALL | 0x1000000)
    put, get = world.nt.NtSetSecurityObject, world.nt.NtQuerySecurityObject
    put(world.alice, handle, OWNER, SecurityDescriptor(STAFF))
    put(world.alice, handle, GROUP, SecurityDescriptor(None, FRIENDS))
    put(world.alice, handle, DACL, SecurityDescriptor(dacl=Acl((allow(STAFF, GENERIC_ALL),))).to_bytes())
    put(world.alice, handle, LABEL, SecurityDescriptor(sacl=Acl((label(MEDIUM_INTEGRITY),))))
    found = get(world.alice, handle, OWNER | GROUP | DACL | SACL | LABEL)
    assert found == (
        STAFF,
        FRIENDS,
        Acl((allow(STAFF, EVENT_ALL),)),
        Acl((label(MEDIUM_INTEGRITY), AUDIT)),
        SE_DACL_PRESENT | SE_SACL_PRESENT,
    )
    assert get(world.alice, handle, LABEL).sacl == Acl((label(MEDIUM_INTEGRITY),))
    assert get(world.alice, handle, SACL).sacl == Acl((AUDIT,))
    assert get(world.alice, handle, DACL)[:2] == (None, None)
    put(world.alice, handle, SACL, SecurityDescriptor(sacl=Acl()))
    assert get(world.alice, handle, SACL | LABEL).sacl == Acl((label(MEDIUM_INTEGRITY),))
    put(world.alice, handle, 0x80000000, SecurityDescriptor())
    assert get(world.alice, handle, DACL).control & SE_DACL_PROTECTED
    put(world.alice, handle, 0x20000000, SecurityDescriptor())
    assert not get(world.alice, handle, DACL).control & SE_DACL_PROTECTED
    put(world.alice, handle, DACL, SecurityDescriptor(control=SE_DACL_PRESENT))
    assert world.object(handle).security.dacl is None


@pytest.mark.parametrize(
    ("information", "given", "status"),
    [
        (OWNER, SecurityDescriptor(), st.STATUS_INVALID_OWNER),
        (OWNER, SecurityDescriptor(BOB), st.STATUS_INVALID_OWNER),
        (GROUP, SecurityDescriptor(), st.STATUS_INVALID_PRIMARY_GROUP),
        (LABEL, SecurityDescriptor(sacl=Acl((label(HIGH_INTEGRITY),))), st.STATUS_PRIVILEGE_NOT_HELD),
        (DACL, b"short", st.STATUS_INVALID_SECURITY_DESCR),
        (DACL, None, st.STATUS_ACCESS_VIOLATION),
    ],
)
def test_parts_that_cannot_be_set(information: int, given: Any, status: int) -> None:
    world = People()
    handle = world.event(None, descriptor())
    before = world.object(handle).security
    assert status_of(world.nt.NtSetSecurityObject, world.alice, handle, information, given) == status
    assert world.object(handle).security == before


def test_a_buffer_that_is_too_small() -> None:
    world = People()
    handle = world.event(None, descriptor(allow(BOB, 1)))
    needed = len(world.nt.NtQuerySecurityObject(world.alice, handle, DACL).to_bytes())
    world.nt.NtQuerySecurityObject(world.alice, handle, DACL, needed)
    for length in (needed - 1, 0, -1):
        with pytest.raises(TooSmall) as refused:
            world.nt.NtQuerySecurityObject(world.alice, handle, DACL, length)
        assert (refused.value.status, refused.value.needed) == (st.STATUS_BUFFER_TOO_SMALL, needed)


@pytest.mark.parametrize(
    ("who", "made", "desired", "expected"),
    [
        (impersonation(token(BOB)), descriptor(allow(BOB, 3)), 1, (1, 0, [])),
        (impersonation(token(BOB), SECURITY_IDENTIFICATION), descriptor(allow(BOB, 3)), 1, (1, 0, [])),
        (impersonation(token(BOB)), descriptor(allow(BOB, 3)), MAXIMUM_ALLOWED, (3, 0, [])),
        (impersonation(token(BOB)), descriptor(allow(BOB, 3)), 4, (0, DENIED, [])),
        (impersonation(token(BOB)), descriptor(allow(BOB, 3)), 0, (0, DENIED, [])),
        (impersonation(token(BOB)), descriptor(), 0x1000000, (0, st.STATUS_PRIVILEGE_NOT_HELD, [])),
        (impersonation(token(BOB, privileges=("SeSecurityPrivilege",))), descriptor(), 0x1000000,
         (0x1000000, 0, [luid("SeSecurityPrivilege", 0x80000000)])),
        (impersonation(token(BOB)), descriptor(), GENERIC_ALL, st.STATUS_GENERIC_NOT_MAPPED),
        (token(BOB), descriptor(), 1, st.STATUS_NO_IMPERSONATION_TOKEN),
        (impersonation(token(BOB), SECURITY_ANONYMOUS), descriptor(), 1, st.STATUS_BAD_IMPERSONATION_LEVEL),
        (impersonation(token(BOB)), SecurityDescriptor(BOB), 1, st.STATUS_INVALID_SECURITY_DESCR),
        (impersonation(token(BOB)), None, 1, st.STATUS_INVALID_SECURITY_DESCR),
    ],
)  # fmt: skip
def test_access_check(who: Any, made: Any, desired: int, expected: Any) -> None:
    world = People()
    handle = world.process.handles.insert(who, 8)

    def ask() -> Any:
        return world.nt.NtAccessCheck(world.alice, made, handle, desired, GenericMapping(*EVENT))

    if isinstance(expected, int):
        assert status_of(ask) == expected
    else:
        assert ask() == expected


def test_masks_of_parts_are_disjoint() -> None:
    assert parts.query_access(OWNER | GROUP | DACL | LABEL) == READ_CONTROL
    assert parts.change_access(0x50000000) == ACCESS_SYSTEM_SECURITY


def test_a_handle_keeps_what_it_was_granted() -> None:
    world = People()
    handle = world.event(BASE + r"\kept", descriptor(allow(ALICE, 3)))
    world.nt.NtSetSecurityObject(world.alice, handle, DACL, descriptor())
    world.nt.NtSetEvent(world.alice, handle)
    assert status_of(world.granted, world.alice, BASE + r"\kept", 2) == DENIED


def test_who_only_tells_who_somebody_is_holds_no_privilege() -> None:
    world = People()
    for level, status in ((SECURITY_IDENTIFICATION, st.STATUS_PRIVILEGE_NOT_HELD), (SECURITY_IMPERSONATION, 0)):
        world.alice.impersonate(impersonation(token(BOB, privileges=("SeCreatePermanentPrivilege",)), level))
        handle = world.event(None, None)
        assert status_of(world.nt.NtMakePermanentObject, world.alice, handle) == status


@pytest.mark.parametrize(
    "number", [info.TOKEN_OWNER, info.TOKEN_PRIMARY_GROUP, info.TOKEN_DEFAULT_DACL, info.TOKEN_INTEGRITY_LEVEL]
)
def test_what_is_no_record_of_the_class(number: int) -> None:
    world = People()
    for wrong in (7, b"x", "S-1-1-0", (1, 2)):
        refused = status_of(world.nt.NtSetInformationToken, world.alice, MINE, number, wrong)
        assert refused == st.STATUS_INFO_LENGTH_MISMATCH
