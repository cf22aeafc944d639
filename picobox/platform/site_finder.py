"""Finds the system call sites of an image and decides for each what a jump to elsewhere replaces.

By decoding the code from where functions begin, never by what bytes look like: a site takes a jump only if every place
that anything in the image names as one to go to lies outside of what the jump covers, or at its first byte.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from iced_x86 import FlowControl

from picobox.platform.site_code import SYSCALL, Step, calls_of, decode, has_call, leads_of
from picobox.platform.site_image import Image
from picobox.platform.site_moves import can_move, is_call, is_repeatable, moved, number_before
from picobox.platform.sites import (
    COVERED,
    KEPT,
    MOST_LITERALS,
    MOST_MOVED,
    MOST_REPLACED,
    MOST_STEPS,
    PATCH,
    REASONS,
    UNDECODED,
    UNREACHED,
    Plan,
    Refused,
    Site,
    UnreadableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.platform.site_code import Part

# Instructions before a site that are looked at, for what sets its number and for where they are reached from.
_MOST_BEFORE = 256
_MOST_SITES = 1 << 14
# Compilers begin functions at multiples of this where they pad.
_ALIGNMENT = 16
# No function is as long: a part that is has no table that tells of its functions.
_LONG = 1 << 17


class _Found(NamedTuple):
    """A site in the instructions of its part."""

    part: Part
    steps: list[Step]
    place: int

    @property
    def step(self) -> Step:
        return self.steps[self.place]

    def block(self) -> Sequence[Step]:
        """The instructions before it from the last one on that leads elsewhere for sure."""
        first = self.place
        while first > max(0, self.place - _MOST_BEFORE) and not self.steps[first - 1].is_end:
            first -= 1
        return self.steps[first : self.place]

    def runs(self) -> Iterator[tuple[int, int]]:
        """Which runs of instructions around it could be replaced, the best first: from one, up to another.

        Best is what begins with the call: no frame then has an address inside that the call itself did not leave.
        """
        for first in range(self.place, -1, -1):
            step = self.steps[first]
            if first < self.place:
                if not can_move(step) or step.instruction.flow_control != FlowControl.NEXT:
                    return
                if self.step.address - step.address > MOST_REPLACED:
                    return
            stop = self._stop(first)
            if stop is not None and is_repeatable(self.steps[first : self.place]):
                yield first, stop

    def _stop(self, first: int) -> int | None:
        """Where a run from one instruction on is long enough; None if one behind the call cannot be moved."""
        length = sum(len(step.code) for step in self.steps[first : self.place + 1])
        stop, ended = self.place + 1, False
        while length < PATCH:
            if stop == len(self.steps):
                return None
            step = self.steps[stop]
            length += len(step.code)
            stop += 1
            if ended:
                # What begins at a boundary may be a function that no table tells of.
                if not step.is_padding or step.address % _ALIGNMENT == 0:
                    return None
            elif is_call(step):
                return stop if length >= PATCH else None
            elif not can_move(step):
                return None
            ended = ended or step.is_end
        return stop


def plan_of(data: bytes) -> Plan:
    """What can be done with the sites of an image, given its bytes. Raises UnreadableError.

    Takes a fraction of a second for a C library: keep the plan.
    """
    image = Image(data)
    digest = sha256(data).digest()
    found, refused = _find(image)
    sites: list[Site] = []
    landings = _landings(image, found) if found else set()
    for each in found:
        chosen = _choose(image, each, landings, sites[-1].return_address if sites else 0)
        if isinstance(chosen, Site):
            sites.append(chosen)
        else:
            refused.append(chosen)
    return Plan(digest, tuple(sorted(sites)), tuple(sorted(refused)))


def _find(image: Image) -> tuple[list[_Found], list[Refused]]:
    """All sites in the order of their addresses, and what may be one in code that is not understood."""
    found: list[_Found] = []
    refused: list[Refused] = []
    for part in _parts_with_calls(image):
        steps = decode(part)
        if steps is not None:
            found += [_Found(part, steps, place) for place, step in enumerate(steps) if step.is_call_of_kernel]
        else:
            at = part.code.find(SYSCALL)
            while at >= 0:
                refused.append(Refused(image.offset_of(part.address + at), UNDECODED))
                at = part.code.find(SYSCALL, at + 1)
        if len(found) + len(refused) > _MOST_SITES:
            raise UnreadableError("the image has more system calls than programs have")
    return found, refused


def _parts_with_calls(image: Image) -> list[Part]:
    """The parts of an image that have a site, or may have one since they are not all instructions."""
    found: list[Part] = []
    for part in list(image.parts()):
        if SYSCALL in part.code:
            answer = has_call(part)
            if answer:
                found.append(part)
            elif answer is None:
                finer = image.refine(part, calls_of(part) if len(part.code) >= _LONG else set())
                found += [each for each in finer if SYSCALL in each.code and has_call(each) is not False]
    return found


def _landings(image: Image, found: list[_Found]) -> set[int]:
    """All addresses near sites that something else than the instruction before may lead to."""
    near: set[int] = set()
    for each in found:
        near.update(step.address for step in each.block())
        near.update(step.address for step in each.steps[each.place : each.place + 1 + PATCH])
    leads = leads_of(image.parts())
    tables = {address for address in leads.taken if not image.is_code(address)}
    told = leads.branches | leads.taken | image.landing_pads() | image.table_targets(tables) | image.entries()
    return near & told | image.named(near)


def _choose(image: Image, found: _Found, landings: set[int], free_from: int) -> Site | Refused:
    """What a jump at a site replaces; `free_from`: what lies before belongs to another site."""
    offset = image.offset_of(found.step.address)
    block = found.block()
    if not _is_reached(found, block, landings):
        return Refused(offset, UNREACHED)
    nr = number_before(_run_before(block, found.step, landings))
    if nr in KEPT:
        return Refused(offset, REASONS[REASONS.index(COVERED) + 1 + list(KEPT).index(nr)])
    for first, stop in found.runs():
        run = found.steps[first:stop]
        if run[0].address >= free_from and not any(step.address in landings for step in run[1:]):
            site = _site(found, first, stop, offset, nr)
            if site is not None:
                return site
    return Refused(offset, COVERED)


def _is_reached(found: _Found, block: Sequence[Step], landings: set[int]) -> bool:
    """Whether something leads to a site, through the instructions before it."""
    if any(step.address in landings for step in (*block, found.step)):
        return True
    return len(block) == found.place and found.part.is_entry


def _run_before(block: Sequence[Step], site: Step, landings: set[int]) -> Sequence[Step]:
    """The instructions that are run before a site whenever it is."""
    first = len(block)
    following = site.address
    while first > 0 and following not in landings:
        first -= 1
        following = block[first].address
    return block[first:]


def _site(found: _Found, first: int, stop: int, offset: int, nr: int | None) -> Site | None:
    """The site if a run of instructions is replaced; None if what is moved would be too long."""
    run = found.steps[first:stop]
    original = b"".join(step.code for step in run)
    following = found.steps[found.place + 1 : stop]
    end = next((at + 1 for at, step in enumerate(following) if step.is_end), len(following))
    before, after = moved(found.steps[first : found.place]), moved(following[:end])
    if before is None or after is None:
        return None
    if (
        len(original) > MOST_REPLACED
        or len(before.code) + len(after.code) > MOST_MOVED
        or len(before.literals) + len(after.literals) > MOST_LITERALS
        or len(before.steps) + len(after.steps) > MOST_STEPS
    ):
        return None
    return Site(offset, found.step.address, nr, run[0].address, original, before, after)
