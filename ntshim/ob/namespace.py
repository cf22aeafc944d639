r"""The standard tree of object names (facts/nt.md section 1.4), and the device map of a logon.

Its devices serve nothing: who brings a driver adds the device in their place, and drives with a link below `\GLOBAL??`.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ntshim.cm.key import RegistryRoot
from ntshim.io.device import Device
from ntshim.io.pipe import NamedPipeDevice
from ntshim.ke.event import NOTIFICATION_EVENT, Event
from ntshim.ke.keyed_event import KeyedEvent
from ntshim.ob.directory import Directory, RootDirectory
from ntshim.ob.hosted import HostedDirectory
from ntshim.ob.object import OBJ_PERMANENT, Object
from ntshim.ob.symlink import SymbolicLink
from ntshim.ob.types import ROWS, make_type
from ntshim.ps.directory import ProcessDirectory, ThreadDirectory
from ntshim.ps.process import PROCESS_DIRECTORY, THREAD_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ntshim.ps.executive import Executive

DIRECTORIES = (
    r"\ArcName",
    r"\Callback",
    r"\Driver",
    r"\FileSystem",
    r"\RPC Control",
    r"\UMDFCommunicationPorts",
    r"\Windows\WindowStations",
    r"\Sessions\0\AppContainerNamedObjects",
    r"\Sessions\1\AppContainerNamedObjects",
    r"\Sessions\1\DosDevices",
    r"\Sessions\1\Windows\WindowStations",
)

DEVICES = ("Afd", "ConDrv", "KsecDD", "Mailslot", "MountPointManager", "Mup", "Null")

LINKS = {
    r"\DosDevices": r"\??",
    r"\GLOBAL??\AUX": r"\DosDevices\COM1",
    r"\GLOBAL??\COM1": r"\Device\Serial0",
    r"\GLOBAL??\CON": r"\Device\ConDrv\Console",
    r"\GLOBAL??\CONIN$": r"\Device\ConDrv\CurrentIn",
    r"\GLOBAL??\CONOUT$": r"\Device\ConDrv\CurrentOut",
    r"\GLOBAL??\Global": r"\GLOBAL??",
    r"\GLOBAL??\GLOBALROOT": "",
    r"\GLOBAL??\MAILSLOT": r"\Device\Mailslot",
    r"\GLOBAL??\MountPointManager": r"\Device\MountPointManager",
    r"\GLOBAL??\NUL": r"\Device\Null",
    r"\GLOBAL??\PhysicalDrive0": r"\Device\Harddisk0\DR0",
    r"\GLOBAL??\PIPE": r"\Device\NamedPipe",
    r"\GLOBAL??\UNC": r"\Device\Mup",
    r"\KnownDlls\KnownDllPath": r"C:\Windows\System32",
    r"\KnownDlls32\KnownDllPath": r"C:\Windows\SysWOW64",
    r"\BaseNamedObjects\Global": r"\BaseNamedObjects",
    r"\BaseNamedObjects\Local": r"\BaseNamedObjects",
    r"\BaseNamedObjects\Session": r"\Sessions\BNOLINKS",
    r"\Sessions\0\BaseNamedObjects": r"\BaseNamedObjects",
    r"\Sessions\0\Windows": r"\Windows",
    r"\Sessions\1\BaseNamedObjects\Global": r"\BaseNamedObjects",
    r"\Sessions\1\BaseNamedObjects\Local": r"\Sessions\1\BaseNamedObjects",
    r"\Sessions\1\BaseNamedObjects\Session": r"\Sessions\BNOLINKS",
    r"\Sessions\BNOLINKS\0": r"\Sessions\0\BaseNamedObjects",
    r"\Sessions\BNOLINKS\1": r"\Sessions\1\BaseNamedObjects",
}

EVENTS = (
    r"\KernelObjects\HighMemoryCondition",
    r"\KernelObjects\HighNonPagedPoolCondition",
    r"\KernelObjects\HighPagedPoolCondition",
    r"\KernelObjects\LowMemoryCondition",
    r"\KernelObjects\LowNonPagedPoolCondition",
    r"\KernelObjects\LowPagedPoolCondition",
    r"\KernelObjects\MemoryErrors",
    r"\KernelObjects\SystemErrorPortReady",
    r"\Security\LSA_AUTHENTICATION_INITIALIZED",
)

# A logon session of a user; those below 1000 belong to the system (winnt.h: SYSTEM_LUID is 3e7).
LOCAL_DOS_DEVICES = r"\Sessions\0\DosDevices\00000000-000186a0"

TYPE = make_type("Type")


class DeviceMap(Directory):
    r"""The directory `\??`: the logon's own DOS devices hide the global ones, and new names are the logon's."""

    __slots__ = ("_global", "_local")

    def __init__(self, local: Directory, common: Directory) -> None:
        """Show two directories as one."""
        super().__init__()
        self._local = local
        self._global = common

    def entries(self) -> Mapping[str, Object]:
        """Give what both directories hold."""
        return {**self._global.entries(), **self._local.entries()}

    def following(self, place: int) -> Iterator[tuple[int, str]]:
        """Give the names in both from a place on."""
        return islice(enumerate(self.entries()), place, None)

    def find(self, name: str, ignore_case: bool = False) -> Object | None:
        """Give the object of a name, borrowed, or None."""
        found = self._local.find(name, ignore_case)
        return self._global.find(name, ignore_case) if found is None else found

    def find_rival(self, name: str, ignore_case: bool = False) -> Object | None:
        """Give what has a name in the logon's own directory: a global one is hidden by what is new."""
        return self._local.find(name, ignore_case)

    def insert(self, name: str, target: Object) -> None:
        """Name an object in the logon's own directory."""
        self._local.insert(name, target)


