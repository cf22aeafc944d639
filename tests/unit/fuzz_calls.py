"""For each service the arguments that a fuzz calls it with: mostly right, so that most calls reach its depths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzz_registry import REGISTRY_CALLS
from fuzz_world import BASE, DRIVE, ODD_TEXTS, PATHS, Fuzz, echo_file

from ntshim.fs import reparse
from ntshim.io import control, create, query, volume_query
from ntshim.io.ea import FileFullEaInformation
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.object import MAXIMUM_ALLOWED
from ntshim.ob.services import ObjectHandleFlagInformation
from ntshim.ps import job_services
from ntshim.ps.services import ClientId
from ntshim.se import sid as sids
from ntshim.se.acl import Ace, Acl
from ntshim.se.descriptor import SecurityDescriptor
from ntshim.se.identity import DEFAULT_GROUP, DEFAULT_USER, SidAndAttributes
from ntshim.se.privileges import LuidAndAttributes
from ntshim.se.sid import Sid
from ntshim.se.token import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = tuple[tuple[Any, ...], dict[str, Any]]

PAGE = 0x1000
VIEW = 0x10000
DISPATCHER = ("Event", "Mutant", "Semaphore", "Timer", "IoCompletion", "Job", "Process", "Thread", "File")
EVERY = (*DISPATCHER, "Directory", "SymbolicLink", "KeyedEvent", "Section", "Token")
SIDS = (DEFAULT_USER, DEFAULT_GROUP, sids.EVERYONE, sids.LOCAL_SYSTEM, sids.ADMINISTRATORS, sids.LOW_INTEGRITY)


def call(*args: Any, **more: Any) -> Call:
    return args, more


def switches(f: Fuzz, *names: str) -> dict[str, bool]:
    return {name: f.truth() for name in names}


def wait(f: Fuzz, *args: Any) -> Call:
    """A call that may wait; one in ten is alertable, so that alerts end some."""
    return call(*args, f.timeout(), alertable=f.chance(0.1))


def create_of(kind: str, *rest: Callable[[Fuzz], Any]) -> Callable[[Fuzz], Call]:
    return lambda f: call(f.access(kind), f.new(kind), *[make(f) for make in rest])


def open_of(kind: str) -> Callable[[Fuzz], Call]:
    return lambda f: call(f.access(kind), f.there(kind))


def on(*kinds: str) -> Callable[[Fuzz], Call]:
    return lambda f: call(f.handle(*kinds))


def information(f: Fuzz, records: dict[int, Callable[[], Any]]) -> tuple[int, Any]:
    """Give a class with a record of its own, or what is no class of these."""
    chosen = f.one(list(records))
    if f.odd():
        number = f.odd_number()
        if number not in records:
            return number, records[chosen]()
    return chosen, records[chosen]()


def sid(f: Fuzz) -> Sid:
    if not f.odd():
        return f.one(SIDS)
    return Sid(f.odd_number(), tuple(f.some(f.odd_number, 17)))


def group(f: Fuzz) -> SidAndAttributes:
    return SidAndAttributes(sid(f), f.flags(0x7))


def privilege(f: Fuzz) -> LuidAndAttributes:
    return LuidAndAttributes(f.number(*range(2, 37)), f.flags(0x3))


def acl(f: Fuzz) -> Acl | None:
    if f.chance(0.2):
        return None
    return Acl(tuple(f.some(lambda: Ace(f.number(0, 0, 1), f.flags(0xB), f.flags(0x1F01FF), sid(f)))), f.number(2, 4))


def descriptor(f: Fuzz) -> Any:
    made = SecurityDescriptor(f.one(SIDS[:1]), f.one(SIDS[:2]), acl(f), None, f.number(0x4))
    if f.odd():
        return f.one([f.data(), made._replace(owner=sid(f), sacl=acl(f)), b""])
    return made


def extended_attribute(f: Fuzz) -> FileFullEaInformation:
    name = f.one(ODD_TEXTS) if f.odd() else f.one(["USER.A", "user.b", "third"])
    return FileFullEaInformation(f.number(0, 0x80), name, f.data())


def rename(f: Fuzz) -> query.FileRenameInformation:
    f.count += 1
    return query.FileRenameInformation(f.name(f"{DRIVE}\\renamed {f.count}"), f.flags(0x3), f.number(0))


def basic(f: Fuzz) -> query.FileBasicInformation:
    first, second, third, fourth = [f.number(0, 1, 1 << 56) for _ in range(4)]
    return query.FileBasicInformation(first, second, third, fourth, f.flags(0x27))


def set_file(f: Fuzz) -> Call:
    def mode() -> int:
        return f.number(0, 2, 4)

    def size() -> int:
        return f.number(0, 1, 100, PAGE)

    number, record = information(
        f,
        {
            query.FILE_BASIC_INFORMATION: lambda: basic(f),
            query.FILE_RENAME_INFORMATION: lambda: rename(f),
            query.FILE_RENAME_INFORMATION_EX: lambda: rename(f),
            query.FILE_LINK_INFORMATION: lambda: rename(f),
            query.FILE_LINK_INFORMATION_EX: lambda: rename(f),
            query.FILE_DISPOSITION_INFORMATION: f.truth,
            query.FILE_DISPOSITION_INFORMATION_EX: lambda: f.flags(0x3),
            query.FILE_POSITION_INFORMATION: size,
            query.FILE_MODE_INFORMATION: mode,
            query.FILE_ALLOCATION_INFORMATION: size,
            query.FILE_END_OF_FILE_INFORMATION: size,
            query.FILE_VALID_DATA_LENGTH_INFORMATION: lambda: f.number(0),
            query.FILE_CASE_SENSITIVE_INFORMATION: lambda: f.flags(0x1),
            query.FILE_FULL_EA_INFORMATION: lambda: f.some(lambda: extended_attribute(f)),
            query.FILE_COMPLETION_INFORMATION: lambda: query.FileCompletionInformation(f.handle("IoCompletion"), 1),
        },
    )
    handle = f.handle("File") if f.odd() else f.file()
    return call(handle, record, number)


def set_volume(f: Fuzz) -> Call:
    root = f.create_file(f.process, "", create.FILE_DIRECTORY_FILE, access=MAXIMUM_ALLOWED)
    number, record = information(
        f,
        {
            volume_query.FILE_FS_LABEL_INFORMATION: lambda: f.one(ODD_TEXTS) if f.odd() else "label",
            volume_query.FILE_FS_OBJECT_ID_INFORMATION: lambda: volume_query.FileFsObjectIdInformation(
                f.data() if f.odd() else bytes(16), f.data() if f.odd() else bytes(48)
            ),
        },
    )
    return call(f.handle("File") if f.odd() else root, record, number)


def set_job(f: Fuzz) -> Call:
    def limits(flags: int) -> job_services.JobObjectBasicLimitInformation:
        return job_services.JobObjectBasicLimitInformation(f.flags(flags), f.number(1, 100))

    number, record = information(
        f,
        {
            2: lambda: limits(0x8),
            9: lambda: job_services.JobObjectExtendedLimitInformation(limits(0x3808)),
            7: lambda: job_services.JobObjectAssociateCompletionPort(1, f.handle("IoCompletion") * f.truth()),
        },
    )
    return call(f.handle("Job"), number, record)


def set_token(f: Fuzz) -> Call:
    number, record = information(
        f,
        {
            4: lambda: sid(f) if f.odd() else DEFAULT_USER,
            5: lambda: sid(f) if f.odd() else DEFAULT_GROUP,
            6: lambda: acl(f),
            12: lambda: f.number(0, 1),
            25: lambda: SidAndAttributes(sid(f) if f.odd() else sids.LOW_INTEGRITY),
            27: lambda: f.flags(0x3),
        },
    )
    return call(f.handle("Token"), number, record)


def set_thread(f: Fuzz) -> Call:
    number, record = information(f, {4: lambda: f.number(1), 5: lambda: f.handle("ImpersonationToken")})
    return call(f.handle("Thread"), number, record)


def create_file(f: Fuzz) -> Call:
    path = f.one(PATHS)
    options = create.FILE_DIRECTORY_FILE if path == "folder" else f.flags(create.FILE_NON_DIRECTORY_FILE)
    disposition = f.number(create.FILE_OPEN, create.FILE_OPEN_IF, create.FILE_OPEN_IF)
    attributes = f.attributes(f"{DRIVE}\\{path}", OBJ_CASE_INSENSITIVE)
    eas = f.some(lambda: extended_attribute(f)) if f.chance(0.1) else ()
    more = f.number(0) if f.odd() else options
    access = f.number(0x80, 0x1, 0x100080, MAXIMUM_ALLOWED)
    return call(access, attributes, f.flags(0x20), f.number(FILE_SHARE_ALL), disposition, more, None, eas)


def create_section(f: Fuzz) -> Call:
    size, protection, allocation = f.number(1, PAGE, VIEW), f.number(2, 4, 0x40), f.number(0x8000000, 0x4000000)
    file = f.handle("File") if f.odd() else 0
    return call(f.access("Section"), f.new("Section"), size, protection, allocation, file)


def extend_section(f: Fuzz) -> Call:
    if f.odd():
        return call(f.handle("Section"), f.number(1))
    file = f.file()
    f.nt.NtWriteFile(f.process, file, bytes(10), 0)
    section = f.nt.NtCreateSection(f.process, MAXIMUM_ALLOWED, None, 0, 4, 0x8000000, file).handle
    return call(section, f.number(10, 100, PAGE))


def map_view(f: Fuzz) -> Call:
    return call(f.handle("Section"), f.number(-1), f.number(0), f.number(0), f.number(0, PAGE), f.number(1, 2),
                f.number(0), f.number(2, 4))  # fmt: skip


def mapped(f: Fuzz) -> int:
    """Give the address of a view of the caller."""
    section = f.handle("Section") if f.chance(0.1) else f.create("Section")
    view = f.nt.NtMapViewOfSection(f.process, section, -1, 0, 0, PAGE, 2, 0, 4)
    return f.number(view.base_address) if f.odd() else view.base_address


def fs_control(f: Fuzz) -> Call:
    symlink = reparse.build_symlink(rf"{DRIVE}\file")
    handle = f.file()
    codes = (control.FSCTL_SET_REPARSE_POINT, control.FSCTL_GET_REPARSE_POINT, control.FSCTL_DELETE_REPARSE_POINT)
    code = f.number(*codes)
    if code != codes[0] and not f.odd():
        f.nt.NtFsControlFile(f.process, handle, codes[0], symlink)
    data = {codes[0]: symlink, codes[2]: reparse.build(reparse.IO_REPARSE_TAG_SYMLINK, b"")}.get(code, b"")
    if f.odd():
        data = f.one([f.data(), symlink[: f.random.randrange(len(symlink))], symlink + f.data()])
    return call(handle, code, data, f.number(1000), 0 if not f.odd() else f.handle("Event"))


def device_control(f: Fuzz) -> Call:
    handle = f.handle("File") if f.odd() else echo_file(f)
    return call(handle, f.number(0, 4, 8), f.data(), f.number(64), f.handle("Event") * f.truth())


def lock(f: Fuzz) -> Call:
    offset = f.number(*range(0, 1000, 10))
    return call(f.handle("File"), offset, f.number(1, 5), f.number(0, 1), event=f.handle("Event") * f.truth(),
                **switches(f, "exclusive_lock", "fail_immediately"))  # fmt: skip


def unlock(f: Fuzz) -> Call:
    handle = f.file()
    f.nt.NtLockFile(f.process, handle, 5, 7)
    return call(handle, f.number(5), f.number(7), f.number(0))


def own_mutant(f: Fuzz) -> Call:
    """A mutant that the caller has, if a thread calls."""
    if f.odd():
        return call(f.handle("Mutant"))
    f.calling = f.thread
    return call(f.nt.NtCreateMutant(f.thread, MAXIMUM_ALLOWED, None, True).handle)


def signal_and_wait(f: Fuzz) -> Call:
    return wait(f, f.handle("Event", "Semaphore"), f.handle(*DISPATCHER))


def open_by_id(kind: str) -> Callable[[Fuzz], Call]:
    def make(f: Fuzz) -> Call:
        thread = f.stranger()
        ids = ClientId(f.number(thread.process.pid), f.number(thread.tid if kind == "Thread" else 0))
        return call(f.access(kind), f.attributes(None) if f.odd() else ObjectAttributes(), ids)

    return make


def open_thread_token(f: Fuzz) -> Call:
    thread = f.handle("Thread")
    if not f.odd():
        f.nt.NtSetInformationThread(f.process, thread, 5, f.handle_now("ImpersonationToken"))
    return call(thread, f.access("Token"), f.truth())


def filter_token(f: Fuzz) -> Call:
    restricting = f.some(lambda: SidAndAttributes(sid(f), f.number(0)))
    some = f.some(lambda: group(f)), f.some(lambda: privilege(f))
    return call(f.handle("Token"), f.flags(0xF), *some, restricting)


def access_check(f: Fuzz) -> Call:
    mapping = TOKEN.generic_mapping
    return call(descriptor(f), f.handle("ImpersonationToken"), f.number(1, 0x20000, MAXIMUM_ALLOWED), mapping)


def directory_scan(f: Fuzz, *rest: Any, **more: Any) -> Call:
    pattern = f.one([None, "*", "f*", "*.*", "insid?"])
    handle = f.handle("File") if f.odd() else f.directory_file()
    classes = query.FILE_NAMES_INFORMATION, *range(1, 4)
    return call(handle, f.number(*classes), *rest, f.name(pattern), length=f.one([None, f.number(1000)]), **more)


def directory_object(f: Fuzz) -> Call:
    handle = f.handle("Directory") if f.odd() else f.base()
    more = switches(f, "restart_scan", "return_single_entry")
    return call(handle, f.number(1000, 10000), context=f.number(0, 1), **more)


def member(f: Fuzz) -> Call:
    process = f.handle("Process") if f.odd() else f.create("Process")
    return call(f.handle("Job"), process)


def job_of(f: Fuzz, information_class: int) -> Call:
    return call(f.handle("Job"), information_class)


def notify(f: Fuzz) -> Call:
    return call(f.directory_file(), f.number(100, 1000), f.number(*range(1, 0x800)), f.truth())


def notify_ex(f: Fuzz) -> Call:
    positional, _ = notify(f)
    return call(*positional, 0, None, f.number(1, 2))


def write(f: Fuzz) -> Call:
    return call(f.handle("File"), f.data(), f.number(-1, 0, 1, 100, PAGE), f.number(0))


def read(f: Fuzz) -> Call:
    handle = f.handle("File")
    if not f.odd():
        f.nt.NtWriteFile(f.process, handle, b"something", 0)
    return call(handle, f.number(1, 2, 5), f.number(0, 1), f.number(0))


def keyed(f: Fuzz) -> Call:
    return wait(f, f.handle("KeyedEvent") * f.chance(0.9), f.number(0, 2, 4, 1 << 40))


def duplicate(f: Fuzz) -> Call:
    return call(f.number(-1), f.handle(*EVERY), f.number(-1), f.number(0, MAXIMUM_ALLOWED), f.flags(7),
                f.number(0, 2, 2, 3, 6))  # fmt: skip


def file_attributes(f: Fuzz) -> Call:
    return call(f.attributes(f"{DRIVE}\\{f.one(('file', 'other', 'folder'))}", OBJ_CASE_INSENSITIVE))


def delete_file(f: Fuzz) -> Call:
    f.nt.NtClose(f.process, f.create_file(f.process, "to delete"))
    return call(f.attributes(f"{DRIVE}\\to delete", OBJ_CASE_INSENSITIVE))


def open_file(f: Fuzz) -> Call:
    attributes = f.attributes(f"{DRIVE}\\{f.one(('file', 'other', 'folder'))}", OBJ_CASE_INSENSITIVE)
    return call(f.number(0x80, 0x1), attributes, f.number(FILE_SHARE_ALL), f.number(0))


def set_timer(f: Fuzz) -> Call:
    when = f.timeout()
    routine = print_nothing if f.chance(0.3) else None
    return call(f.handle("Timer"), -1 if when is None else when, routine, 1, f.number(0, 1, 1000))


def print_nothing(*_: Any) -> None:
    """What APCs call."""


# The arguments of each service; one without a row fails the test.
CALLS: dict[str, Callable[[Fuzz], Call]] = {
    **REGISTRY_CALLS,
    "NtAccessCheck": access_check,
    "NtAdjustGroupsToken": lambda f: call(f.handle("Token"), f.chance(0.7), f.some(lambda: group(f))),
    "NtAdjustPrivilegesToken": lambda f: call(f.handle("Token"), f.chance(0.2), f.some(lambda: privilege(f))),
    "NtAlertResumeThread": on("Thread"),
    "NtAlertThread": on("Thread"),
    "NtAssignProcessToJobObject": member,
    "NtCancelIoFile": on("File"),
    "NtCancelTimer": on("Timer"),
    "NtClearEvent": on("Event"),
    "NtClose": on(*EVERY),
    "NtCreateDirectoryObject": create_of("Directory"),
    "NtCreateEvent": create_of("Event", lambda f: f.number(0, 1), Fuzz.truth),
    "NtCreateFile": create_file,
    "NtCreateIoCompletion": create_of("IoCompletion", lambda f: f.number(0, 1, 2)),
    "NtCreateJobObject": create_of("Job"),
    "NtCreateKeyedEvent": create_of("KeyedEvent"),
    "NtCreateMutant": create_of("Mutant", lambda f: f.chance(0.3)),
    "NtCreateSection": create_section,
    "NtCreateSemaphore": create_of("Semaphore", lambda f: f.number(0, 1), lambda f: f.number(1, 9)),
    "NtCreateSymbolicLinkObject": create_of("SymbolicLink", lambda f: f.name(BASE)),
    "NtCreateTimer": create_of("Timer", lambda f: f.number(0, 1)),
    "NtDelayExecution": lambda f: call(f.number(0, -1, -(10**9)), alertable=f.chance(0.1)),
    "NtDeleteFile": delete_file,
    "NtDeviceIoControlFile": device_control,
    "NtDuplicateObject": duplicate,
    "NtDuplicateToken": lambda f: call(
        f.handle("Token"), f.access("Token"), f.attributes(None, 2), f.truth(), f.number(1, 2), f.number(0, 1, 2, 3)
    ),
    "NtExtendSection": extend_section,
    "NtFilterToken": filter_token,
    "NtFlushBuffersFile": on("File"),
    "NtFsControlFile": fs_control,
    "NtImpersonateAnonymousToken": on("Thread"),
    "NtImpersonateThread": lambda f: call(f.handle("Thread"), f.handle("Thread"), f.number(0, 1, 2, 3)),
    "NtIsProcessInJob": lambda f: call(f.handle("Process"), f.handle("Job") * f.truth()),
    "NtLockFile": lock,
    "NtMakePermanentObject": on(*EVERY),
    "NtMakeTemporaryObject": on(*EVERY),
    "NtMapViewOfSection": map_view,
    "NtNotifyChangeDirectoryFile": notify,
    "NtNotifyChangeDirectoryFileEx": notify_ex,
    "NtOpenDirectoryObject": open_of("Directory"),
    "NtOpenEvent": open_of("Event"),
    "NtOpenFile": open_file,
    "NtOpenIoCompletion": open_of("IoCompletion"),
    "NtOpenJobObject": open_of("Job"),
    "NtOpenKeyedEvent": open_of("KeyedEvent"),
    "NtOpenMutant": open_of("Mutant"),
    "NtOpenProcess": open_by_id("Process"),
    "NtOpenProcessToken": lambda f: call(f.number(-1), f.access("Token")),
    "NtOpenProcessTokenEx": lambda f: call(f.number(-1), f.access("Token"), f.flags(0x2)),
    "NtOpenSection": open_of("Section"),
    "NtOpenSemaphore": open_of("Semaphore"),
    "NtOpenSymbolicLinkObject": open_of("SymbolicLink"),
    "NtOpenThread": open_by_id("Thread"),
    "NtOpenThreadToken": open_thread_token,
    "NtOpenThreadTokenEx": open_thread_token,
    "NtOpenTimer": open_of("Timer"),
    "NtPrivilegeCheck": lambda f: call(f.handle("Token"), f.some(lambda: privilege(f)), f.truth()),
    "NtPulseEvent": on("Event"),
    "NtQueryAttributesFile": file_attributes,
    "NtQueryDirectoryFile": lambda f: directory_scan(f, **switches(f, "restart_scan", "return_single_entry")),
    "NtQueryDirectoryFileEx": lambda f: directory_scan(f, f.flags(0x3)),
    "NtQueryDirectoryObject": directory_object,
    "NtQueryEaFile": lambda f: call(f.file_with_eas(), f.number(1000), None, f.one([None, None, f.number(1)])),
    "NtQueryEvent": on("Event"),
    "NtQueryFullAttributesFile": file_attributes,
    "NtQueryInformationFile": lambda f: call(f.handle("File"), f.number(*query.QUERY_ACCESS)),
    "NtQueryInformationJobObject": lambda f: job_of(f, f.number(1, 2, 3, 9)),
    "NtQueryInformationThread": lambda f: call(f.handle("Thread"), f.number(4)),
    "NtQueryInformationToken": lambda f: call(f.handle("Token"), f.number(*range(1, 13), 15, 18, 20, 21, 25, 27)),
    "NtQueryIoCompletion": lambda f: call(f.handle("IoCompletion"), f.number(0)),
    "NtQueryMutant": on("Mutant"),
    "NtQueryObject": lambda f: call(f.handle(*EVERY), f.number(0, 1, 2, 3, 4)),
    "NtQuerySection": lambda f: call(f.handle("Section"), f.number(0, 0, 1)),
    "NtQuerySecurityObject": lambda f: call(f.handle(*EVERY), f.flags(0x7), f.one([None, f.number(1000)])),
    "NtQuerySemaphore": on("Semaphore"),
    "NtQuerySymbolicLinkObject": lambda f: call(f.handle("SymbolicLink"), f.one([None, f.number(100)])),
    "NtQueryTimer": on("Timer"),
    "NtQueryVolumeInformationFile": lambda f: call(f.handle("File"), f.number(*volume_query.QUERY_CLASSES)),
    "NtQueueApcThread": lambda f: call(f.handle("Thread"), print_nothing, 1, 2, 3),
    "NtReadFile": read,
    "NtReadVirtualMemory": lambda f: call(f.number(-1), mapped(f), f.number(0, 1, 100, PAGE)),
    "NtReleaseKeyedEvent": keyed,
    "NtReleaseMutant": own_mutant,
    "NtReleaseSemaphore": lambda f: call(f.handle("Semaphore"), f.number(1, 2)),
    "NtRemoveIoCompletion": lambda f: call(f.handle("IoCompletion"), f.timeout()),
    "NtRemoveIoCompletionEx": lambda f: wait(f, f.handle("IoCompletion"), f.number(1, 2, 3)),
    "NtResetEvent": on("Event"),
    "NtSetEaFile": lambda f: call(f.handle("File"), f.some(lambda: extended_attribute(f))),
    "NtSetEvent": on("Event"),
    "NtSetInformationFile": set_file,
    "NtSetInformationJobObject": set_job,
    "NtSetInformationObject": lambda f: call(
        f.handle(*EVERY), f.number(4), ObjectHandleFlagInformation(f.truth(), f.chance(0.1))
    ),
    "NtSetInformationThread": set_thread,
    "NtSetInformationToken": set_token,
    "NtSetIoCompletion": lambda f: call(f.handle("IoCompletion"), f.odd_number(), None, f.odd_number(), f.number(1)),
    "NtSetSecurityObject": lambda f: call(f.create(f.one(("Event", "Job"))), f.number(0x1, 0x2, 0x4), descriptor(f)),
    "NtSetTimer": set_timer,
    "NtSetVolumeInformationFile": set_volume,
    "NtSignalAndWaitForSingleObject": signal_and_wait,
    "NtTerminateJobObject": lambda f: call(f.handle("Job"), f.number(0, 1)),
    "NtTerminateProcess": lambda f: call(f.create("Process") if not f.odd() else f.handle("Process"), f.number(1)),
    "NtTerminateThread": lambda f: call(f.create("Thread") if not f.odd() else f.handle("Thread"), f.number(1)),
    "NtTestAlert": lambda _: call(),
    "NtUnlockFile": unlock,
    "NtUnmapViewOfSection": lambda f: call(f.number(-1), mapped(f)),
    "NtWaitForKeyedEvent": keyed,
    "NtWaitForMultipleObjects": lambda f: wait(
        f, [f.handle(*DISPATCHER) for _ in range(f.one([1, 2, 3, 64]))], f.number(0, 1)
    ),
    "NtWaitForSingleObject": lambda f: wait(f, f.handle(*DISPATCHER)),
    "NtWriteFile": write,
    "NtWriteVirtualMemory": lambda f: call(f.number(-1), mapped(f), f.data()),
}
