"""The service table: NT services under their exact names, each called in the name of a process or thread."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

from ntshim.io.services import FileServices
from ntshim.ke.services import DispatcherServices
from ntshim.ob.name_services import NameServices
from ntshim.ob.services import (
    OBJECT_BASIC_INFORMATION,
    OBJECT_TYPE_INFORMATION,
    ObjectBasicInformation,
    ObjectServices,
)
from ntshim.ps.services import THREAD_AFFINITY_MASK, ProcessServices
from ntshim.service import ServiceFamily

__all__ = [
    "OBJECT_BASIC_INFORMATION",
    "OBJECT_TYPE_INFORMATION",
    "THREAD_AFFINITY_MASK",
    "NtServices",
    "ObjectBasicInformation",
]


if TYPE_CHECKING:
    from ntshim.mm.services import SectionServices
else:

    class SectionServices(ServiceFamily):
        """The services on sections; who calls none does not pay for loading them."""

        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            """Give a service, bound as one of the class's own."""
            if not name.startswith("Nt"):
                raise AttributeError(name)
            from ntshim.mm import services

            return MethodType(getattr(services.SectionServices, name), self)


class NtServices(ObjectServices, NameServices, DispatcherServices, ProcessServices, FileServices, SectionServices):
    """All services of one executive. Each family lives beside what it serves; `service.ServiceFamily` is the frame."""

    __slots__ = ()
