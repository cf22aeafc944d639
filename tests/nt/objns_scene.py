"""What rows of kind objns happen in: a directory with one object of each type, made through public services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim.fs.memfs import MemFs
from ntshim.fs.volume import Volume
from ntshim.ob.attributes import OBJ_INHERIT, ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, OBJ_PERMANENT
from ntshim.ob.symlink import SymbolicLink

from .kind import Unverified
from .world import Answer, World

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenAttributes

BASE = r"\BaseNamedObjects\oracle"

# What the rows call a type.
WORDS = {
    "dir": "directory",
    "directory": "directory",
    "mkdir": "directory",
    "event": "event",
    "mutant": "mutant",
    "mutex": "mutant",
    "semaphore": "semaphore",
    "keyed event": "keyed event",
    "timer": "timer",
    "io completion": "io completion",
    "job": "job",
    "link": "link",
    "link name": "link",
    "symlink name": "link",
    "symlink": "link",
    "symbolic link": "link",
}
TYPE = "(?:" + "|".join(sorted(WORDS, key=len, reverse=True)) + ")"


class Scene(World):
    r"""A world with `\BaseNamedObjects\oracle` open as `root`.

    `flags` are what a row's own call passes, `relative` whether below `root`; `verb` is open, create, or not told.
    """

    def __init__(self, flags: int = 0, *, relative: bool = False, verb: str = "") -> None:
        """Make the directory, and mount a drive."""
        super().__init__()
        self.executive.namespace.add(r"\Device\HarddiskVolume1", Volume(MemFs()))
        self.executive.namespace.add(r"\GLOBAL??\C:", SymbolicLink(r"\Device\HarddiskVolume1"))
        self.flags = flags
        self.relative = relative
        self.verb = verb
        self.root = self.make("directory", BASE)

    def attributes(self, name: Any, flags: int | None = None, root: int | None = None, **more: Any) -> ObjectAttributes:
        r"""Give attributes for a name: below `root`, in the scene's directory, or absolute if it begins with `\`."""
        flags = self.flags if flags is None else flags
        if root is not None:
            return ObjectAttributes(name, root, flags, **more)
        if isinstance(name, str) and not name.startswith("\\"):
            if self.relative:
                return ObjectAttributes(name, self.root, flags, **more)
            name = rf"{BASE}\{name}"
        return ObjectAttributes(name, 0, flags, **more)

    def create(
        self, kind: str, given: GivenAttributes, access: int = GENERIC_ALL, target: str = BASE, *, system: bool = False
    ) -> Answer:
        """Create an object of a type, for the caller or for the system process."""
        nt, caller = self.nt, self.system if system else self.thread
        calls = {
            "directory": lambda: nt.NtCreateDirectoryObject(caller, access, given),
            "event": lambda: nt.NtCreateEvent(caller, access, given, 0),
            "mutant": lambda: nt.NtCreateMutant(caller, access, given),
            "semaphore": lambda: nt.NtCreateSemaphore(caller, access, given, 0, 1),
            "keyed event": lambda: nt.NtCreateKeyedEvent(caller, access, given),
            "timer": lambda: nt.NtCreateTimer(caller, access, given, 0),
            "io completion": lambda: nt.NtCreateIoCompletion(caller, access, given),
            "job": lambda: nt.NtCreateJobObject(caller, access, given),
            "link": lambda: nt.NtCreateSymbolicLinkObject(caller, access, given, target),
        }
        return Answer(calls[kind])

    def open(self, kind: str, given: GivenAttributes, access: int = GENERIC_ALL) -> Answer:
        """Open an object of a type."""
        nt, caller = self.nt, self.thread
        services = {
            "directory": nt.NtOpenDirectoryObject,
            "event": nt.NtOpenEvent,
            "mutant": nt.NtOpenMutant,
            "semaphore": nt.NtOpenSemaphore,
            "keyed event": nt.NtOpenKeyedEvent,
            "timer": nt.NtOpenTimer,
            "io completion": nt.NtOpenIoCompletion,
            "job": nt.NtOpenJobObject,
            "link": nt.NtOpenSymbolicLinkObject,
        }
        return Answer(lambda: services[kind](caller, access, given))

    def make(self, kind: str, name: str, target: str = BASE, root: int | None = None) -> int:
        """Create what a row needs beforehand; gives the handle."""
        answer = self.create(kind, self.attributes(name, 0, root), target=target)
        if not isinstance(answer.value, int):
            raise Unverified(f"{kind} {name} cannot be made: {answer.status}")
        return answer.value

    def make_permanent(self, kind: str, name: str) -> None:
        """Create a permanent object, for which only the system has the privilege, and close it."""
        answer = self.create(kind, self.attributes(name, OBJ_PERMANENT | OBJ_INHERIT), system=True)
        self.nt.NtClose(self.system, answer.value)

    def close(self, handle: int) -> Answer:
        """Close a handle."""
        return Answer(lambda: self.nt.NtClose(self.thread, handle))
