"""Owns the reading of a siginfo: its members as strace shows them for each kind of signal."""

from __future__ import annotations

import signal
import struct
from typing import TYPE_CHECKING

from picobox.abi.view import signal_name
from picobox.trace.event import Field

if TYPE_CHECKING:
    from collections.abc import Sequence

# asm-generic/siginfo.h
_SI_QUEUE, _SI_TIMER, _SI_KERNEL = -1, -2, 0x80
_GENERAL_CODES = {
    0: "SI_USER", _SI_KERNEL: "SI_KERNEL", _SI_QUEUE: "SI_QUEUE", _SI_TIMER: "SI_TIMER", -3: "SI_MESGQ",
    -4: "SI_ASYNCIO", -5: "SI_SIGIO", -6: "SI_TKILL", -60: "SI_ASYNCNL",
}  # fmt: skip
_CLD_EXITED = 1
# The codes 1, 2, 3... of the signals that the kernel itself has reasons to send.
_OWN_CODES: dict[int, tuple[str, ...]] = {
    signal.SIGCHLD: ("CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"),
    signal.SIGSEGV: (
        "SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR", "SEGV_ACCADI", "SEGV_ADIDERR", "SEGV_ADIPERR",
        "SEGV_MTEAERR", "SEGV_MTESERR",
    ),
    signal.SIGBUS: ("BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"),
    signal.SIGFPE: (
        "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB",
    ),
    signal.SIGILL: (
        "ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK",
    ),
    signal.SIGTRAP: ("TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK"),
    signal.SIGIO: ("POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"),
    signal.SIGSYS: ("SYS_SECCOMP", "SYS_USER_DISPATCH"),
}  # fmt: skip
_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP})


def siginfo_fields(number: int, code: int, words: Sequence[int]) -> tuple[Field, ...]:
    """The members of a siginfo that mean something for this signal and code.

    `words` are the first six 64-bit words of the siginfo_t, all zero where the platform does not read it: then only
    the signal and the code are told.
    """
    fields = [Field("si_signo", number, signal_name(number)), Field("si_code", code, _code_name(number, code))]
    if any(words):
        raw = struct.pack("<6Q", *words)
        (error,) = struct.unpack_from("<i", raw, 4)
        if error:
            fields.append(_plain("si_errno", error))
        fields += _members(number, code, raw)
    return tuple(fields)


def _code_name(number: int, code: int) -> str:
    own = _OWN_CODES.get(number, ())
    if 1 <= code <= len(own):
        return own[code - 1]
    return _GENERAL_CODES.get(code) or hex(code & 0xFFFF_FFFF)


def _members(number: int, code: int, raw: bytes) -> list[Field]:
    """The union part (sigaction(2)), which begins 16 bytes into the structure."""
    if code == _SI_TIMER:
        return [_plain("si_timerid", _int(raw, 16)), _plain("si_overrun", _int(raw, 20)), *_value(raw)]
    sent_by_process = code <= 0
    if sent_by_process or number == signal.SIGCHLD:
        sender = [_plain("si_pid", _int(raw, 16)), _plain("si_uid", _int(raw, 20) & 0xFFFF_FFFF)]
        if number == signal.SIGCHLD and not sent_by_process:
            return [*sender, *_child(code, raw)]
        return [*sender, *_value(raw)] if code == _SI_QUEUE else sender
    if number in _FAULTS:
        return [_pointer("si_addr", raw, 16)]
    if number == signal.SIGIO and code != _SI_KERNEL:
        return [_plain("si_band", _long(raw, 16)), _plain("si_fd", _int(raw, 24))]
    if number == signal.SIGSYS:
        machine = _int(raw, 28) & 0xFFFF_FFFF
        call = _plain("si_syscall", _int(raw, 24))
        return [_pointer("si_call_addr", raw, 16), call, Field("si_arch", machine, hex(machine))]
    return []


def _child(code: int, raw: bytes) -> list[Field]:
    status = _int(raw, 24)
    text = str(status) if code == _CLD_EXITED else signal_name(status)
    times = [_plain("si_utime", _long(raw, 32)), _plain("si_stime", _long(raw, 40))]
    return [Field("si_status", status, text), *times]


def _value(raw: bytes) -> list[Field]:
    number, (address,) = _int(raw, 24), struct.unpack_from("<Q", raw, 24)
    text = f"{{sival_int={number}, sival_ptr={hex(address) if address else 'NULL'}}}"
    return [Field("si_value", address, text)]


def _plain(name: str, value: int) -> Field:
    return Field(name, value, str(value))


def _pointer(name: str, raw: bytes, offset: int) -> Field:
    (address,) = struct.unpack_from("<Q", raw, offset)
    return Field(name, address, hex(address) if address else "NULL")


def _int(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 4], "little", signed=True)


def _long(raw: bytes, offset: int) -> int:
    return int.from_bytes(raw[offset : offset + 8], "little", signed=True)
