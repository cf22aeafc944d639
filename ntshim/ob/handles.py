"""The handle table of a process: values, entries, close rules, inheritance, duplication."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from ntshim import status as st
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED, OBJ_EXCLUSIVE, Object, ObjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from ntshim.ps.process import Process

PAGE_ENTRIES = 256
INDEX_LIMIT = 1 << 24

OBJ_PROTECT_CLOSE = 1
OBJ_INHERIT = 2
OBJ_AUDIT_OBJECT_CLOSE = 4
_ATTRIBUTES = OBJ_PROTECT_CLOSE | OBJ_INHERIT | OBJ_AUDIT_OBJECT_CLOSE

DUPLICATE_CLOSE_SOURCE = 1
DUPLICATE_SAME_ACCESS = 2
DUPLICATE_SAME_ATTRIBUTES = 4

CURRENT_PROCESS = -1
CURRENT_THREAD = -2
CURRENT_SESSION = -3
CURRENT_PROCESS_TOKEN = -4
CURRENT_THREAD_TOKEN = -5
CURRENT_EFFECTIVE_TOKEN = -6


class HandleEntry(NamedTuple):
    """What a handle stands for: the object, the access granted on it, the attribute bits."""

    object: Object
    access: int
    attributes: int


class HandleBacking(Protocol):
    """Where the truth about a range of indices lives outside of the table, such as a kernel's descriptor table."""

    def materialise(self, index: int) -> tuple[Object, int] | None:
        """Give object and granted access of an index, or None if nothing is open there.

        The table takes its own reference through the new handle; the caller's one stays the backing's.
        """

    def indices(self) -> Iterable[int]:
        """Give every index that is open now."""


class Caller(Protocol):
    """In whose name a service runs: a thread, or a process of which no thread matters."""

    @property
    def process(self) -> Object:
        """The process that calls."""

    @property
    def thread(self) -> Object | None:
        """The thread that calls, if one does."""

    @property
    def token(self) -> Object | None:
        """The primary token of the process that calls, if it has one."""

    @property
    def effective_token(self) -> Object | None:
        """The token that the thread impersonates with, otherwise the primary one."""


def index_to_handle(index: int) -> int:
    """Give the handle value of an index: multiples of 4 (facts/nt.md section 2)."""
    return index << 2


def handle_to_index(handle: int) -> int:
    """Give the index of a handle value; the two low bits are free tag bits and ignored."""
    return handle >> 2


def nth_index(n: int) -> int:
    """Give the n-th index in use, counted from 0: the first of every 256 is reserved."""
    return n + 1 + n // (PAGE_ENTRIES - 1)


def index_number(index: int) -> int:
    """Give n for the index that is `nth_index(n)`; raises STATUS_INVALID_HANDLE for a reserved or negative index."""
    if index < 0 or index % PAGE_ENTRIES == 0:
        raise st.NtError(st.STATUS_INVALID_HANDLE)
    return index - 1 - index // PAGE_ENTRIES


def resolve_pseudo_handle(handle: int, caller: Caller) -> Object | None:
    """Give the object of a pseudo-handle (-1 to -6), or None if `handle` is an ordinary one.

    Pseudo-handles are never in a table. Without a thread of its own a caller has no current thread, and sessions are
    no objects here: STATUS_INVALID_HANDLE. STATUS_NO_TOKEN for a thread that does not impersonate.
    """
    if not CURRENT_EFFECTIVE_TOKEN <= handle <= CURRENT_PROCESS:
        return None
    found: Object | None = None
    if handle == CURRENT_PROCESS:
        found = caller.process
    elif handle == CURRENT_THREAD:
        found = caller.thread
    elif handle == CURRENT_PROCESS_TOKEN:
        found = caller.token
    elif handle == CURRENT_THREAD_TOKEN:
        found = caller.effective_token
        if found is caller.token:
            found = None
    elif handle == CURRENT_EFFECTIVE_TOKEN:
        found = caller.effective_token
    if found is None:
        missing_token = handle <= CURRENT_PROCESS_TOKEN
        raise st.NtError(st.STATUS_NO_TOKEN if missing_token else st.STATUS_INVALID_HANDLE)
    return found


