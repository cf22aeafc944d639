"""Faults of WSL1's memory calls (facts/wsl1.md sections 2.4 and 2.5)."""

from __future__ import annotations

import signal
from errno import EINVAL, ENOMEM, EOPNOTSUPP
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.faults.registry import brings_back

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.platform.base import Stop
    from picobox.provider import PicoProvider

_MAP_PRIVATE = 2
_MAP_FIXED = 0x10
_MAP_ANONYMOUS = 0x20
_MAP_GROWSDOWN = 0x100
_MAP_LOCKED = 0x2000
_MAP_TYPE = 0xF
_GRANULARITY = 0x10000  # NT's allocation granularity


@brings_back("map-locked", "mmap")
def _map_locked(provider: PicoProvider, call: Call, addr: int, length: int, prot: int, flags: int, *_: object) -> None:
    del provider, call, addr, length, prot
    if flags & _MAP_LOCKED:
        raise Errno(EOPNOTSUPP)


@brings_back("map-growsdown", "mmap")
def _map_growsdown(
    provider: PicoProvider, call: Call, addr: int, length: int, prot: int, flags: int, *_: object
) -> None:
    del provider, call, addr, length, prot
    if flags & _MAP_GROWSDOWN:
        raise Errno(EOPNOTSUPP)


@brings_back("map-hint", "mmap")
def _map_hint(
    provider: PicoProvider, call: Call, addr: int, length: int, prot: int, flags: int, fd: int, offset: int
) -> None:
    del provider, call, length, prot, fd
    is_private_file = flags & _MAP_TYPE == _MAP_PRIVATE and not flags & _MAP_ANONYMOUS
    # The dynamic loader maps the later segments of a library with MAP_FIXED, which worked.
    if addr and is_private_file and not flags & _MAP_FIXED and offset % _GRANULARITY:
        raise Errno(ENOMEM)


@brings_back("map-errno", "mmap")
def _map_errno(provider: PicoProvider, call: Call, addr: int, length: int, prot: int, flags: int, *_: object) -> None:
    del provider, addr, length, prot
    if flags & _MAP_FIXED:
        call.then = _no_memory_is_invalid


@brings_back("map-errno", "mremap")
def _remap_errno(provider: PicoProvider, call: Call, *_: object) -> None:
    del provider
    call.then = _no_memory_is_invalid


def _no_memory_is_invalid(result: int) -> int | None:
    return -EINVAL if result == -ENOMEM else None


@brings_back("madvise", "madvise")
def _madvise(provider: PicoProvider, call: Call, *_: object) -> None:
    """The range is looked at by the kernel; of unknown advice alone it says EINVAL where the range is fine."""
    del provider
    call.then = lambda result: 0 if result == -EINVAL and not call.stop.args[0] % 4096 else None


@brings_back("mlock", "mlock", "munlock")
def _mlock(provider: PicoProvider, call: Call, *_: object) -> int:
    del provider, call
    return 0


def change_signal(faults: frozenset[str], stop: Stop) -> None:
    """What a fault of the hardware is told as."""
    if "sigbus" in faults and stop.signal == signal.SIGBUS:
        stop.signal = signal.SIGSEGV
