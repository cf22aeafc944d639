"""What every object has: a type, a count of references, a count of handles, and the hooks at the end of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from ntshim import status as st

if TYPE_CHECKING:
    from ntshim.ob.directory import Directory
    from ntshim.ob.parse import ParseRequest
    from ntshim.ps.process import Process, Thread
    from ntshim.se.descriptor import SecurityDescriptor

DELETE = 0x10000
READ_CONTROL = 0x20000
WRITE_DAC = 0x40000
WRITE_OWNER = 0x80000
SYNCHRONIZE = 0x100000
ACCESS_SYSTEM_SECURITY = 0x1000000
MAXIMUM_ALLOWED = 0x2000000
GENERIC_ALL = 0x10000000
GENERIC_EXECUTE = 0x20000000
GENERIC_WRITE = 0x40000000
GENERIC_READ = 0x80000000

OBJ_PERMANENT = 0x10
OBJ_EXCLUSIVE = 0x20


class GenericMapping(NamedTuple):
    """The specific rights that stand behind the four generic ones, as GENERIC_MAPPING."""

    read: int
    write: int
    execute: int
    all: int


class Reparse(NamedTuple):
    """A parse routine's answer that the walk begins again at the root, with this absolute name (STATUS_REPARSE)."""

    name: str


class ObjectType:
    """A type of objects: its rights, how a name goes on inside, what happens when the last handle and reference go.

    `has_parse_routine` says that `parse` takes over when a look-up meets an object of the type. `case_insensitive`
    says that names which lead to the type are compared without regard to case even if the caller did not ask for
    it, unless the namespace's `ob_case_insensitive` is off (facts/nt.md section 1.1).
    """

    __slots__ = ("default_security", "generic_mapping", "name", "valid_mask")

    has_parse_routine: ClassVar[bool] = False
    case_insensitive: ClassVar[bool] = False

    def __init__(self, name: str, mapping: GenericMapping, valid_mask: int, *, default_security: bool = True) -> None:
        """Describe a type.

        `default_security` says that the type keeps its security descriptor in the usual way; only then may a
        duplicate be granted more than its source was (facts/nt.md section 2, widening).
        """
        self.name = name
        self.generic_mapping = mapping
        self.valid_mask = valid_mask
        self.default_security = default_security

    def map_generic(self, access: int) -> int:
        """Replace the generic rights in an access mask by the specific ones, as RtlMapGenericMask."""
        if not access & 0xF0000000:
            return access
        mapping = self.generic_mapping
        specific = access & 0x0FFFFFFF
        if access & GENERIC_READ:
            specific |= mapping.read
        if access & GENERIC_WRITE:
            specific |= mapping.write
        if access & GENERIC_EXECUTE:
            specific |= mapping.execute
        if access & GENERIC_ALL:
            specific |= mapping.all
        return specific

    def maximum_access(self, target: Object, opener: Object | None) -> int:  # noqa: ARG002 - the types that look override
        """Give the most that `opener`, a process or None for the executive, may be granted on `target`."""
        return self.valid_mask

    def parse(self, target: Object, request: ParseRequest) -> Object | Reparse:
        r"""Go on with a name at an object of this type; gives the object that it leads to.

        Called when a look-up meets `target` before or at the end of the name (facts/nt.md section 1.2, step 3), and
        when `target` is the RootDirectory (step 1). It is not called where a new object of another family is being
        inserted: such a name ends in STATUS_OBJECT_TYPE_MISMATCH or STATUS_OBJECT_NAME_COLLISION.

        `request.name` is what remains: "" if nothing does, "\\..." behind an object that was met on the way, and a
        name without a leading backslash below a RootDirectory. The routine checks the rest itself, answers as it
        likes (STATUS_OBJECT_NAME_INVALID, _NAME_NOT_FOUND, _PATH_NOT_FOUND ... as NtError), and says with
        STATUS_OBJECT_TYPE_MISMATCH that `request.desired_type` or `request.context` cannot be meant for it. What
        else the request holds, and how the granted access is told, stands at `ParseRequest`.

        The object given carries one reference that now belongs to the caller; a new object's own first reference
        is that one. `target` is borrowed: keep it alive with `reference`. The handle is made afterwards, and
        if that fails the reference is given back without any handle having been: so `delete` must clean up what
        `close` would have. A Reparse makes the walk begin again at the root.
        """
        raise NotImplementedError

    def is_container(self, target: Object) -> bool:  # noqa: ARG002 - types of containers override
        """Whether objects are made below an object, which inherit from its descriptor."""
        return False

    def get_security(self, target: Object) -> SecurityDescriptor | None:
        """Give the security descriptor of an object, None if it has none: everybody may do everything."""
        return target.security

    def put_security(self, target: Object, descriptor: SecurityDescriptor) -> None:
        """Replace the security descriptor of an object."""
        target.security = descriptor

    def keeps_name(self, target: Object) -> bool:  # noqa: ARG002 - the type Directory overrides
        """Whether a temporary object keeps its name although no handle leads to it."""
        return False

    def query_name(self, target: Object) -> str:
        """Give the full name of an object for NtQueryObject, "" if it has none.

        "..." stands for a directory above it that has no name (ReactOS, obname.c).
        """
        if target.name is not None:
            target.name.directory.confirm(target.name.text)
        components: list[str] = []
        top = ""
        name = target.name
        while name is not None:
            components.append(name.text)
            top = "\\" if name.directory.is_root else "...\\"
            name = name.directory.name
        return top + "\\".join(reversed(components))

    def close(self, target: Object) -> None:
        """Clean up: the last handle to `target` is gone, references may remain."""

    def delete(self, target: Object) -> None:
        """Free what `target` holds: its last reference is gone."""