class IndexAllocator:
    """Hands out indices: the most recently freed first, then upward; index 0 of every 256 is never given."""

    __slots__ = ("_first", "_free", "_next")

    def __init__(self, first_index: int) -> None:
        """Start at `first_index`."""
        self._first = first_index
        self._next = first_index
        # A dict is a stack that also finds and drops an entry in its middle.
        self._free: dict[int, None] = {}

    def allocate(self, used: Container[int]) -> int:
        """Give a free index that is not in `used`; raises STATUS_INSUFFICIENT_RESOURCES at 2^24."""
        if self._free:
            return self._free.popitem()[0]
        index = self._next
        while index % PAGE_ENTRIES == 0 or index in used:
            index += 1
        if index >= INDEX_LIMIT:
            raise st.NtError(st.STATUS_INSUFFICIENT_RESOURCES)
        self._next = index + 1
        return index

    def take(self, index: int) -> None:
        """Note that `index` is used by somebody who chose it."""
        self._free.pop(index, None)

    def free(self, index: int) -> None:
        """Note that `index` may be given again."""
        if self._first <= index < self._next:
            self._free[index] = None

    def reset(self) -> None:
        """Forget everything: no index is in use."""
        self._next = self._first
        self._free.clear()


class HandleTable:
    """The handles of one process, or of several that share it. Nothing remains of a handle that was closed.

    With a `backing` the table is made lazily: an entry for one of its indices appears when somebody looks. The
    backing's indices must lie below `first_index`. Entries go in two ways. `close` is the NT rule: the handle must
    exist (the backing is asked) and must not be protected. `discard` is for a host that has closed, or will close,
    the descriptor itself: it forgets the entry if there is one, asks nobody and cannot fail.
    """

    __slots__ = ("_backing", "_entries", "_indices", "_users")

    def __init__(self, *, first_index: int = 1, backing: HandleBacking | None = None) -> None:
        """Make an empty table with one user."""
        self._entries: dict[int, HandleEntry] = {}
        self._indices = IndexAllocator(first_index)
        self._backing = backing
        self._users = 1

    def __len__(self) -> int:
        """Count the entries that are made; a backing may know of more handles."""
        return len(self._entries)

    def handles(self) -> Iterator[tuple[int, HandleEntry]]:
        """Give every handle with its entry in ascending order, those that the backing knows included."""
        indices = set(self._entries)
        if self._backing is not None:
            indices.update(self._backing.indices())
        for index in sorted(indices):
            entry = self._find(index)
            if entry is not None:
                yield index_to_handle(index), entry

    def look_up(self, handle: int, object_type: ObjectType | None = None, desired_access: int = 0) -> HandleEntry:
        """Give the entry of a handle; the object is borrowed, not referenced.

        Raises STATUS_INVALID_HANDLE, then STATUS_OBJECT_TYPE_MISMATCH, then STATUS_ACCESS_DENIED, as
        ObReferenceObjectByHandle.
        """
        entry = self._find(handle_to_index(handle))
        if entry is None:
            raise st.NtError(st.STATUS_INVALID_HANDLE)
        if object_type is not None and entry.object.type is not object_type:
            raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
        if desired_access & ~entry.access:
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        return entry

    def peek(self, index: int) -> HandleEntry | None:
        """Give the entry of an index if it has been made; the backing is not asked."""
        return self._entries.get(index)

    def holds(self, target: Object) -> bool:
        """Whether a handle to an object has been made here."""
        return any(entry.object is target for entry in self._entries.values())

    def made_indices(self, first: int, last: int) -> list[int]:
        """Give the indices from `first` to `last`, both included, whose entries have been made."""
        return [index for index in self._entries if first <= index <= last]

    def insert(self, target: Object, access: int, attributes: int = 0) -> int:
        """Make a handle to `target` with the access granted; gives its value."""
        index = self._indices.allocate(self._entries)
        target.handle_opened()
        self._entries[index] = HandleEntry(target, access, attributes & _ATTRIBUTES)
        return index_to_handle(index)

    def insert_at(self, index: int, target: Object, access: int, attributes: int = 0) -> int:
        """Make a handle at an index that the host chose; what was there is discarded. Gives the handle's value.

        Raises STATUS_INVALID_HANDLE for an index that no handle can have.
        """
        if not 0 < index < INDEX_LIMIT or index % PAGE_ENTRIES == 0:
            raise st.NtError(st.STATUS_INVALID_HANDLE)
        target.handle_opened()
        old = self._entries.get(index)
        self._entries[index] = HandleEntry(target, access, attributes & _ATTRIBUTES)
        self._indices.take(index)
        if old is not None:
            old.object.handle_closed()
        return index_to_handle(index)

    def close(self, handle: int) -> None:
        """Close a handle: STATUS_INVALID_HANDLE if there is none, STATUS_HANDLE_NOT_CLOSABLE if it is protected."""
        index = handle_to_index(handle)
        entry = self._find(index)
        if entry is None:
            raise st.NtError(st.STATUS_INVALID_HANDLE)
        if entry.attributes & OBJ_PROTECT_CLOSE:
            raise st.NtError(st.STATUS_HANDLE_NOT_CLOSABLE)
        self._remove(index, entry)

    def discard(self, index: int) -> bool:
        """Forget the entry of an index, protected or not, without asking the backing; gives whether there was one."""
        entry = self._entries.get(index)
        if entry is None:
            return False
        self._remove(index, entry)
        return True

    def discard_range(self, first: int, last: int) -> int:
        """Forget the entries of all indices from `first` to `last`, both included; gives their number."""
        if last - first < len(self._entries):
            return sum([self.discard(index) for index in range(first, last + 1)])
        return sum([self.discard(index) for index in list(self._entries) if first <= index <= last])

    def set_attributes(self, handle: int, attributes: int) -> None:
        """Replace the attribute bits of a handle (protect from close, inherit, audit)."""
        entry = self.look_up(handle)
        self._entries[handle_to_index(handle)] = entry._replace(attributes=attributes & _ATTRIBUTES)

    def inherit_from(self, parent: HandleTable) -> None:
        """Copy the parent's inheritable entries: same value, access and attributes (facts/nt.md section 2).

        Entries that came from a backing are not inheritable by themselves: the child's own backing knows them.
        """
        for index, entry in list(parent._entries.items()):
            if entry.attributes & OBJ_INHERIT:
                self.insert_at(index, *entry)

    def share(self) -> HandleTable:
        """Count one more process that uses this table; gives the table."""
        self._users += 1
        return self

    def release(self) -> None:
        """Count one process less; the last one closes every handle, protected ones included."""
        self._users -= 1
        if self._users > 0:
            return
        while self._entries:
            self.discard(next(reversed(self._entries)))

    def _find(self, index: int) -> HandleEntry | None:
        """Give the entry of an index; one that only the backing knows is made now."""
        entry = self._entries.get(index)
        if entry is not None or self._backing is None:
            return entry
        if not 0 < index < INDEX_LIMIT or index % PAGE_ENTRIES == 0:
            return None
        made = self._backing.materialise(index)
        if made is None:
            return None
        self.insert_at(index, *made)
        return self._entries[index]

    def _remove(self, index: int, entry: HandleEntry) -> None:
        """Take an entry out, then let its object know, whose hooks may use the table again."""
        del self._entries[index]
        if self._entries:
            self._indices.free(index)
        else:
            self._indices.reset()
        entry.object.handle_closed()


