"""The services on byte-range locks (facts/nt.md section 3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io.file import FILE, FILE_READ_DATA, FILE_WRITE_DATA, File
from ntshim.io.locks import ByteRangeLocks, LockOwner, byte_range, check_key
from ntshim.io.queued import signal_when_done
from ntshim.ke.event import EVENT, EVENT_MODIFY_STATE, Event
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.io.queued import QueuedIrp
    from ntshim.ob.handles import HandleEntry
    from ntshim.ps.process import Process, Thread


class LockServices(ServiceFamily):
    """Byte-range locks. A lock belongs to file object, process and key; the file object's last handle ends it."""

    __slots__ = ()

    @service
    def NtLockFile(
        self,
        caller: Process | Thread,
        handle: int,
        byte_offset: int,
        length: int,
        key: int = 0,
        *,
        fail_immediately: bool = False,
        exclusive_lock: bool = False,
        event: int = 0,
        apc_context: Any = None,
    ) -> QueuedIrp:
        """Lock `length` bytes from an offset on, both of 64 bits without sign; they may lie beyond the end of the file.

        Gives the request: its status is STATUS_SUCCESS, or STATUS_PENDING until the lock is granted, and `event`, a
        handle with EVENT_MODIFY_STATE, is set then; `apc_context` goes to the file's completion port.
        Order: STATUS_ACCESS_DENIED without FILE_READ_DATA or FILE_WRITE_DATA, STATUS_INVALID_PARAMETER for a directory
        or a key of more than 32 bits, STATUS_INVALID_LOCK_RANGE, STATUS_LOCK_NOT_GRANTED with `fail_immediately`.
        """
        owner, locks = _locks_of(self._entry(caller, handle, FILE, 0), caller, key)
        offset, length = byte_range(byte_offset, length)
        signalled = self._object(caller, event, Event, EVENT, EVENT_MODIFY_STATE) if event else None
        if owner.file.device is not None:
            owner.file.device.before_lock(owner.file)
        irp = locks.request(owner, offset, length, exclusive=exclusive_lock, fail_immediately=fail_immediately)
        signal_when_done(irp, signalled, apc_context)
        return irp

    @service
    def NtUnlockFile(self, caller: Process | Thread, handle: int, byte_offset: int, length: int, key: int = 0) -> None:
        """Release a lock that has just this offset, length and key; an exclusive one before a shared one.

        STATUS_RANGE_NOT_LOCKED if there is none; otherwise as NtLockFile.
        """
        owner, locks = _locks_of(self._entry(caller, handle, FILE, 0), caller, key)
        locks.unlock(owner, *byte_range(byte_offset, length))


def _locks_of(entry: HandleEntry, caller: Process | Thread, key: int) -> tuple[LockOwner, ByteRangeLocks]:
    """Give who would own a lock, and the locks of the stream that is open."""
    file = entry.object
    if not isinstance(file, File) or file.device is None:
        raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
    if not entry.access & (FILE_READ_DATA | FILE_WRITE_DATA):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    check_key(key)
    return LockOwner(file, caller.process, key), file.device.byte_range_locks(file)
