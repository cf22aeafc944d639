"""The services on the memory of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.mm import memory
from ntshim.ps.process import PROCESS_VM_READ, PROCESS_VM_WRITE
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread


class MemoryServices(ServiceFamily):
    """Memory, which is what views show (`mm.memory`)."""

    __slots__ = ()

    @service
    def NtReadVirtualMemory(
        self, caller: Process | Thread, process_handle: int, base_address: int, length: int
    ) -> bytes:
        """Read what the views of a process show; needs PROCESS_VM_READ.

        STATUS_ACCESS_VIOLATION for addresses that no process has, STATUS_PARTIAL_COPY, with nothing read, if not all
        of it can be read, STATUS_INSUFFICIENT_RESOURCES for more than `mm.memory.LARGEST_COPY`; the memory of a pico
        process is its host's: STATUS_NOT_IMPLEMENTED.
        """
        return memory.read(self._process(caller, process_handle, PROCESS_VM_READ), base_address, length)

    @service
    def NtWriteVirtualMemory(
        self, caller: Process | Thread, process_handle: int, base_address: int, data: bytes
    ) -> int:
        """Write to what the views of a process show; gives the number of bytes. Needs PROCESS_VM_WRITE.

        A file that is mapped shared changes at once, whoever has locked it. Statuses as NtReadVirtualMemory; if not
        all of it can be written, nothing is.
        """
        return memory.write(self._process(caller, process_handle, PROCESS_VM_WRITE), base_address, data)
