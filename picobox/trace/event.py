"""Owns Event, the one record of something a guest did: every form of trace output is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE

if TYPE_CHECKING:
    from picobox.confine.refusals import Refusal
    from picobox.task import VirtualTid

CALL = "call"
SIGNAL = "signal"
EXIT = "exit"
EXEC = "exec"
LIMIT = "limit"

DISPOSITIONS = {ACTION_NATIVE: "native", ACTION_CALL: "call", ACTION_ERRNO: "errno"}

# A result in this range is a negated errno (linux/err.h), except for the kernel's own restart codes.
_MAX_ERRNO = 4095
_RESTART_CODES = range(512, 517)


class Field(NamedTuple):
    """One argument of a call, or one member of a siginfo: its value as a number or bytes, and as strace writes it."""

    name: str
    value: int | bytes
    text: str


class Event:
    """A call that is over, a signal about to be delivered, a death, a new image, or a limit that the run has met.

    kind: CALL, SIGNAL, EXIT, EXEC or LIMIT. time: seconds since the epoch, when it began. tid: the guest's own id of
    the task. name, nr, fields: the call's or signal's. result: the raw value a call returned, None if it never did or
    nobody can tell; the wait status of an EXIT; the tid that an EXEC's task had before; how often a LIMIT was met.
    result_text: as strace writes it. duration: seconds, None with an unknown end. nt: the NT service, None for what
    the provider serves by itself; performed: it really ran, else it is only the counterpart; status: its NTSTATUS,
    None without an answer; object_name: the NT name of what it opens, None if that is not known. refused_by: the rule
    of the policy that refused it, or has the limit that a signal or a LIMIT tells of, with what it refused, None if
    none did.
    disposition: native, call, errno or unknown. channel: the platform that saw it.
    """

    __slots__ = (
        "channel", "disposition", "duration", "fields", "kind", "name", "nr", "nt", "object_name", "performed",
        "refused_by", "result", "result_text", "status", "tid", "time",
    )  # fmt: skip

    def __init__(self, kind: str, time: float, tid: VirtualTid, name: str, channel: str) -> None:
        """What every kind has; the rest is set by who makes it."""
        self.kind = kind
        self.time = time
        self.tid = tid
        self.name = name
        self.channel = channel
        self.nr = 0
        self.fields: tuple[Field, ...] = ()
        self.result: int | None = None
        self.result_text = "?"
        self.duration: float | None = None
        self.nt: str | None = None
        self.performed = False
        self.object_name: str | None = None
        self.status: int | None = None
        self.disposition = ""
        self.refused_by: Refusal | None = None

    @property
    def errno(self) -> int:
        """The error number of a failed call, else 0."""
        return errno_of_result(self.result)


def errno_of_result(result: int | None) -> int:
    """The error number in a call's raw result; 0 for a success, a restart, or no result."""
    if result is None or not -_MAX_ERRNO <= result < 0 or -result in _RESTART_CODES:
        return 0
    return -result


def is_restart(result: int | None) -> bool:
    """Whether the kernel is about to run the call again, or to make EINTR of it."""
    return result is not None and -result in _RESTART_CODES
