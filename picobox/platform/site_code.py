"""Decodes the code of images: its instructions, and where they lead."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from iced_x86 import Code, ConstantOffsets, Decoder, FlowControl, Instruction

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSCALL = b"\x0f\x05"
BITS = 64
_I32 = Struct("<i")
_SHORT_BRANCHES = frozenset((0xEB, *range(0xE0, 0xE4), *range(0x70, 0x80)))
_ENDS = frozenset(
    (
        FlowControl.UNCONDITIONAL_BRANCH,
        FlowControl.INDIRECT_BRANCH,
        FlowControl.RETURN,
        FlowControl.INTERRUPT,
        FlowControl.EXCEPTION,
    )
)
_PADDING = frozenset((Code.NOPW, Code.NOPD, Code.NOPQ, Code.NOP_RM16, Code.NOP_RM32, Code.NOP_RM64, Code.INT3))


class Part(NamedTuple):
    """Code that is decoded from its start to its end; `is_entry`: something says that a function begins there."""

    address: int
    code: bytes
    is_entry: bool


class Step(NamedTuple):
    """An instruction, its bytes, and where in them its constants are."""

    instruction: Instruction
    code: bytes
    constants: ConstantOffsets

    @property
    def address(self) -> int:
        """Its address in the image."""
        return self.instruction.ip

    @property
    def is_call_of_kernel(self) -> bool:
        """Whether it is the instruction `syscall`."""
        return self.instruction.code == Code.SYSCALL

    @property
    def is_end(self) -> bool:
        """Whether what follows is never reached from it."""
        return self.instruction.flow_control in _ENDS

    @property
    def is_padding(self) -> bool:
        """Whether it is what compilers fill gaps with."""
        return self.instruction.code in _PADDING


class Leads(NamedTuple):
    """Where code leads: targets of branches and calls, and addresses that it takes."""

    branches: set[int]
    taken: set[int]


def decode(part: Part) -> list[Step] | None:
    """The instructions of a part; None if they are not all instructions, or the last one goes beyond its end."""
    decoder = Decoder(BITS, part.code, ip=part.address)
    steps = []
    at = 0
    for instruction in decoder:
        if instruction.code == Code.INVALID:
            return None
        end = at + instruction.len
        steps.append(Step(instruction, part.code[at:end], decoder.get_constant_offsets(instruction)))
        at = end
    return steps


def has_call(part: Part) -> bool | None:
    """Whether there is a `syscall` among the instructions of a part; None if they are not all instructions."""
    found = False
    invalid, wanted = Code.INVALID, Code.SYSCALL
    for instruction in Decoder(BITS, part.code, ip=part.address):
        code = instruction.code
        if code == invalid:
            return None
        found = found or code == wanted
    return found


def calls_of(part: Part) -> set[int]:
    """What all calls of a part lead to, where it is instructions."""
    call = FlowControl.CALL
    decoder = Decoder(BITS, part.code, ip=part.address)
    return {each.near_branch_target for each in decoder if each.flow_control == call}


def leads_of(parts: Iterable[Part]) -> Leads:
    """Where all instructions lead; of a part that is not all instructions, where any bytes of it could lead."""
    branches: set[int] = set()
    taken: set[int] = set()
    goes_on, invalid = FlowControl.NEXT, Code.INVALID
    for part in parts:
        is_sound = True
        for each in Decoder(BITS, part.code, ip=part.address):
            if each.flow_control != goes_on:
                branches.add(each.near_branch_target)
                is_sound = is_sound and each.code != invalid
            if each.is_ip_rel_memory_operand:
                taken.add(each.ip_rel_memory_address)
        if not is_sound:
            branches |= _any_branches(part)
    return Leads(branches, taken)


def constants_among(part: Part, addresses: set[int]) -> set[int]:
    """At which of some addresses of a part a constant of an instruction is; what is no instruction is taken for one."""
    found = set()
    left = sorted(addresses, reverse=True)
    decoder = Decoder(BITS, part.code, ip=part.address)
    for instruction in decoder:
        while left and left[-1] < instruction.next_ip:
            constants = decoder.get_constant_offsets(instruction)
            places = (constants.immediate_offset, constants.displacement_offset)
            if instruction.code == Code.INVALID or left[-1] - instruction.ip in places:
                found.add(left[-1])
            left.pop()
        if not left:
            break
    return found.union(left)


def _any_branches(part: Part) -> set[int]:
    """Targets of all branches that could be read at any byte of a part."""
    found = set()
    code, start = part.code, part.address
    for at, byte in enumerate(code):
        if byte in _SHORT_BRANCHES and at + 2 <= len(code):
            found.add(start + at + 2 + int.from_bytes(code[at + 1 : at + 2], signed=True))
        is_conditional = 0x80 <= byte < 0x90 and at > 0 and code[at - 1] == 0x0F
        if (is_conditional or byte in (0xE8, 0xE9)) and at + 5 <= len(code):
            found.add(start + at + 5 + _I32.unpack_from(code, at + 1)[0])
    return found
