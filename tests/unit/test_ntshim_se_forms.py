"""SIDs, ACLs and descriptors as text and bytes, and what malformed ones are answered."""

from __future__ import annotations

import random

import pytest
from ntshim_ob import status_of
from ntshim_se import ALICE, BOB, STAFF

from ntshim import status as st
from ntshim.ob.attributes import UNREADABLE
from ntshim.se import sid as sids
from ntshim.se.acl import Ace, Acl, allow, deny, label
from ntshim.se.descriptor import SE_DACL_PRESENT, SE_DACL_PROTECTED, SecurityDescriptor, capture_descriptor
from ntshim.se.sid import Sid


@pytest.mark.parametrize(
    ("text", "binary"),
    [
        ("S-1-1-0", "010100000000000100000000"),
        ("S-1-5-18", "010100000000000512000000"),
        ("S-1-5-32-544", "01020000000000052000000020020000"),
        ("S-1-16-8192", "010100000000001000200000"),
        ("S-1-0x010000000000-7", "010101000000000007000000"),
        ("S-1-5", "0100000000000005"),
    ],
)
def test_sid_text_and_bytes(text: str, binary: str) -> None:
    sid = Sid.parse(text)
    assert str(sid) == text
    assert sid.to_bytes().hex() == binary
    assert Sid.from_bytes(bytes.fromhex(binary)) == sid


@pytest.mark.parametrize(
    "text",
    ["", "S", "S-1", "S-2-5-18", "S-1-5-", "S-1-5-x", "S-1-5-4294967296", "S-1-0x1000000000000-1", "S-1-5" + "-1" * 16],
)
def test_malformed_text_of_a_sid(text: str) -> None:
    assert status_of(Sid.parse, text) == st.STATUS_INVALID_SID


@pytest.mark.parametrize("sid", [Sid(1 << 48, (1,)), Sid(-1, ()), Sid(5, (1 << 32,)), Sid(5, (-1,)), Sid(5, (1,) * 16)])
def test_sid_that_has_no_bytes(sid: Sid) -> None:
    assert status_of(sid.to_bytes) == st.STATUS_INVALID_SID


def test_known_sids_are_the_documented_ones() -> None:
    known = {
        "S-1-0-0": sids.NULL_SID, "S-1-1-0": sids.EVERYONE, "S-1-3-0": sids.CREATOR_OWNER, "S-1-3-4": sids.OWNER_RIGHTS,
        "S-1-5-7": sids.ANONYMOUS, "S-1-5-11": sids.AUTHENTICATED_USERS, "S-1-5-32-545": sids.USERS,
        "S-1-16-4096": sids.LOW_INTEGRITY,
    }  # fmt: skip
    assert {str(sid) for sid in known.values()} == set(known)


FULL = SecurityDescriptor(
    ALICE,
    STAFF,
    Acl((deny(BOB, 0x2), allow(sids.EVERYONE, 0x80000000, 0x3), Ace(0x5, 0, 0, None, b"\1\2\3\4" * 5)), 4),
    Acl((Ace(2, 0xC0, 0x1F0003, sids.EVERYONE), label(sids.HIGH_INTEGRITY))),
    SE_DACL_PROTECTED,
)


@pytest.mark.parametrize(
    "made",
    [
        SecurityDescriptor(),
        SecurityDescriptor(ALICE),
        SecurityDescriptor(None, STAFF, None, None, SE_DACL_PRESENT),
        SecurityDescriptor(ALICE, STAFF, Acl()),
        FULL,
    ],
)
def test_descriptor_round_trips(made: SecurityDescriptor) -> None:
    data = made.to_bytes()
    back = SecurityDescriptor.from_bytes(data)
    assert back[:4] == made[:4]
    assert back.dacl_present == made.dacl_present
    assert back.to_bytes() == data
    assert capture_descriptor(made) == capture_descriptor(bytearray(data)) == back


def test_layout_of_the_header() -> None:
    data = SecurityDescriptor(ALICE, None, Acl()).to_bytes()
    assert data[:20].hex() == "01000480" + "1c000000" + "00000000" + "00000000" + "14000000"
    assert data[20:28].hex() == "0200080000000000"
    assert data[28:] == ALICE.to_bytes()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", st.STATUS_INVALID_SECURITY_DESCR),
        (b"\2" + FULL.to_bytes()[1:], st.STATUS_UNKNOWN_REVISION),
        (FULL.to_bytes()[:3] + b"\0" + FULL.to_bytes()[4:], st.STATUS_INVALID_SECURITY_DESCR),
        (FULL.to_bytes()[:4] + b"\xff\xff\0\0" + FULL.to_bytes()[8:], st.STATUS_INVALID_SECURITY_DESCR),
        (FULL.to_bytes()[:4] + b"\5\0\0\0" + FULL.to_bytes()[8:], st.STATUS_INVALID_SECURITY_DESCR),
        (SecurityDescriptor(ALICE).to_bytes()[:-1], st.STATUS_INVALID_SID),
        (SecurityDescriptor(None, None, Acl((allow(BOB, 1),))).to_bytes()[:-1], st.STATUS_INVALID_ACL),
        (UNREADABLE, st.STATUS_ACCESS_VIOLATION),
        (7, st.STATUS_INVALID_SECURITY_DESCR),
        (SecurityDescriptor(Sid(-1, ())), st.STATUS_INVALID_SID),
        (SecurityDescriptor(control=1 << 16), st.STATUS_INVALID_SECURITY_DESCR),
        (SecurityDescriptor(dacl=Acl((), 9)), st.STATUS_INVALID_ACL),
        (SecurityDescriptor(dacl=Acl((allow(BOB, 1 << 32),))), st.STATUS_INVALID_ACL),
        (SecurityDescriptor(dacl=Acl((Ace(0, 0, 1, None),))), st.STATUS_INVALID_ACL),
        (SecurityDescriptor(dacl=Acl((allow(BOB, 1),) * 3000)), st.STATUS_INVALID_ACL),
    ],
)
def test_malformed_descriptors(data: object, status: int) -> None:
    assert status_of(capture_descriptor, data) == status


def test_any_bytes_are_a_descriptor_or_a_status() -> None:
    source = random.Random(11)
    whole = FULL.to_bytes()
    accepted = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(source.randint(0, 2)):
            data[source.randrange(len(data))] = source.randrange(256)
        del data[source.randint(len(data) // 2, 2 * len(data)) :]
        if status_of(capture_descriptor, bytes(data)) == st.STATUS_SUCCESS:
            accepted += 1
            found = capture_descriptor(bytes(data))
            assert found is not None
            assert SecurityDescriptor.from_bytes(found.to_bytes()) == found
    assert accepted > 500


@pytest.mark.parametrize(
    "made",
    [
        SecurityDescriptor(owner=7),  # type: ignore[arg-type]
        SecurityDescriptor(dacl=[1]),  # type: ignore[arg-type]
        SecurityDescriptor(owner=Sid("x", ())),  # type: ignore[arg-type]
        SecurityDescriptor(dacl=Acl((7,))),  # type: ignore[arg-type]
        SecurityDescriptor(dacl=Acl((Ace("a", 0, 0, ALICE),))),  # type: ignore[arg-type]
        SecurityDescriptor(control="x"),  # type: ignore[arg-type]
    ],
)
def test_parts_that_are_something_else(made: SecurityDescriptor) -> None:
    refusals = (st.STATUS_INVALID_SECURITY_DESCR, st.STATUS_INVALID_ACL, st.STATUS_INVALID_SID)
    assert status_of(capture_descriptor, made) in refusals
