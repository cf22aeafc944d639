"""A process that names objects, for the tests of the object manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim_host import FakeHost

from ntshim import status as st
from ntshim.mm.protection import PAGE_READWRITE
from ntshim.mm.section import SEC_COMMIT
from ntshim.nt import NtServices
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import GENERIC_ALL
from ntshim.ob.open import Created
from ntshim.ps import Executive, PicoThreadAttributes

if TYPE_CHECKING:
    from ntshim.ke.clock import Clock

BASE = r"\BaseNamedObjects"


def status_of(routine: Any, *args: Any, **more: Any) -> int:
    """Call a service; gives its status, an informational one included."""
    try:
        answer = routine(*args, **more)
    except st.NtError as error:
        return error.status
    return answer.status if isinstance(answer, Created) else st.STATUS_SUCCESS


class World:
    """An executive, a process without privileges, and its thread, which calls."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.executive = Executive(FakeHost(), clock)
        self.nt = NtServices(self.executive)
        self.thread = self.new_thread()
        self.process = self.thread.process
        self.system = self.executive.system_process

    def new_thread(self) -> Any:
        process = self.executive.create_minimal_process("test")
        return self.executive.create_pico_thread(PicoThreadAttributes(process, object()))

    def services(self, kind: str) -> tuple[Any, Any]:
        """Give what creates and what opens objects of a type, from access and attributes."""
        nt, caller = self.nt, self.thread
        creators = {
            "Event": lambda access, given: nt.NtCreateEvent(caller, access, given, 0),
            "Mutant": lambda access, given: nt.NtCreateMutant(caller, access, given),
            "Semaphore": lambda access, given: nt.NtCreateSemaphore(caller, access, given, 0, 1),
            "KeyedEvent": lambda access, given: nt.NtCreateKeyedEvent(caller, access, given),
            "Timer": lambda access, given: nt.NtCreateTimer(caller, access, given, 0),
            "IoCompletion": lambda access, given: nt.NtCreateIoCompletion(caller, access, given),
            "Job": lambda access, given: nt.NtCreateJobObject(caller, access, given),
            "Section": lambda access, given: nt.NtCreateSection(caller, access, given, 1, PAGE_READWRITE, SEC_COMMIT),
            "Directory": lambda access, given: nt.NtCreateDirectoryObject(caller, access, given),
            "SymbolicLink": lambda access, given: nt.NtCreateSymbolicLinkObject(caller, access, given, BASE),
        }
        openers = {
            "Event": nt.NtOpenEvent,
            "Mutant": nt.NtOpenMutant,
            "Semaphore": nt.NtOpenSemaphore,
            "KeyedEvent": nt.NtOpenKeyedEvent,
            "Timer": nt.NtOpenTimer,
            "IoCompletion": nt.NtOpenIoCompletion,
            "Job": nt.NtOpenJobObject,
            "Section": nt.NtOpenSection,
            "Directory": nt.NtOpenDirectoryObject,
            "SymbolicLink": nt.NtOpenSymbolicLinkObject,
        }
        return creators[kind], lambda access, given: openers[kind](caller, access, given)

    def create(self, kind: str, name: Any, root: int = 0, flags: int = 0, access: int = GENERIC_ALL) -> int:
        """Create an object that must be new; gives the handle."""
        created = self.services(kind)[0](access, ObjectAttributes(name, root, flags))
        assert created.status == st.STATUS_SUCCESS
        handle: int = created.handle
        return handle

    def open(self, kind: str, name: str, root: int = 0, flags: int = 0, access: int = GENERIC_ALL) -> int:
        """Open an object that must be there; gives the handle."""
        handle: int = self.services(kind)[1](access, ObjectAttributes(name, root, flags))
        return handle

    def status(self, kind: str, given: Any, access: int = GENERIC_ALL) -> tuple[int, int]:
        """Give the statuses of opening, then of creating with the same attributes."""
        create, opening = self.services(kind)
        opened = status_of(opening, access, given)
        return opened, status_of(create, access, given)

    def link(self, name: str, target: str, root: int = 0) -> int:
        return self.nt.NtCreateSymbolicLinkObject(self.thread, GENERIC_ALL, ObjectAttributes(name, root), target).handle

    def close(self, handle: int) -> None:
        self.nt.NtClose(self.thread, handle)

    def object(self, handle: int) -> Any:
        return self.process.handles.look_up(handle).object
