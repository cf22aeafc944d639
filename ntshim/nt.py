"""The service table: NT services under their exact names, each called in the name of a process or thread."""

from __future__ import annotations

from importlib import import_module
from types import MethodType
from typing import TYPE_CHECKING, Any

from ntshim.io.services import FileServices
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
    from ntshim.cm.services import KeyServices
    from ntshim.cm.value_services import ValueServices
    from ntshim.io.completion_services import IoCompletionServices
    from ntshim.io.control import ControlServices
    from ntshim.io.directory_services import DirectoryServices
    from ntshim.io.ea_services import EaServices
    from ntshim.io.lock_services import LockServices
    from ntshim.io.notify_services import NotifyServices
    from ntshim.io.volume_services import VolumeServices
    from ntshim.ke.keyed_services import KeyedEventServices
    from ntshim.ke.services import DispatcherServices
    from ntshim.ke.timer_services import TimerServices
    from ntshim.ke.wait_services import WaitServices
    from ntshim.mm.memory_services import MemoryServices
    from ntshim.mm.services import SectionServices
    from ntshim.ps.job_services import JobServices
    from ntshim.se.security_services import SecurityServices
    from ntshim.se.token_services import TokenServices

    class _Later(
        ControlServices,
        DirectoryServices,
        DispatcherServices,
        EaServices,
        IoCompletionServices,
        JobServices,
        KeyServices,
        KeyedEventServices,
        LockServices,
        MemoryServices,
        NotifyServices,
        SectionServices,
        SecurityServices,
        TimerServices,
        TokenServices,
        VolumeServices,
        ValueServices,
        WaitServices,
    ):
        """The families that are loaded when one of their services is first asked for."""

        __slots__ = ()
else:
    # The module of each such family, its class, and its services: who calls none of them does not pay for loading it.
    _FAMILIES = (
        (
            "ntshim.cm.services",
            "KeyServices",
            (
                "NtCreateKey NtOpenKey NtOpenKeyEx NtDeleteKey NtRenameKey NtQueryKey NtEnumerateKey "
                "NtSetInformationKey NtFlushKey NtNotifyChangeKey NtLoadKey NtUnloadKey NtSaveKey"
            ),
        ),
        (
            "ntshim.cm.value_services",
            "ValueServices",
            "NtSetValueKey NtDeleteValueKey NtQueryValueKey NtQueryMultipleValueKey NtEnumerateValueKey",
        ),
        ("ntshim.io.lock_services", "LockServices", "NtLockFile NtUnlockFile"),
        ("ntshim.io.notify_services", "NotifyServices", "NtNotifyChangeDirectoryFile NtNotifyChangeDirectoryFileEx"),
        (
            "ntshim.io.completion_services",
            "IoCompletionServices",
            (
                "NtCreateIoCompletion NtOpenIoCompletion NtSetIoCompletion NtRemoveIoCompletion "
                "NtRemoveIoCompletionEx NtQueryIoCompletion"
            ),
        ),
        (
            "ntshim.ke.keyed_services",
            "KeyedEventServices",
            "NtCreateKeyedEvent NtOpenKeyedEvent NtWaitForKeyedEvent NtReleaseKeyedEvent",
        ),
        (
            "ntshim.ke.services",
            "DispatcherServices",
            (
                "NtCreateEvent NtOpenEvent NtSetEvent NtResetEvent NtClearEvent NtPulseEvent NtQueryEvent "
                "NtCreateMutant NtOpenMutant NtReleaseMutant NtQueryMutant NtCreateSemaphore "
                "NtOpenSemaphore NtReleaseSemaphore NtQuerySemaphore"
            ),
        ),
        (
            "ntshim.ke.timer_services",
            "TimerServices",
            "NtCreateTimer NtOpenTimer NtSetTimer NtCancelTimer NtQueryTimer",
        ),
        (
            "ntshim.ke.wait_services",
            "WaitServices",
            (
                "NtWaitForSingleObject NtWaitForMultipleObjects NtSignalAndWaitForSingleObject "
                "NtDelayExecution NtAlertThread NtAlertResumeThread NtTestAlert NtQueueApcThread"
            ),
        ),
        (
            "ntshim.ps.job_services",
            "JobServices",
            (
                "NtCreateJobObject NtOpenJobObject NtAssignProcessToJobObject NtIsProcessInJob NtTerminateJobObject "
                "NtQueryInformationJobObject NtSetInformationJobObject"
            ),
        ),
        ("ntshim.io.directory_services", "DirectoryServices", "NtQueryDirectoryFile NtQueryDirectoryFileEx"),
        (
            "ntshim.io.volume_services",
            "VolumeServices",
            "NtQueryVolumeInformationFile NtSetVolumeInformationFile",
        ),
        (
            "ntshim.mm.services",
            "SectionServices",
            "NtCreateSection NtOpenSection NtQuerySection NtExtendSection NtMapViewOfSection NtUnmapViewOfSection",
        ),
        ("ntshim.io.ea_services", "EaServices", "NtQueryEaFile NtSetEaFile"),
        ("ntshim.io.control", "ControlServices", "NtFsControlFile NtDeviceIoControlFile"),
        (
            "ntshim.se.token_services",
            "TokenServices",
            (
                "NtOpenProcessToken NtOpenProcessTokenEx NtOpenThreadToken NtOpenThreadTokenEx NtQueryInformationToken "
                "NtSetInformationToken NtAdjustPrivilegesToken NtAdjustGroupsToken NtPrivilegeCheck NtDuplicateToken "
                "NtFilterToken NtImpersonateThread NtImpersonateAnonymousToken"
            ),
        ),
        (
            "ntshim.se.security_services",
            "SecurityServices",
            "NtQuerySecurityObject NtSetSecurityObject NtAccessCheck",
        ),
        ("ntshim.mm.memory_services", "MemoryServices", "NtReadVirtualMemory NtWriteVirtualMemory"),
    )
    _OWNERS = {name: family[:2] for family in _FAMILIES for name in family[2].split()}

    class _Later(ServiceFamily):
        """The families that are loaded when one of their services is first asked for."""

        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            """Give a service of such a family; from now on it is one of the class's own."""
            if name not in _OWNERS:
                raise AttributeError(name)
            module, family = _OWNERS[name]
            routine = getattr(getattr(import_module(module), family), name)
            setattr(_Later, name, routine)
            return MethodType(routine, self)

        def __dir__(self) -> list[str]:
            """Name those too that are not loaded."""
            return sorted({*super().__dir__(), *_OWNERS})


class NtServices(ObjectServices, NameServices, ProcessServices, _Later, FileServices):
    """All services of one executive. Each family lives beside what it serves; `service.ServiceFamily` is the frame."""

    __slots__ = ()