class ObjectName(NamedTuple):
    """Where an object is found: the directory, on which this holds a reference, and the name in it."""

    directory: Directory
    text: str


class Object:
    """The common head of all objects. A new one has one reference, its creator's, no handle and no name.

    `attributes` are OBJ_PERMANENT and OBJ_EXCLUSIVE. `security` is the descriptor of an object whose type keeps it in
    the usual way; without one the object is everybody's.
    """

    __slots__ = ("attributes", "handle_count", "name", "pointer_count", "security", "type")

    def __init__(self, object_type: ObjectType) -> None:
        """Make an object of a type."""
        self.type = object_type
        self.pointer_count = 1
        self.handle_count = 0
        self.attributes = 0
        self.name: ObjectName | None = None
        self.security: SecurityDescriptor | None = None

    def reference(self) -> None:
        """Take a reference, as ObReferenceObject."""
        self.pointer_count += 1

    def dereference(self) -> None:
        """Give a reference back; the last one deletes the object, as ObDereferenceObject."""
        if self.pointer_count <= 0:
            raise RuntimeError(f"{self.type.name} dereferenced more often than referenced")
        self.pointer_count -= 1
        if self.pointer_count == 0:
            self.type.delete(self)

    def handle_opened(self) -> None:
        """Count a new handle, which holds a reference too."""
        self.handle_count += 1
        self.pointer_count += 1

    def handle_closed(self) -> None:
        """Count a closed handle; the last one cleans up before its reference goes (facts/nt.md section 2)."""
        if self.handle_count <= 0:
            raise RuntimeError(f"{self.type.name} has no handle left to close")
        self.handle_count -= 1
        try:
            if self.handle_count == 0:
                self.type.close(self)
        finally:
            if self.name is not None:
                self.release_name()
            self.dereference()

    def release_name(self) -> None:
        """Take the name off unless a handle, OBJ_PERMANENT or the type keeps it (facts/nt.md section 1.3).

        Directories above that were kept by this name alone lose theirs too.
        """
        target: Object = self
        while target.name is not None:
            if target.handle_count or target.attributes & OBJ_PERMANENT or target.type.keeps_name(target):
                return
            directory, text = target.name
            target.name = None
            directory.remove(text)
            directory.dereference()
            target = directory


def grant_access(target: Object, caller: Process | Thread | None, desired_access: int) -> int:
    """Give the access mask that a caller, None for the executive, gets when it opens an existing object.

    Raises STATUS_ACCESS_DENIED for an empty mask, for bits that the type does not know, for what it keeps from this
    opener and for what the object's descriptor does (facts/nt.md sections 1.1 and 2); STATUS_PRIVILEGE_NOT_HELD for
    ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege.
    """
    access = target.type.map_generic(desired_access)
    maximum = target.type.maximum_access(target, None if caller is None else caller.process)
    if target.security is not None or access & ACCESS_SYSTEM_SECURITY:
        from ntshim.se.check import grant_by_descriptor

        return grant_by_descriptor(target, caller, access, maximum)
    if access & MAXIMUM_ALLOWED:
        access = (access & ~MAXIMUM_ALLOWED) | maximum
    if not access or access & ~maximum:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    return access


def grant_new_access(target: Object, caller: Process | Thread, desired_access: int) -> int:
    """Give the access mask that the creator of an object gets on it, whatever its descriptor says; it may be empty.

    Raises STATUS_ACCESS_DENIED for bits that the type does not know (facts/nt.md sections 1.1 and 2), and
    STATUS_PRIVILEGE_NOT_HELD as `grant_access`.
    """
    access = target.type.map_generic(desired_access)
    valid = target.type.valid_mask
    if access & MAXIMUM_ALLOWED:
        access = (access & ~MAXIMUM_ALLOWED) | valid
    if access & ACCESS_SYSTEM_SECURITY:
        from ntshim.se.check import require_system_security

        require_system_security(caller, access, valid)
        valid |= ACCESS_SYSTEM_SECURITY
    if access & ~valid:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    return access
