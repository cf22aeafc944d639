"""Faults of WSL1's calls about processes, limits and clocks (facts/wsl1.md sections 2.3, 2.4 and 3)."""

from __future__ import annotations

import struct
from errno import ECHILD, EFAULT, EINVAL, ENOSYS, ESRCH
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.faults.registry import brings_back

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider
    from picobox.task import ThreadGroup

_CLONE_VM = 0x100
_CLONE_VFORK = 0x4000
_CLONE_THREAD = 0x10000
_CLONE_PARENT_SETTID = 0x100000
_CLONE_NEWUSER = 0x10000000
_P_PGID = 2
_QUERY = 0xFFFF_FFFF
_CLOCK_REALTIME = 0
_CPU_CLOCKS = (2, 3)
_ALARM_CLOCKS = (8, 9)
_CPU_TICK = 1_000_000_000 // 64
_TIMESPEC = struct.Struct("<2q")
_RLIMIT = struct.Struct("<2Q")
_RESOURCES = {"rlimit-fsize": 1, "rlimit-as": 9}


@brings_back("clone-flags", "clone")
def _clone(provider: PicoProvider, call: Call, flags: int, *_: object) -> None:
    del provider, call
    shares_memory = flags & (_CLONE_VM | _CLONE_VFORK) == _CLONE_VM
    if not flags & _CLONE_THREAD and (flags & _CLONE_PARENT_SETTID or shares_memory):
        raise Errno(EINVAL)


@brings_back("wait-group", "wait4")
def _wait4(provider: PicoProvider, call: Call, pid: int, *_: object) -> None:
    del provider, call
    if pid == 0 or pid < -1:
        raise Errno(ECHILD)


@brings_back("wait-group", "waitid")
def _waitid(provider: PicoProvider, call: Call, idtype: int, *_: object) -> None:
    del provider, call
    if idtype == _P_PGID:
        raise Errno(ECHILD)


@brings_back("robust-list", "get_robust_list")
def _robust_list(provider: PicoProvider, call: Call, pid: int, *_: object) -> None:
    del provider
    if pid in (0, call.task.vtid):
        raise Errno(ESRCH)


@brings_back("personality", "personality")
def _personality(provider: PicoProvider, call: Call, persona: int) -> None:
    del provider, call
    if persona & _QUERY not in (0, _QUERY):
        raise Errno(ENOSYS)


@brings_back("clock-getres", "clock_getres")
def _clock_getres(provider: PicoProvider, call: Call, clockid: int, res: object) -> None:
    del provider, res
    if clockid in _CPU_CLOCKS + _ALARM_CLOCKS:
        raise Errno(EINVAL)
    if not call.stop.args[1]:
        raise Errno(EFAULT)


@brings_back("clock-nanosleep", "clock_nanosleep")
def _clock_nanosleep(provider: PicoProvider, call: Call, clockid: int, *_: object) -> None:
    del provider, call
    if clockid == _CLOCK_REALTIME:
        raise Errno(EINVAL)


@brings_back("cpu-clock", "clock_gettime")
def _cpu_clock(provider: PicoProvider, call: Call, clockid: int, tp: object) -> None:
    del provider, tp
    if clockid not in _CPU_CLOCKS:
        return
    memory, address = call.memory, call.stop.args[1]

    def then(result: int) -> int | None:
        if result:
            return None
        try:
            seconds, nanoseconds = _TIMESPEC.unpack(memory.read(address, _TIMESPEC.size))
            memory.write(address, _TIMESPEC.pack(seconds, nanoseconds - nanoseconds % _CPU_TICK))
        except Errno as error:
            return -error.errno
        return None

    call.then = then


@brings_back("unshare-user", "unshare")
def _unshare(provider: PicoProvider, call: Call, flags: int) -> None:
    del provider, call
    if flags & _CLONE_NEWUSER:
        raise Errno(EINVAL)


@brings_back("affinity", "sched_setaffinity")
def _affinity(provider: PicoProvider, call: Call, *_: object) -> int:
    del provider, call
    return 0


class _Limits:
    """A limit that the kernel is not told. A process has it from the one that makes it (getrlimit(2))."""

    def __init__(self, resource: int) -> None:
        self._resource = resource

    def setrlimit(self, provider: PicoProvider, call: Call, resource: int, rlim: int) -> int | None:
        del provider
        if resource != self._resource:
            return None
        self._keep(call, _valid(call, rlim))
        return 0

    def getrlimit(self, provider: PicoProvider, call: Call, resource: int, rlim: int) -> int | None:
        del provider
        return self._tell(call, rlim) if resource == self._resource else None

    def prlimit64(
        self, provider: PicoProvider, call: Call, pid: int, resource: int, new_limit: int, old_limit: int
    ) -> int | None:
        del provider
        if resource != self._resource or pid not in (0, call.task.group.tgid):
            return None
        limit = _valid(call, new_limit) if new_limit else None
        told = self._tell(call, old_limit) if old_limit else 0
        if told is None:
            # The kernel alone knows the old one, and is not told the new one.
            call.rewrite(2, 0)
            call.then = lambda result: self._keep(call, limit) if limit is not None and not result else None
            return None
        if limit is not None:
            self._keep(call, limit)
        return told

    def _keep(self, call: Call, limit: bytes) -> None:
        group: ThreadGroup = call.task.group
        group.limits = {**group.limits, self._resource: limit}

    def _tell(self, call: Call, address: int) -> int | None:
        kept = call.task.group.limits.get(self._resource)
        if kept is None:
            return None
        call.memory.write(address, kept)
        return 0


def _valid(call: Call, address: int) -> bytes:
    limit = call.memory.read(address, _RLIMIT.size)
    soft, hard = _RLIMIT.unpack(limit)
    if soft > hard:
        raise Errno(EINVAL)
    return limit


def _inherit(provider: PicoProvider, call: Call, *_: object) -> None:
    del provider
    if call.creation is not None:
        call.creation.thread.context.group.limits = call.task.group.limits


for _name, _number in _RESOURCES.items():
    _limits = _Limits(_number)
    brings_back(_name, "setrlimit")(_limits.setrlimit)
    brings_back(_name, "getrlimit")(_limits.getrlimit)
    brings_back(_name, "prlimit64")(_limits.prlimit64)
    brings_back(_name, "fork", "vfork", "clone", "clone3", after=True)(_inherit)
