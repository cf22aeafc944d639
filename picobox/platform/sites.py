"""Which system call sites of an ELF image can take a jump, and what must be written for it: the records.

A site takes a jump of 7 bytes, `jmp *[slot]`, whose slot is below 2 GiB; a stub elsewhere runs what the jump covers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Callable

PATCH = 7
"""The bytes of the jump."""
MOST_MOVED = 64
"""Bytes of moved code that a stub has room for, before and after the call together."""
MOST_REPLACED = 40
MOST_LITERALS = 8
MOST_STEPS = 16
"""What a record of a site has room for: replaced bytes; literals and steps of moved code, before and after together."""

UNDECODED = "the code around it cannot be decoded whole"
UNREACHED = "nothing is known to lead to it"
COVERED = "what the jump would cover cannot be moved, or something leads into it"
# Their tasks begin with another stack or on a borrowed one, or end a handler, which unwinders know by these bytes; each
# is a stop anyway, so a jump would win nothing.
KEPT = {15: "rt_sigreturn", 56: "clone", 57: "fork", 58: "vfork", 435: "clone3"}
REASONS = (UNDECODED, UNREACHED, COVERED, *(f"{name} stays a stop, whatever its site is" for name in KEPT.values()))
"""Why a site stays as it is; those of calls that are KEPT in their order."""

_JUMP = b"\xff\x24\x65"
"""`jmp *[disp32]` with neither base nor index, by the scale that makes it differ from what assemblers write."""
_FILL = b"\x06"
"""No instruction."""
# A slot's low byte. What jumps to the third byte of the patch, as a call that was waiting does when it returns, is at a
# prefix and one of these: no instruction, so it is told.
SLOT_BYTES = (0x06, 0x82)


class UnreadableError(PicoboxError):
    """An image whose code cannot be told from its data for sure."""


class Moved(NamedTuple):
    """Instructions that are run elsewhere.

    `code` is theirs for any place; `literals` tells where in it 64-bit addresses belong: position, and address as
    linked, to which the load bias is added. `steps` has, of each instruction in `code`, where it begins, and the
    address in the image at which a task that is about to run it would be, had nothing been moved. `goes_on`: what
    follows is reached.
    """

    code: bytes = b""
    literals: tuple[tuple[int, int], ...] = ()
    steps: tuple[tuple[int, int], ...] = ()
    goes_on: bool = True


class Site(NamedTuple):
    """A system call instruction that can be reached by a jump instead.

    `offset`: of the instruction in the file; `address`: where the image was linked to have it. `nr`: the call's number
    if the instructions before it set it to a constant. `start`: where the jump is written. `original`: the bytes from
    there on that are replaced. `before` and `after`: what runs before and after the call instead of these.
    """

    offset: int
    address: int
    nr: int | None
    start: int
    original: bytes
    before: Moved
    after: Moved

    @property
    def bytes_before(self) -> int:
        """How many bytes before the call are replaced."""
        return self.address - self.start

    @property
    def patch_offset(self) -> int:
        """Where in the file the first replaced byte is."""
        return self.offset - self.bytes_before

    @property
    def return_address(self) -> int:
        """Where what follows the replaced bytes is."""
        return self.start + len(self.original)


class Refused(NamedTuple):
    """A system call instruction that stays as it is, by its offset in the file, and why: one of REASONS."""

    offset: int
    reason: str


class Plan(NamedTuple):
    """What is known of an image. `digest`: the SHA-256 of its bytes. Sites are in the order of their offsets."""

    digest: bytes
    sites: tuple[Site, ...] = ()
    refused: tuple[Refused, ...] = ()


def patch_of(site: Site, slot: int) -> bytes:
    """What replaces a site's bytes; `slot` is the address that holds its stub's. ValueError if none can be there."""
    if not 0 < slot < 1 << 31 or slot & 255 not in SLOT_BYTES:
        raise ValueError(f"no slot can be at {slot:#x}")
    return (_JUMP + slot.to_bytes(4, "little")).ljust(len(site.original), _FILL)


def code_of(moved: Moved, bias: int) -> bytes:
    """Moved instructions of an image that lies so far from where it was linked to."""
    code = bytearray(moved.code)
    for at, address in moved.literals:
        code[at : at + 8] = (address + bias & (1 << 64) - 1).to_bytes(8, "little")
    return bytes(code)


def patched(data: bytes, plan: Plan, slot_of: Callable[[Site], int | None]) -> bytes:
    """An image with jumps at the sites that are given a slot. A site whose bytes are not the plan's stays as it is."""
    image = bytearray(data)
    for site in plan.sites:
        at, end = site.patch_offset, site.patch_offset + len(site.original)
        slot = slot_of(site)
        if slot is not None and image[at:end] == site.original:
            image[at:end] = patch_of(site, slot)
    return bytes(image)
