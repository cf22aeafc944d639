"""What the C core offers for guests that trace guests; see `_native/debug/contract.h`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.errors import Errno

if TYPE_CHECKING:
    from picobox.platform.base import HostTid


_TKILL = 200


class DebugCalls:
    """Lets one guest hold another one at its stops. Every method raises Errno(ESRCH) if the task is not there."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def begin(self, tid: HostTid, tracer: HostTid, *, seized: bool, options: int) -> bool:
        """A task is traced from now on; whether it is stopped with its group, and will tell that by itself."""
        return bool(_check(lib.pb_debug_begin(self._core, tid, tracer, seized, options)))

    def set_options(self, tid: HostTid, options: int) -> None:
        """PTRACE_O_*, of a task that is held."""
        _check(lib.pb_debug_options(self._core, tid, options))

    def end(self, tid: HostTid, signal: int) -> None:
        """A task is traced no more, and goes on, with a signal, if it is held."""
        _check(lib.pb_debug_end(self._core, tid, signal))

    def resume(self, tid: HostTid, how: int, signal: int) -> None:
        """`how`: PB_DEBUG_*. Errno(EIO): it cannot go on like that from this stop."""
        _check(lib.pb_debug_resume(self._core, tid, how, signal))

    def send(self, tid: HostTid, number: int) -> None:
        """Sends a signal to one thread."""
        lib.pb_call(_TKILL, ffi.new("uint64_t[6]", [tid, number]))

    def interrupt(self, tid: HostTid) -> None:
        """A tracee is to stop soon."""
        _check(lib.pb_debug_interrupt(self._core, tid))

    def transfer(self, tid: HostTid, request: int, address: int, data: bytes) -> bytes:
        """Makes a request of ptrace(2) on a task that is held, with these bytes: those that it left there."""
        buffer = ffi.new("char[]", data)
        _check(lib.pb_debug_request(self._core, tid, request, address, buffer))
        return bytes(ffi.buffer(buffer, len(data)))

    def transfer_sized(self, tid: HostTid, request: int, address: int, data: bytes) -> tuple[bytes, int]:
        """The same, with the result of the request."""
        buffer = ffi.new("char[]", data)
        length = _check(lib.pb_debug_request(self._core, tid, request, address, buffer))
        return bytes(ffi.buffer(buffer, len(data))), length

    def give(self, tid: HostTid, request: int, address: int, value: int) -> None:
        """Makes a request that takes a word instead of a buffer."""
        _check(lib.pb_debug_request(self._core, tid, request, address, ffi.cast("void *", value)))

    def transfer_set(self, tid: HostTid, request: int, kind: int, data: bytes) -> bytes:
        """PTRACE_GETREGSET and PTRACE_SETREGSET: the bytes that the kernel says are in the set."""
        buffer = ffi.new("char[]", data)
        vector = ffi.new("uint64_t[2]", [int(ffi.cast("uintptr_t", buffer)), len(data)])
        _check(lib.pb_debug_request(self._core, tid, request, kind, vector))
        return bytes(ffi.buffer(buffer, min(vector[1], len(data))))

    def confine(self, tid: HostTid, group: int) -> None:
        """A task is about to confine itself by Landlock; with it all threads of that group, if it is not 0."""
        _check(lib.pb_debug_confine(self._core, tid, group))

    def tell_waits(self, tid: HostTid, *, tells: bool) -> None:
        """Whether STOP_WAIT tells of the task's waits."""
        _check(lib.pb_debug_tell_waits(self._core, tid, tells))

    def wait_in_kernel(self, tid: HostTid, *, zero_if_none: bool = False) -> None:
        """A wait that was told is the kernel's. `zero_if_none`: it gives 0 where that says ECHILD."""
        _check(lib.pb_debug_wait_kernel(self._core, tid, zero_if_none))

    def park(self, tid: HostTid) -> None:
        """A wait that was told lasts until a signal comes or `wake`."""
        _check(lib.pb_debug_wait_parked(self._core, tid))

    def answer_wait(self, tid: HostTid, result: int) -> None:
        """A wait that was told is over."""
        _check(lib.pb_debug_wait_answer(self._core, tid, result))

    def wake(self, tid: HostTid) -> None:
        """A task that waits does so anew, and is told."""
        _check(lib.pb_debug_wake(self._core, tid))


def _check(result: int) -> int:
    if result < 0:
        raise Errno(-result)
    return result