def duplicate_access(entry: HandleEntry, opener: Process | None, desired_access: int, options: int) -> int:
    """Give the access of a duplicate made for the process `opener`; raises STATUS_ACCESS_DENIED.

    More than the source was granted is only for types with the default security, and never more than `opener` may
    have; bits that the type does not know are refused (facts/nt.md section 2).
    """
    object_type = entry.object.type
    maximum = object_type.maximum_access(entry.object, opener)
    if options & DUPLICATE_SAME_ACCESS:
        access = entry.access
    else:
        access = object_type.map_generic(desired_access)
        allowed = entry.access
        if object_type.default_security:
            if entry.object.security is not None and access & ~entry.access:
                return _widened_access(entry.object, opener, access, maximum)
            allowed = maximum
        if access & MAXIMUM_ALLOWED:
            access = (access & ~MAXIMUM_ALLOWED) | (allowed & maximum)
        if access & ~allowed:
            raise st.NtError(st.STATUS_ACCESS_DENIED)
    if access & ~(maximum | (entry.access & ACCESS_SYSTEM_SECURITY)):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    return access


def _widened_access(target: Object, opener: Process | None, access: int, maximum: int) -> int:
    """Give more access than a source had, as far as the object's descriptor lets the process `opener` have it."""
    from ntshim.se.check import grant_by_descriptor

    return grant_by_descriptor(target, opener, access, maximum)


def duplicate(
    entry: HandleEntry,
    close_source: Callable[[], None],
    target: tuple[Process, HandleTable | None] | None,
    desired_access: int,
    attributes: int,
    options: int,
    target_index: int | None = None,
) -> int | None:
    """Duplicate an entry into the table of the target process; gives the new handle, None without a target.

    The source is closed before the new handle is inserted and even if the call then fails; no target is good for
    closing only (STATUS_INVALID_PARAMETER otherwise); a target without a table is ending
    (STATUS_PROCESS_IS_TERMINATING). `close_source` does what closing the source takes. Source: facts/nt.md section 2.
    """
    if target is None and not options & DUPLICATE_CLOSE_SOURCE:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    entry.object.reference()
    try:
        if options & DUPLICATE_CLOSE_SOURCE:
            close_source()
        if target is None:
            return None
        opener, table = target
        if table is None:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        if entry.object.attributes & OBJ_EXCLUSIVE and entry.object.handle_count:
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        access = duplicate_access(entry, opener, desired_access, options)
        if options & DUPLICATE_SAME_ATTRIBUTES:
            attributes = entry.attributes
        if target_index is None:
            return table.insert(entry.object, access, attributes)
        return table.insert_at(target_index, entry.object, access, attributes)
    finally:
        entry.object.dereference()
