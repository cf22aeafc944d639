"""Tells which rule of a policy refused a call, and keeps count of it: an observer of a run."""

from __future__ import annotations

import os
import signal
from errno import (
    EACCES,
    EADDRNOTAVAIL,
    ECONNREFUSED,
    EHOSTUNREACH,
    ENETDOWN,
    ENETUNREACH,
    ENOENT,
    ENOSPC,
    ENOTDIR,
    EPERM,
    EROFS,
)
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.arguments import ARGUMENT_RULES
from picobox.abi.row import WALLS
from picobox.abi.table import ROWS
from picobox.abi.types import UserPath
from picobox.confine.accesses import AF_INET, AF_INET6, TALKING, address_of, uses_of
from picobox.confine.met import GROWING, WATCHED, limit_met
from picobox.confine.place import is_below
from picobox.confine.policy import ALL_DEVICES, HIDE, HOST, LAYER, LOOPBACK, PRIVATE, READ, Policy
from picobox.errors import Errno

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ntshim.ps.process import Thread
    from picobox.abi.arguments import Condition
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.confine.accesses import Use
    from picobox.platform.base import HostTid, Stop

# What a refusal is about, in the words of the options that allow it. CALLS: nothing allows it but a run without walls.
READING, WRITING, NETWORK, DEVICE, CALLS, LIMIT = "read", "write", "network", "device", "call", "limit"

_HIDDEN = frozenset((ENOENT, EACCES, EPERM, ENOTDIR, ECONNREFUSED))
_UNREACHED = frozenset((ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL, EACCES, EPERM))
_LIMITS_OF_SIGNALS: dict[int, str] = {signal.SIGXCPU: "cpu_time", signal.SIGXFSZ: "file_size"}
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the guest's own
# A hostile guest could ask for ever more.
_MOST_TARGETS = 4096


class Refusal(NamedTuple):
    """That a rule refused something. rule: who says so, as the policy has it. target: a path, an address, a name."""

    rule: str
    what: str
    target: str


