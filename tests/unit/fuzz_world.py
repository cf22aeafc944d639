"""A system in which services are called at random: what is there to be named, and values right and wrong."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeVar

from ntshim import status as st
from ntshim.io import create
from ntshim.io.device import Device
from ntshim.io.ea import FileFullEaInformation
from ntshim.io.file import File
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.ke.clock import UNITS_PER_SECOND, ManualClock
from ntshim.ob import attributes as oa
from ntshim.ob.attributes import BadPointer, ObjectAttributes, UnicodeString
from ntshim.ob.object import GENERIC_ALL, MAXIMUM_ALLOWED, OBJ_PERMANENT
from ntshim.ob.types import ROWS
from ntshim.se.acl import Ace, Acl
from ntshim.se.descriptor import SecurityDescriptor
from ntshim.se.identity import DEFAULT_GROUP, DEFAULT_USER, SECURITY_IMPERSONATION, TOKEN_IMPERSONATION, Identity
from ntshim.se.privileges import PRIVILEGE_NAMES
from ntshim.se.token import Token
from ntshim.system import System

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.ps import Process, Thread

_Value = TypeVar("_Value")

BASE = r"\BaseNamedObjects"
DRIVE = r"\??\C:"
PATHS = ("file", "other", "folder", r"folder\inside", r"folder\FILE", "stream:name", "missing")
MOST_HANDLES = 150
# What a mask, a length, a handle or a time should never be, and what lies at the edges of 8 to 64 bits.
ODD_NUMBERS = (
    -(1 << 70), -(1 << 63), -(1 << 31), -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 127, 255, 256,
    1024, 4095, 4096, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
    1 << 64, 1 << 70,
)  # fmt: skip
ODD_TEXTS = (
    "", "\\", "\\\\", "a\\", "\\a\\\\b", ".", "..", "*", "?", "a\0b", "\ud800", "\U0001f600", "x" * 300, "\\??\\C:\\",
    "\\Device\\Null", "\\Device\\NamedPipe\\x", "\\REGISTRY\\MACHINE", "\\BaseNamedObjects", "\\??\\C:\\file:a:$DATA",
    "\\??\\C:\\file::$INDEX_ALLOCATION", "C:\\file", "x" * 40000, "\\ObjectTypes\\Event", ":", "::", "a:b:c:d",
)  # fmt: skip


class Fuzz:
    """One seed's system. A call's arguments are all right, or each is wrong now and then (`wildness`)."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock(UNITS_PER_SECOND)
        self.system = System(clock=self.clock)
        self.nt = self.system.nt
        self.wildness = 0.0
        self.count = 0
        self._stranger: Thread | None = None
        self.calling: Process | Thread | None = None
        self.keeper = self.system.new_thread(self.system.new_process("keeper"))
        self.keeper.process.token = Token(PRIVILEGE_NAMES)
        self.thread: Thread = self._caller()
        for path in ("folder", "file", "other", r"folder\inside"):
            options = create.FILE_DIRECTORY_FILE if path == "folder" else 0
            self.create_file(self.keeper, path, options=options)
        for path in ("", "\\There", "\\There\\Below"):
            name = ObjectAttributes(rf"\REGISTRY\MACHINE\SOFTWARE{path}")
            self.nt.NtCreateKey(self.keeper, MAXIMUM_ALLOWED, name)
        for kind, creator in CREATORS.items():
            made = creator(self, self.keeper, ObjectAttributes(rf"{BASE}\{kind}"))
            assert made.status == st.STATUS_SUCCESS

    def _caller(self) -> Thread:
        """Make a process that calls, and has a second thread."""
        process = self.system.new_process("caller")
        process.token = Token(PRIVILEGE_NAMES)
        self.system.new_thread(process)
        return self.system.new_thread(process)

    @property
    def process(self) -> Process:
        return self.thread.process

    def caller(self) -> Process | Thread:
        """Give who calls next: a thread that is alive, now and then a process as a whole."""
        gone = self.thread.exit_status is not None or self.process.exit_status is not None
        if gone or self.chance(0.02):
            self.thread = self._caller()
        table = self.process.handles
        if len(table) > MOST_HANDLES:
            for handle, _ in list(table.handles())[: MOST_HANDLES // 2]:
                table.discard(handle >> 2)
        return self.process if self.chance(0.1) else self.thread

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def odd(self) -> bool:
        """Whether the next value is to be a wrong one."""
        return self.chance(self.wildness)

    def number(self, *good: int) -> int:
        """Give one of these numbers."""
        return self.odd_number() if self.odd() else self.random.choice(good)

    def odd_number(self) -> int:
        if self.chance(0.5):
            return self.random.choice(ODD_NUMBERS)
        return self.random.randrange(-1 << self.random.randrange(1, 66), 1 << self.random.randrange(1, 66))

    def below(self, limit: int) -> int:
        """Give a number from 0 up to a limit."""
        return self.number(0, self.random.randrange(limit), limit - 1)

    def flags(self, mask: int) -> int:
        """Give some of the bits of a mask."""
        return self.number(0, mask, mask & self.random.getrandbits(64))

    def truth(self) -> bool:
        return self.chance(0.5)

    def some(self, make: Callable[[], _Value], most: int = 3) -> list[_Value]:
        """Give a few values."""
        return [make() for _ in range(self.random.randrange(most + 1))]

    def one(self, values: Sequence[_Value]) -> _Value:
        return self.random.choice(values)

    def data(self, most: int = 64) -> bytes:
        return self.random.randbytes(self.random.randrange(most + 1))

    def access(self, kind: str) -> int:
        """Give an access mask for a type."""
        return self.number(GENERIC_ALL, MAXIMUM_ALLOWED, ROWS[kind][4], ROWS[kind][0], ROWS[kind][2])

    def timeout(self) -> int | None:
        now = self.clock.system_time()
        return self.one([None, 0, -1, -UNITS_PER_SECOND, now, now + UNITS_PER_SECOND, self.number(0)])

    def name(self, good: Any) -> Any:
        """Give a name as a caller may: right, spelled otherwise, malformed, or a pointer that leads nowhere."""
        if not self.odd():
            return good
        text = self.one(ODD_TEXTS)
        longer = good + text if isinstance(good, str) else text
        raw = UnicodeString(text if self.truth() else unreadable(), self.odd_number())
        return self.one([text, longer, None, unreadable(), raw])

    def attributes(self, name: Any, flags: int = oa.OBJ_CASE_INSENSITIVE | oa.OBJ_INHERIT) -> Any:
        """Give object attributes with a name."""
        if self.odd() and self.chance(0.3):
            return self.one([None, BadPointer(st.STATUS_DATATYPE_MISALIGNMENT)])
        root = self.odd_number() if self.odd() else 0
        length = self.odd_number() if self.odd() and self.chance(0.2) else oa.OBJECT_ATTRIBUTES_SIZE
        user = SecurityDescriptor(DEFAULT_USER, DEFAULT_GROUP, Acl((Ace(0, 0, self.odd_number(), DEFAULT_USER),)))
        security = self.one([None, self.data(), b"", unreadable(), user]) if self.odd() else None
        return ObjectAttributes(self.name(name), root, self.flags(flags), security, length)

    def new(self, kind: str) -> Any:
        """Give attributes for an object that is to be made: none, a new name, or one that is there, to be opened."""
        self.count += 1
        if self.odd() or self.chance(0.1):
            return self.attributes(rf"{BASE}\{self.one([kind, *CREATORS])}", oa.OBJ_OPENIF | OBJ_PERMANENT)
        return None if self.chance(0.2) else self.attributes(rf"{BASE}\new {self.count}")

    def there(self, kind: str) -> Any:
        """Give attributes for an object of a type that is to be opened."""
        if self.chance(0.2):
            return ObjectAttributes(self.name(kind), self.number(self.base()), oa.OBJ_CASE_INSENSITIVE)
        return self.attributes(rf"{BASE}\{kind}")

    def path(self) -> Any:
        """Give attributes for a file."""
        return self.attributes(f"{DRIVE}\\{self.one(PATHS)}", oa.OBJ_CASE_INSENSITIVE)

    def handle(self, *kinds: str) -> int:
        """Give a handle of the caller to an object of one of these types, made if there is none."""
        if self.odd():
            return self.one([self.odd_number(), *[handle for handle, _ in self.process.handles.handles()]])
        kind = self.one(kinds)
        found = [
            handle
            for handle, entry in self.process.handles.handles()
            if is_a(kind, entry.object) and entry.access & 0xFFFF == entry.object.type.valid_mask & 0xFFFF
        ]
        if found and self.chance(0.8):
            return self.one(found)
        return MAKERS[kind](self)

    def handle_now(self, kind: str) -> int:
        """Give a right handle even in a wild call."""
        wildness, self.wildness = self.wildness, 0.0
        try:
            return self.handle(kind)
        finally:
            self.wildness = wildness

    def create(self, kind: str) -> int:
        """Give a handle of the caller to a new object of a type."""
        return MAKERS[kind](self)

    def stranger(self) -> Thread:
        """Give a thread of another process, alive, that can be opened by its id."""
        if self._stranger is None or self._stranger.exited:
            self._stranger = self.system.new_thread(self.system.new_process("stranger"))
        return self._stranger

    def base(self) -> int:
        """Open the directory in which the named objects are."""
        return self.nt.NtOpenDirectoryObject(self.process, MAXIMUM_ALLOWED, ObjectAttributes(BASE))

    def file_with_eas(self) -> int:
        handle = self.handle("File")
        if self.odd():
            return handle
        handle = self.file()
        self.nt.NtSetEaFile(self.process, handle, [FileFullEaInformation(0, "A", b"1")])
        return handle

    def create_file(self, caller: Process | Thread, path: str, options: int = 0, access: int = 0) -> int:
        name = ObjectAttributes(f"{DRIVE}\\{path}", 0, oa.OBJ_CASE_INSENSITIVE)
        access = access or ROWS["File"][4]
        made = self.nt.NtCreateFile(caller, access, name, 0, FILE_SHARE_ALL, create.FILE_OPEN_IF, options)
        return made.handle

    def file(self) -> int:
        """Open a file of its own, so that the state of another does not matter."""
        self.count += 1
        return self.create_file(self.process, f"file {self.count}")

    def directory_file(self) -> int:
        return self.create_file(self.process, "folder", create.FILE_DIRECTORY_FILE)

    def insert(self, target: Any) -> int:
        return self.process.handles.insert(target, target.type.valid_mask)

    def pass_time(self) -> None:
        self.clock.sleep(self.random.randrange(3 * UNITS_PER_SECOND))
        self.system.executive.dispatcher.due.run_due()


def unreadable() -> BadPointer:
    return BadPointer(st.STATUS_ACCESS_VIOLATION)


class Echo(Device):
    """A device that answers every code with what it was given."""

    __slots__ = ()

    def device_control(self, caller: Any, file: File, access: int, code: int, data: bytes) -> bytes:
        return data


def echo_file(f: Fuzz) -> int:
    """Open a file of such a device."""
    return f.insert(File(device=Echo()))


def is_a(kind: str, target: Any) -> bool:
    """Whether an object is of a type; an impersonation token is a type of its own here."""
    if isinstance(target, Token) and target.identity.token_type == TOKEN_IMPERSONATION:
        return kind == "ImpersonationToken"
    return bool(target.type.name == kind)


def impersonation_token(f: Fuzz) -> int:
    identity = Identity()
    identity.token_type, identity.impersonation_level = TOKEN_IMPERSONATION, SECURITY_IMPERSONATION
    return f.insert(Token(PRIVILEGE_NAMES, identity))


def _create(service: str, *rest: Any) -> Callable[[Fuzz, Any, Any], Any]:
    """Give what makes an object by a service."""
    return lambda f, caller, given: getattr(f.nt, service)(caller, GENERIC_ALL, given, *rest)


# What makes a named object of a type.
CREATORS: dict[str, Callable[[Fuzz, Any, Any], Any]] = {
    "Directory": _create("NtCreateDirectoryObject"),
    "Event": _create("NtCreateEvent", 0, False),
    "IoCompletion": _create("NtCreateIoCompletion"),
    "Job": _create("NtCreateJobObject"),
    "KeyedEvent": _create("NtCreateKeyedEvent"),
    "Mutant": _create("NtCreateMutant"),
    "Section": _create("NtCreateSection", 0x20000, 4, 0x8000000),
    "Semaphore": _create("NtCreateSemaphore", 1, 1000000),
    "SymbolicLink": _create("NtCreateSymbolicLinkObject", BASE),
    "Timer": _create("NtCreateTimer", 0),
}


def _anonymous(kind: str) -> Callable[[Fuzz], int]:
    """Give what makes an object of a type without a name."""
    return lambda f: CREATORS[kind](f, f.thread if kind == "Mutant" else f.process, None).handle


# What makes a handle of the caller to an object of a type, with all rights.
MAKERS: dict[str, Callable[[Fuzz], int]] = {
    **{kind: _anonymous(kind) for kind in CREATORS},
    "File": Fuzz.file,
    "Key": lambda f: f.nt.NtOpenKey(f.process, GENERIC_ALL, ObjectAttributes(r"\REGISTRY\MACHINE\SOFTWARE")),
    "Process": lambda f: f.insert(f.system.new_process("victim")),
    "Thread": lambda f: f.insert(f.system.new_thread(f.system.new_process("victim"))),
    "Token": lambda f: f.insert(Token(PRIVILEGE_NAMES)),
    "ImpersonationToken": impersonation_token,
}