class Namespace:
    r"""The names of one executive. What is added here is permanent: the executive itself keeps it.

    `named_objects` is `\BaseNamedObjects`, in which a host may have names too.
    """

    __slots__ = ("named_objects", "ob_case_insensitive", "root")

    def __init__(self) -> None:
        r"""Make a namespace with nothing but `\`."""
        self.root = RootDirectory()
        self.named_objects = HostedDirectory()
        self.ob_case_insensitive = True

    def directory(self, path: str) -> Directory:
        """Give a directory by its absolute path, borrowed; those that are missing on the way are made."""
        found: Directory = self.root
        for component in path.split("\\")[1:]:
            entry = found.find(component)
            if entry is None:
                entry = self._name(found, component, Directory())
            if not isinstance(entry, Directory):
                raise TypeError(f"{path}: {component} is no directory")
            found = entry
        return found

    def add(self, path: str, target: Object) -> None:
        """Name a new object by an absolute path; takes its creator's reference over.

        What has the name and is not open gives way.
        """
        parent, _, name = path.rpartition("\\")
        directory = self.directory(parent)
        present = directory.find(name)
        if present is not None:
            present.attributes &= ~OBJ_PERMANENT
            present.release_name()
        self._name(directory, name, target)

    def _name(self, directory: Directory, name: str, target: Object) -> Object:
        """Make a new object permanent in a directory, which from now on keeps it."""
        target.attributes |= OBJ_PERMANENT
        directory.insert(name, target)
        target.dereference()
        return target


def build_namespace(executive: Executive) -> Namespace:
    """Make the standard tree of an executive."""
    namespace = Namespace()
    namespace.add(r"\BaseNamedObjects", namespace.named_objects)
    for path in DIRECTORIES:
        namespace.directory(path)
    for name in DEVICES:
        namespace.add(rf"\Device\{name}", Device())
    namespace.add(r"\Device\NamedPipe", NamedPipeDevice())
    for path, target in LINKS.items():
        namespace.add(path, SymbolicLink(target))
    for path in EVENTS:
        namespace.add(path, Event(NOTIFICATION_EVENT))
    namespace.add(r"\KernelObjects\CritSecOutOfMemoryEvent", KeyedEvent())
    for name in ROWS:
        namespace.add(rf"\ObjectTypes\{name}", Object(TYPE))
    namespace.add(r"\REGISTRY", RegistryRoot())
    namespace.add(r"\??", DeviceMap(namespace.directory(LOCAL_DOS_DEVICES), namespace.directory(r"\GLOBAL??")))
    namespace.add(PROCESS_DIRECTORY, ProcessDirectory(executive))
    namespace.add(THREAD_DIRECTORY, ThreadDirectory(executive))
    return namespace
