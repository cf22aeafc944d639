"""Owns what the reference platform does with a stopped task's registers and memory, given access to them."""

from __future__ import annotations

from errno import EFAULT, EINTR, ENAMETOOLONG
from typing import TYPE_CHECKING, Any

from picobox.errors import Errno
from picobox.platform.reference_signals import is_ignored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from picobox.platform.base import FramesForm

_SYSCALL_INSTRUCTION = b"\x0f\x05"
_USER_END = 1 << 47
_PAGE = 4096


def signed(value: int) -> int:
    """A register's value as the kernel's long."""
    return value - (1 << 64) if value >> 63 else value


class ReferenceTask:
    """A task between its stops, also its memory (`GuestMemory`). The subclass brings the access to a process.

    Named as python-ptrace names them: `getregs`, `setregs`, `getsiginfo`, `detach` (forgets the task); and ours: `run`
    (to its next stop, with a signal), `load` (as many bytes as are mapped) and `store`, both with Errno(EFAULT) where
    there is nothing and Errno(EPERM) where the kernel keeps the memory from us, and `call_architecture` (AUDIT_ARCH_*
    of the call that the task stands in: by int 0x80 the calls have other numbers).
    """

    pid: int
    getregs: Callable[[], Any]
    setregs: Callable[[Any], None]
    getsiginfo: Callable[[], Any]
    detach: Callable[[], None]
    run: Callable[..., None]
    load: Callable[[int, int], bytes]
    call_architecture: Callable[[], int]
    store: Callable[[int, bytes], None]

    def __init__(self) -> None:
        self.announced = False  # its creator's event was seen, or it has none
        self.born = False  # its first stop was seen
        self.starting = False  # before its first execve succeeded: the calls are ours
        self.in_call = False  # between the two stops of a call
        self.report_exit = False  # the second one is for the supervisor
        self.group_stopped = False
        self.stop_postponed = False  # SIGSTOP came while it ran calls of ours
        self.page = 0  # where its address space holds an argument page
        self.creator = 0
        self.calls = 0
        self.noticed = False  # a signal that it does not ignore came since it entered its last call
        self.interrupted_call = -1  # was ended by an ignored signal and will run again
        self.saved: dict[str, int] = {}  # registers to put back at the call's exit

    def skip_call(self, result: int) -> None:
        """The kernel runs no call of number -1 and keeps rax (mechanisms.md section 2, RET_TRACE)."""
        self.put_back({"orig_rax": -1, "rax": result})

    def enter_again(self, regs: Any, nr: int) -> None:
        """Moves a task that is leaving a call, with these registers, back before the instruction, for call `nr`."""
        regs.rip -= len(_SYSCALL_INSTRUCTION)
        regs.rax = nr
        regs.orig_rax = -1  # no restart handling of the call that is replaced
        self.setregs(regs)

    def put_back(self, registers: Mapping[str, int]) -> None:
        """Sets some registers."""
        if registers:
            regs = self.getregs()
            for name, value in registers.items():
                setattr(regs, name, value)
            self.setregs(regs)

    def signal_to_deliver(self, number: int) -> int:
        """The signal, or 0 if it is ignored and has ended a call, which then runs again.

        Without a tracer the task would not see such a signal at all (man 2 ptrace, BUGS). If a signal with a handler
        follows at once, EINTR was right after all.
        """
        ignored = is_ignored(self.pid, number)
        # A stop signal justifies EINTR too, also when the SIGCONT that ends the stop is ignored (man 7 signal).
        self.noticed = self.noticed or not ignored
        regs = self.getregs()
        if self.interrupted_call >= 0 and not ignored:
            self.interrupted_call = -1
            regs.rip += len(_SYSCALL_INSTRUCTION)
            regs.rax = -EINTR
            self.setregs(regs)
        nr = signed(regs.orig_rax)
        if self.noticed or nr < 0 or signed(regs.rax) != -EINTR:
            return number
        self.enter_again(regs, nr)
        self.interrupted_call = nr
        return 0

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes; Errno(EFAULT) if the task itself could not read them."""
        self._check(address, size, b"r")
        data = self.load(address, size)
        if len(data) != size:
            raise Errno(EFAULT)
        return data

    def read_string(self, address: int, limit: int) -> bytes:
        """As abi.types.Memory has it."""
        found = b""
        while len(found) < limit:
            at = address + len(found)
            part = self.read(at, min(_PAGE - at % _PAGE, limit - len(found)))
            end = part.find(b"\0")
            if end >= 0:
                return found + part[:end]
            found += part
        raise Errno(ENAMETOOLONG)

    def read_blocks(self, addresses: Sequence[int], size: int) -> bytes:
        """As platform.base.GuestMemory has it."""
        return b"".join(self._block(address, size) for address in addresses)

    def read_frames(self, form: FramesForm, innermost: int, limit: int) -> None:
        """Each read is a call of its own here: nothing is gained by reading all of them."""

    def _block(self, address: int, size: int) -> bytes:
        try:
            data = self.load(address, size)
        except Errno:
            data = b""
        return data if len(data) == size else bytes(size)

    def write(self, address: int, data: bytes) -> None:
        """Errno(EFAULT) if the task itself could not write there."""
        self._check(address, len(data), b"w")
        self.store(address, data)

    def _check(self, address: int, size: int, permission: bytes) -> None:
        """A tracer's accesses ignore the permissions of pages (proc(5), mem), the kernel's own on a call do not."""
        end = address + size
        if end > _USER_END:
            raise Errno(EFAULT)
        for start, limit, permissions in _mappings(self.pid):
            if start <= address < limit and permission in permissions:
                address = limit
            if address >= end:
                return
        raise Errno(EFAULT)


def _mappings(tid: int) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and permissions of each mapping, ascending (proc(5), maps)."""
    try:
        maps = open(f"/proc/{tid}/maps", "rb")  # noqa: SIM115 - closed below
    except OSError:
        # Not dumpable: its pages are not told.
        yield 0, _USER_END, b"rwx"
        return
    with maps:
        for line in maps:
            place, permissions, _ = line.split(b" ", 2)
            start, _, limit = place.partition(b"-")
            yield int(start, 16), int(limit, 16), permissions
