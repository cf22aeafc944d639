"""The native stack of a stopped thread: the code it stands in and the calls that led there.

Call frame information leads from caller to caller; where there is none, a frame pointer does, and where that leads
nowhere the next return address on the stack. Memory and files are the guest's: a damaged stack is a shorter one.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.x86_64 import USER_REGS
from picobox.check import cfi
from picobox.check.expressions import evaluate
from picobox.check.pages import PAGE

if TYPE_CHECKING:
    from picobox.check.modules import Module, Modules
    from picobox.check.pages import Pages

# The registers in DWARF's order (x86-64 psABI, figure 3.36), the return address as the last.
_DWARF_REGISTERS = (
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
)  # fmt: skip
_ORDER = tuple(USER_REGS.index(name) for name in _DWARF_REGISTERS)
_WORD = Struct("<Q")
_TWO_WORDS = Struct("<QQ")
_MASK = (1 << 64) - 1
# Frames of code that nobody knows are passed over; so many steps are taken for what is asked.
_STEPS_A_FRAME = 4
# How far a caller's frame may lie above: more than stacks are big, less than what lies between two of them.
_FARTHEST = 1 << 26
# Words that are looked at for a return address, and how often on one stack.
_SCANNED = 512
_MOST_SEARCHES = 4
# How likely an address follows the call of a function: by a pointer; by a table of those, or without names; by name.
_BY_POINTER, _BY_TABLE, _BY_NAME = 1, 2, 3
_FIRST_ADDRESS = 1 << 16  # vm.mmap_min_addr's default
# mov $SYS_rt_sigreturn, %rax; syscall: what C libraries have handlers return to. On the stack lies then a struct
# ucontext, with the registers in this order (the kernel's asm/ucontext.h and asm/sigcontext.h).
_SIGRETURN = b"\x48\xc7\xc0\x0f\0\0\0\x0f\x05"
_SIGNAL_CONTEXT = 40
_SIGNAL_REGISTERS = Struct("<17Q")
_SIGNAL_ORDER = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip",
)  # fmt: skip
_TABLES = b".plt"
_CALL = 0xE8
_JUMP = re.compile(rb"(?=\xe9(.{4})|\xeb(.))", re.DOTALL)
_DIRECT_CALL = Struct("<Bi")
# The longest call instruction (ff /2 with SIB and 32 bits, and a prefix).
_LONGEST_CALL = 8


class Place(NamedTuple):
    """An address in code, and the module that it lies in. `address` follows the call, or the system call."""

    module: Module
    address: int


class Walk:
    """One walk over one stack."""

    def __init__(self, modules: Modules, pages: Pages, registers: list[int]) -> None:
        """Begin at the registers of the thread, in the order of USER_REGS."""
        self.places: list[Place] = []
        self.strangers: set[int] = set()
        self._modules = modules
        self._pages = pages
        self._registers = [registers[index] for index in _ORDER]
        self._interrupted = True
        self._searches = 0

    def run(self, limit: int) -> None:
        """Go on to the outermost frame, or until there are so many places."""
        for _ in range(_STEPS_A_FRAME * limit):
            address = self._registers[cfi.RETURN]
            module = self._modules.at(address)
            if module is not None:
                self.places.append(Place(module, address))
            else:
                self.strangers.add(address)
            if len(self.places) >= limit or not self._step(module, address):
                return

    def _step(self, module: Module | None, address: int) -> bool:
        """Go to the caller; false at the end."""
        sp = self._registers[cfi.RSP]
        rule = None
        if module is not None and module.rules is not None:
            # A call may be the last instruction of its function: the address behind it is then another one's.
            rule = module.rules.rule_at(address - module.bias - (0 if self._interrupted else 1))
        found = self._by_rule(rule) if rule is not None else self._by_signal() or self._by_leaf() or self._by_search()
        if not found or self._registers[cfi.RETURN] == 0:
            return False
        # A handler may have a stack of its own; the caller of a function has the same, higher up.
        return self._interrupted or sp < self._registers[cfi.RSP] <= sp + _FARTHEST

    def _by_rule(self, rule: cfi.Rule) -> bool:
        old, new = self._registers, list(self._registers)
        if isinstance(rule.cfa, bytes):
            cfa = evaluate(rule.cfa, old, self._pages, None)
        else:
            register, offset = rule.cfa
            cfa = old[register] + offset & _MASK if register < len(old) else None
        if cfa is None:
            return False
        new[cfi.RSP] = cfa
        for register, kind, value in rule.registers:
            found = self._value(kind, value, cfa)
            if found is None:
                return False
            new[register] = found
        self._registers = new
        self._interrupted = rule.interrupted
        return True

    def _value(self, kind: int, value: int | bytes, cfa: int) -> int | None:
        """What a register's rule gives; None if nothing."""
        if isinstance(value, bytes):
            found = evaluate(value, self._registers, self._pages, cfa)
            return self._word(found) if kind == cfi.AT_EXPRESSION and found is not None else found
        if kind == cfi.AT_OFFSET:
            return self._word(cfa + value)
        if kind == cfi.IS_OFFSET:
            return cfa + value & _MASK
        if kind == cfi.IN_REGISTER and value < len(self._registers):
            return self._registers[value]
        return None

    def _by_signal(self) -> bool:
        """The function may be what a signal handler returns to: the kernel has put the registers there."""
        here, sp = self._registers[cfi.RETURN], self._registers[cfi.RSP]
        if self._pages.read(here, len(_SIGRETURN)) != _SIGRETURN:
            return False
        saved = self._pages.unpack(_SIGNAL_REGISTERS, sp + _SIGNAL_CONTEXT)
        self._registers = [saved[_SIGNAL_ORDER.index(name)] for name in _DWARF_REGISTERS]
        self._interrupted = True
        return True

    def _by_leaf(self) -> bool:
        """The innermost function may have no frame: then its return address is on top of the stack."""
        if not self._interrupted:
            return False
        sp = self._registers[cfi.RSP]
        address = self._word(sp)
        return self._likelihood(address) > 0 and self._go(address, sp + 8)

    def _by_search(self) -> bool:
        """A function that was called may or may not keep a frame pointer: what can be proved to call it goes first."""
        self._searches += 1
        may_scan = self._searches <= _MOST_SEARCHES
        return any(
            self._by_frame_pointer(least) or (may_scan and self._by_scan(least)) for least in (_BY_TABLE, _BY_POINTER)
        )

    def _by_frame_pointer(self, least: int) -> bool:
        sp, frame = self._registers[cfi.RSP], self._registers[cfi.RBP]
        if frame % 8 or not sp <= frame < sp + _FARTHEST:
            return False
        caller, address = self._pages.unpack(_TWO_WORDS, frame)
        if self._modules.at(address) is None:
            # Code that was made at run time: it may have called, but only its own caller will tell.
            if least > _BY_POINTER or address < _FIRST_ADDRESS or not frame < caller < frame + _FARTHEST:
                return False
        elif self._likelihood(address) < least:
            return False
        self._registers[cfi.RBP] = caller
        return self._go(address, frame + 16)

    def _by_scan(self, least: int) -> bool:
        sp = self._registers[cfi.RSP]
        if sp % 8:
            return False
        words = memoryview(self._pages.read(sp, 8 * _SCANNED)).cast("Q")
        first, last = self._modules.span
        found = [(-self._likelihood(address), index) for index, address in enumerate(words) if first <= address <= last]
        likelihood, index = min(found, default=(0, 0))
        return -likelihood >= least and self._go(words[index], sp + 8 * index + 8)

    def _go(self, address: int, sp: int) -> bool:
        self._registers[cfi.RETURN] = address
        self._registers[cfi.RSP] = sp
        self._interrupted = False
        return True

    def _word(self, address: int) -> int:
        value: int = self._pages.unpack(_WORD, address & _MASK)[0]
        return value

    def _likelihood(self, address: int) -> int:
        """How likely it is that an address is the one to which the function that we are in returns; 0: it is not."""
        module = self._modules.at(address - 1)
        if module is None:
            return 0
        code = self._pages.read(address - _LONGEST_CALL, _LONGEST_CALL + len(_SIGRETURN))
        if code[_LONGEST_CALL:] == _SIGRETURN:
            return _BY_TABLE
        if code[_LONGEST_CALL - _DIRECT_CALL.size] == _CALL:
            target = address + _DIRECT_CALL.unpack_from(code, _LONGEST_CALL - _DIRECT_CALL.size)[1]
            return self._likelihood_of(target & _MASK)
        return _BY_POINTER if follows_call(code[:_LONGEST_CALL]) else 0

    def _likelihood_of(self, target: int) -> int:
        """The same for a call to an address."""
        module, address = self._modules.at(target), self._registers[cfi.RETURN]
        if module is None or module.file is None:
            return 0
        place = target - module.bias
        called = module.file.function_range(place)
        is_near = module.start <= address <= module.end
        here = module.file.function_range(address - module.bias - 1) if is_near else None
        if called is not None:
            return _BY_NAME if called == here else self._likelihood_of_jump(called, here, module)
        if module.file.section_name(place).startswith(_TABLES) or (is_near and here is None):
            return _BY_TABLE
        return _BY_POINTER

    def _likelihood_of_jump(self, called: range, here: range | None, module: Module) -> int:
        """The same for a call of another function, which may end in a jump to ours and be in its place then."""
        code = self._pages.read(called.start + module.bias, min(len(called), PAGE))
        for jump in _JUMP.finditer(code):
            end = max(jump.end(1), jump.end(2))
            target = called.start + end + int.from_bytes(code[jump.start() + 1 : end], "little", signed=True)
            if here is None and target not in called:
                return _BY_POINTER
            if here is not None and target == here.start:
                return _BY_NAME
        return 0


def follows_call(code: bytes) -> bool:
    """Whether the bytes before an address can end in a call: e8 with 32 bits, or ff /2 in one of its forms.

    (Intel's manual, volume 2, CALL.)
    """
    if code[-5] == 0xE8:
        return True
    for length in (2, 3, 4, 6, 7):
        if code[-length] == 0xFF and _call_length(code[-length + 1], code[-length + 2] if length > 2 else 0) == length:
            return True
    return False


def _call_length(modrm: int, sib: int) -> int:
    """How long ff /2 is with these two bytes; 0 if it is no near call."""
    mode, operation, operand = modrm >> 6, modrm >> 3 & 7, modrm & 7
    if operation != 2:
        return 0
    if mode == 3:
        return 2
    length = 2 + (operand == 4)
    if mode == 1:
        return length + 1
    if mode == 2 or operand == 5 or (operand == 4 and sib & 7 == 5):
        return length + 4
    return length
