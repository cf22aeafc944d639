"""Plans of call sites as they are kept: what is written is read, and what is damaged is noticed."""

from __future__ import annotations

from struct import pack_into
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picobox.platform.site_records import MAGIC, RECORD, DamagedPlanError, StoredPlan, to_bytes
from picobox.platform.sites import MOST_MOVED, MOST_REPLACED, PATCH, REASONS, Moved, Plan, Refused, Site

HEADER = 64
DIGEST = bytes(range(32))
CHECK_AT = 48


@st.composite
def moves(draw: st.DrawFn, *, after: bool) -> Moved:
    code = draw(st.binary(max_size=MOST_MOVED // 2))
    distances = st.integers(-(1 << 30), 1 << 30)
    literals: st.SearchStrategy[list[tuple[int, int]]] = st.just([])
    if len(code) >= 8:
        literals = st.lists(st.tuples(st.integers(0, len(code) - 8), distances), max_size=4)
    steps = draw(st.lists(st.tuples(st.integers(0, 40), distances), max_size=8))
    return Moved(code, tuple(draw(literals)), tuple(steps), draw(st.booleans()) if after else True)


def at_address(moved: Moved, address: int) -> Moved:
    """The same with addresses in place of distances."""
    return moved._replace(
        literals=tuple((at, address + to) for at, to in moved.literals),
        steps=tuple((at, address + to) for at, to in moved.steps),
    )


@st.composite
def sites(draw: st.DrawFn) -> list[Site]:
    offsets = sorted(draw(st.sets(st.integers(100, 1 << 40), max_size=12)))
    found = []
    for offset in offsets:
        address = draw(st.integers(1 << 31, 1 << 47))
        original = draw(st.binary(min_size=PATCH, max_size=MOST_REPLACED))
        start = address - draw(st.integers(0, len(original) - 2))
        nr = draw(st.none() | st.integers(0, (1 << 31) - 1))
        before, after = draw(moves(after=False)), draw(moves(after=True))
        moved = at_address(before, address), at_address(after, address)
        found.append(Site(offset, address, nr, start, original, *moved))
    return found


refusals = st.lists(st.builds(Refused, st.integers(0, 1 << 40), st.sampled_from(REASONS)), max_size=5)


@given(sites(), refusals)
@settings(max_examples=40)
def test_what_is_written_is_read(found: list[Site], refused: list[Refused]) -> None:
    plan = Plan(DIGEST, tuple(found), tuple(refused))
    stored = StoredPlan(to_bytes(plan))
    assert stored.plan() == plan
    assert len(stored) == len(found)
    assert len(stored.records) == len(found) * RECORD.size == len(found) * 256
    for site in found:
        assert stored.site_at(site.offset) == site
        near = {site.offset - 1, site.offset + 1} - {each.offset for each in found}
        assert {stored.site_at(offset) for offset in near} <= {None}


def site(offset: int) -> Site:
    after = Moved(bytes(14), ((6, offset),), ((0, offset + 2),), goes_on=False)
    return Site(offset, offset, 39, offset, b"\x0f\x05" + bytes(6), Moved(), after)


PLAN = Plan(DIGEST, (site(1000), site(2000), site(3000)), (Refused(4000, REASONS[0]),))


@given(st.data())
@settings(max_examples=60)
def test_bytes_that_changed_are_noticed(data: st.DataObject) -> None:
    kept = bytearray(to_bytes(PLAN))
    # The digest is the caller's to compare; what stands unused in the header means nothing.
    places = [at for at in range(len(kept)) if not 8 <= at < 40 and not 56 <= at < HEADER]
    kept[data.draw(st.sampled_from(places))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedPlanError):
        StoredPlan(bytes(kept))


@pytest.mark.parametrize("size", [0, 1, HEADER - 1, HEADER, HEADER + 255, HEADER + 256])
def test_part_of_a_plan_is_noticed(size: int) -> None:
    with pytest.raises(DamagedPlanError):
        StoredPlan(to_bytes(PLAN)[:size])


def forged(at: int, form: str, *values: int) -> bytes:
    """A plan in which somebody who knows the form has changed the second record."""
    kept = bytearray(to_bytes(PLAN))
    pack_into("<" + form, kept, HEADER + RECORD.size + at, *values)
    pack_into("<I", kept, CHECK_AT, crc32(kept[HEADER:]))
    return bytes(kept)


@pytest.mark.parametrize(
    ("at", "form", "values", "complaint"),
    [
        (0, "Q", [1000], "the order"),
        (0, "Q", [3000], "the order"),
        (20, "B", [7], "the call is not among"),
        (21, "B", [PATCH - 1], "more or fewer bytes"),
        (21, "B", [MOST_REPLACED + 1], "more or fewer bytes"),
        (22, "BB", [60, 14], "more than a record"),
        (24, "BB", [8, 1], "more than a record"),
        (26, "BB", [0, 17], "more than a record"),
        (136, "B", [7], "behind the end"),
        (23, "B", [13], "behind the end"),
    ],
)
def test_forged_numbers_are_noticed(at: int, form: str, values: list[int], complaint: str) -> None:
    with pytest.raises(DamagedPlanError, match=complaint):
        StoredPlan(forged(at, form, *values))


def test_forged_reason_is_noticed() -> None:
    kept = bytearray(to_bytes(PLAN))
    pack_into("<I", kept, len(kept) - 4, len(REASONS))
    pack_into("<I", kept, CHECK_AT, crc32(kept[HEADER:]))
    with pytest.raises(DamagedPlanError, match="a reason"):
        StoredPlan(bytes(kept))


def test_form_says_which_it_is() -> None:
    assert to_bytes(PLAN).startswith(MAGIC + DIGEST)
