"""Owns the argument page of the reference platform, made like the core's (picobox/_native/page.c)."""

from __future__ import annotations

import fcntl
import mmap
import os
from errno import EEXIST, EINVAL, ENOMEM, EPERM
from typing import TYPE_CHECKING

from picobox.abi.table import BY_NAME
from picobox.errors import Errno

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.platform.base import GuestMemory, HostTid

# Below the fixed places of sanitizers' shadows and of Java's heap, from 2 GiB on; above the 1 GiB in which the heap of
# a non-PIE program begins (arch_randomize_brk). The first that is free is taken.
PLACES = (0x7000_0000, 0x6800_0000, 0x6000_0000, 0x5800_0000, 0x5000_0000)
SLOT_SIZE = 16384
SLOT_COUNT = 4096
PAGE_SIZE = SLOT_SIZE * SLOT_COUNT

MEMFD_CREATE = BY_NAME["memfd_create"].nr
MMAP = BY_NAME["mmap"].nr
CLOSE = BY_NAME["close"].nr

# linux/mman.h, linux/memfd.h, linux/fcntl.h
MAP_FIXED = 0x10
_MAP_FIXED_NOREPLACE = 0x10_0000
_MAP_NORESERVE = 0x4000
_MFD_CLOEXEC = 1
_MFD_ALLOW_SEALING = 2
_SEALS = 0x10 | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL  # the first: F_SEAL_FUTURE_WRITE

_NAME = b"picobox\0"
# Far enough below the stack pointer for every red zone.
_SCRATCH_BELOW_STACK = 1024


class ReferencePage:
    """Memory of ours that a guest's calls can read and no guest can write (design section 5)."""

    __slots__ = ("_owners", "_slots", "_view", "address")

    def __init__(self, view: mmap.mmap, address: int) -> None:
        """`address`: where the guest has it."""
        self.address = address
        self._view = view
        self._slots: dict[HostTid, int] = {}
        self._owners: dict[int, HostTid] = {}

    def put(self, tid: HostTid, offset: int, data: bytes) -> int:
        if not 0 <= offset <= SLOT_SIZE - len(data):
            raise Errno(EINVAL)
        slot = self._slots.get(tid)
        if slot is None:
            slot = self._take_slot(tid)
        start = slot * SLOT_SIZE + offset
        self._view[start : start + len(data)] = data
        return self.address + start

    def _take_slot(self, tid: HostTid) -> int:
        for step in range(SLOT_COUNT):
            slot = (tid + step) % SLOT_COUNT
            if slot not in self._owners:
                self._owners[slot] = tid
                self._slots[tid] = slot
                return slot
        raise Errno(ENOMEM)

    def release(self, tid: HostTid) -> None:
        slot = self._slots.pop(tid, None)
        if slot is not None:
            del self._owners[slot]

    def close(self) -> None:
        self._view.close()


def covers_page(page: int, guards: Sequence[tuple[int, int]], nr: int, args: Sequence[int]) -> bool:
    """Whether a call could unmap, remap or cover the page at that address, by its row's (address, length) pairs."""
    if nr == MMAP and not args[3] & MAP_FIXED:
        return False
    end = page + PAGE_SIZE
    return any(args[address] < end and args[address] + args[length] > page for address, length in guards)


def make_page(tid: int, memory: GuestMemory, stack: int, inject: Callable[..., int], inherited: int) -> ReferencePage:
    """Maps a page into a task through calls that `inject` makes the task itself run.

    `inject(nr, *arguments)` gives the result or raises Errno; `inherited`: where the parent's page is, 0 for none.
    """
    fd = _create_in_guest(memory, stack, inject)
    try:
        view = _view_of(tid, fd)
        try:
            address = _place_in_guest(fd, inject, inherited)
        except Errno:
            view.close()
            raise
    finally:
        inject(CLOSE, fd)
    return ReferencePage(view, address)


def _place_in_guest(fd: int, inject: Callable[..., int], inherited: int) -> int:
    """Maps it by a call of the guest itself; a page inherited over fork belongs to the parent and is replaced."""
    if inherited:
        return inject(MMAP, inherited, PAGE_SIZE, mmap.PROT_READ, mmap.MAP_SHARED | MAP_FIXED, fd, 0)
    for place in PLACES:
        try:
            return inject(MMAP, place, PAGE_SIZE, mmap.PROT_READ, mmap.MAP_SHARED | _MAP_FIXED_NOREPLACE, fd, 0)
        except Errno as error:
            if error.errno != EEXIST:
                raise
    raise Errno(ENOMEM)


def _create_in_guest(memory: GuestMemory, stack: int, inject: Callable[..., int]) -> int:
    """memfd_create by the guest itself; its name is lent to the stack for the time of the call."""
    scratch = (stack - _SCRATCH_BELOW_STACK) & ~15
    try:
        before = memory.read(scratch, len(_NAME))
        memory.write(scratch, _NAME)
    except Errno as error:
        raise Errno(EPERM if error.errno == EPERM else ENOMEM) from None
    fd = inject(MEMFD_CREATE, scratch, _MFD_CLOEXEC | _MFD_ALLOW_SEALING)
    memory.write(scratch, before)
    return fd


def _view_of(tid: int, fd: int) -> mmap.mmap:
    """Opens the memfd that the guest made, gives it its size, maps it and seals it against every later writer."""
    try:
        ours = os.open(f"/proc/{tid}/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(ours, PAGE_SIZE)
            view = mmap.mmap(ours, PAGE_SIZE, mmap.MAP_SHARED | _MAP_NORESERVE, mmap.PROT_READ | mmap.PROT_WRITE)
            fcntl.fcntl(ours, fcntl.F_ADD_SEALS, _SEALS)
        finally:
            os.close(ours)
    except OSError as error:
        raise Errno(error.errno or ENOMEM) from None
    return view
