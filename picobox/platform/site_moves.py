"""What instructions do to registers and memory, and how they are written to do the same at another place."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from iced_x86 import Code, Encoder, FlowControl, InstructionInfoFactory, OpAccess, Register, RegisterExt

from picobox.platform.site_code import BITS
from picobox.platform.sites import Moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iced_x86 import Register_

    from picobox.platform.site_code import Step

_READS = frozenset((OpAccess.READ, OpAccess.COND_READ, OpAccess.READ_WRITE, OpAccess.READ_COND_WRITE))
_WRITES = frozenset((OpAccess.WRITE, OpAccess.COND_WRITE, OpAccess.READ_WRITE, OpAccess.READ_COND_WRITE))
_CANNOT_MOVE = frozenset((Code.ENDBR64, Code.ENDBR32, Code.SYSCALL))
_ADDRESS = 8
_UNSIGNED = 1 << 31
"""No call has a number as large."""
# The registers that a call of the kernel overwrites: nothing is kept in them around it.
_FREE = (Register.R11, Register.RCX)
_MOV_TO_FREE = {Register.R11: b"\x49\xbb", Register.RCX: b"\x48\xb9"}
_JUMP_BY_NEXT = b"\xff\x25" + bytes(4)
"""`jmp *[rip]`, before its target."""
_PUSH_AND_JUMP = bytes.fromhex("ff3506000000 ff2508000000")
"""`push [rip + 6]; jmp *[rip + 8]`, before the address that is pushed and the target."""
_INFO = InstructionInfoFactory()


def number_before(steps: Sequence[Step]) -> int | None:
    """The constant that a run of instructions leaves in eax, None if it is none or the run does not tell."""
    for step in reversed(steps):
        each = step.instruction
        if (
            each.code in (Code.MOV_R32_IMM32, Code.MOV_RM32_IMM32, Code.MOV_RM64_IMM32)
            and RegisterExt.full_register(each.op0_register) == Register.RAX
        ):
            number = each.immediate(1) & 0xFFFFFFFF
            return number if number < _UNSIGNED else None
        is_zeroing = each.code in (Code.XOR_R32_RM32, Code.XOR_RM32_R32)
        if is_zeroing and each.op0_register == each.op1_register == Register.EAX:
            return 0
        if each.flow_control not in (FlowControl.NEXT, FlowControl.CONDITIONAL_BRANCH) or Register.RAX in _written(
            step
        ):
            return None
    return None


def is_repeatable(steps: Sequence[Step]) -> bool:
    """Whether a run of instructions has the same effect if it is begun anew after any of them.

    None may read what it or a later one writes. Memory is written only in the frame, where nobody else looks.
    """
    read: set[Register_] = set()
    written: set[Register_] = set()
    flags_read = flags_written = 0
    memory_read = memory_written = False
    for step in steps:
        info = _INFO.info(step.instruction)
        read |= {
            RegisterExt.full_register(each.register) for each in info.used_registers() if each.access in _READS
        } - written
        written |= _written(step)
        flags_read |= step.instruction.rflags_read & ~flags_written
        flags_written |= step.instruction.rflags_modified
        for memory in info.used_memory():
            memory_read = memory_read or memory.access in _READS
            if memory.access in _WRITES:
                memory_written = True
                if memory.base != Register.RSP or memory.index != Register.NONE:
                    return False
    return not (read & written or flags_read & flags_written or (memory_read and memory_written))


def can_move(step: Step) -> bool:
    """Whether an instruction can be written to do the same at another place, if it does not end what is moved."""
    each = step.instruction
    if each.code in _CANNOT_MOVE:
        return False
    if each.flow_control == FlowControl.CONDITIONAL_BRANCH:
        return each.is_jcc_short_or_near
    if each.flow_control == FlowControl.UNCONDITIONAL_BRANCH:
        return each.is_jmp_short_or_near
    if each.is_ip_rel_memory_operand and each.memory_base != Register.RIP:
        return False
    return each.flow_control in (FlowControl.NEXT, FlowControl.INDIRECT_BRANCH, FlowControl.RETURN)


def is_call(step: Step) -> bool:
    """Whether it is a call of a function that the instruction names: such a one can end what is moved."""
    return step.instruction.is_call_near


def moved(steps: Sequence[Step]) -> Moved | None:
    """Instructions as they are run elsewhere; None if no register is free in which their addresses could be."""
    if not any(step.instruction.is_ip_rel_memory_operand for step in steps):
        return _moved(steps, _FREE[0])
    for free in _free_registers(steps):
        # Not every instruction can name every register: those with ah and its like name only the first eight.
        with suppress(ValueError):
            return _moved(steps, free)
    return None


def _moved(steps: Sequence[Step], free: Register_) -> Moved:
    code = bytearray()
    literals: list[tuple[int, int]] = []
    places = []
    for step in steps:
        each = step.instruction
        places.append((len(code), each.ip))
        if each.is_ip_rel_memory_operand:
            code += _MOV_TO_FREE[free]
            _add_literals(code, literals, each.ip_rel_memory_address)
            places.append((len(code), each.ip))
            code += _by_register(step, free)
        elif is_call(step):
            code += _PUSH_AND_JUMP
            places.append((len(code) - len(_JUMP_BY_NEXT), each.near_branch_target))
            _add_literals(code, literals, each.next_ip, each.near_branch_target)
        elif each.flow_control == FlowControl.CONDITIONAL_BRANCH:
            # The opposite condition goes on behind the jump and its target.
            code += bytes((0x70 | (_condition(step) ^ 1), len(_JUMP_BY_NEXT) + _ADDRESS)) + _JUMP_BY_NEXT
            places.append((len(code) - len(_JUMP_BY_NEXT), each.near_branch_target))
            _add_literals(code, literals, each.near_branch_target)
        elif each.flow_control == FlowControl.UNCONDITIONAL_BRANCH:
            code += _JUMP_BY_NEXT
            _add_literals(code, literals, each.near_branch_target)
        else:
            code += step.code
    goes_on = not steps or not (steps[-1].is_end or is_call(steps[-1]))
    return Moved(bytes(code), tuple(literals), tuple(places), goes_on)


def _written(step: Step) -> set[Register_]:
    return {
        RegisterExt.full_register(each.register)
        for each in _INFO.info(step.instruction).used_registers()
        if each.access in _WRITES
    }


def _free_registers(steps: Sequence[Step]) -> list[Register_]:
    """Registers that can hold an address between the steps: a call overwrites them, and none of the steps uses them."""
    used = {
        RegisterExt.full_register(each.register)
        for step in steps
        for each in _INFO.info(step.instruction).used_registers()
    }
    return [each for each in _FREE if each not in used]


def _add_literals(code: bytearray, literals: list[tuple[int, int]], *addresses: int) -> None:
    for address in addresses:
        literals.append((len(code), address))
        code += bytes(_ADDRESS)


def _by_register(step: Step, register: Register_) -> bytes:
    """An instruction whose memory operand is where a register tells, not at a distance. ValueError if it cannot."""
    changed = step.instruction.copy()
    changed.memory_base = register
    changed.memory_displacement = 0
    changed.memory_displ_size = 0
    encoder = Encoder(BITS)
    encoder.encode(changed, step.address)
    return encoder.take_buffer()


def _condition(step: Step) -> int:
    return step.code[-2 if step.instruction.is_jcc_short else -5] & 15
