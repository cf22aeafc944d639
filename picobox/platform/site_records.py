"""The form in which plans are kept: records of one size in the order of offsets, which C reads where they are.

A file is a header, the records of sites, and those of refused ones. Whoever could write it may have: all is checked.
"""

from __future__ import annotations

from bisect import bisect_left
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from picobox.platform.sites import (
    MOST_LITERALS,
    MOST_MOVED,
    MOST_REPLACED,
    MOST_STEPS,
    PATCH,
    REASONS,
    Moved,
    Plan,
    Refused,
    Site,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAGIC = b"PBSITE01"
_HEADER = Struct("<8s32sIIII8x")
_MOST_RECORDS = 1 << 15
# offset, address, nr or -1; bytes before the call and in all that are replaced; bytes of code before and after;
# literals before and after; steps before and after; whether what follows is reached; then the replaced bytes, the code,
# the literals' positions and addresses, the steps' positions and addresses. These are distances from the site's.
RECORD = Struct(f"<QQi9B3x{MOST_REPLACED}s{MOST_MOVED}s{MOST_LITERALS}s{MOST_LITERALS}i{MOST_STEPS}s{MOST_STEPS}i")
_COUNTS_AT = 20
_REFUSED = Struct("<QI")
_OFFSET = Struct(f"<Q{RECORD.size - 8}x")


class DamagedPlanError(ValueError):
    """What was kept is not what we wrote."""


class StoredPlan:
    """A plan as it is kept; a site is read when it is asked for."""

    def __init__(self, data: bytes) -> None:
        """Check what the bytes tell of their own lengths. DamagedPlanError if we do not write such ones."""
        if len(data) < _HEADER.size:
            raise DamagedPlanError("no header")
        magic, self.digest, self._count, self._refused, check, end = _HEADER.unpack_from(data)
        self.data = data
        self.records = memoryview(data)[_HEADER.size : _HEADER.size + self._count * RECORD.size]
        """The records of all sites, one after another."""
        self._others = memoryview(data)[_HEADER.size + self._count * RECORD.size :]
        if magic != MAGIC or end != len(data) or max(self._count, self._refused) > _MOST_RECORDS:
            raise DamagedPlanError("not the header that we write")
        if len(self._others) != self._refused * _REFUSED.size or crc32(data[_HEADER.size :]) != check:
            raise DamagedPlanError("not as much as the header says, or changed")
        if self._count:
            self._check()

    def __len__(self) -> int:
        return int(self._count)

    def site_at(self, offset: int) -> Site | None:
        """The site at an offset of the file, None if no jump can be there."""
        at = bisect_left(range(self._count), offset, key=self._offset)
        return self._site(at) if at < self._count and self._offset(at) == offset else None

    def sites(self) -> Iterator[Site]:
        """All sites in the order of their offsets."""
        return map(self._site, range(self._count))

    def plan(self) -> Plan:
        """The whole plan."""
        refused = (Refused(offset, REASONS[reason]) for offset, reason in _REFUSED.iter_unpack(self._others))
        return Plan(self.digest, tuple(self.sites()), tuple(refused))

    def _offset(self, at: int) -> int:
        offset: int = _OFFSET.unpack_from(self.records, at * RECORD.size)[0]
        return offset

    def _site(self, at: int) -> Site:
        offset, address, nr, before, length, codes, _, literals, _, steps, _, goes_on, *rest = RECORD.unpack_from(
            self.records, at * RECORD.size
        )
        code_after, literals_after, steps_after = (self.records[at * RECORD.size + _COUNTS_AT + i] for i in (3, 5, 7))
        original, code, literal_at, *rest = rest
        literal_to, (step_at, *step_to) = rest[:MOST_LITERALS], rest[MOST_LITERALS:]
        told_literals = [(place, address + to) for place, to in zip(literal_at, literal_to, strict=True)]
        told_steps = [(place, address + to) for place, to in zip(step_at, step_to, strict=True)]
        return Site(
            offset,
            address,
            nr if nr >= 0 else None,
            address - before,
            original[:length],
            Moved(code[:codes], tuple(told_literals[:literals]), tuple(told_steps[:steps])),
            Moved(
                code[codes : codes + code_after],
                tuple(told_literals[literals : literals + literals_after]),
                tuple(told_steps[steps : steps + steps_after]),
                bool(goes_on),
            ),
        )

    def _check(self) -> None:
        """Compare every number of a record with what it may be, a column at a time."""
        columns = [bytes(self.records[_COUNTS_AT + at :: RECORD.size]) for at in range(9)]
        before, length, *pairs = columns[:8]
        if min(length) < PATCH or max(length) > MOST_REPLACED:
            raise DamagedPlanError("more or fewer bytes replaced than can be")
        if any(first + 2 > whole for first, whole in zip(before, length, strict=True)):
            raise DamagedPlanError("the call is not among what is replaced")
        for first, second, most in zip(pairs[::2], pairs[1::2], (MOST_MOVED, MOST_LITERALS, MOST_STEPS), strict=True):
            if max(map(sum, zip(first, second, strict=True))) > most:
                raise DamagedPlanError("more than a record has room for")
        for at, count in enumerate(map(sum, zip(*pairs[2:4], strict=True))):
            if count and any(
                place + 8 > len(moved.code) for moved in self._site(at)[-2:] for place, _ in moved.literals
            ):
                raise DamagedPlanError("an address behind the end of its code")
        offsets = [offset for (offset,) in _OFFSET.iter_unpack(self.records)]
        if any(map(int.__ge__, offsets, offsets[1:])):
            raise DamagedPlanError("the order is lost")
        if any(reason >= len(REASONS) for _, reason in _REFUSED.iter_unpack(self._others)):
            raise DamagedPlanError("a reason that we do not know")


def to_bytes(plan: Plan) -> bytes:
    """A plan in the form that StoredPlan reads."""
    body = b"".join(map(_record, plan.sites))
    body += b"".join(_REFUSED.pack(each.offset, REASONS.index(each.reason)) for each in plan.refused)
    size = _HEADER.size + len(body)
    return _HEADER.pack(MAGIC, plan.digest, len(plan.sites), len(plan.refused), crc32(body), size) + body


def _record(site: Site) -> bytes:
    before, after = site.before, site.after
    literals = before.literals + after.literals
    steps = before.steps + after.steps
    return RECORD.pack(
        site.offset,
        site.address,
        -1 if site.nr is None else site.nr,
        site.bytes_before,
        len(site.original),
        len(before.code),
        len(after.code),
        len(before.literals),
        len(after.literals),
        len(before.steps),
        len(after.steps),
        after.goes_on,
        site.original,
        before.code + after.code,
        bytes(at for at, _ in literals),
        *_distances(literals, site.address, MOST_LITERALS),
        bytes(at for at, _ in steps),
        *_distances(steps, site.address, MOST_STEPS),
    )


def _distances(places: Sequence[tuple[int, int]], origin: int, most: int) -> list[int]:
    found = [address - origin for _, address in places]
    return found + [0] * (most - len(found))