class Refusals:
    """What was refused, each with how often (supervisor.Observer); `others`: of those that were too many to keep.

    `machine`: how often a limit was met that the machine has for everybody, by its name in met.MACHINE.
    """

    def __init__(self, policy: Policy) -> None:
        """Nothing is noted before the supervisor runs."""
        self.policy = policy
        self.counts: dict[Refusal, int] = {}
        self.others = 0
        self.machine: dict[str, int] = {}
        self._decide = policy.decider()
        self._read_only = frozenset((EROFS,))
        self._sees_host = False
        self._open: dict[HostTid, tuple[list[Use], str | None]] = {}

    def supervised_by(self, policy: Policy) -> None:
        """Without namespaces this policy is kept in the host's tree, and what may only be read says so by EACCES."""
        self._decide = policy.decider()
        self._read_only = frozenset((EROFS, EACCES))
        self._sees_host = True

    def watched(self) -> frozenset[int]:
        """The numbers of the calls that can be refused by a rule."""
        limits = self.policy.limits
        limited = WATCHED | (GROWING if limits.file_size or limits.memory else frozenset())
        return frozenset(row.nr for row in ROWS if row.name in limited or _can_be_refused(row))

    def entered(self, call: Call) -> bool:
        """A call begins: what it names is looked at now, since it may change while the call runs."""
        uses: list[Use] = []
        address = None
        if call.row is not None:
            try:
                uses = uses_of(call, call.row)
                address = _internet_address(call, call.row)
            except (Errno, OSError):
                # The kernel will find the same.
                uses = []
        self._open[call.stop.tid] = (uses, address)
        return True

    def left(self, call: Call | None, stop: Stop, result: int | None) -> None:
        """A call is over."""
        self.ended(call, stop, result)

    def ended(self, call: Call | None, stop: Stop, result: int | None) -> Refusal | None:
        """A call is over; the refusal if it was one, which is counted."""
        uses, address = self._open.pop(stop.tid if call is None else call.stop.tid, ([], None))
        if call is None or call.row is None or result is None:
            return None
        is_error = -4096 < result < 0
        if not is_error and call.row.name != "brk":
            return None
        found = self._of_walls(call, call.row, -result) or self._of_limits(call, call.row.name, result)
        if found is None and is_error:
            found = self._found(call.row.name, uses, address, -result)
        if found is not None:
            self._count(found)
        return found

    def signalled(self, stop: Stop, thread: Thread | None) -> None:
        """A signal is about to be delivered."""
        del thread
        self.told_by_signal(stop.signal)

    def told_by_signal(self, number: int) -> Refusal | None:
        """The kernel tells of two limits by a signal; the refusal if it is one, which is counted."""
        field = _LIMITS_OF_SIGNALS.get(number)
        if field is None or getattr(self.policy.limits, field) is None:
            return None
        found = self._limit(field)
        self._count(found)
        return found

    def died(self, stop: Stop, thread: Thread | None) -> None:
        """A call in which a thread ended was not refused."""
        del thread
        self._open.pop(stop.tid, None)

    def executed(self, stop: Stop, thread: Thread | None) -> None:
        """A program that runs was not refused."""

    def _count(self, refusal: Refusal) -> None:
        if refusal in self.counts or len(self.counts) < _MOST_TARGETS:
            self.counts[refusal] = self.counts.get(refusal, 0) + 1
        else:
            self.others += 1

    def _of_walls(self, call: Call, row: Row, errno: int) -> Refusal | None:
        """What no policy allows: the table, or a rule about registers, says so."""
        disposition = row.when.get(WALLS)
        if disposition is not None and disposition.errno == errno:
            return Refusal("walls", CALLS, row.name)
        for rule in ARGUMENT_RULES:
            if rule.call == row.name and all(_holds(each, call.stop.args) for each in rule.conditions):
                return Refusal("walls", CALLS, f"{row.name}: {rule.name}") if rule.errno == errno else None
        return None

    def met(self, times: Mapping[str, int]) -> list[Refusal]:
        """Counts limits that a run has met so often, by their names in Limits; what calls told of them is among it."""
        found = [(self._limit(field), count) for field, count in times.items()]
        for refusal, count in found:
            self.counts[refusal] = max(self.counts.get(refusal, 0), count)
        return [refusal for refusal, _ in found]

    def _of_limits(self, call: Call, name: str, result: int) -> Refusal | None:
        met = limit_met(name, call.stop.args, result, call.stop.tid, self.policy.limits)
        if met is None:
            return self._of_space(call) if name in GROWING and result == -ENOSPC else None
        if met.field:
            return self._limit(met.field)
        self.machine[met.machine] = self.machine.get(met.machine, 0) + 1
        return None

    def _of_space(self, call: Call) -> Refusal | None:
        """File systems of the guests' own are memory, and have no more of it than the limit is."""
        if self.policy.limits.memory is None:
            return None
        try:
            path = os.readlink(b"/proc/%d/fd/%d" % (call.stop.tid, call.stop.args[0] & 0xFFFF_FFFF))
            rule = self._decide(path)
        except (OSError, ValueError):
            return None
        own = rule.source == PRIVATE or rule.right == LAYER or is_below(os.fsdecode(path), _SHARED_MEMORY)
        return self._limit("memory") if own else None

    def _found(self, name: str, uses: list[Use], address: str | None, errno: int) -> Refusal | None:
        if address is not None and errno in _UNREACHED and self.policy.network != HOST:
            return Refusal(self.policy.sources.get("network", self.policy.name), NETWORK, address)
        found = (self._file(use, errno, connects=name in TALKING) for use in uses)
        return next((refusal for refusal in found if refusal is not None), None)

    def _limit(self, field: str) -> Refusal:
        key = field.replace("_", "-")
        return Refusal(self.policy.sources.get(f"limits.{key}", self.policy.name), LIMIT, key)

    def _file(self, use: Use, errno: int, *, connects: bool) -> Refusal | None:
        path = _resolved(use.path)
        text = os.fsdecode(path)
        if is_below(text, "/dev") and path not in self.policy.devices and self.policy.devices != ALL_DEVICES:
            return (
                Refusal(self.policy.sources.get("devices", self.policy.name), DEVICE, text) if errno == ENOENT else None
            )
        if is_below(text, "/proc"):
            return Refusal("walls", CALLS, text) if errno == EROFS else None
        rule = self._decide(path)
        if rule.right == HIDE and errno in _HIDDEN:
            # What is not there was kept from nobody. Behind namespaces nobody can tell: the host is out of sight.
            if self._sees_host and not os.path.lexists(path):
                return None
            return Refusal(rule.source, WRITING if use.changes else READING, text)
        connecting = connects and errno in (ECONNREFUSED, EACCES, EPERM)
        changing = errno == EROFS or (use.changes and errno in self._read_only)
        if rule.right == READ and (changing or connecting):
            return Refusal(rule.source, WRITING, text)
        return None


def _resolved(path: bytes) -> bytes:
    try:
        return os.path.realpath(path)
    except OSError:
        # A link of /proc whose process is not ours to look at.
        return os.path.normpath(path)


def _holds(condition: Condition, args: tuple[int, ...]) -> bool:
    return args[condition.argument] & condition.mask == condition.value


def _can_be_refused(row: Row) -> bool:
    by_path = any(isinstance(argument, UserPath) for argument in row.args)
    return by_path or row.name in TALKING or WALLS in row.when or any(rule.call == row.name for rule in ARGUMENT_RULES)


def _internet_address(call: Call, row: Row) -> str | None:
    """The address that a call names, with its port, if it is one of the internet."""
    raw = address_of(call, row) if row.name in TALKING else None
    if raw is None or len(raw) < 8:
        return None
    from ipaddress import ip_address

    family, port = int.from_bytes(raw[:2], "little"), int.from_bytes(raw[2:4], "big")
    if family == AF_INET:
        return f"{ip_address(raw[4:8])}:{port}"
    return f"[{ip_address(raw[8:24])}]:{port}" if family == AF_INET6 and len(raw) >= 24 else None


def needed_network(address: str) -> str:
    """What network reaches an address as `target` of a refusal has it."""
    from ipaddress import ip_address

    host = ip_address(address.rpartition(":")[0].strip("[]"))
    return LOOPBACK if host.is_loopback or host.is_unspecified else HOST
