"""The service table: NT services under their exact names, each called in the name of a process or thread."""

from __future__ import annotations

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

__all__ = [
    "OBJECT_BASIC_INFORMATION",
    "OBJECT_TYPE_INFORMATION",
    "THREAD_AFFINITY_MASK",
    "NtServices",
    "ObjectBasicInformation",
]


class NtServices(ObjectServices, NameServices, DispatcherServices, ProcessServices, FileServices):
    """All services of one executive. Each family lives beside what it serves; `service.ServiceFamily` is the frame."""

    __slots__ = ()
